import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from bloodbank.bank import build_bank
from bloodbank.errors import UsageError

CODES = ("de", "fi", "hu")


def build(rows, **settings):
    return build_bank(rows, **{"languages": CODES, "name": "test", **settings})


def test_bank_of_the_example_on_paper(paper_example):
    bank = build(paper_example)
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(0.60)
    assert bank.differences.loc["fi", "de"] == pytest.approx(0.12)
    assert bank.log_ratios.loc["fi", "de"] == pytest.approx(np.log(1.6))
    assert bank.donation.to_dict() == pytest.approx({"de": -0.05, "fi": 0.55, "hu": -0.45})
    assert bank.recipience.to_dict() == pytest.approx({"de": 0.55, "fi": -0.20, "hu": -0.30})
    assert bank.monolingual.to_dict() == {"de": 0.20, "fi": 0.25, "hu": 0.40}
    assert bank.blood_types.to_dict() == {"de": "AB+", "fi": "O", "hu": "none"}
    assert bank.transfer_levels.loc["fi", "de"] == "very positive"
    assert bank.ranking == ["fi", "de", "hu"]
    assert (bank.health == "healthy").to_numpy().all()
    assert list(bank.scores.columns) == [
        "donation",
        "donation_mean",
        "recipience",
        "recipience_mean",
        "donation_complete",
        "recipience_complete",
        "blood_type",
        "monolingual",
        "n_masked",
        "updates",
        "tokens_seen",
        "health",
    ]
    assert bank.scores.loc["de", "updates"] == 1_000
    assert bank.measurements is paper_example
    with pytest.raises(dataclasses.FrozenInstanceError):
        bank.name = "other"


def test_order_of_languages_is_that_asked_for(paper_example):
    bank = build(paper_example, languages=("hu", "de", "fi"))
    assert list(bank.finetune_scores.index) == list(bank.scores.index) == ["hu", "de", "fi"]
    assert bank.donation.to_dict() == pytest.approx({"de": -0.05, "fi": 0.55, "hu": -0.45})


def test_monolingual_rows_may_have_an_empty_donor_of_either_kind(paper_example):
    rows = paper_example.assign(donor=paper_example["donor"].replace({"": None}))
    assert build(rows) == build(paper_example)


def test_other_languages_metrics_and_protocols_are_left_out(paper_example, make):
    more = make({"sv": 0.5}, {("sv", "de"): 0.9})
    loss = make({"de": 5.0}, {("fi", "de"): 4.0}, metric="cross_entropy")
    joint = make({}, {("fi", "de"): 0.1}, protocol="joint")
    assert build(pd.concat([paper_example, more, loss, joint])) == build(paper_example)


def test_seeds_are_replicates_and_may_be_ragged(example_with):
    # F(fi→de): seed 0 +0.60, seed 1 (0.30 - 0.25) / 0.25 = +0.20; mean +0.40, deviation 0.4 / √2.
    # F(hu→de) only in seed 0: -0.05. Averaging scores before taking F would give 0.31 / 0.225 - 1 = +0.378.
    second = example_with(seed=1, alone={"de": 0.25}, together={("fi", "de"): 0.30}, drop=[("hu", "de"), "hu"])
    bank = build(pd.concat([example_with(), second]))
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(0.40)
    assert bank.seed_deviations.loc["fi", "de"] == pytest.approx(0.4 / np.sqrt(2))
    assert bank.finetune_scores.loc["hu", "de"] == pytest.approx(-0.05)
    assert np.isnan(bank.seed_deviations.loc["hu", "de"])
    assert bank.n_seeds.to_numpy().tolist() == [[0, 2, 1], [2, 0, 1], [1, 2, 0]]
    assert list(bank.replicates) == [0, 1]
    assert bank.replicates[1].loc["fi", "de"] == pytest.approx(0.20)
    assert bank.donation["fi"] == pytest.approx(0.40 - 0.05)
    assert bank.monolingual["de"] == pytest.approx(0.225)
    assert bank.scores["donation_complete"].all()


def test_health_of_every_model(example_with):
    first = example_with(health={"fi": "unhealthy", ("de", "hu"): "failed"}, drop=[("hu", "de")])
    second = example_with(seed=1, drop=[("hu", "de")])
    bank = build(pd.concat([first, second]))
    assert bank.health.loc["fi", "fi"] == "partly healthy"
    assert bank.health.loc["de", "hu"] == "partly healthy"
    assert bank.health.loc["hu", "de"] == "missing"
    assert bank.scores["health"].to_dict() == {"de": "healthy", "fi": "partly healthy", "hu": "healthy"}
    assert bank.unhealthy_models[["donor", "recipient", "seed", "health"]].to_numpy().tolist() == [
        ["", "fi", 0, "unhealthy"],
        ["de", "hu", 0, "failed"],
    ]
    assert bank.monolingual["fi"] == 0.25
    assert build(first).monolingual.isna().to_dict() == {"de": False, "fi": True, "hu": False}


