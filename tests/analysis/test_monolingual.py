import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bloodbank import read_matrix
from bloodbank.analysis.halves import split_halves
from bloodbank.analysis.monolingual import monolingual
from bloodbank.bank import build_bank
from bloodbank.errors import UsageError
from bloodbank.figures.monolingual import monolingual_caption, monolingual_figure
from made_up_banks import measurements_of, sentence_scores
from shared_data import shared_data

CODES = tuple(f"x-{i:02}" for i in range(12))


def bank_of(own, together, *, metric="mrr", health=None, codes=CODES):
    """A bank of scores by seed. Shapes: own [seed, language], together [seed, donor, recipient]."""
    rows = []
    for seed in range(len(own)):
        for t, recipient in enumerate(codes[: len(own[0])]):
            rows.append(("monolingual", "", recipient, seed, own[seed][t]))
            rows += [
                ("sequential", donor, recipient, seed, together[seed][s][t])
                for s, donor in enumerate(codes[: len(own[0])])
                if s != t
            ]
    table = pd.DataFrame(rows, columns=["protocol", "donor", "recipient", "seed", "value"]).assign(
        metric=metric, n_masked=1, standard_error=0.001, updates=1, tokens_seen=1, seconds=1.0, device="cpu",
        health="healthy", health_z=9.0, convergence="converged",
    )  # fmt: skip
    for (protocol, recipient, seed), state in (health or {}).items():
        chosen = (table["protocol"] == protocol) & (table["recipient"] == recipient) & (table["seed"] == seed)
        table.loc[chosen, "health"] = state
    return build_bank(table, languages=codes[: len(own[0])], name="made-up", metric=metric)


def noise_only(seed, n=10, n_seeds=3):
    """True F is 0 everywhere: models differ by chance alone."""
    rng = np.random.default_rng(seed)
    own = 0.2 * (1 + 0.1 * rng.normal(size=(n_seeds, n)))
    return bank_of(own, 0.2 * (1 + 0.1 * rng.normal(size=(n_seeds, n, n))))


def related(sign, seed=0, n=12, n_seeds=3, metric="mrr"):
    """R truly rises (or falls) with ε, D does not depend on it."""
    rng = np.random.default_rng(seed)
    level = 0.2 * np.exp(np.linspace(-0.5, 0.5, n))
    gain = 1 + sign * np.linspace(-0.3, 0.3, n)
    own = level * (1 + 0.005 * rng.normal(size=(n_seeds, n)))
    together = level * gain * (1 + 0.005 * rng.normal(size=(n_seeds, n, n)))
    return bank_of(own, together, metric=metric)


def row(found, estimate, score):
    table = found.correlations
    return table[(table["estimate"] == estimate) & (table["score"] == score)].iloc[0]


def test_where_nothing_transfers_the_raw_value_is_negative_and_the_halves_are_zero():
    found = [monolingual(noise_only(seed), n_splits=10, n_permutations=99) for seed in range(40)]
    raw, halves = (
        np.array([row(one, estimate, "recipience")["pearson"] for one in found]) for estimate in ("raw", "halves")
    )
    assert raw.mean() < -0.8
    assert abs(halves.mean()) < 3.5 * halves.std(ddof=1) / np.sqrt(len(halves))
    by_chance = np.mean([row(one, "halves", "recipience")["p"] <= 0.05 for one in found])
    assert by_chance < 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / len(found))
    text = " ".join(found[0].sentences())
    assert "Languages with the better monolingual model receive less" in text
    assert "undecided" in text
    assert "Noise alone lowers R where ε(M_l) came out better than it is" in text


@pytest.mark.parametrize(("sign", "word"), [(1, "more"), (-1, "less")])
def test_a_true_relation_holds_on_halves(sign, word):
    found = monolingual(related(sign))
    for estimate in ("raw", "halves"):
        one = row(found, estimate, "recipience")
        assert sign * one["pearson"] > 0.9
        assert one["p"] < 0.01
    text = " ".join(found.sentences())
    assert f"Languages with the better monolingual model receive {word}" in text
    assert "it holds" in text
    assert ("is a larger F where ε(M_l) is smaller" in text) == (sign < 0)
    assert "so that the noise which they share may be all there is to it" not in text


def test_no_p_on_halves_is_below_what_relabelling_shows():
    found = monolingual(related(-1, n=6), n_permutations=199)
    assert found.exact
    assert row(found, "halves", "recipience")["pearson"] < -0.9
    assert row(found, "halves", "recipience")["p"] >= 1 / 720


@pytest.mark.proof
@pytest.mark.parametrize(("n", "n_banks"), [(6, 60), (12, 40)])
def test_chance_makes_halves_significant_as_rarely_as_claimed(n, n_banks):
    p = [
        row(monolingual(noise_only(seed, n=n), n_splits=5, n_permutations=99), "halves", score)["p"]
        for seed in range(n_banks)
        for score in ("donation", "recipience")
    ]
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / n_banks)


def test_a_loss_turns_the_words_and_not_the_finding():
    # ε is a loss: a language with a high one has the worse model, and here it gains more.
    found = monolingual(related(-1, metric="cross_entropy"))
    assert "Languages with the better monolingual model receive less" in " ".join(found.sentences())
    assert "lower is better" in " ".join(found.sentences())


def test_raw_values_are_those_of_scipy():
    bank = related(1)
    found = monolingual(bank)
    for score in ("donation", "recipience"):
        one = row(found, "raw", score)
        assert one["pearson"] == pytest.approx(stats.pearsonr(bank.monolingual, bank.scores[score]).statistic)
        assert one["spearman"] == pytest.approx(stats.spearmanr(bank.monolingual, bank.scores[score]).statistic)


