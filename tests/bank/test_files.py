import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bloodbank.bank import build_bank, read_bank, write_bank
from bloodbank.bank.sentences import sentences
from bloodbank.errors import BloodbankError, UsageError

CODES = ("de", "fi", "hu")


@pytest.fixture
def full_bank(example_with):
    """Two ragged seeds, something unhealthy, something missing, digits that do not end."""
    first = example_with(health={"hu": "unhealthy"}, alone={"de": 1 / 3}, drop=[("de", "fi")])
    second = example_with(seed=1, health={"hu": "failed"}, drop=[("hu", "fi")])
    rows = pd.concat([first, second])
    return build_bank(rows, languages=CODES, name="prüfung", provenance={"seeds": (0, 1), "versions": {"x": "1"}})


def test_round_trip(full_bank, tmp_path):
    paths = write_bank(full_bank, tmp_path / "new")
    assert [path.name for path in paths] == ["bank.json", "matrix.csv"]
    for given in (tmp_path / "new", tmp_path / "new" / "bank.json"):
        back = read_bank(given)
        assert back == full_bank
        assert back.measurements is None
    assert back.transfer_levels.equals(full_bank.transfer_levels)
    assert back.seed_agreement().equals(full_bank.seed_agreement())
    assert back.confounds().equals(full_bank.confounds())
    assert back.ranking == full_bank.ranking
    pd.testing.assert_frame_equal(back.scores, full_bank.scores)
    pd.testing.assert_frame_equal(back.unhealthy_models, full_bank.unhealthy_models)
    pd.testing.assert_frame_equal(back.health, full_bank.health)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["bank.json", "matrix.csv"]


def test_round_trip_of_a_whole_bank(paper_example, tmp_path):
    bank = build_bank(paper_example, languages=CODES, name="whole")
    write_bank(bank, tmp_path)
    assert read_bank(tmp_path) == bank


def test_content(full_bank, tmp_path):
    write_bank(full_bank, tmp_path)
    content = json.loads((tmp_path / "bank.json").read_text("utf-8"))
    assert content["schema_version"] == 4
    assert content["intervals"] is None
    assert content["covariates"] == {}
    assert content["name"] == "prüfung"
    assert content["languages"][1] == {"code": "fi", "name": "Finnish", "script": "Latn", "family": "Uralic"}
    donor, recipient = CODES.index("fi"), CODES.index("de")
    assert content["finetune_scores"][donor][recipient] == full_bank.finetune_scores.loc["fi", "de"]
    assert content["finetune_scores"][0][0] is None
    assert content["replicates"]["1"][donor][recipient] == pytest.approx(0.60)
    assert content["n_seeds"] == full_bank.n_seeds.to_numpy().tolist()
    assert content["scores"][0]["language"] == "de"
    assert content["scores"][2]["recipience"] is None
    assert content["unhealthy_models"][0] == {
        "donor": "",
        "recipient": "hu",
        "seed": 0,
        "health": "unhealthy",
        "health_z": 0.5,
    }
    assert content["provenance"] == {"seeds": [0, 1], "versions": {"x": "1"}}


def test_matrix_has_donors_as_rows_and_all_digits(full_bank, tmp_path):
    write_bank(full_bank, tmp_path)
    path = tmp_path / "matrix.csv"
    assert path.read_text("utf-8").startswith("donor\\recipient,de,fi,hu\nde,,")
    back = pd.read_csv(path, index_col=0)
    written = [line.split(",")[1:] for line in path.read_text("utf-8").splitlines()[1:]]
    values = [[float(cell or "nan") for cell in row] for row in written]  # Python's float loses no digit
    assert np.array_equal(values, full_bank.finetune_scores.to_numpy(), equal_nan=True)
    assert back.loc["fi", "de"] == pytest.approx(full_bank.finetune_scores.loc["fi", "de"])


def test_equal_runs_give_equal_bytes_but_for_provenance(example_with, tmp_path):
    seeds = [example_with(seed=seed, alone={"de": 0.1 + seed / 7}) for seed in range(4)]
    rows_of_seeds = pd.concat(seeds, ignore_index=True)
    shuffled = rows_of_seeds.sample(frac=1, random_state=3).assign(seconds=99.0, device="other", threads=7)
    for folder, rows, host in (("a", rows_of_seeds, "one"), ("b", shuffled, "two")):
        bank = build_bank(rows, languages=CODES, name="same", provenance={"host": host})
        write_bank(bank, tmp_path / folder)
    texts = [(tmp_path / folder / "bank.json").read_text("utf-8") for folder in "ab"]
    first, second = (text.split('"provenance"') for text in texts)
    assert first[0] == second[0]
    assert first[1] != second[1]
    assert (tmp_path / "a" / "matrix.csv").read_bytes() == (tmp_path / "b" / "matrix.csv").read_bytes()


def test_an_earlier_bank_is_replaced(paper_example, full_bank, tmp_path):
    write_bank(full_bank, tmp_path)
    bank = build_bank(paper_example, languages=CODES, name="later")
    write_bank(bank, tmp_path)
    assert read_bank(tmp_path) == bank


