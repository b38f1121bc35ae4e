"""Models, cells and phases of every protocol and control, counted by hand; keys; gangs."""

import itertools
from collections import Counter

import pytest

from bloodbank.errors import UsageError
from bloodbank.execution import needed_tasks
from bloodbank.experiment.load import make_experiment
from bloodbank.store import Store
from bloodbank.transfer import (
    SCORE,
    TRAIN,
    Cell,
    Model,
    cells_of,
    form_gangs,
    gangs_of,
    make_plan,
    make_plans,
    make_tasks,
    model_of,
    models_of,
    phase_of,
    targets_of,
)
from bloodbank.transfer.models import Text

ALL = {
    "protocols": ["sequential", "joint", "frozen", "zero_shot"],
    "controls": ["self", "clone", "equal", "longer", "shuffled"],
    "sets": [["x-0", "x-1", "x-2"]],
}


def missing_tasks(plan, targets, store, gang):
    return form_gangs(plan, needed_tasks(make_tasks(plan), targets, store), store, gang)


@pytest.fixture
def experiment(tmp_path):
    def make(n=3, grid=None, **content):
        languages = [f"x-{number}" for number in range(n)]
        for language in languages:
            path = tmp_path / f"{language}.txt"
            if not path.exists():
                path.write_text(f"text of {language}\n", encoding="utf-8")
        corpus = {"path": "{language}.txt"} | content.pop("corpus", {})
        content = {"preset": "quick", "languages": languages, "corpus": corpus} | content
        content["scoring"] = {"baseline": "alone"} | content.get("scoring", {})
        content["grid"] = {"zero_shot": False} | (grid or {})
        return make_experiment(content, where="test", base=tmp_path)

    return make


def kinds(models):
    return Counter(model.kind for model in models)


def protocols(cells):
    return Counter(cell.protocol for cell in cells)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_counts_of_all_protocols_and_controls_by_hand(experiment, n):
    cells = cells_of(experiment(n, ALL | {"sets": [["x-0", "x-1"]]}))
    pairs = n * (n - 1)
    assert protocols(cells) == {
        "monolingual": n, "sequential": pairs, "joint": pairs, "frozen": pairs, "zero_shot": pairs, "shuffled": pairs,
        "self": n, "clone": n, "equal": n, "longer": n, "set": 2,
    }  # fmt: skip
    assert kinds(models_of(cells)) == {
        "monolingual": n, "sequential": pairs, "joint": pairs // 2, "frozen": pairs, "shuffled": pairs, "pieces": n,
        "self": n, "other": n, "clone": n, "respelled": n, "equal": n, "longer": n, "set": 1,
    }  # fmt: skip
    assert len(set(cells)) == len(cells)


@pytest.mark.parametrize(
    ("protocol", "trained"),
    [("sequential", {"sequential": 12}), ("joint", {"joint": 6}), ("frozen", {"frozen": 12}), ("zero_shot", {})],
)
def test_a_protocol_trains_its_own_models_beside_the_monolingual_ones(experiment, protocol, trained):
    cells = cells_of(experiment(4, {"protocols": [protocol]}))
    assert protocols(cells) == {"monolingual": 4, protocol: 12}
    assert kinds(models_of(cells)) == {"monolingual": 4} | trained


@pytest.mark.parametrize(
    ("control", "trained"),
    [
        ("self", {"self": 4, "other": 4}),
        ("clone", {"clone": 4, "respelled": 4}),
        ("equal", {"equal": 4}),
        ("longer", {"longer": 4}),
        ("shuffled", {"shuffled": 12, "pieces": 4}),
    ],
)
def test_a_control_trains_its_own_models(experiment, control, trained):
    without, having = (models_of(cells_of(experiment(4, {"controls": c}))) for c in ([], [control]))
    assert kinds(having) - kinds(without) == trained
    assert set(without) <= set(having)


def test_every_model_is_scored_on_every_recipient_beside_the_protocols(experiment):
    without, having = (cells_of(experiment(4, {"zero_shot": asked})) for asked in (False, True))
    assert protocols(having) - protocols(without) == {"zero_shot": 12}
    assert models_of(having) == models_of(without)
    text = experiment(4, {"zero_shot": True}, training={"candidates": "text"})
    assert not protocols(cells_of(text))["zero_shot"]


