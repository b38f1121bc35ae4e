import io
import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bloodbank.analysis.confounding import confounding
from bloodbank.bank import build_bank
from bloodbank.bank.sentences import sentences
from bloodbank.report.terminal import matrix_blocks, render_bank

CODES = ("de", "fi", "hu")


def build(rows, **settings):
    return build_bank(rows, **{"languages": CODES, "name": "test", **settings})


def shown(bank, width=80):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(render_bank(bank, width))
    return console.file.getvalue()


def said(bank):
    return " ".join(sentences(bank))


def test_matrix_and_table_of_the_example_on_paper(paper_example):
    lines = [line.split() for line in shown(build(paper_example)).splitlines()]
    row = next(line for line in lines if line[:2] == ["fi", "Finnish"])
    assert (row[2], row[3], row[5:]) == ("0.250", "+0.55", ["-0.20", "-10", "O?", "healthy"])
    start = lines.index(["fi", "de", "hu"])
    assert lines[start + 1 : start + 4] == [
        ["fi", "\N{EN DASH}", "+60", "-5"],
        ["de", "+20", "\N{EN DASH}", "-25"],
        ["hu", "-40", "-5", "\N{EN DASH}"],
    ]
    assert "· missing" not in shown(build(paper_example))


def test_missing_cells_are_dots_and_sums_are_marked(example_with):
    text = shown(build(example_with(health={("fi", "de"): "unhealthy"})))
    lines = [line.split() for line in text.splitlines()]
    assert ["fi", "·", "\N{EN DASH}", "-5"] in lines
    assert "· missing: not measured, or left out for an unhealthy model" in text
    assert "-0.10*" in text


@pytest.mark.parametrize("width", [30, 50, 80, 200])
def test_no_line_is_wider_than_the_console(released, width):
    codes = tuple(released.loc[released["protocol"] == "monolingual", "recipient"])
    bank = build(released, languages=codes)
    n_blocks = len(matrix_blocks(bank, width))
    assert n_blocks == {30: 5, 50: 3, 80: 2, 200: 1}[width]
    lines = shown(bank, width).splitlines()
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("ja ") for line in lines) == n_blocks
    assert width < 50 or "…" not in "".join(lines)


def test_colours_are_levels(paper_example):
    console = Console(width=80, file=io.StringIO(), color_system="standard", force_terminal=True)
    console.print(render_bank(build(paper_example), 80))
    text = console.file.getvalue()
    for code, cell in (("1;36", "[+]60"), ("36", "[+]20"), ("31", "-25"), ("31", "-40")):
        assert re.search(rf"\x1b\[{code}m *{cell}\x1b", text), cell
    assert not re.search(r"\x1b\[\d+m *-5\x1b", text)


def test_units_are_said(paper_example, example_with):
    assert "in percent of that model's MRR (positive is a gain)" in said(build(paper_example))
    loss = build(example_with(metric="bits_per_byte"), metric="bits_per_byte")
    assert "bits per byte is a loss, so signs are turned" in said(loss)
    assert "lower is better" in shown(loss)
    assert "higher is better" in shown(build(paper_example))


def test_extremes_follow_the_numbers(paper_example, example_with):
    text = said(build(paper_example))
    assert (
        "Finnish (fi) donates most (D = +0.55), Hungarian (hu) least (D = -0.45); another seed may turn this." in text
    )
    assert (
        "German (de) receives most (R = +0.55), Hungarian (hu) least (R = -0.30); another seed may turn this." in text
    )
    assert "fi→de is highest (F = +60%) and hu→fi lowest (F = -40%)" in text
    turned = said(build(example_with(together={("hu", "fi"): 0.50, ("fi", "de"): 0.10})))
    # D(hu) = -0.05 + 1.00, D(fi) = -0.50 - 0.05, R(fi) = 0.20 + 1.00, R(de) = -0.50 - 0.05
    assert (
        "Hungarian (hu) donates most (D = +0.95), Finnish (fi) least (D = -0.55); another seed may turn this." in turned
    )
    assert (
        "Finnish (fi) receives most (R = +1.20), German (de) least (R = -0.55); another seed may turn this." in turned
    )
    assert "hu→fi is highest (F = +100%) and fi→de lowest (F = -50%)" in turned


def test_levels_are_counted(paper_example):
    assert "6 measured cells: 2 negative, 2 neutral, 1 positive, 1 very positive" in said(build(paper_example))


def test_missing_and_unhealthy_follow_the_numbers(paper_example, example_with):
    whole = said(build(paper_example))
    assert "All 6 cells are measured. No model is unhealthy or failed." in whole
    rows = example_with(health={"hu": "unhealthy", ("fi", "de"): "failed"}, drop=[("de", "fi")])
    text = said(build(rows))
    assert "4 of 6 cells are missing: 1 with an unhealthy or failed bilingual model; 2 with an" in text
    assert "times the mean of what was measured" in text
    assert "; 1 not measured." in text
    assert "Unhealthy or failed: 2 models: hu alone (seed 0), fi→de (seed 0, failed)." in text
    assert "counted, as asked" in said(build(rows, include_unhealthy=True))
    assert "counted, as asked" not in text


