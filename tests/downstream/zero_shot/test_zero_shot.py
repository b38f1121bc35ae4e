"""Zero-shot tables against numbers worked out by hand; their intervals against textbook ones and simulated truth."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from bloodbank.downstream.zero_shot.zero_shot import verdict, zero_shot
from bloodbank.errors import UsageError

CODES = ("de", "fi", "ru")
SETS = {"most": "ja te", "least": "my hy"}


def table(scores, codes=CODES):
    """From arrays [seed, source, target] by configuration to the tidy table; missing scores have no row."""
    rows = [
        (name, SETS.get(name, name), codes[s], codes[t], seed, float(values[seed, s, t]))
        for name, values in scores.items()
        for seed, s, t in itertools.product(range(len(values)), range(len(codes)), range(len(codes)))
    ]
    made = pd.DataFrame(rows, columns=["configuration", "pretraining_set", "source", "target", "seed", "score"])
    return made[made["score"].notna()]


def sentence_table(parts, wholes, codes=CODES):
    """From arrays [seed, source, target, unit] by configuration to the tables of scores and of sentences."""
    rows = [
        (name, codes[s], codes[t], seed, unit, parts[name][seed, s, t, unit], wholes[name][seed, s, t, unit])
        for name in parts
        for seed, s, t, unit in np.ndindex(parts[name].shape)
    ]
    names = ["configuration", "source", "target", "seed", "unit", "part", "whole"]
    return table({name: parts[name].sum(-1) / wholes[name].sum(-1) for name in parts}, codes), pd.DataFrame(
        rows, columns=names
    )


MOST = np.array([
    [[0.9, 0.5, 0.4], [0.6, 0.8, 0.3], [0.2, 0.1, 0.7]],
    [[0.8, 0.7, 0.4], [0.4, 0.8, 0.5], [0.4, 0.3, 0.9]],
])  # fmt: skip
LEAST = MOST - 0.1
MEAN = MOST.mean(axis=0)


def by_measure(found, configuration, measure, **among):
    rows = found.of_sets(**among)
    return rows[(rows["configuration"] == configuration) & (rows["measure"] == measure)].iloc[0]


# Numbers


def test_z_worked_out_by_hand():
    found = zero_shot(table({"most": MOST, "least": LEAST}))
    matrix = found.matrix("most")
    assert (matrix.index.name, matrix.columns.name) == ("source", "target")
    assert matrix.loc["fi", "de"] == pytest.approx(0.5)  # the mean of 0.6 and 0.4
    assert matrix.loc["de", "fi"] == pytest.approx(0.6)
    zero, mono = (by_measure(found, "most", measure) for measure in ("zero_shot", "monolingual"))
    # (0.6 + 0.4 + 0.5 + 0.4 + 0.3 + 0.2) / 6 and (0.85 + 0.8 + 0.8) / 3
    assert zero["score"] == pytest.approx(0.4)
    assert mono["score"] == pytest.approx(2.45 / 3)
    # Of the seeds: 2.1 / 6 and 2.7 / 6, so that the standard deviation is 0.1 / √2.
    assert zero["seed_sd"] == pytest.approx(0.1 / np.sqrt(2))
    assert zero[["pretraining_set", "n_pairs", "n_missing", "n_seeds", "covers"]].tolist() == [
        "ja te",
        6,
        0,
        2,
        "seeds",
    ]
    assert mono[["n_pairs", "n_seeds"]].tolist() == [3, 2]


def test_margins_worked_out_by_hand():
    rows = zero_shot(table({"most": MOST})).of_pairs("most")
    assert len(rows) == 9 + 3 + 3
    of = rows.set_index(["what", "source", "target"])["score"]
    assert of["source", "de", ""] == pytest.approx((0.6 + 0.4) / 2)  # it gives: over targets
    assert of["target", "", "de"] == pytest.approx((0.5 + 0.3) / 2)  # it takes: over sources
    assert of["cell", "ru", "de"] == pytest.approx(0.3)
    assert rows.set_index("what")["n_pairs"].groupby(level=0).first().to_dict() == {"cell": 1, "source": 2, "target": 2}


def test_z_of_some_languages():
    found = zero_shot(table({"most": MOST, "least": LEAST}))
    row = by_measure(found, "most", "zero_shot", among=("fi", "de"))
    assert row["score"] == pytest.approx((0.6 + 0.5) / 2)
    assert by_measure(found, "most", "monolingual", among=["ru"])["score"] == pytest.approx(0.8)
    assert by_measure(found, "most", "zero_shot", among=["ru"])["n_pairs"] == 0
    assert np.isnan(by_measure(found, "most", "zero_shot", among=["ru"])["score"])
    only = zero_shot(table({"most": MOST}), languages=("fi", "de"))
    assert only.matrix("most").index.tolist() == ["fi", "de"]
    assert by_measure(only, "most", "zero_shot")["score"] == pytest.approx(row["score"])


def test_differences_and_means_of_configurations():
    other = MOST * 0.5
    found = zero_shot(table({"most": MOST, "least": LEAST, "control": other}))
    one = found.difference("most", "least", "zero_shot")
    assert (one.value, one.n_pairs, one.covers) == (pytest.approx(0.1), 6, "seeds")
    assert found.difference("least", ["most", "control"], "monolingual").value == pytest.approx(2.45 / 12 - 0.1)
    assert found.difference("control", ["most", "least"], "zero_shot").value == pytest.approx(-0.2 + 0.05)
    weights = np.zeros((3, 3, 3))
    weights[0, 0, 1], weights[2, 1, 0] = 1.0, -0.5
    assert found.interval(weights)[0] == pytest.approx(MEAN[0, 1] - 0.25 * MEAN[1, 0])


# Intervals of seeds


@pytest.mark.parametrize("n_seeds", [2, 3, 8])
def test_intervals_over_seeds_are_students(n_seeds):
    random = np.random.default_rng(n_seeds)
    scores = np.clip(0.5 + 0.05 * random.standard_normal((n_seeds, 3, 3)), 0, 1)
    found = zero_shot(table({"most": scores}), n_replicates=40_000)
    quantile = t.ppf(0.975, n_seeds - 1)
    rows = found.of_pairs("most")
    cell = rows[(rows["what"] == "cell") & (rows["source"] == "fi") & (rows["target"] == "ru")].iloc[0]
    for row, values in (
        (cell, scores[:, 1, 2]),
        (by_measure(found, "most", "zero_shot"), scores[:, ~np.eye(3, dtype=bool)].mean(axis=1)),
        (by_measure(found, "most", "monolingual"), scores[:, np.eye(3, dtype=bool)].mean(axis=1)),
        (rows[rows["what"] == "source"].iloc[0], scores[:, 0, 1:].mean(axis=1)),
    ):
        half = quantile * values.std(ddof=1) / np.sqrt(n_seeds)
        assert row["high"] - values.mean() == pytest.approx(half, rel=0.08)
        assert values.mean() - row["low"] == pytest.approx(half, rel=0.08)


def test_what_seeds_share_is_no_error_of_a_difference():
    random = np.random.default_rng(0)
    shared = 0.05 * random.standard_normal((3, 3, 3))
    own = 0.005 * random.standard_normal((2, 3, 3, 3))
    found = zero_shot(table({"most": 0.6 + shared, "least": 0.55 + shared}))
    one = found.difference("most", "least", "zero_shot")
    assert (one.low, one.high, one.verdict) == (pytest.approx(0.05), pytest.approx(0.05), "supported")
    assert found.difference("least", "most", "zero_shot").verdict == "not supported"
    assert np.ptp(by_measure(found, "most", "zero_shot")[["low", "high"]]) > 0.02
    found = zero_shot(table({"most": 0.6 + shared + own[0], "least": 0.55 + shared + own[1]}), n_replicates=40_000)
    one = found.difference("most", "least", "monolingual")
    paired = (0.05 + own[0] - own[1])[:, np.eye(3, dtype=bool)].mean(axis=1)
    assert one.high - one.value == pytest.approx(t.ppf(0.975, 2) * paired.std(ddof=1) / np.sqrt(3), rel=0.08)


# Intervals of test sentences


def made_counts(n_units, p, random, shape=(1, 3, 3)):
    wholes = np.broadcast_to(random.integers(5, 30, n_units), (*shape, n_units)).astype(float)
    return random.binomial(wholes.astype(int), p).astype(float), wholes


def test_intervals_over_sentences_are_those_of_a_ratio():
    """Against the linearised variance of a ratio of sums, of one seed."""
    random = np.random.default_rng(1)
    hard = random.beta(4, 2, size=(1, 3, 3, 400))  # sentences differ in how hard they are
    parts, wholes = made_counts(400, hard, random)
    found = zero_shot(*sentence_table({"most": parts}, {"most": wholes}), n_replicates=10_000)
    score = parts.sum(-1) / wholes.sum(-1)
    residual = parts - score[..., None] * wholes
    error = np.sqrt((residual**2).sum(-1) * 400 / 399) / wholes.sum(-1)
    rows = found.of_pairs("most")
    assert (rows["covers"] == "test sentences").all()
    cells = rows[rows["what"] == "cell"]
    np.testing.assert_allclose(cells["high"] - cells["low"], 2 * 1.96 * error[0].ravel(), rtol=0.06)
    # Cells of one target share its sentences; those of different targets do not.
    off = residual[0].copy()
    off[np.eye(3, dtype=bool)] = 0
    by_target = (off / wholes.sum(-1)[0][..., None]).sum(axis=0) / 6
    wanted = np.sqrt((by_target**2).sum() * 400 / 399)
    zero = by_measure(found, "most", "zero_shot")
    assert zero["high"] - zero["low"] == pytest.approx(2 * 1.96 * wanted, rel=0.06)


def test_what_sentences_share_is_no_error_of_a_difference():
    random = np.random.default_rng(2)
    parts, wholes = made_counts(300, random.beta(4, 2, size=(1, 3, 3, 300)), random)
    worse = parts * 0.8
    found = zero_shot(*sentence_table({"most": parts, "same": parts, "least": worse}, dict.fromkeys(
        ("most", "same", "least"), wholes)))  # fmt: skip
    same = found.difference("most", "same", "zero_shot")
    assert (same.value, same.low, same.high, same.verdict) == (0.0, 0.0, 0.0, "undecided")
    one = found.difference("most", "least", "zero_shot")
    alone = by_measure(found, "most", "zero_shot")
    # The difference is a fifth of the score, and so is its interval.
    assert one.high - one.low == pytest.approx((alone["high"] - alone["low"]) / 5, rel=1e-6)
    assert one.low > 0
    assert (one.verdict, one.covers) == ("undecided", "test sentences")  # of one seed


def test_seeds_that_are_alike_add_nothing_to_the_error_of_sentences():
    random = np.random.default_rng(7)
    parts, wholes = made_counts(100, random.beta(4, 2, size=(1, 3, 3, 100)), random)
    three = zero_shot(*sentence_table({"most": parts.repeat(3, 0)}, {"most": wholes.repeat(3, 0)}))
    one = zero_shot(*sentence_table({"most": parts}, {"most": wholes}))
    for measure in ("zero_shot", "monolingual"):
        first, second = (by_measure(found, "most", measure) for found in (one, three))
        assert second[["low", "high"]].tolist() == pytest.approx(first[["low", "high"]].tolist())


def test_seeds_and_sentences_add_up():
    random = np.random.default_rng(3)
    hard = random.beta(4, 2, size=(1, 1, 1, 200))
    good = 0.1 * random.standard_normal((4, 1, 1, 1))
    parts, wholes = made_counts(200, np.clip(hard + good, 0, 1).repeat(3, 1).repeat(3, 2), random, (4, 3, 3))
    scores, sentences = sentence_table({"most": parts}, {"most": wholes})
    both, seeds = (by_measure(zero_shot(scores, more), "most", "monolingual") for more in (sentences, None))
    one_seed = by_measure(
        zero_shot(scores[scores["seed"] == 0], sentences[sentences["seed"] == 0]), "most", "monolingual"
    )
    assert both["covers"] == "seeds and test sentences"
    assert both["high"] - both["low"] > seeds["high"] - seeds["low"]
    assert both["score"] == pytest.approx(seeds["score"])
    assert one_seed["covers"] == "test sentences"
    assert one_seed["high"] > one_seed["score"] > one_seed["low"]


@pytest.mark.proof
def test_intervals_hold_the_truth_as_often_as_they_say():
    """Two configurations whose seeds and sentences are drawn from known populations; three seeds, 60 sentences."""
    random = np.random.default_rng(4)
    held = np.zeros((2, 2))
    n_worlds = 500
    for _ in range(n_worlds):
        hard = random.normal(0, 0.15, size=(1, 2, 2, 60)) * np.ones((1, 2, 1, 1))
        hard[:, 1] = hard[:, 0]  # a target's sentences are the same whatever the source
        common = random.normal(0, 0.02, size=(3, 1, 1, 1))
        parts, wholes = {}, {}
        for name, level in (("most", 0.6), ("least", 0.55)):
            own = random.normal(0, 0.02, size=(3, 2, 2, 1))
            mood = random.normal(0, 0.05, size=(3, 2, 2, 60))  # how a seed does on a sentence
            parts[name] = np.clip(level + hard + common + own + mood, 0, 1) * 20
            wholes[name] = np.full(parts[name].shape, 20.0)
        scores, sentences = sentence_table(parts, wholes, ("de", "fi"))
        found = zero_shot(scores, sentences, n_replicates=600)
        for place, measure in enumerate(("zero_shot", "monolingual")):
            row, one = by_measure(found, "most", measure), found.difference("most", "least", measure)
            held[place] += [row["low"] < 0.6 < row["high"], one.low < 0.05 < one.high]
    share = held / n_worlds
    assert (share > 0.93).all(), share
    assert (share < 0.995).all(), share


def test_verdicts_follow_from_the_interval():
    ends = ((0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1), (0.0, 0.1), (-0.1, 0.0), (np.nan, np.nan))
    undecided = ["undecided"] * 4
    assert [verdict(*each, covers_seeds=True) for each in ends] == ["supported", "not supported", *undecided]
    assert [verdict(*each, covers_seeds=False) for each in ends] == ["undecided", "undecided", *undecided]


# Nothing known, something missing


def test_one_seed_and_no_sentences_decide_nothing():
    found = zero_shot(table({"most": MOST[:1], "least": MOST[:1] - 0.1}))
    row, one = by_measure(found, "most", "zero_shot"), found.difference("most", "least", "zero_shot")
    assert row["score"] == pytest.approx(2.1 / 6)
    assert np.isnan([row["low"], row["high"], row["seed_sd"], one.low, one.high]).all()
    assert (one.value, one.verdict, one.covers, row["covers"]) == (
        pytest.approx(0.1),
        "undecided",
        "nothing",
        "nothing",
    )


@pytest.mark.parametrize("as_row", [True, False])
def test_a_pair_that_a_seed_lacks_does_not_count(as_row):
    scores = MOST.copy()
    scores[1, 0, 1] = np.nan
    rows = table({"most": scores, "least": LEAST})
    if as_row:
        rows.loc[len(rows) + 99] = ["most", "ja te", "de", "fi", 1, np.nan]
    found = zero_shot(rows)
    row = by_measure(found, "most", "zero_shot")
    assert (row["score"], row["n_pairs"], row["n_missing"]) == (pytest.approx((2.4 - 0.6) / 5), 5, 1)
    assert found.matrix("most").loc["de", "fi"] == pytest.approx(0.5)  # of the seed that has it
    cell = found.of_pairs("most").iloc[1]
    assert (cell["source"], cell["target"], cell["n_seeds"], np.isnan(cell["low"])) == ("de", "fi", 1, True)
    one = found.difference("most", "least", "zero_shot")  # the same pairs of both
    assert (one.value, one.n_pairs) == (pytest.approx(0.1), 5)
    margins = found.of_pairs("most").set_index(["what", "source", "target"])["n_pairs"]
    assert (margins["source", "de", ""], margins["target", "", "fi"], margins["source", "fi", ""]) == (1, 1, 2)


def test_a_configuration_without_a_score():
    rows = table({"most": MOST, "least": LEAST})
    rows.loc[rows["configuration"] == "least", "score"] = np.nan
    found = zero_shot(rows)
    row = by_measure(found, "least", "zero_shot")
    assert (np.isnan(row["score"]), row["n_pairs"], row["n_missing"], row["n_seeds"]) == (True, 0, 6, 0)
    cell = found.of_pairs("least").iloc[0]
    assert (cell["n_pairs"], np.isnan(cell["score"])) == (0, True)
    with pytest.raises(UsageError, match=r"^most and least have no pair of source and target in common"):
        found.difference("most", "least", "zero_shot")


def test_a_seed_that_has_hardly_begun_is_left_out_and_named():
    begun = np.concatenate([MOST, np.full((1, 3, 3), np.nan)])
    begun[2, 0] = 0.5
    found = zero_shot(table({"most": begun}))
    assert found.cells.left_out == ("most, seed 2: 3 of 9 scores",)
    assert by_measure(found, "most", "zero_shot")["score"] == pytest.approx(0.4)
    begun[2, 1] = 0.5
    assert zero_shot(table({"most": begun})).cells.left_out == ()


def test_the_order_of_rows_and_languages_changes_no_number():
    random = np.random.default_rng(5)
    parts, wholes = made_counts(30, 0.6, random, (2, 3, 3))
    other = np.clip(parts + random.integers(-1, 2, parts.shape), 0, wholes)
    scores, sentences = sentence_table({"most": parts, "least": other}, {"most": wholes, "least": wholes})
    one = zero_shot(scores, sentences)
    shuffled = zero_shot(
        scores.sample(frac=1, random_state=0), sentences.sort_values("unit", kind="stable", ascending=True),
        languages=("ru", "de", "fi"),
    )  # fmt: skip
    first, second = (each.difference("most", "least", "zero_shot") for each in (one, shuffled))
    assert (second.value, second.low, second.high) == pytest.approx((first.value, first.low, first.high))
    assert zero_shot(scores, sentences, seed=1).difference("most", "least", "zero_shot").low != first.low


# What is wrong


def wrong(change, sentences=False):
    random = np.random.default_rng(6)
    parts, wholes = made_counts(5, 0.6, random, (2, 3, 3))
    scores, counts = sentence_table({"most": parts}, {"most": wholes})
    scores, counts = change(scores, counts)
    with pytest.raises(UsageError) as caught:
        zero_shot(scores, counts if sentences else None)
    return str(caught.value)


def test_tables_that_cannot_be_used():
    again = pd.concat
    assert wrong(lambda s, c: (s.drop(columns="seed"), c)).startswith("The table of scores lacks the columns seed. It")
    assert wrong(lambda s, c: (again([s, s.iloc[[1]]]), c)) == (
        "The table of scores holds most, de to fi, seed 0 twice. Keep one."
    )
    assert wrong(lambda s, c: (s.assign(score=60.0), c)).startswith("The score of most, de to de, seed 0 is 60; scores")
    assert wrong(lambda s, c: (s.assign(task=["pos", "ner"] * 9), c)).startswith("Scores of several tasks, pos, ner.")
    assert wrong(lambda s, c: (s.assign(pretraining_set=["a", "b"] * 9), c)).startswith(
        "Configuration most has two pretraining sets, a and b."
    )
    assert wrong(lambda s, c: (s.iloc[:0], c)).startswith("No scores of any language.")


def test_sentence_counts_that_do_not_belong_to_the_scores():
    differ = "The taggers that were tested on de do not all have counts of the same test sentences, one row each."
    assert wrong(lambda s, c: (s, c.iloc[1:]), True).startswith(differ)
    assert wrong(lambda s, c: (s, pd.concat([c, c.iloc[[0]]])), True).startswith(differ)
    assert wrong(lambda s, c: (s, c[c["seed"] == 0]), True).startswith(differ)
    assert wrong(lambda s, c: (s, c.iloc[:0]), True).startswith(differ)
    assert wrong(lambda s, c: (s, c.assign(part=c["part"] * 0.5)), True).startswith(
        "most, de to de, seed 0: the score is 0."
    )
    assert wrong(lambda s, c: (s, c.drop(columns="unit")), True).startswith("The table of sentence counts lacks the")


def test_what_cannot_be_asked():
    found = zero_shot(table({"most": MOST, "least": LEAST}))
    for call, message in (
        (lambda: found.matrix("mots"), "Unknown configuration 'mots'. There are most, least."),
        (lambda: found.of_sets(among=["xx"]), "No scores of xx. There are those of de, fi, ru."),
        (
            lambda: found.difference("most", ["least", "most"], "zero_shot"),
            "Cannot compare most with least, most: most is",
        ),
        (lambda: found.difference("most", [], "zero_shot"), "Cannot compare most with : one side is empty."),
        (lambda: found.difference("most", "least", "zeroshot"), "Unknown measure 'zeroshot'."),
        (lambda: zero_shot(table({"most": MOST}), level=95), "The level of an interval is between 0 and 1"),
        (lambda: zero_shot(table({"most": MOST}), n_replicates=0), "One replicate or more is needed"),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert str(caught.value).startswith(message)