@pytest.mark.parametrize(("baseline", "epochs"), [("equal", 3), ("longer", 8)])
def test_the_control_that_f_is_relative_to_is_measured_without_being_named(experiment, baseline, epochs):
    settings = experiment(3, scoring={"baseline": baseline}, training={"epochs": 5, "epochs_bilingual": 3})
    assert protocols(cells_of(settings)) == {"monolingual": 3, "sequential": 6, baseline: 3}
    assert phase_of(Model(baseline, ("x-0",), 0), settings).epochs == epochs
    alone = experiment(3, {"protocols": ["zero_shot"]}, scoring={"baseline": baseline})
    assert protocols(cells_of(alone)) == {"monolingual": 3, "zero_shot": 6}


def test_equal_has_the_passes_that_the_pair_makes_over_the_recipient(experiment):
    for names, epochs in ((["sequential"], 3), (["joint"], 5), (["zero_shot", "joint"], 5), (["frozen", "joint"], 3)):
        assert phases(experiment, {"protocols": names, "controls": ["equal"]})["equal"] == {(epochs, 1.0, "all")}


def test_a_clone_goes_on_from_the_recipients_own_text_in_other_symbols(experiment):
    settings = experiment(2, {"controls": ["clone"]})
    clone = Model("clone", ("x-1", "x-1"), 0)
    assert clone.donor_model == Model("respelled", ("x-1",), 0)
    assert phase_of(clone.donor_model, settings).texts == (Text("x-1", respelled=True),)
    assert phase_of(clone, settings).texts == (Text("x-1"),)
    keys = {model: output.key for model, output in make_plan(settings).models.items()}
    assert keys[clone.donor_model] != keys[Model("monolingual", ("x-1",), 0)]


def test_each_model_stands_after_what_it_goes_on_from(experiment):
    models = models_of(cells_of(experiment(4, ALL, seeds=[0, 1])))
    place = {model: number for number, model in enumerate(models)}
    with_donor = [model for model in models if model.donor_model]
    assert len(with_donor) == 2 * (12 + 12 + 12 + 4 + 4)
    for model in with_donor:
        assert place[model.donor_model] < place[model]
        assert model.donor_model.is_donor
        assert model.donor_model.seed == model.seed


def test_models_of_cells_by_hand():
    assert model_of(Cell("zero_shot", "x-b", "x-a", 3)) == Model("monolingual", ("x-b",), 3)
    for pair in (("x-b", "x-a"), ("x-a", "x-b")):
        assert model_of(Cell("joint", *pair, 0)) == Model("joint", ("x-a", "x-b"), 0)
        assert model_of(Cell("sequential", *pair, 0)) == Model("sequential", pair, 0)
    assert model_of(Cell("set", "x-a+x-b+x-c", "x-b", 0)) == Model("set", ("x-a", "x-b", "x-c"), 0)
    assert model_of(Cell("longer", "x-a", "x-a", 0)) == Model("longer", ("x-a",), 0)
    assert model_of(Cell("self", "x-a", "x-a", 0)).donor_model == Model("other", ("x-a",), 0)
    assert model_of(Cell("shuffled", "x-a", "x-b", 0)).donor_model == Model("pieces", ("x-a",), 0)
    assert model_of(Cell("frozen", "x-a", "x-b", 0)).donor_model == Model("monolingual", ("x-a",), 0)


def test_no_two_cells_or_models_have_one_label(experiment):
    cells = cells_of(experiment(4, ALL | {"sets": [["x-0", "x-1"], ["x-0", "x-1", "x-2"]]}, seeds=[0, 1]))
    for things in (cells, models_of(cells)):
        assert len({thing.label for thing in things}) == len(things)


def phases(experiment, grid, **training):
    settings = experiment(3, grid, training={"epochs": 5, "epochs_bilingual": 3} | training)
    found = {}
    for model in models_of(cells_of(settings)):
        phase = phase_of(model, settings)
        found.setdefault(model.kind, set()).add((phase.epochs, phase.share, phase.trained))
    return found


