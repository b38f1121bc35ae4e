"""Banks that were not written are built from the measurements: of zero-shot scores, and against `longer`."""

import numpy as np
import pandas as pd
import pytest

from bloodbank.bank import build_bank, write_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.errors import UsageError
from bloodbank.pipeline.open_bank import open_all, open_bank, open_run
from made_up_banks import measurements_of, sentence_scores
from small_run import run_command

CODES = ("de", "fi", "hu")


@pytest.fixture
def folder(tmp_path):
    """A bank with its tables, as one that ships: with zero-shot scores and `longer` in the tables alone."""
    scores = sentence_scores(CODES)
    own = scores["protocol"] == "monolingual"
    longer = scores[own].assign(protocol="longer", donor=scores["recipient"][own], sum=1.2 * scores["sum"][own])
    zero_shot = scores[~own].assign(protocol="zero_shot", sum=0.5 * scores["sum"][~own])
    scores = pd.concat([scores, longer, zero_shot], ignore_index=True)
    rows = measurements_of(scores)
    rows.to_csv(tmp_path / "measurements.csv", index=False)
    scores.to_parquet(tmp_path / "sentence_scores.parquet", index=False)
    bank = build_bank(rows, languages=CODES, name="made-up")
    write_bank(with_intervals(bank, scores), tmp_path)
    return tmp_path


def known(cells):
    return [value for value in cells.to_numpy().ravel() if not np.isnan(value)]


def printed(*arguments):
    code, out, err = run_command(*arguments)
    assert code == 0, err
    return " ".join(out.split())


def test_zero_shot_scores_make_a_bank(folder):
    bank = open_run(folder, protocol="zero_shot")
    assert (bank.name, bank.protocol) == ("made-up-zero_shot", "zero_shot")
    assert bank.intervals.covers_paragraphs
    sequential = open_run(folder)
    # All zero-shot scores are half of those after training: 1 + F is halved.
    cells = (1 + bank.finetune_scores) / (1 + sequential.finetune_scores)
    assert known(cells) == pytest.approx([0.5] * 6)


def test_a_bank_against_longer(folder):
    bank, alone = open_run(folder, baseline="longer"), open_run(folder)
    ratio = (1 + bank.finetune_scores) / (1 + alone.finetune_scores)
    assert known(ratio) == pytest.approx([1 / 1.2] * 6)
    assert bank.intervals.covers_paragraphs
    assert open_bank(folder / "bank.json", baseline="longer") == bank
    assert open_run(folder, baseline="alone") == alone


def test_what_was_not_measured_is_named(folder):
    with pytest.raises(UsageError, match="No measurement of protocol 'joint'"):
        open_run(folder, protocol="joint")
    rows = pd.read_csv(folder / "measurements.csv", keep_default_na=False)
    rows[rows["protocol"] != "longer"].to_csv(folder / "measurements.csv", index=False)
    with pytest.raises(UsageError, match="needs the control `longer`"):
        open_run(folder, baseline="longer")
    (folder / "measurements.csv").unlink()
    with pytest.raises(UsageError, match="without its table of measurements"):
        open_run(folder, baseline="longer")


def test_all_banks_of_a_folder_are_opened(folder):
    opened = open_all(folder, "longer")
    assert [(one.bank.protocol, one.bank.baseline) for one in opened] == [
        ("sequential", "longer"),
        ("zero_shot", "alone"),
    ]
    rows = pd.read_csv(folder / "measurements.csv", keep_default_na=False)
    rows[rows["protocol"] != "zero_shot"].to_csv(folder / "measurements.csv", index=False)
    assert [one.bank.protocol for one in open_all(folder)] == ["sequential"]


def test_commands_take_them(folder):
    said = printed("show", folder)
    assert "Against `longer` (M_t with as many updates as M_{s,t})" in said
    assert "Zero-shot scores (the donor's own model" in said
    assert "F against `longer`" in printed("show", folder, "--baseline", "longer")
    assert "protocol zero_shot" in printed("show", folder, "--protocol", "zero_shot")
    assert "By zero-shot scores it would be" in printed("recommend", folder, "--for", "de", "--budget", "1")
    zero_shot = printed("recommend", folder, "--for", "de", "--budget", "1", "--protocol", "zero_shot", "--anyway")
    assert "Zero-shot score on de, as a share of its own model's" in zero_shot
    printed("select", folder, "--size", "1", "--order", "most_donating", "--baseline", "longer")
    printed("bank", "export", folder, folder / "out.csv", "--baseline", "longer")
    exported = pd.read_csv(folder / "out.csv", index_col=0)
    expected = open_run(folder, baseline="longer").finetune_scores
    assert exported.to_numpy() == pytest.approx(expected.to_numpy(), nan_ok=True)


def test_the_report_and_the_page_show_what_stands_beside(folder):
    printed("bank", "report", folder, "--out", folder / "report")
    html = (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert "Against `longer`, the other baseline" in html.replace("&#96;", "`")
    assert "Zero-shot scores beside F" in html
    assert (folder / "report" / "figures" / "zero_shot.svg").is_file()
    printed("bank", "report", folder, "--out", folder / "report", "--baseline", "longer")
    html = (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert "Against M_t, the other baseline" in html
    printed("explore", folder, "--out", folder / "page.html")
    page = (folder / "page.html").read_text(encoding="utf-8")
    for view in ("made-up.sequential.mrr", "made-up-zero_shot.zero_shot.mrr", "made-up, against longer.sequential.mrr"):
        assert f'"key":"{view}"' in page
