"""Controls beside the hand-worked example: F of `longer`, `self` and `shuffled`, and what is said of them."""

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bloodbank.bank import build_bank, read_bank, write_bank
from bloodbank.bank.controls import compare_pairs, compare_recipients
from bloodbank.bank.sentences import sentences
from bloodbank.errors import UsageError
from bloodbank.report.terminal import render_bank

CODES = ("de", "fi", "hu")
# ε(M_de) = 0.20, ε(M_fi) = 0.25, ε(M_hu) = 0.40, as in conftest.
#
#   longer:   de 0.24 / 0.20 - 1 = +0.20, fi 0.26 / 0.25 - 1 = +0.04, hu 0.36 / 0.40 - 1 = -0.10
#   self:     de 0.30 / 0.20 - 1 = +0.50
#   shuffled: de→fi 0.26 / 0.25 - 1 = +0.04, fi→de 0.30 / 0.20 - 1 = +0.50, hu→de 0.21 / 0.20 - 1 = +0.05
LONGER = {("de", "de"): 0.24, ("fi", "fi"): 0.26, ("hu", "hu"): 0.36}
SELF = {("de", "de"): 0.30}
SHUFFLED = {("de", "fi"): 0.26, ("fi", "de"): 0.30, ("hu", "de"): 0.21}


def build(rows, **settings):
    return build_bank(rows, **{"languages": CODES, "name": "test", **settings})


def said(bank):
    return " ".join(sentences(bank))


def shown(bank, width=80):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(render_bank(bank, width))
    return console.file.getvalue()


def table_lines(bank, width=80):
    lines = [line.split() for line in shown(bank, width).splitlines()]
    start = next(place for place, line in enumerate(lines) if line[:2] == ["to", "mean"])
    return lines[start : start + 4]


@pytest.fixture
def with_controls(make, paper_example):
    def add(longer=LONGER, self=SELF, shuffled=SHUFFLED, **settings):
        kinds = {"longer": longer, "self": self, "shuffled": shuffled}
        tables = [make({}, cells, protocol=kind, **settings) for kind, cells in kinds.items() if cells]
        return pd.concat([paper_example, *tables])

    return add


def test_controls_of_the_example_on_paper(with_controls):
    controls = build(with_controls()).controls
    assert list(controls.columns) == ["control", "donor", "recipient", "finetune_score", "n_seeds"]
    assert controls[["control", "donor", "recipient"]].to_numpy().tolist() == [
        ["longer", "de", "de"],
        ["longer", "fi", "fi"],
        ["longer", "hu", "hu"],
        ["self", "de", "de"],
        ["shuffled", "de", "fi"],
        ["shuffled", "fi", "de"],
        ["shuffled", "hu", "de"],
    ]
    expected = [0.20, 0.04, -0.10, 0.50, 0.04, 0.50, 0.05]
    assert controls["finetune_score"].tolist() == pytest.approx(expected)
    assert controls["n_seeds"].tolist() == [1] * 7


def test_controls_change_nothing_else(with_controls, paper_example):
    bank, without = build(with_controls()), build(paper_example)
    assert bank != without  # controls are part of a bank
    assert bank.finetune_scores.equals(without.finetune_scores)
    assert bank.scores.equals(without.scores)
    assert bank.health.equals(without.health)
    assert without.controls.empty
    assert list(without.controls.columns) == list(bank.controls.columns)


def test_controls_are_averaged_over_seeds(with_controls, example_with, make):
    # longer of de: seed 0 +0.20, seed 1 (0.35 - 0.25) / 0.25 = +0.40; of the mean scores it would be +0.311.
    second = example_with(seed=1, alone={"de": 0.25})
    longer = make(
        {}, {("de", "de"): 0.35, ("fi", "fi"): 0.30}, protocol="longer", seed=1, health={("fi", "fi"): "failed"}
    )
    controls = build(pd.concat([with_controls(), second, longer])).controls.set_index(["control", "recipient"])
    assert controls.loc[("longer", "de"), "finetune_score"].item() == pytest.approx(0.30)
    assert controls.loc[("longer", "de"), "n_seeds"].item() == 2
    assert controls.loc[("longer", "fi"), "finetune_score"].item() == pytest.approx(0.04)
    assert controls.loc[("longer", "fi"), "n_seeds"].item() == 1


def test_signs_are_turned_for_losses(example_with, make):
    loss = example_with(metric="cross_entropy", alone={"de": 5.0})
    control = make({}, {("de", "de"): 4.0}, metric="cross_entropy", protocol="longer")
    controls = build(pd.concat([loss, control]), metric="cross_entropy").controls
    assert controls["finetune_score"].tolist() == pytest.approx([0.20])


def test_health_counts_as_it_does_for_pairs(with_controls, example_with):
    rows = with_controls(health={("de", "de"): "unhealthy", ("fi", "fi"): "failed"})
    assert build(rows).controls["control"].tolist() == ["longer", *["shuffled"] * 3]
    counted = build(rows, include_unhealthy=True).controls
    assert counted.query("recipient == donor")[["control", "recipient"]].to_numpy().tolist() == [
        ["longer", "de"],
        ["longer", "hu"],
        ["self", "de"],
    ]


def test_an_unhealthy_monolingual_model_voids_its_controls(with_controls):
    rows = with_controls()
    sick = (rows["protocol"] == "monolingual") & (rows["recipient"] == "de")
    rows["health"] = rows["health"].mask(sick, "unhealthy")
    assert set(build(rows).controls["recipient"]) == {"fi", "hu"}
    assert set(build(rows, include_unhealthy=True).controls["recipient"]) == {"de", "fi", "hu"}


