"""The stage as a whole on generated languages: what is made, that it is made once, and what the report says of it."""

import json
import shutil
import socket

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import bloodbank as bb
from bloodbank.downstream.report import matrix_rows, write_report
from bloodbank.downstream.tables import MAJORITY
from bloodbank.downstream.taggers.alignment import encode, to_labels
from bloodbank.downstream.taggers.model import predict
from bloodbank.downstream.taggers.work import score_labels
from bloodbank.downstream.tasks.huggingface import HubData
from bloodbank.downstream.tasks.pos_and_ner import get_task
from bloodbank.downstream.tasks.reading import place_of, read_task
from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import TaskSettings
from bloodbank.mlm.files import load_models
from bloodbank.pipeline.run_downstream import plan_lines, prepare, report, run
from bloodbank.store import Store
from bloodbank.tokenizer import load_tokenizer
from made_up_run import write_experiment
from small_run import run_command

C = ("x-f", "x-e", "x-b", "x-c")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """An experiment file whose run is finished."""
    path = write_experiment(tmp_path_factory.mktemp("downstream"))
    with (path.parent / "log.txt").open("w", encoding="utf-8") as log:
        run(path, console=Console(file=log))
    return path


@pytest.fixture(scope="module")
def found(ran):
    return report(ran)


def outputs(path):
    folder = path.parent / "runs" / "tiny"
    return {one.name: one.stat().st_mtime_ns for stage in ("models", "taggers") for one in (folder / stage).iterdir()}


@pytest.mark.proof
def test_every_tagger_is_there_and_made_once(ran, found):
    settings, folder, _, design = prepare(ran)
    assert set(design.downstream) == set(C)
    before = outputs(ran)
    # 4 configurations with 2 seeds; with random weights 5 encoders of 4 sources and 2 seeds
    assert sum(name.startswith("set_") for name in before) == 8
    assert sum(name.startswith("pos_") for name in before) == 40
    run(ran)
    assert outputs(ran) == before
    assert not list((folder / "taggers").glob(".*"))
    left = folder / "taggers" / f".{next((folder / 'taggers').iterdir()).name}+{socket.gethostname()}@999999999+x"
    left.mkdir()  # of a process that was killed
    run(ran)
    assert not left.exists()
    assert not any("+" in name for name in before if name.startswith("pos_"))
    log = (ran.parent / "log.txt").read_text(encoding="utf-8")
    assert "models  8/8" in log, "models that are only kept are counted too"
    assert "taggers  40/40" in log
    assert len(found.scores.query("main")) == 40 * 4
    assert settings.grid.sets == tuple(one.languages for one in design.configurations)