def test_epochs_shares_and_what_learns_by_hand(experiment):
    assert phases(experiment, ALL) == {
        "monolingual": {(5, 1.0, "all")}, "other": {(5, 1.0, "all")}, "pieces": {(5, 1.0, "all")},
        "sequential": {(3, 1.0, "all")}, "frozen": {(3, 1.0, "words")}, "self": {(3, 1.0, "all")},
        "shuffled": {(3, 1.0, "all")}, "joint": {(5, 1.0, "all")}, "set": {(5, 1.0, "all")},
        "clone": {(3, 1.0, "all")}, "respelled": {(5, 1.0, "all")}, "longer": {(8, 1.0, "all")},
        "equal": {(3, 1.0, "all")},
    }  # fmt: skip
    total = phases(experiment, ALL | {"match": "total"})
    assert total["joint"] == {(5, 0.5, "all")}
    assert total["set"] == {(5, 1 / 3, "all")}
    assert total["sequential"] == {(3, 1.0, "all")}


def test_longer_has_as_many_epochs_as_the_pair_of_the_first_protocol_that_trains(experiment):
    for names, epochs in (
        (["sequential"], 8), (["joint"], 10), (["zero_shot", "joint"], 10), (["frozen", "joint"], 8),
    ):  # fmt: skip
        assert phases(experiment, {"protocols": names, "controls": ["longer"]})["longer"] == {(epochs, 1.0, "all")}
    for grid in ({"protocols": ["zero_shot"]}, {"protocols": ["joint"], "match": "total"}):
        with pytest.raises(UsageError, match="longer"):
            experiment(3, grid | {"controls": ["longer"]})


def test_texts_of_phases_by_hand(experiment):
    settings = experiment(3, ALL)

    def texts(kind, *languages):
        return phase_of(Model(kind, languages, 0), settings).texts

    assert texts("monolingual", "x-0") == texts("longer", "x-0") == texts("self", "x-0", "x-0") == (Text("x-0"),)
    assert texts("other", "x-0") == (Text("x-0", part="other"),)
    assert texts("pieces", "x-0") == (Text("x-0", shuffled=True),)
    for kind in ("sequential", "frozen", "shuffled"):
        assert texts(kind, "x-0", "x-1") == (Text("x-1"),)
    assert texts("joint", "x-0", "x-1") == (Text("x-0"), Text("x-1"))
    assert texts("set", "x-0", "x-1", "x-2") == (Text("x-0"), Text("x-1"), Text("x-2"))


def test_restricted_grids_need_only_what_their_cells_need(experiment):
    every = {key: value for key, value in ALL.items() if key != "sets"}
    cells = cells_of(experiment(4, every | {"pairs": [["x-0", "x-1"]]}))
    assert protocols(cells) == {
        "monolingual": 2, "sequential": 1, "joint": 1, "frozen": 1, "zero_shot": 1, "shuffled": 1, "self": 1,
        "clone": 1, "equal": 1, "longer": 1,
    }  # fmt: skip
    assert {cell.recipient for cell in cells if cell.protocol in ("self", "longer")} == {"x-1"}
    models = models_of(cells)
    assert kinds(models) == {
        "monolingual": 2, "sequential": 1, "joint": 1, "frozen": 1, "shuffled": 1, "pieces": 1, "self": 1, "other": 1,
        "clone": 1, "respelled": 1, "equal": 1, "longer": 1,
    }  # fmt: skip
    assert Model("pieces", ("x-0",), 0) in models
    assert Model("other", ("x-1",), 0) in models
    both = cells_of(experiment(4, {"protocols": ["joint"], "pairs": [["x-0", "x-1"], ["x-1", "x-0"]]}))
    assert kinds(models_of(both)) == {"monolingual": 2, "joint": 1}
    given = cells_of(experiment(5, every | {"recipients": ["x-0", "x-1"], "donors": ["x-1", "x-2"]}))
    assert protocols(given)["sequential"] == 3  # x-1→x-0, x-2→x-0, x-2→x-1
    assert protocols(given)["self"] == 2


