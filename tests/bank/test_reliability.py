"""The reliability of a bank: what it is made of, what it says, and what stands in its file."""

import json

import numpy as np
import pandas as pd
import pytest

from bloodbank.bank import build_bank, read_bank, write_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.reliability import log_ratios, reliability
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError
from made_up_banks import CODES, measurements_of, sentence_scores

SIX = ("de", "en", "fi", "fr", "hu", "ru")


def seeds_of(order, noise, n_seeds=3, codes=SIX, recipient=0.2):
    """F by seed: an order of donors alike in all seeds, noise of donors in each, and one value for each recipient."""
    random = np.random.default_rng(0)
    n = len(codes)
    gives, takes = order * random.normal(size=(n, 1)), recipient * random.normal(size=(1, n))
    tables = {}
    for seed in range(n_seeds):
        cells = gives + takes + noise * random.normal(size=(n, 1)) + 0.01 * random.normal(size=(n, n))
        np.fill_diagonal(cells, np.nan)
        tables[seed] = matrix(np.exp(cells) - 1, codes)
    return tables


def test_log_ratios_are_the_banks_own():
    for metric in ("mrr", "bits_per_byte"):
        scores = sentence_scores(metric=metric, seeds=(0,))
        bank = build_bank(measurements_of(scores), languages=CODES, name="made-up", metric=metric)
        pd.testing.assert_frame_equal(log_ratios(bank.replicates[0], metric), bank.log_ratios)


def test_a_score_of_which_nothing_is_left_has_no_log_ratio():
    nothing = matrix([[np.nan, -1.0], [0.5, np.nan]], ("de", "fi"))
    found = log_ratios(nothing, "mrr")
    assert np.isnan(found.loc["de", "fi"])
    assert found.loc["fi", "de"] == pytest.approx(np.log(1.5))


def test_an_order_that_repeats_is_reliable_and_one_that_does_not_is_not():
    sure, unsure = reliability(seeds_of(0.3, 0.05), "mrr"), reliability(seeds_of(0.0, 0.3), "mrr")
    assert sure.order_repeats
    assert not unsure.order_repeats
    assert sure.scores.loc["donor_order", "of_mean"] > 0.9
    assert sure.scores.loc["donor_order", "seeds_needed"] == 1
    assert "3 seeds suffice for a reliability of 0.8." in sure.sentences()
    of_mean = unsure.scores.loc["donor_order", "of_mean"]
    assert of_mean < 0.5
    assert "suffice" not in " ".join(unsure.sentences())


def test_the_remedy_follows_the_numbers():
    between = reliability(seeds_of(0.15, 0.15, n_seeds=2), "mrr")
    needed = between.scores.loc["donor_order", "seeds_needed"]
    of_mean = between.scores.loc["donor_order", "of_mean"]
    assert 2 < needed < np.inf
    assert between.remedy() == f"2 seeds give {of_mean:.2f}; {needed:.0f} are needed for 0.8."
    first = matrix(np.outer(np.arange(6), np.ones(6)) / 10, SIX).mask(np.eye(6, dtype=bool))
    turned = {0: first, 1: first.iloc[::-1].set_axis(first.index)}
    never = reliability(turned, "mrr")
    assert np.isinf(never.scores.loc["donor_order", "seeds_needed"])
    assert "No number of seeds" in never.remedy()


def test_shares_of_the_variance_are_said_and_are_those_of_the_parts():
    for recipient, expected in ((2.0, True), (0.0, False)):
        found = reliability(seeds_of(0.2, 0.1, recipient=recipient), "mrr")
        share = found.parts["recipient"] / sum(found.parts.values())
        assert f"{share:.0%} is the recipient's" in found.sentences()[1]
        assert (share > 0.9) == expected


@pytest.mark.parametrize(
    ("replicates", "why", "lacking"),
    [
        ({}, "with how many seeds the cells were measured is not known, and two are needed", "with two seeds or more"),
        (seeds_of(0.3, 0.1, n_seeds=1), "there is one seed, and two are needed", "with two seeds or more"),
        (seeds_of(0.3, 0.1, codes=SIX[:3]), "there are 3 languages, and 4 are needed", "4 languages or more"),
    ],
)
def test_what_is_not_known_says_what_is_needed(replicates, why, lacking):
    found = reliability(replicates, "mrr")
    assert not found.known
    assert not found.order_repeats
    assert found.scores.isna().all(axis=None)
    assert found.sentences() == [f"Reliability: not known; {why}."]
    assert found.remedy().startswith("What to measure: ")
    assert lacking in found.remedy()


def test_seeds_without_a_common_cell_say_nothing():
    first, second = seeds_of(0.3, 0.1, n_seeds=2).values()
    halves = {0: first.iloc[:3].reindex(first.index), 1: second.iloc[3:].reindex(first.index)}
    assert "every cell needs two" in reliability(halves, "mrr").obstacle


def test_the_order_of_languages_changes_no_number():
    tables = seeds_of(0.2, 0.1)
    other = {seed: table.loc[list(SIX[::-1]), list(SIX[::-1])] for seed, table in tables.items()}
    pd.testing.assert_frame_equal(reliability(tables, "mrr").scores, reliability(other, "mrr").scores)


@pytest.fixture
def bank():
    return with_intervals(build_bank(measurements_of(sentence_scores()), languages=CODES, name="made-up"))


def test_it_stands_in_the_file(bank, tmp_path):
    write_bank(bank, tmp_path)
    stored = json.loads((tmp_path / "bank.json").read_text())["reliability"]
    assert stored["obstacle"] == ""
    assert stored["n_seeds"] == pytest.approx(3)
    assert stored["parts"] == pytest.approx(bank.reliability.parts)
    assert stored["scores"][0]["of_mean"] == pytest.approx(bank.reliability.scores["of_mean"].iloc[0])
    assert read_bank(tmp_path) == bank


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_what_is_not_known_stands_there_as_missing(seeds, tmp_path):
    bank = build_bank(measurements_of(sentence_scores(seeds=seeds)), languages=CODES, name="made-up")
    write_bank(bank, tmp_path)
    stored = json.loads((tmp_path / "bank.json").read_text())["reliability"]
    assert (stored["parts"]["donor"] is None) == (len(seeds) == 1)
    assert read_bank(tmp_path).reliability.obstacle == stored["obstacle"]


def test_a_file_of_an_earlier_version_is_read_without_it(bank, tmp_path):
    write_bank(bank, tmp_path)
    path = tmp_path / "bank.json"
    content = json.loads(path.read_text())
    for later in ("reliability", "baseline", "tokens_of_recipient"):
        del content[later]
    content |= {"schema_version": 1, "confounds": []}
    path.write_text(json.dumps(content))
    assert read_bank(tmp_path).reliability.scores.equals(bank.reliability.scores)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["scores"][0].update(of_mean=0.99),
        lambda found: found["scores"][0].update(high=0.0),
        lambda found: found["scores"].pop(),
        lambda found: found["parts"].update(cell=9.0),
        lambda found: found.update(n_seeds=2.0),
        lambda found: found.update(obstacle="there is one seed, and two are needed"),
    ],
)
def test_a_file_that_contradicts_its_seeds_is_refused(bank, tmp_path, change):
    write_bank(bank, tmp_path)
    path = tmp_path / "bank.json"
    content = json.loads(path.read_text())
    change(content["reliability"])
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="reliability contradicts replicates"):
        read_bank(tmp_path)