def test_halves_of_two_seeds_are_the_two_seeds():
    bank = noise_only(0, n=5, n_seeds=2)
    found = split_halves(bank, None, n_splits=8, seed=0)
    assert found.by_seeds
    assert not found.by_paragraphs
    own = bank.measurements.query("protocol == 'monolingual'").pivot_table(
        index="seed", columns="recipient", values="value"
    )
    for values, gives, takes in zip(found.own, found.donation, found.recipience, strict=True):
        first = int(np.argmin(np.abs(own.to_numpy() - values).sum(axis=1)))
        np.testing.assert_allclose(values, own.loc[first])
        other = bank.replicates[1 - first]
        np.testing.assert_allclose(gives, other.sum(axis=1))
        np.testing.assert_allclose(takes, other.sum(axis=0))
    halves = len(found.own) // 2
    np.testing.assert_allclose(found.own[:halves] + found.own[halves:], np.tile(own.sum(), (halves, 1)))


def test_halves_share_no_paragraph():
    codes = ("de", "fi", "hu", "ru")
    scores = sentence_scores(codes, seeds=(0,))
    bank = build_bank(measurements_of(scores), languages=codes, name="made-up")
    found = split_halves(bank, scores, n_splits=5, seed=0)
    assert found.by_paragraphs
    assert not found.by_seeds
    alone = scores[(scores["protocol"] == "monolingual") & (scores["recipient"] == "de")]
    halves = found.own[:5, 0], found.own[5:, 0]
    assert not np.allclose(*halves)
    # The two halves have 20 paragraphs each, so that their sums add up to the whole.
    counts = alone["count"].to_numpy()
    whole = alone["sum"].sum() / counts.sum()
    assert (np.minimum(*halves) <= whole).all()
    assert (np.maximum(*halves) >= whole).all()
    text = " ".join(monolingual(bank, scores).sentences())
    assert "share no test paragraph" in text
    assert "the noise of their one seed is still in both" in text


def test_both_at_once_are_named():
    codes = ("de", "fi", "hu", "ru")
    scores = sentence_scores(codes)
    bank = build_bank(measurements_of(scores), languages=codes, name="made-up")
    assert "share neither seed nor test paragraph" in " ".join(monolingual(bank, scores).sentences())


def test_an_unhealthy_own_model_does_not_count_in_a_half():
    rng = np.random.default_rng(0)
    own = 0.2 * (1 + 0.1 * rng.normal(size=(3, 5)))
    own[1, 2] = 5.0
    together = 0.2 * (1 + 0.1 * rng.normal(size=(3, 5, 5)))
    bank = bank_of(own, together, health={("monolingual", CODES[2], 1): "unhealthy"})
    found = split_halves(bank, None, n_splits=30, seed=0)
    assert np.nanmax(found.own[:, 2]) < 1


def test_a_half_without_any_hit_is_missing_and_not_infinite():
    rng = np.random.default_rng(0)
    own = 0.2 * (1 + 0.1 * rng.normal(size=(2, 5)))
    own[0, 0] = 0.0
    with np.errstate(all="raise"):
        found = split_halves(bank_of(own, np.full((2, 5, 5), 0.2), metric="accuracy"), None, n_splits=6, seed=0)
    assert not np.isinf(found.recipience).any()


def test_sentence_scores_of_another_run_are_refused():
    codes = ("de", "fi", "hu", "ru")
    bank = build_bank(measurements_of(sentence_scores(codes)), languages=codes, name="made-up")
    with pytest.raises(UsageError, match="do not belong to the bank: F"):
        monolingual(bank, sentence_scores(codes, random=1))


def test_the_order_of_languages_changes_nothing():
    codes = ("de", "fi", "hu", "ru", "sv")
    scores = sentence_scores(codes)
    first, second = (
        monolingual(build_bank(measurements_of(scores), languages=order, name="made-up"), scores)
        for order in (codes, codes[::-1])
    )
    pd.testing.assert_frame_equal(first.correlations, second.correlations)
    pd.testing.assert_frame_equal(first.table, second.table)


def test_what_is_not_possible_says_why():
    one = noise_only(0, n=5, n_seeds=1)
    text = " ".join(monolingual(one).sentences())
    assert "there is one seed, and there are no sentence scores" in text
    nothing = dataclasses.replace(one, replicates={}, measurements=None)
    assert "the bank has neither seeds nor sentence scores" in " ".join(monolingual(nothing).sentences())
    few = monolingual(noise_only(0, n=3))
    assert "3 languages with scores of M_l are fewer than 4" in " ".join(few.sentences())
    assert few.drawable
    same = monolingual(bank_of(np.full((2, 5), 0.2), np.full((2, 5, 5), 0.25)))
    assert "is the same for all 5 languages" in " ".join(same.sentences())


def test_the_released_matrix_has_no_scores_of_its_own():
    found = monolingual(read_matrix(shared_data("published", "mrr_ratio_22x22.csv")))
    assert not found.drawable
    assert found.sentences() == [
        "Whether D and R go with the score of a language's own model: not possible, because the score of M_l is not "
        "known for any language with D and R."
    ]


def test_the_figure_has_a_point_for_each_language():
    found = monolingual(related(1))
    figure = monolingual_figure(found, "made-up")
    for score in ("donation", "recipience"):
        axes = next(one for one in figure.axes if one.get_label() == score)
        line = next(line for line in axes.lines if line.get_linestyle() == "None")
        np.testing.assert_allclose(line.get_ydata(), found.table[score])
        assert f"on halves: {row(found, 'halves', score)['pearson']:+.2f}".replace("+0.00", "0.00") in axes.get_title()
    assert "12 languages" in monolingual_caption(found)