def test_seeds_of_pairs_and_sets_are_those_that_all_have(experiment):
    more = {"x-0": [1, 2], "x-1": [1]}
    cells = cells_of(experiment(3, ALL | {"sets": [["x-0", "x-1"], ["x-0", "x-2"]]}, more_seeds=more))
    of_seed = {seed: protocols(cell for cell in cells if cell.seed == seed) for seed in (0, 1, 2)}
    assert of_seed[0]["joint"] == 6
    assert of_seed[0]["set"] == 4
    assert of_seed[1] == {
        "monolingual": 2, "sequential": 2, "joint": 2, "frozen": 2, "zero_shot": 2, "shuffled": 2, "self": 2,
        "clone": 2, "equal": 2, "longer": 2, "set": 2,
    }  # fmt: skip
    assert not of_seed[2]


def test_sets_in_another_order_are_one_set(experiment):
    cells = cells_of(experiment(3, {"sets": [["x-2", "x-0"], ["x-0", "x-2"]]}))
    assert protocols(cells)["set"] == 2
    assert {cell.donor for cell in cells if cell.protocol == "set"} == {"x-0+x-2"}


def test_a_set_that_names_another_language_is_refused_with_its_key(experiment):
    with pytest.raises(UsageError, match=r"grid\.sets.*x-other"):
        experiment(3, {"sets": [["x-0", "x-other"]]})


GROWN = [
    {"protocols": ["sequential", "joint"]},
    {"protocols": ["sequential", "zero_shot", "frozen"]},
    {"protocols": ["zero_shot", "sequential"]},
    {"controls": ["self"]},
    {"controls": ["longer", "shuffled"]},
    {"sets": [["x-0", "x-1"], ["x-0", "x-1", "x-2"]]},
    {"keep_models": "none"},
]


@pytest.mark.parametrize("more", GROWN)
def test_adding_to_the_grid_changes_no_key_of_what_was_there(experiment, more):
    before, after = make_plan(experiment(3)), make_plan(experiment(3, more))
    assert before.keys().items() <= after.keys().items()
    if more.keys() != {"keep_models"}:
        assert len(after.scores) > len(before.scores)


@pytest.mark.parametrize("added", [["joint"], ["frozen"], ["zero_shot"]])
def test_adding_a_protocol_to_controls_changes_no_key(experiment, added):
    controls = {"controls": ["self", "longer", "shuffled"]}
    training = {"epochs": 5, "epochs_bilingual": 3}
    first = make_plan(experiment(3, controls, training=training))
    grown = make_plan(experiment(3, controls | {"protocols": ["sequential", *added]}, training=training))
    assert first.keys().items() <= grown.keys().items()


def test_adding_a_budget_or_a_seed_changes_no_key(experiment):
    before = make_plan(experiment(3, ALL))
    plans = make_plans(experiment(3, ALL, corpus={"more_budgets_chars": [900, 70]}))
    assert plans[0].keys() == before.keys()
    assert before.keys().items() <= make_plan(experiment(3, ALL, seeds=[0, 1])).keys().items()


def test_budgets_share_the_tokenizer_and_nothing_else(experiment):
    plans = make_plans(experiment(3, ALL, corpus={"more_budgets_chars": [900, 70]}))
    assert len({plan.tokenizer for plan in plans}) == 1
    for one, other in itertools.combinations(plans, 2):
        names = [{output.name for output in plan.outputs if output.stage != "tokenizer"} for plan in (one, other)]
        assert not names[0] & names[1]
        keys = [{output.key for output in plan.outputs if output.stage != "tokenizer"} for plan in (one, other)]
        assert not keys[0] & keys[1]
    assert [plan.folder for plan in plans] == [".", "budget-900", "budget-70"]
    alone = make_plans(experiment(3, ALL, corpus={"more_budgets_chars": [70]}))[1]
    assert alone.keys() == plans[2].keys()


