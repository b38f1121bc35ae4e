import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
from pydantic_core import SchemaValidator

from bloodbank.bank import build_bank, read_bank, schema, write_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.uncertainty.intervals import IntervalOptions
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
    assert content["schema_version"] == schema.SCHEMA_VERSION
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


def test_a_later_version_can_read_an_earlier_one(full_bank, tmp_path, monkeypatch):
    def add_colour(content):
        content["name"] += ", once uncoloured"

    path, _ = write_bank(full_bank, tmp_path)
    next_version = schema.SCHEMA_VERSION + 1
    monkeypatch.setattr(schema, "SCHEMA_VERSION", next_version)
    monkeypatch.setitem(schema.UPGRADES, next_version, add_colour)
    later = schema.record(schema._BANK | {"schema_version": schema.one_of([next_version])})
    monkeypatch.setattr(schema, "_validator", lambda: SchemaValidator(later))
    assert read_bank(path).name == "prüfung, once uncoloured"


def test_correlations_without_a_test_in_a_file_of_version_1_are_passed_over(full_bank, tmp_path):
    path, _ = write_bank(full_bank, tmp_path)
    content = json.loads(path.read_text("utf-8")) | {"schema_version": 1, "confounds": [{"correlation": 0.35}]}
    path.write_text(json.dumps(content), "utf-8")
    assert read_bank(path) == full_bank