def test_a_file_of_version_1_is_read():
    # Written before there were controls: seeds 0 and 1 of the example, hu→fi unhealthy in the first, and in the
    # second ε(M_de) = 0.25, ε(M_{fi,de}) = 0.30, so that F(fi→de) is +0.60 and +0.20.
    bank = read_bank(Path(__file__).with_name("bank_version_1.json"))
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(0.40)
    assert bank.n_seeds.loc["hu", "fi"] == 1
    assert bank.provenance == {"seeds": [0, 1]}
    assert bank.controls.empty
    assert bank.convergence == {}
    assert bank.unconverged_models.empty
    text = " ".join(sentences(bank))
    assert "Finnish (fi) donates most" in text
    assert "Control" not in text
    assert "Loss on dev text" not in text


def test_a_file_of_version_2_is_read():
    # Written before there were covariates: as version 1, with fi→hu still falling in the first seed, and a control:
    # `longer` of fi, (0.30 - 0.25) / 0.25 = +0.20, which was rising.
    bank = read_bank(Path(__file__).with_name("bank_version_2.json"))
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(0.40)
    assert bank.controls["finetune_score"].tolist() == pytest.approx([0.20])
    assert bank.convergence == {"converged": 8, "falling": 1, "rising": 1, "unknown": 9}
    assert bank.unconverged_models["convergence"].tolist() == ["falling", "rising"]
    assert list(bank.covariates.index) == list(CODES)
    assert bank.covariates.columns.empty
    assert bank.notes == []


def test_a_file_of_version_3_is_read():
    # Written before there were intervals: as version 2, with covariates.
    bank = read_bank(Path(__file__).with_name("bank_version_3.json"))
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(0.40)
    assert bank.covariates.loc["fi", "foreign_share"] == 0.25
    assert bank.intervals is None


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_file_of_an_earlier_version_is_written_as_the_present_one(version, tmp_path):
    bank = read_bank(Path(__file__).with_name(f"bank_version_{version}.json"))
    write_bank(bank, tmp_path)
    assert json.loads((tmp_path / "bank.json").read_text("utf-8"))["schema_version"] == 4
    assert read_bank(tmp_path) == bank


def test_covariates_are_kept(paper_example, tmp_path):
    order = pd.Series(["SVO", None, "free"], dtype=object).to_numpy()
    table = pd.DataFrame({"fertility": [1.5, 1 / 3, np.nan]}, index=pd.Index(CODES, name="language"))
    table["order"] = pd.Series(order, index=table.index, dtype=object)
    bank = dataclasses.replace(build_bank(paper_example, languages=CODES, name="more"), covariates=table)
    write_bank(bank, tmp_path)
    back = read_bank(tmp_path)
    pd.testing.assert_frame_equal(back.covariates, table)
    assert back.covariates.loc["fi", "fertility"] == 1 / 3
    assert back.covariates.loc["fi", "order"] is None
    write_bank(back, tmp_path / "again")
    assert read_bank(tmp_path / "again") == back


def rewritten(**changes):
    def change(text):
        return json.dumps({**json.loads(text), **changes})

    return change


def without_the_last_score(text):
    content = json.loads(text)
    return json.dumps({**content, "scores": content["scores"][:-1]})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda text: text[: len(text) // 2], UsageError, "is not JSON"),
        (lambda text: "[1, 2]", UsageError, "is JSON, but not a bank"),
        (lambda text: '{"schema_version": 1}', UsageError, "is JSON, but not a bank"),
        (rewritten(schema_version=5), BloodbankError, "has schema_version 5.*Install a newer bloodbank"),
        (rewritten(schema_version="1"), UsageError, "schema_version '1'"),
        (rewritten(finetune_scores=[[1]]), UsageError, "is damaged"),
        (rewritten(metric="perplexity"), UsageError, "is damaged.*unknown metric"),
        (rewritten(controls=None), UsageError, "is damaged"),
        (rewritten(convergence=None), UsageError, "is damaged"),
        (rewritten(scores=None), UsageError, "is damaged"),
        (rewritten(covariates=None), UsageError, "is damaged"),
        (rewritten(intervals={"level": 0.95}), UsageError, "is damaged"),
        (rewritten(name=7), UsageError, "is damaged.*name is 7"),
        (rewritten(provenance=None), UsageError, "is damaged.*provenance is None"),
        (rewritten(protocol="nonsense"), UsageError, "is damaged.*unknown protocol 'nonsense'"),
        (rewritten(n_seeds=[[1] * 4] * 4), UsageError, "is damaged.*n_seeds is no matrix of 3 rows"),
        (lambda text: text.replace("0.6,", "Infinity,").replace("0.6]", "Infinity]"), UsageError, "not finite"),
        (lambda text: text.replace('"code": "fi"', '"code": "de"'), UsageError, "stands twice"),
        (without_the_last_score, UsageError, "scores are not those of languages"),
        (rewritten(languages=None), UsageError, "is damaged"),
    ],
)
def test_refuses_what_is_not_a_bank(full_bank, tmp_path, change, error, message):
    path, _ = write_bank(full_bank, tmp_path)
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(error, match=message) as caught:
        read_bank(tmp_path)
    assert caught.value.exit_code == (1 if error is BloodbankError else 2)


def test_refuses_a_folder_without_a_bank(tmp_path):
    with pytest.raises(UsageError, match="There is no bank at"):
        read_bank(tmp_path)


def test_refuses_bytes_that_are_no_text(tmp_path):
    (tmp_path / "bank.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not JSON"):
        read_bank(tmp_path)
