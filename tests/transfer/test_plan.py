"""Which models an experiment needs, and what each depends on."""

from dataclasses import replace

import pytest

from bloodbank.errors import UsageError
from bloodbank.execution import needed_tasks
from bloodbank.experiment.load import make_experiment
from bloodbank.store import Store
from bloodbank.transfer import Cell, cells_of, make_plan, make_tasks, targets_of
from bloodbank.transfer.schedule import count_pieces

STAGES = ("corpus", "tokenizer", "tokens", "audit", "masks", "models", "scores")
LANGUAGES = [f"x-l{i}" for i in range(21)]


@pytest.fixture
def experiment(tmp_path):
    def make(languages=("x-a", "x-b", "x-c"), **content):
        for language in languages:
            path = tmp_path / f"{language}.txt"
            if not path.exists() and not (tmp_path / "moved").exists():
                path.write_text(f"text of {language}\n", encoding="utf-8")
        content = {"preset": "quick", "languages": list(languages), "corpus": {"path": "{language}.txt"}} | content
        content["scoring"] = {"baseline": "alone"} | content.get("scoring", {})
        content["grid"] = {"zero_shot": False} | content.get("grid", {})
        return make_experiment(content, where="test", base=tmp_path)

    return make


def count(cells):
    return sum(not cell.donor for cell in cells), sum(bool(cell.donor) for cell in cells)


def test_all_ordered_pairs_by_default(experiment):
    assert count(cells_of(experiment())) == (3, 6)
    assert count(cells_of(experiment(seeds=[0, 5]))) == (6, 12)


def test_one_recipient_and_twenty_donors_need_41_models(experiment):
    cells = cells_of(experiment(LANGUAGES, grid={"recipients": ["x-l0"]}))
    assert count(cells) == (21, 20)
    assert {cell.recipient for cell in cells if cell.donor} == {"x-l0"}


def test_restricted_grids_train_only_what_they_need(experiment):
    assert count(cells_of(experiment(grid={"donors": ["x-a"]}))) == (3, 2)
    cells = cells_of(experiment(grid={"pairs": [["x-a", "x-b"]]}))
    assert cells == [
        Cell("monolingual", "", "x-a", 0), Cell("monolingual", "", "x-b", 0), Cell("sequential", "x-a", "x-b", 0)
    ]  # fmt: skip
    with pytest.raises(UsageError, match="grid is empty"):
        cells_of(experiment(grid={"donors": ["x-a"], "recipients": ["x-a"]}))


def test_ragged_seeds_measure_pairs_that_share_them(experiment):
    cells = cells_of(experiment(seeds=[0], more_seeds={"x-a": [1, 2], "x-b": [1]}))
    bilingual = {(c.donor, c.recipient, c.seed) for c in cells if c.donor}
    assert {c for c in bilingual if c[2] == 1} == {("x-a", "x-b", 1), ("x-b", "x-a", 1)}
    assert not {c for c in bilingual if c[2] == 2}  # nobody to pair with, so nothing to train
    assert count(cells) == (3 + 2, 6 + 2)


def changed(before, after):
    old, new = before.keys(), after.keys()
    return {name.split("/")[0] for name in old if name in new and old[name] != new[name]}


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({"training": {"learning_rate": 1e-4}}, {"models", "scores"}),
        ({"scoring": {"min_masked": 77}}, {"masks", "scores"}),
        ({"scoring": {"metric": "accuracy"}}, set()),
        ({"scoring": {"baseline": "longer"}, "grid": {"controls": ["longer"]}}, set()),
        ({"tokenizer": {"vocab_size": 500}}, {"tokenizer", "tokens", "audit", "masks", "models", "scores"}),
        ({"corpus": {"path": "{language}.txt", "too_little": "keep", "licence": "CC0-1.0"}}, set()),
        ({"corpus": {"path": "{language}.txt", "budget_tokens": 99}}, {"tokens", "audit", "masks", "models", "scores"}),
        ({"corpus": {"path": "{language}.txt", "seed": 3}}, set(STAGES)),
        ({"execution": {"workers": 7, "device": "cpu"}}, set()),
        ({"grid": {"keep_models": "all"}}, set()),
        ({"name": "other"}, set()),
    ],
)
def test_a_setting_changes_what_depends_on_it_and_nothing_else(experiment, change, stages):
    assert changed(make_plan(experiment()), make_plan(experiment(**change))) == stages