def test_other_languages_are_left_out(with_controls, make):
    more = make({"sv": 0.5}, {("sv", "sv"): 0.6}, protocol="longer")
    assert build(pd.concat([with_controls(), more])) == build(with_controls())


def test_a_bank_of_shuffled_donors_is_not_its_own_control(with_controls):
    bank = build(with_controls(), protocol="shuffled")
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(0.50)
    assert set(bank.controls["control"]) == {"longer", "self"}


@pytest.mark.parametrize("control", ["longer", "self"])
def test_no_bank_can_be_made_of_a_control_within_one_language(with_controls, control):
    with pytest.raises(UsageError, match=f"'{control}' is a control.*Measured here: sequential, shuffled"):
        build(with_controls(SELF, SELF), protocol=control)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"longer": {("fi", "de"): 0.3}}, "longer fi→de has the wrong donor: its donor is the recipient itself"),
        ({"shuffled": {("de", "de"): 0.3}}, "shuffled de→de has the wrong donor: its donor is another language"),
    ],
)
def test_a_wrong_donor_is_named(with_controls, cells, message):
    with pytest.raises(UsageError, match=message):
        build(with_controls(**cells))


def test_a_control_measured_twice_is_refused(with_controls, make):
    with pytest.raises(UsageError, match="longer de→de, seed 0"):
        build(pd.concat([with_controls(), make({}, {("de", "de"): 0.3}, protocol="longer")]))


def test_comparison_by_recipient_and_by_pair(with_controls):
    bank = build(with_controls())
    table = compare_recipients(bank.finetune_scores, bank.controls)
    assert table["mean_finetune_score"].to_dict() == pytest.approx({"de": 0.275, "fi": -0.10, "hu": -0.15})
    assert table["longer"].to_dict() == pytest.approx({"de": 0.20, "fi": 0.04, "hu": -0.10})
    assert table["self"].to_dict() == pytest.approx({"de": 0.50, "fi": np.nan, "hu": np.nan}, nan_ok=True)
    assert table["shuffled"].to_dict() == pytest.approx({"de": 0.275, "fi": 0.04, "hu": np.nan}, nan_ok=True)
    assert table["same_donors"].to_dict() == {"de": True, "fi": False, "hu": False}
    pairs = compare_pairs(bank.finetune_scores, bank.controls)
    assert pairs["finetune_score"].tolist() == pytest.approx([0.20, 0.60, -0.05])
    assert pairs["shuffled"].tolist() == pytest.approx([0.04, 0.50, 0.05])


def test_table_in_the_terminal(with_controls, paper_example):
    assert table_lines(build(with_controls())) == [
        ["to", "mean", "F", "longer", "self", "shuffled"],
        ["fi", "-10", "+4", "·", "+4*"],
        ["de", "+27", "+20", "+50", "+27"],
        ["hu", "-15", "-10", "·", "·"],
    ]
    text = shown(build(with_controls()))
    assert "mean F, shuffled: over donors; * over other donors than mean F; · missing" in text
    assert max(map(len, shown(build(with_controls()), 40).splitlines())) <= 40
    longer = build(with_controls(self={}, shuffled={}))
    assert table_lines(longer)[1] == ["fi", "-10", "+4"]
    assert "mean F: over donors\n" in shown(longer)
    assert "beside the controls" not in shown(build(paper_example))
    assert "Control" not in said(build(paper_example))


def test_what_is_said_of_longer_follows_the_numbers(with_controls):
    # mean F +27.5, -10, -15 (mean +0.83), longer +20, +4, -10 (mean +4.67)
    assert (
        "Control `longer` (M_t with as many updates as M_{s,t}): the mean F over donors exceeds it for 1 of "
        "3 recipients; on average over these, F is +0.8% and the control +4.7%, a difference of -3.8 percentage points."
    ) in said(build(with_controls()))
    worse = {("de", "de"): 0.10, ("fi", "fi"): 0.10, ("hu", "hu"): 0.10}  # -50, -60, -75
    assert (
        "exceeds it for 3 of 3 recipients; on average over these, F is +0.8% and the control -61.7%, a difference of "
        "+62.5 percentage points."
    ) in said(build(with_controls(longer=worse)))


def test_what_is_said_of_self_follows_the_numbers(with_controls):
    text = said(build(with_controls()))
    assert "Control `self` (the donor is other text of t itself): the mean F over donors exceeds it for 0 of 1 " in text
    assert "exceeds it for 1 of 1 recipient" in said(build(with_controls(self={("de", "de"): 0.21})))
    assert "`self`" not in said(build(with_controls(self={})))


def test_what_is_said_of_shuffled_compares_the_same_pairs(with_controls):
    # F +20, +60, -5 (mean +25), shuffled +4, +50, +5 (mean +19.67)
    assert (
        "Control `shuffled` (the donor's pieces in random order): F exceeds it for 2 of 3 pairs; on average over "
        "these, F is +25.0% and the control +19.7%, a difference of +5.3 percentage points."
    ) in said(build(with_controls()))
    better = {("hu", "fi"): 0.30}  # F -40, shuffled +20
    assert "F exceeds it for 0 of 1 pair; on average over these, F is -40.0%" in said(
        build(with_controls(shuffled=better))
    )


def test_zero_shot_is_not_compared(with_controls, example_with):
    rows = pd.concat([with_controls(), example_with(protocol="zero_shot").query("donor != ''")])
    bank = build(rows, protocol="zero_shot")
    assert len(bank.controls) == 7
    assert "Control" not in said(bank)
    assert "beside the controls" not in shown(bank)


def test_a_file_keeps_controls(with_controls, tmp_path):
    bank = build(with_controls())
    write_bank(bank, tmp_path)
    back = read_bank(tmp_path)
    assert back == bank
    pd.testing.assert_frame_equal(back.controls, bank.controls)
    assert said(back) == said(bank)