def test_seeds_follow_the_numbers(paper_example, example_with):
    assert "One seed: no seed-to-seed uncertainty can be given." in said(build(paper_example))
    second = example_with(seed=1, drop=[("hu", "de")])
    two = said(build(pd.concat([paper_example, second])))
    assert "2 seeds: every measured cell is the mean over 1 to 2 of them" in two
    assert "standard deviation of F over seeds is 0.0 percentage points" in two
    assert "One seed" not in two
    first = example_with(drop=[("hu", "de")])
    apart = example_with(seed=1, drop=[("fi", "de")])
    apart = apart[(apart["donor"] == "hu") & (apart["recipient"] == "de") | (apart["donor"] == "")]
    text = said(build(pd.concat([first, apart])))
    assert "2 seeds, but no cell has more than one" in text


def graph(make, slope, *, seed=0, updates=None):
    """Four languages whose donation rises with their place (slope 1) or falls (slope -1)."""
    codes = ["x-a", "x-b", "x-c", "x-d"]
    pairs = {
        (s, t): 1 + slope * 0.1 * i + 0.01 * j * j for i, s in enumerate(codes) for j, t in enumerate(codes) if s != t
    }
    return make(dict.fromkeys(codes, 1.0), pairs, seed=seed, updates=updates), tuple(codes)


def test_agreement_follows_the_numbers(make):
    up, codes = graph(make, 1)
    same = said(build(pd.concat([up, graph(make, 1, seed=1)[0]]), languages=codes))
    assert "Rank correlation of D between seeds: +1.00 (1 pair of seeds, n = 4): the order largely repeats." in same
    turned = said(build(pd.concat([up, graph(make, -1, seed=1)[0]]), languages=codes))
    assert "Rank correlation of D between seeds: -1.00 (1 pair of seeds, n = 4): the order does not repeat." in turned
    assert "Rank correlation" not in said(build(up, languages=codes))


def test_what_goes_with_d_and_r_is_said_as_the_report_says_it(make):
    updates = {"x-a": 100, "x-b": 200, "x-c": 300, "x-d": 400}
    up, codes = graph(make, 1, updates=updates)
    bank = build(up, languages=codes)
    text = " ".join(shown(bank).split())
    assert all(sentence in text for sentence in confounding(bank).sentences())
    # of 24 relabellings of four languages two go as far together: nothing is decided
    assert (
        "Undecided, which with few languages rules nothing out: D with the updates of M_l (r = +1.00, p = 0.083" in text
    )
    assert "D rises" not in text


def test_foreign_text_stands_beside_the_scores(make):
    up, codes = graph(make, 1)
    table = pd.DataFrame({"foreign_share": [0.0, 0.104, 0.2, 0.3], "fertility": [1.5, 1.5, 1.5, np.nan]}, index=codes)
    bank = build(up, languages=codes, covariates=table)
    cells = {line.split()[0]: line.split()[-1] for line in shown(bank).splitlines() if "healthy" in line}
    assert [cells[code] for code in codes] == ["0.0", "10.4", "20.0", "30.0"]
    assert "D rises with the share of foreign text in the training text (r = +1.00" in " ".join(shown(bank).split())
    assert "foreign" not in shown(build(up, languages=codes))
    unknown = build(up, languages=codes, covariates=table.assign(foreign_share=[0.1, 0.3, 0.2, np.nan]))
    assert any(
        line.startswith(f" {codes[3]} ") and line.endswith("·") for line in map(str.rstrip, shown(unknown).splitlines())
    )


@pytest.mark.parametrize(("width", "has_foreign"), [(45, False), (60, True), (76, True), (80, True), (200, True)])
def test_no_number_is_cut_to_make_room_for_foreign_text(example_with, width, has_foreign):
    rows = example_with(health={("fi", "de"): "unhealthy"})
    table = pd.DataFrame({"foreign_share": [1.0, 0.2, 0.0]}, index=list(CODES))
    before, _, _ = shown(build(rows, covariates=table), width).partition("F in percent")
    assert ("foreign%" in before) == ("100.0" in before) == has_foreign
    assert "…" not in before
    assert max(map(len, before.splitlines())) <= width


def test_nothing_measured_is_said(example_with):
    bank = build(example_with(health=dict.fromkeys(CODES, "failed")))
    assert "No cell is measured." in said(bank)
    assert "donates most" not in said(bank)
    assert np.isnan(bank.donation).all()
    assert "6 of 6 cells are missing" in shown(bank).replace("\n", " ")
    assert "D of 3 languages: nothing was measured. R of 3 languages: nothing was measured." in said(bank)
    assert "times the mean" not in said(bank)