def test_models_that_differ_have_keys_that_differ(experiment):
    plan = make_plan(experiment(4, ALL, seeds=[0, 1], training={"epochs": 4, "epochs_bilingual": 3}))
    for outputs in (plan.models, plan.scores):
        assert len({output.key for output in outputs.values()}) == len(outputs)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_gangs_hold_each_model_once_and_only_those_that_can_stand_together(experiment, size):
    plan = make_plan(experiment(4, ALL, seeds=[0, 1]))
    gangs = gangs_of(plan, size)
    assert sorted(model for gang in gangs for model in gang) == sorted(plan.models)
    for gang in gangs:
        assert len(gang) <= size
        assert len({model.kind for model in gang}) == 1
        assert len({bool(model.donor_model) for model in gang}) == 1
        assert len({phase_of(model, plan.experiment).trained for model in gang}) == 1
        if gang[0].kind in ("sequential", "frozen", "shuffled"):
            assert len({model.recipient for model in gang}) == 1


def test_gangs_by_hand(experiment):
    gangs = gangs_of(make_plan(experiment(3, {"protocols": ["sequential", "joint"]})), 2)
    assert [[model.label for model in gang] for gang in gangs] == [
        ["x-0_seed0", "x-1_seed0"], ["x-2_seed0"],
        ["x-1_x-0_seed0", "x-2_x-0_seed0"], ["x-0_x-1_seed0", "x-2_x-1_seed0"], ["x-0_x-2_seed0", "x-1_x-2_seed0"],
        ["joint_x-0_x-1_seed0", "joint_x-0_x-2_seed0"], ["joint_x-1_x-2_seed0"],
    ]  # fmt: skip


def test_a_gang_has_room_for_the_columns_of_several_seeds(experiment):
    grid = {"protocols": ["sequential"]}
    gangs = gangs_of(make_plan(experiment(3, grid, seeds=[0, 1, 2])), 5)
    assert [[model.label for model in gang] for gang in gangs[-6:-4]] == [
        ["x-1_x-0_seed0", "x-2_x-0_seed0", "x-1_x-0_seed1", "x-2_x-0_seed1"], ["x-1_x-0_seed2", "x-2_x-0_seed2"],
    ]  # fmt: skip
    assert [len(gang) for gang in gangs] == [5, 4, *[4, 2] * 3]
    assert [len(gang) for gang in gangs_of(make_plan(experiment(3, grid, seeds=[0, 1, 2])), 5, devices=2)][2:] == [
        2
    ] * 9
    # Padding and bits of dropout would grow with the texts that are read side by side.
    for change in ({"training": {"layout": "rows"}}, {"model": {"dropout": 0.1}}):
        gangs = gangs_of(make_plan(experiment(3, grid, seeds=[0, 1, 2], **change)), 5)
        assert [len(gang) for gang in gangs] == [5, 4, *[2] * 9]


def test_models_that_columns_wait_for_are_shared_out_over_the_gpus(experiment):
    plan = make_plan(experiment(5, {"protocols": ["sequential"]}))
    assert [len(gang) for gang in gangs_of(plan, 8)] == [5, *[4] * 5]
    assert [len(gang) for gang in gangs_of(plan, 8, devices=2)] == [3, 2, *[4] * 5]
    assert [len(gang) for gang in gangs_of(plan, 8, devices=8)] == [*[1] * 5, *[4] * 5]
    own = make_plan(experiment(3, {"protocols": ["sequential"]}, seeds=[0, 1, 2, 3], training={"candidates": "text"}))
    assert [len(gang) for gang in gangs_of(own, 8, devices=4)][:6] == [3, 1] * 3


def test_models_with_pieces_of_their_own_do_not_stand_together(experiment):
    grid = {"protocols": ["sequential", "joint"]}
    plan = make_plan(experiment(3, grid, seeds=[0, 1], training={"candidates": "text"}))
    for gang in gangs_of(plan, 100):
        texts = {tuple(text.language for text in phase_of(model, plan.experiment).texts) for model in gang}
        assert len(texts) == 1
        assert {model.seed for model in gang} == {0, 1}