@pytest.mark.proof
def test_what_is_missing_is_made_again_as_it_was(ran, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(ran.parent, copy)
    path = copy / ran.name
    path.write_text(ran.read_text(encoding="utf-8").replace(str(ran.parent), str(copy)), encoding="utf-8")
    taggers = copy / "runs" / "tiny" / "taggers"
    lost = next(one for one in taggers.iterdir() if one.name.startswith("pos_control_x-e_seed1"))
    before = pd.read_csv(lost / "scores.csv")
    shutil.rmtree(lost)
    partial = report(path)
    assert any("1 of 40 taggers were not run" in line for line in partial.basis)
    run(path)
    pd.testing.assert_frame_equal(pd.read_csv(lost / "scores.csv"), before, rtol=0.05, atol=0.02)


@pytest.mark.proof
def test_scores_are_those_of_the_predictions(ran, found):
    """A tagger that is fine-tuned here, by itself, scores as the one of the run."""
    from bloodbank.downstream.taggers.finetune import Source, finetune

    settings, folder, _, design = prepare(ran)
    control = design.configurations[0]
    model = next(
        one for one in (folder / "models").iterdir() if one.name.startswith(f"set_{'.'.join(control.languages)}_seed0")
    )
    tokenizer = next((folder / "tokenizer").iterdir())
    pieces, vocabulary = load_tokenizer(tokenizer)
    task, place = get_task("pos"), ran.parent / "treebanks"
    train = task.read(place, "x-e", "train").sentences[:40]
    rows = encode(train, task.labels, pieces, vocabulary, 16)
    recipe = settings.downstream.finetune.model_copy(update={"length": 16})
    made = finetune(
        load_models([model], settings.model, vocabulary),
        [Source("pos", "x-e", rows, 0)],
        recipe,
        n_classes=len(task.labels),
    )
    test = task.read(place, "x-c", "test")
    to_test = encode(test.sentences, task.labels, pieces, vocabulary, 16)
    expected = task.scores(test.labels, to_labels(to_test, predict(made.taggers, to_test)[0], task.labels))
    rows = found.scores.query("configuration == 'control' and source == 'x-e' and target == 'x-c' and seed == 0")
    for metric, score in expected.items():
        (one,) = rows[rows["metric"] == metric]["score"]
        assert one == pytest.approx(score, abs=0.02), metric


@pytest.mark.proof
def test_tables_are_the_means_of_the_scores(found):
    (task,) = found.tasks
    main = found.scores.query("main")
    zero = main[main["source"] != main["target"]]
    for name, own in zero.groupby("configuration"):
        row = task.table_3[(task.table_3["configuration"] == name) & (task.table_3["measure"] == "zero_shot")].iloc[0]
        assert row["score"] == pytest.approx(own["score"].mean())
        assert row["low"] <= row["score"] <= row["high"]
        assert row["n_pairs"] == 12
    own = main[(main["source"] == main["target"]) & (main["configuration"] != "random weights")]
    assert own["score"].mean() > 0.9, "a tagger learns its own language"
    floor = task.table_3.query(f"configuration == '{MAJORITY}' and measure == 'monolingual'").iloc[0]
    assert 0.4 < floor["score"] < 0.6, "half of the words are nouns"
    matrix = task.zero.matrix("control")
    assert matrix.loc["x-e", "x-c"] > 0.9, "it carries over within a script"
    assert matrix.loc["x-e", "x-b"] < 0.7, "and not to another one"
    assert set(task.table_4["group"]) == {"most recipient: x-f x-e", "least recipient: x-b x-c"}
    names = [answer.key for answer in task.findings]
    assert len(set(names)) == len(names)
    for wanted in ("Eq. 10: most > least", "Eq. 9: most > least recipient", "Eq. 3: monotonicity", "English"):
        assert wanted in names
    assert {answer.verdict for answer in task.findings} <= {"supported", "not supported", "undecided", "not evaluated"}
    seed = main.groupby(["configuration", "seed"])
    assert np.isfinite(seed["score"].mean()).all()


@pytest.mark.proof
def test_the_report_is_written_and_says_what_it_rests_on(ran, found, tmp_path):
    files = write_report(found, tmp_path / "report")
    assert all(path.stat().st_size for path in files)
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    for words in ("Table 2", "Table 3", "Table 4", "What this rests on", "(random weights)", "(majority label)"):
        assert words in page
    for words in ("Z(s→t): pos, word accuracy, most donating + C", "All scores: pos", "macro_f1", "xtreme_f1"):
        assert words in page
    (task,) = found.tasks
    head, *rows = matrix_rows(task.zero, "control")
    assert head == ("source", *C, "mean of the others")
    matrix = task.zero.matrix("control")
    assert rows[0][1:5] == tuple(f"{x:.3f}" for x in matrix.loc["x-f"])
    assert float(rows[0][5]) == pytest.approx(matrix.loc["x-f", ["x-e", "x-b", "x-c"]].mean(), abs=6e-4)
    assert float(rows[4][1]) == pytest.approx(matrix.loc[["x-e", "x-b", "x-c"], "x-f"].mean(), abs=6e-4)
    assert pd.read_csv(tmp_path / "report" / "pos_table_3.csv")["score"].notna().all()
    assert r"\toprule" in (tmp_path / "report" / "pos_table_3.tex").read_text(encoding="utf-8")
    table = pd.read_csv(tmp_path / "report" / "table_2.csv")
    assert (table["n_models"] == 2).all()
    # match = "tokens": the control has 4 languages, the others 5
    assert (table["tokens"][1:] / table["tokens"][0]).to_numpy() == pytest.approx(5 / 4, rel=0.05)
    assert any("so larger sets read more" in line for line in found.basis)


@pytest.mark.proof
def test_the_command_says_it_all(ran):
    code, out, err = run_command("downstream", "report", ran)
    assert (code, err) == (0, "")
    assert "Table 3: pos, word accuracy" in out
    assert str(ran.parent / "runs" / "tiny" / "downstream" / "report.html") in out
    code, out, _ = run_command("downstream", "run", ran, "--dry-run")
    assert code == 0
    assert "8 models to pretrain, 40 taggers" in out


def test_nothing_is_written_before_a_wrong_treebank_is_found(tmp_path):
    path = write_experiment(tmp_path)
    wrong = tmp_path / "treebanks" / "x-f" / "test.conllu"
    wrong.write_text("1\tword\t_\tNOUN\n\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"x-f/test\.conllu:1"):
        run(path)
    assert not (tmp_path / "runs").exists()


def test_languages_without_data_are_named(tmp_path):
    path = write_experiment(tmp_path, languages_with_data=["x-b", "x-c", "x-f"])
    assert any("no data for x-e" in line for line in plan_lines(path))
    path = write_experiment(tmp_path / "one", languages_with_data=["x-b"])
    with pytest.raises(UsageError, match="needs two languages or more"):
        plan_lines(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('path = "treebanks"', 'path = "nowhere"'), "nowhere"),
        (("[downstream.tasks.pos]", "[downstream.tasks.pso]"), "pso"),
        (("set_size = 1", 'set_size = 1\nrandom = ["de"]'), "downstream.random names de"),
        (("n_sentences = 40", 'dataset = "some/where"'), "either `path`, a folder, or `dataset`"),
        (("set_size = 1", "set_siez = 1"), "Did you mean `downstream.set_size`"),
    ],
)
def test_wrong_settings_are_named(tmp_path, change, said):
    path = write_experiment(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    code, out, err = run_command("downstream", "run", path, "--dry-run")
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_bank_is_found_from_the_experiment_file(tmp_path, monkeypatch):
    path = write_experiment(tmp_path / "here")
    path.write_text(path.read_text(encoding="utf-8").replace(str(tmp_path / "here" / "matrix.csv"), "matrix.csv"))
    monkeypatch.chdir(tmp_path)
    assert any("most donating + C" in line for line in plan_lines(path))
    path.write_text(path.read_text(encoding="utf-8").replace('"matrix.csv"', '"nowhere"'), encoding="utf-8")
    with pytest.raises(UsageError, match="nowhere"):
        plan_lines(path)


def test_without_a_bank_or_a_task_it_is_said_what_to_do(tmp_path):
    path = write_experiment(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f'bank = "{tmp_path / "matrix.csv"}"', ""), encoding="utf-8")
    with pytest.raises(UsageError, match="has no bank yet"):
        plan_lines(path)
    path.write_text(text[: text.index("[downstream]")], encoding="utf-8")
    with pytest.raises(UsageError, match=r"\[downstream\.tasks\.pos\]"):
        plan_lines(path)
    with pytest.raises(UsageError, match="has no scores of taggers"):
        report(write_experiment(tmp_path / "empty"))