def test_a_byte_order_mark_is_no_reason_to_refuse(full_bank, tmp_path):
    path, _ = write_bank(full_bank, tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_bank(path) == full_bank


def test_what_cannot_stand_in_a_file_is_not_written(full_bank, tmp_path):
    with pytest.raises(UsageError, match="cannot be written: protocol is 'nonsense'"):
        write_bank(dataclasses.replace(full_bank, protocol="nonsense"), tmp_path)


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
    return lambda content: content | changes


def placed(value, *path):
    """Put a value somewhere inside."""

    def change(content):
        inner = content
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = value
        return content

    return change


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda content: [1, 2], UsageError, "is JSON, but not a bank"),
        (lambda content: {"schema_version": 1}, UsageError, "is JSON, but not a bank"),
        (rewritten(schema_version=99), BloodbankError, "has schema_version 99.*Install a newer bloodbank"),
        (rewritten(schema_version="1"), UsageError, "schema_version '1'"),
        (rewritten(schema_version=True), UsageError, "schema_version True"),
        (rewritten(finetune_scores=[[1]]), UsageError, "finetune_scores is no matrix of 3 rows"),
        (rewritten(metric="perplexity"), UsageError, "metric is 'perplexity': allowed is 'mrr', 'accuracy'"),
        (rewritten(protocol="nonsense"), UsageError, "protocol is 'nonsense': allowed is 'sequential'"),
        (rewritten(controls=None), UsageError, "controls is None"),
        (rewritten(convergence=None), UsageError, "convergence is None"),
        (rewritten(scores=None), UsageError, "scores is None"),
        (rewritten(covariates=None), UsageError, "covariates is None"),
        (rewritten(languages=None), UsageError, "languages is None"),
        (rewritten(intervals={"level": 0.95}), UsageError, "intervals.protocol is missing"),
        (rewritten(name=7), UsageError, "name is 7"),
        (rewritten(colour="red"), UsageError, "colour is not known here"),
        (rewritten(provenance=None), UsageError, "provenance is None"),
        (rewritten(provenance={"import": 5}), UsageError, "provenance is .*its `import` must name a file"),
        (rewritten(n_seeds=[[1] * 4] * 4), UsageError, "n_seeds is no matrix of 3 rows"),
        (lambda content: content | {"scores": content["scores"][:-1]}, UsageError, "scores are not those of languages"),
        (placed("0.6", "finetune_scores", 1, 0), UsageError, r"finetune_scores\[1\]\[0\] is '0.6'"),
        (placed(True, "finetune_scores", 1, 0), UsageError, r"finetune_scores\[1\]\[0\] is True"),
        (placed(math.inf, "finetune_scores", 1, 0), UsageError, r"finetune_scores\[1\]\[0\] is inf.*finite"),
        (placed(10**400, "n_seeds", 1, 0), UsageError, "n_seeds"),
        (placed(0.5, "finetune_scores", 1, 1), UsageError, "finetune_scores has a value on the diagonal"),
        (placed(2, "n_seeds", 1, 1), UsageError, "n_seeds has a value on the diagonal"),
        (placed("de", "languages", 1, "code"), UsageError, "one stands twice in languages"),
        (placed("\x1b[31m", "languages", 1, "code"), UsageError, "languages.*printable"),
        (rewritten(higher_is_better=False), UsageError, "higher_is_better is False, which it is not for mrr"),
        (rewritten(higher_is_better="yes"), UsageError, "higher_is_better is 'yes'"),
        (placed("superb", "transfer_levels", 1, 0), UsageError, "is 'superb': allowed is 'negative'"),
        (placed("negative", "transfer_levels", 1, 0), UsageError, "transfer_levels are not those of finetune_scores"),
        (placed(0.9, "finetune_scores", 1, 0), UsageError, "transfer_levels are not those of finetune_scores"),
        (placed(0.3, "finetune_scores", 1, 0), UsageError, "finetune_scores contradicts replicates"),
        (placed(0.9, "scores", 1, "donation"), UsageError, "donation in scores contradicts finetune_scores"),
        (placed("AB+", "scores", 1, "blood_type"), UsageError, "blood_type in scores contradicts"),
        (placed(None, "finetune_scores", 1, 0), UsageError, "transfer_levels are not those of finetune_scores"),
        (placed(7, "seed_agreement", 0, "n"), UsageError, "seed_agreement contradicts"),
        (placed("xx", "unhealthy_models", 0, "recipient"), UsageError, "unhealthy_models names a language"),
        (placed(9, "convergence", "falling"), UsageError, "convergence counts falling models otherwise"),
    ],
)
def test_refuses_what_is_not_a_bank(full_bank, tmp_path, change, error, message):
    path, _ = write_bank(full_bank, tmp_path)
    path.write_text(json.dumps(change(json.loads(path.read_text("utf-8")))), "utf-8")
    with pytest.raises(error, match=message) as caught:
        read_bank(tmp_path)
    assert caught.value.exit_code == (1 if error is BloodbankError else 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (placed(9.0, "intervals", "cells", "finetune_score", "low", 1, 0), "do not hold the number"),
        (placed(None, "intervals", "cells", "finetune_score", "low", 1, 0), "one bound without the other"),
        (placed("inf", "intervals", "cells", "finetune_score", "low", 1, 0), r"low\[1\]\[0\] is 'inf'"),
        (placed(-1.0, "intervals", "cells", "finetune_score", "se", 1, 0), r"se\[1\]\[0\] is -1.0"),
        (placed(9, "intervals", "cells", "finetune_score", "n_seeds", 1, 0), "n_seeds of the intervals"),
        (placed(9.0, "intervals", "scores", 0, "estimate"), "intervals of scores do not hold|contradicts scores"),
        (placed(99.0, "intervals", "scores", 0, "rank"), "a rank that is outside"),
        (placed("none", "intervals", "types", 1, "blood_type"), "blood types of the intervals contradict"),
        (placed(2.0, "intervals", "types", 0, "p_O"), "p_O is 2.0"),
        (placed("accuracy", "intervals", "metric"), "the metric of the intervals"),
        (placed(1.0, "intervals", "level"), "intervals.level is 1.0"),
    ],
)
def test_refuses_intervals_that_contradict_the_bank(example_with, tmp_path, change, message):
    rows = pd.concat([example_with(seed=seed, alone={"de": 0.2 + seed / 20}) for seed in range(3)])
    bank = with_intervals(build_bank(rows, languages=CODES, name="sure"), None, IntervalOptions(n_replicates=20))
    path, *_ = write_bank(bank, tmp_path)
    assert read_bank(path) == bank
    path.write_text(json.dumps(change(json.loads(path.read_text("utf-8")))), "utf-8")
    with pytest.raises(UsageError, match=message):
        read_bank(path)


@pytest.mark.parametrize("text", ['{"format": "blood', "[" * 20_000, '{"format": "\\ud800"}', "\ufeff"])
def test_refuses_what_is_no_json(tmp_path, text):
    (tmp_path / "bank.json").write_text(text, "utf-8")
    with pytest.raises(UsageError, match="is not JSON"):
        read_bank(tmp_path)


def test_refuses_a_folder_without_a_bank(tmp_path):
    with pytest.raises(UsageError, match="There is no bank at"):
        read_bank(tmp_path)


def test_refuses_bytes_that_are_no_text(tmp_path):
    (tmp_path / "bank.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not JSON"):
        read_bank(tmp_path)