def test_zero_shot_scores_that_are_measured_beside_have_a_bank_too(experiment):
    plan = make_plan(experiment())
    trained = {cell: output for cell, output in plan.scores.items() if cell.protocol != "zero_shot"}
    assert replace(plan, scores=trained).protocols == ("sequential",)
    beside = {Cell("zero_shot", "x-a", "x-b", 0): plan.tokenizer}
    assert replace(plan, scores=trained | beside).protocols == ("sequential", "zero_shot")
    assert make_plan(experiment(grid={"protocols": ["zero_shot"]})).protocols == ("zero_shot",)


def test_the_second_phase_changes_only_bilingual_models(experiment):
    before, after = (make_plan(experiment(training={"epochs_bilingual": n})) for n in (3, 4))
    assert all(
        (before.models[model] == after.models[model]) == (model.kind == "monolingual") for model in before.models
    )


def test_the_same_text_elsewhere_has_the_same_keys(experiment, tmp_path):
    before = make_plan(experiment())
    (tmp_path / "moved").mkdir()
    for name in ("x-a", "x-b", "x-c"):
        (tmp_path / f"{name}.txt").rename(tmp_path / "moved" / f"{name}.txt")
    settings = experiment(corpus={"path": "moved/{language}.txt"})
    after = make_plan(settings)
    assert after.keys() == before.keys()


def test_a_language_more_leaves_finished_models_valid_where_the_tokenizer_is_given(experiment, tmp_path):
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    given = {"tokenizer": {"path": "tokenizer"}}
    before, after = make_plan(experiment(**given)), make_plan(experiment(("x-a", "x-b", "x-c", "x-d"), **given))
    assert changed(before, after) == {"audit"}  # that of all languages together
    assert len(set(after.models) - set(before.models)) == 1 + 2 * 3  # 1 + 2(n − 1) with n = 4
    trained = make_plan(experiment()), make_plan(experiment(("x-a", "x-b", "x-c", "x-d")))
    assert "tokenizer" in changed(*trained)


def test_missing_sources_are_named_all_at_once(experiment, tmp_path):
    settings = experiment()
    (tmp_path / "x-a.txt").unlink()
    (tmp_path / "x-c.txt").unlink()
    with pytest.raises(UsageError, match=r"(?s)x-a\.txt: no such file.*x-c\.txt: no such file"):
        make_plan(settings)


def test_tasks_come_after_what_they_require_and_a_finished_score_needs_nothing(experiment, tmp_path):
    plan, store = make_plan(experiment()), Store(tmp_path / "run")
    tasks = make_tasks(plan)
    seen = set()
    for task in tasks:
        assert set(task.requires) <= seen
        seen.add(task.output)
    everything = needed_tasks(tasks, targets_of(plan), store)
    assert len(everything) == 3 + 1 + 3 + 3 + 3 + 9
    for output in targets_of(plan):
        store.path(output).mkdir(parents=True)
    assert needed_tasks(tasks, targets_of(plan), store) == []


@pytest.mark.parametrize(("keep", "n_models"), [("none", 0), ("monolingual", 3), ("all", 9)])
def test_kept_models_are_targets(experiment, keep, n_models):
    targets = targets_of(make_plan(experiment(grid={"keep_models": keep})))
    assert sum(output.stage == "models" for output in targets) == n_models
    assert sum(output.stage == "scores" for output in targets) == 9


def test_pieces_are_guessed_from_the_budget_in_pieces_where_there_is_one(experiment, tmp_path):
    corpus = {"path": "{language}.txt", "budget_chars": 100_000}
    guessed = count_pieces(make_plan(experiment(corpus=corpus)), Store(tmp_path / "run"))
    cut = count_pieces(make_plan(experiment(corpus=corpus | {"budget_tokens": 1_000})), Store(tmp_path / "run"))
    assert all(n > 10_000 and not counted for n, counted in guessed.values())
    assert set(cut.values()) == {(1_000, False)}