def test_an_output_says_how_it_came_about(ran):
    folder = Store(ran.parent / "runs" / "tiny").root / "taggers"
    one = next(path for path in folder.iterdir() if path.name.startswith("pos_most.donating.C_x-e_seed0"))
    training = json.loads((one / "tagger.json").read_text(encoding="utf-8"))
    assert training["length"] == 64
    assert training["gang"] == ["control", "most donating + C", "random + C", "least donating + C", "random weights"]
    assert training["updates"] > 0


@pytest.mark.proof
def test_bilingual_models_of_the_run_answer_the_assumption(tmp_path):
    path = write_experiment(tmp_path, downstream="bilingual = true\nrandom_weights = false")
    text = path.read_text(encoding="utf-8").replace(f'bank = "{tmp_path / "matrix.csv"}"', "")
    text = text.replace("[downstream]", '[grid]\nkeep_models = "all"\ninclude_unhealthy = true\n[downstream]', 1)
    sets = 'most_recipient = ["x-f", "x-e"]\nleast_recipient = ["x-b", "x-c"]'
    path.write_text(text.replace("seeds = [0, 1]", "seeds = [0]").replace("recipient_size = 2", sets), encoding="utf-8")
    bb.run(path)
    run(path)
    found = report(path)
    (task,) = found.tasks
    one = next(answer for answer in task.findings if answer.key.startswith("assumption"))
    assert one.verdict in ("supported", "not supported", "undecided")
    assert "4 recipients, 3 donors or more each" in one.note
    # 4 configurations and 12 bilingual models, of which no table has one
    assert len(found.scores.query("main")) == (4 * 4 + 12) * 4
    assert not task.table_3["configuration"].str.startswith("bilingual").any()


def test_a_dataset_of_the_hub_is_a_place_too():
    settings = TaskSettings(dataset="some/where", configs={"de": ("de_gsd", "de_hdt")}, labels="upos", revision="abc")
    place = place_of(settings)
    assert isinstance(place, HubData)
    assert (place.dataset, dict(place.configs), place.labels, place.words, place.revision) == (
        "some/where", {"de": ("de_gsd", "de_hdt")}, "upos", "tokens", "abc",
    )  # fmt: skip
    assert place.languages == ("de",)


def test_a_tagger_that_failed_has_no_score_and_takes_nothing_from_others(tmp_path):
    data = read_task("pos", TaskSettings(path=str(write_experiment(tmp_path).parent / "treebanks")), ["x-a", "x-b"])
    right = {code: data.test[code].labels for code in data.languages}
    scores, sentences = score_labels(data, right | {"x-b": None})
    assert scores.set_index("target")["accuracy"].to_dict() == {"x-a": 1.0, "x-b": pytest.approx(np.nan, nan_ok=True)}
    assert set(sentences["target"]) == {"x-a"}
    assert (sentences["part"] == sentences["whole"]).all()
    scores, sentences = score_labels(data, dict.fromkeys(data.languages))
    assert list(scores.columns) == ["target"]
    assert sentences.empty