def test_models_are_scored_on_the_same_masks_together_once_all_are_there(experiment, tmp_path):
    plan = make_plan(experiment(4, {"protocols": ["zero_shot"]}))
    tasks = missing_tasks(plan, targets_of(plan), Store(tmp_path / "run"), 2)
    scored = [task for task in tasks if task.function == SCORE]
    assert sorted(len(task.outputs) for task in scored) == [1] * 8 + [2] * 4  # M_t alone; three donors in two
    assert {output for task in scored for output in task.outputs} == set(plan.scores.values())
    for task in scored:
        masks = {one["masks"] for member in task.arguments["members"] for one in member["cells"]}
        assert len(masks) == 1
        trained = {output for before in tasks[: tasks.index(task)] for output in before.outputs}
        assert set(task.requires) <= trained


def members(tasks):
    return [[one["label"] for one in task.arguments["members"]] for task in tasks if task.function == TRAIN]


def finish(store, plan, outputs, gang=()):
    """Pretend that outputs are there."""
    for output in outputs:
        folder = store.path(output)
        folder.mkdir(parents=True, exist_ok=True)
        phases = f'[{{"gang": {list(gang)!r}}}]'.replace("'", '"')
        (folder / "training.json").write_text(phases, encoding="utf-8")


@pytest.mark.parametrize("size", [2, 3, 4])
def test_gangs_of_tasks_do_not_depend_on_what_is_missing(experiment, tmp_path, size):
    plan, store = make_plan(experiment(4, {"protocols": ["sequential", "joint"]})), Store(tmp_path / "run")
    whole = members(missing_tasks(plan, targets_of(plan), store, size))
    assert whole == [[model.label for model in gang] for gang in gangs_of(plan, size)]
    finish(store, plan, [*plan.corpora.values(), plan.tokenizer, *plan.tokens.values(), *plan.masks.values()])
    donors = {model.label: output for model, output in plan.models.items() if model.is_donor}
    for gang in [gang for gang in whole if gang[0] in donors]:
        finish(store, plan, [donors[label] for label in gang], gang)
    pairs = [gang for gang in whole if gang[0] not in donors]
    outputs = {}
    for cell, output in plan.scores.items():
        outputs.setdefault(model_of(cell).label, []).append(output)
    for gang in pairs:
        for label in gang:
            finish(store, plan, outputs[label], gang)
    assert members(missing_tasks(plan, targets_of(plan), store, size)) == []
    for gang in pairs:
        for label in gang:
            for output in outputs[label]:
                (store.path(output) / "training.json").unlink()
                store.path(output).rmdir()
                (task,) = [
                    task for task in missing_tasks(plan, targets_of(plan), store, size) if task.function == TRAIN
                ]
                assert members([task]) == [gang]
                assert output in task.outputs
                assert set(task.outputs) <= set(outputs[label])
                finish(store, plan, [output], gang)


def test_a_gang_of_joint_models_makes_both_scores_of_each(experiment, tmp_path):
    plan, store = make_plan(experiment(3, {"protocols": ["joint"]})), Store(tmp_path / "run")
    tasks = missing_tasks(plan, targets_of(plan), store, 3)
    assert members(tasks) == [
        ["x-0_seed0", "x-1_seed0", "x-2_seed0"],
        [f"joint_x-{a}_x-{b}_seed0" for a, b in ("01", "02", "12")],
    ]
    joint = [task for task in tasks if task.function == TRAIN][1]
    assert len(joint.outputs) == 6
    assert len([task for task in make_tasks(plan) if task.function == TRAIN]) == 3 + 3


def test_what_a_task_needs_is_made_before_it_for_every_protocol_and_control(experiment, tmp_path):
    for plan in make_plans(experiment(3, ALL, corpus={"more_budgets_chars": [900]})):
        seen = {plan.tokenizer} if plan.suffix else set()
        for task in missing_tasks(plan, targets_of(plan), Store(tmp_path / "run"), 3):
            if task.function != TRAIN:
                assert set(task.requires) <= seen, task.label
            seen.update(task.outputs)
        wanted = [output for task in make_tasks(plan) for output in task.outputs]
        assert Counter(wanted).most_common(1)[0][1] == 1
        assert set(plan.outputs) - {plan.tokenizer} <= {*wanted, *plan.models.values()}