def test_reasons_of_missing_cells(example_with):
    bank = build(example_with(health={"fi": "unhealthy", ("de", "hu"): "failed"}, drop=[("hu", "de")]))
    assert bank.missing_reasons.to_numpy().tolist() == [
        [None, "void", "unhealthy"],
        [None, None, None],
        ["not measured", "void", None],
    ]


def test_restricted_donors_leave_cells_missing(example_with):
    bank = build(example_with(drop=[("hu", "de"), ("hu", "fi")]))
    assert bank.finetune_scores.loc["hu"].isna().all()
    assert np.isnan(bank.donation["hu"])
    assert bank.recipience["fi"] == pytest.approx(2 * 0.20)
    assert bank.ranking[-1] == "hu"
    assert bank.scores["recipience_complete"].to_dict() == {"de": False, "fi": False, "hu": True}


def noisy(make, n_seeds, codes="abcdef", updates=None):
    random = np.random.default_rng(1)
    tables = []
    for seed in range(n_seeds):
        alone = {f"x-{code}": float(random.uniform(0.2, 0.3)) for code in codes}
        pairs = {(s, t): float(random.uniform(0.2, 0.4)) for s in alone for t in alone if s != t}
        tables.append(make(alone, pairs, seed=seed, updates=updates))
    return pd.concat(tables), tuple(f"x-{code}" for code in codes)


def test_seed_agreement_is_spearmans(make):
    rows, codes = noisy(make, 3)
    bank = build(rows, languages=codes)
    table = bank.seed_agreement()
    assert table[["seed_a", "seed_b"]].drop_duplicates().to_numpy().tolist() == [[0, 1], [0, 2], [1, 2]]
    assert table["n"].tolist() == [30, 6, 6] * 3
    first, third = (bank.replicates[seed] for seed in (0, 2))
    inside = ~np.eye(6, dtype=bool)
    row = table[(table["seed_a"] == 0) & (table["seed_b"] == 2)].set_index("score")["rank_correlation"]
    assert row["finetune_score"] == pytest.approx(spearmanr(first.to_numpy()[inside], third.to_numpy()[inside])[0])
    assert row["donation"] == pytest.approx(spearmanr(first.sum(axis=1), third.sum(axis=1))[0])
    assert row["recipience"] == pytest.approx(spearmanr(first.sum(axis=0), third.sum(axis=0))[0])


def test_one_seed_has_no_agreement(paper_example):
    assert build(paper_example).seed_agreement().empty


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (lambda rows: rows.iloc[:0], {}, "is empty"),
        (lambda rows: rows.drop(columns=["health", "value"]), {}, "lacks the columns value, health"),
        (lambda rows: rows, {"metric": "perplexity"}, "Unknown metric 'perplexity'.*measured here: mrr"),
        (
            lambda rows: rows,
            {"metric": "accuracy"},
            "No measurement of metric 'accuracy'. Measured here: mrr",
        ),
        (
            lambda rows: rows,
            {"protocol": "joint"},
            "No measurement of protocol 'joint'. Measured here: sequential",
        ),
        (lambda rows: pd.concat([rows, rows.tail(1)]), {}, "2 rows .* sequential hu→fi, seed 0"),
        (lambda rows: pd.concat([rows, rows.head(1)]), {}, "2 rows .* monolingual de, seed 0"),
        (lambda rows: rows.assign(health="ill"), {}, "Unknown health 'ill'"),
        (lambda rows: rows, {"languages": ("de",)}, "two languages or more"),
        (lambda rows: rows, {"languages": ("de", "fi", "de")}, "named more than once: de"),
        (lambda rows: rows, {"languages": ("sv", "ru")}, "is about two of the languages sv, ru"),
    ],
)
def test_wrong_input_is_named(paper_example, change, settings, message):
    with pytest.raises(UsageError, match=message):
        build(change(paper_example), **settings)


def test_equality(paper_example, example_with):
    bank = build(paper_example)
    assert bank == build(paper_example.copy())
    assert bank != build(paper_example, name="other")
    assert bank != build(example_with(together={("hu", "fi"): 0.16}))
    assert bank != build(paper_example, provenance={"host": "x"})
    assert bank != "bank"
