import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr, ttest_ind

from bloodbank.analysis import comparison as comparing
from bloodbank.bank.bank import build_bank
from bloodbank.bank.importing.read_matrix import read_matrix
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError
from bloodbank.statistics.rank_agreement import rank_agreement

CODES = ("de", "fi", "hu", "ru", "sv", "el", "ta", "nan")


def compare(a, b, n_resamples=30, **options):
    """Compare with few resamples, where a test is not about intervals."""
    return comparing.compare(a, b, n_resamples=n_resamples, **options)


@pytest.fixture
def imported(tmp_path):
    """Make a bank of a matrix of F."""
    count = itertools.count()

    def imported(values, codes=CODES, name="bank"):
        path = tmp_path / f"{name}-{next(count)}.csv"
        table = matrix(values, codes[: len(values)])
        table.to_csv(path, index_label="donor\\recipient")
        return read_matrix(path, values="finetune", name=name)

    return imported


def off_diagonal(n, seed, scale=0.2):
    cells = np.random.default_rng(seed).normal(scale=scale, size=(n, n))
    np.fill_diagonal(cells, np.nan)
    return cells


def seeded(make, n_seeds, random, *, codes=CODES, shift=0.0, noise=0.01, provenance=None, name="run"):
    base = np.random.default_rng(3).uniform(0.2, 0.4, (len(codes), len(codes))) + shift
    tables = []
    for seed in range(n_seeds):
        alone = {code: 0.3 + float(random.normal(scale=noise)) for code in codes}
        pairs = {
            (s, t): float(base[i, j] + random.normal(scale=noise))
            for i, s in enumerate(codes)
            for j, t in enumerate(codes)
            if i != j
        }
        tables.append(make(alone, pairs, seed=seed))
    return build_bank(pd.concat(tables), languages=codes, name=name, provenance=provenance or {})


def test_differences_by_hand(imported):
    # b - a; D over the common de, fi alone
    a = imported([[np.nan, 0.2, 0.9], [0.6, np.nan, 0.9], [0.9, 0.9, np.nan]], name="a")
    b = imported([[np.nan, -0.7, 0.1], [0.3, np.nan, 0.25], [0.1, 0.1, np.nan]], codes=("ru", "de", "fi"), name="b")
    found = compare(a, b)
    assert found.names == ("a", "b")
    assert found.languages == ("de", "fi")
    assert found.only == (("hu",), ("ru",))
    assert found.n_cells == 2
    assert found.differences.loc["de", "fi"] == pytest.approx(0.25 - 0.2)
    assert found.differences.loc["fi", "de"] == pytest.approx(0.1 - 0.6)
    assert np.isnan(found.differences.loc["de", "de"])
    assert found.scores.loc["de", ["donation_a", "donation_b", "recipience_a", "recipience_b"]].tolist() == [
        0.2,
        0.25,
        0.6,
        0.1,
    ]
    assert found.scores.loc["fi", "donation_difference"] == pytest.approx(-0.5)
    assert found.scores.loc["fi", "recipience_difference"] == pytest.approx(0.05)
    assert found.correlations["value"].isna().all()
    assert set(found.correlations["note"]) == {"not possible, because 2 values in common are fewer than 4"}
    assert "only a has hu; only b has ru" in found.sentences()[0]


def test_only_cells_of_both_enter(imported):
    first, second = off_diagonal(5, 1), off_diagonal(5, 2)
    first[0, 1] = np.nan
    second[2, 3] = np.nan
    found = compare(imported(first), imported(second))
    assert found.n_cells == 18
    assert not found.scores.loc["de", "donation_complete"]
    assert found.scores.loc["de", "donation_b"] == pytest.approx(4 * np.nanmean(second[0, 2:]))
    assert found.scores.loc["hu", "donation_a"] == pytest.approx(4 * np.nanmean(first[2, [0, 1, 4]]))
    assert "18 of 20 cells are in both" in found.sentences()[0]


def test_correlations_are_scipys(imported):
    first, second = off_diagonal(8, 1), off_diagonal(8, 1) + off_diagonal(8, 2)
    second[0, 1] = first[3, 4] = np.nan
    second[4] = second[5]  # ties
    np.fill_diagonal(second, np.nan)
    found = compare(imported(first), imported(second)).correlations
    known = ~np.isnan(first) & ~np.isnan(second)
    a, b = np.where(known, first, np.nan), np.where(known, second, np.nan)
    expected = {
        "finetune_score": (a[known], b[known]),
        "donation": (np.nanmean(a, axis=1), np.nanmean(b, axis=1)),
        "recipience": (np.nanmean(a, axis=0), np.nanmean(b, axis=0)),
    }
    for score, (left, right) in expected.items():
        rows = found[found["score"] == score].set_index("coefficient")
        assert rows.loc["spearman", "value"] == pytest.approx(spearmanr(left, right)[0])
        assert rows.loc["kendall", "value"] == pytest.approx(kendalltau(left, right)[0])
        assert (rows["n"] == len(left)).all()
        assert ((rows["low"] <= rows["value"]) & (rows["value"] <= rows["high"])).all()
    assert set(found["resampled"]) == {"languages"}


def test_many_cells_are_correlated_as_few(imported):
    # above 1,500 cells, tau is scipy's own
    codes = tuple(f"x-{n}" for n in range(40))
    first, second = (matrix(off_diagonal(40, seed), codes) for seed in (1, 2))
    second = second + first
    found = rank_agreement(first, second, n_resamples=5, seed=0).set_index(["score", "coefficient"])["value"]
    inside = ~np.eye(40, dtype=bool)
    left, right = first.to_numpy()[inside], second.to_numpy()[inside]
    assert found["finetune_score", "kendall"] == pytest.approx(kendalltau(left, right)[0])
    assert found["finetune_score", "spearman"] == pytest.approx(spearmanr(left, right)[0])


def test_drawn_languages_come_with_their_rows_and_columns(imported):
    """The interval is that of a plain bootstrap: matrices of the drawn languages, without cells between copies."""
    first, second = off_diagonal(8, 5), off_diagonal(8, 5) + off_diagonal(8, 6)
    found = compare(imported(first), imported(second), n_resamples=1_000).correlations
    random, order = np.random.default_rng(0), np.argsort(CODES)
    first, second = first[np.ix_(order, order)], second[np.ix_(order, order)]
    plain = []
    for _ in range(1_000):
        drawn = random.integers(8, size=8)
        inside = drawn[:, None] != drawn[None, :]
        a, b = (np.where(inside, cells[np.ix_(drawn, drawn)], np.nan) for cells in (first, second))
        if len(set(drawn)) > 2:
            plain.append(
                (
                    spearmanr(a[inside], b[inside])[0],
                    kendalltau(np.nanmean(a, axis=1), np.nanmean(b, axis=1))[0],
                )
            )
    low, high = np.nanquantile(plain, [0.025, 0.975], axis=0)
    rows = found.set_index(["score", "coefficient"])
    of_cells, of_donation = rows.loc[("finetune_score", "spearman")], rows.loc[("donation", "kendall")]
    assert [of_cells["low"], of_cells["high"]] == pytest.approx([low[0], high[0]], abs=0.04)
    assert [of_donation["low"], of_donation["high"]] == pytest.approx([low[1], high[1]], abs=0.08)


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 1_000), order=st.permutations(range(7)))
def test_permuted_languages_permute_results_and_intervals(seed, order):
    codes = CODES[:7]
    first, second = (matrix(off_diagonal(7, seed + more), codes) for more in (0, 1))
    second.iloc[0, 1] = np.nan
    moved = [codes[place] for place in order]
    found = rank_agreement(first, second, n_resamples=30, seed=1)
    again = rank_agreement(first.loc[moved, moved], second.loc[moved, moved], n_resamples=30, seed=1)
    pd.testing.assert_frame_equal(found, again, check_exact=True)


def test_a_permuted_bank_has_the_same_comparison(imported):
    first, second = off_diagonal(6, 1), off_diagonal(6, 2)
    order = [3, 0, 5, 1, 4, 2]
    moved = tuple(CODES[place] for place in order)
    found = compare(imported(first), imported(second))
    again = compare(imported(first[np.ix_(order, order)], codes=moved), imported(second))
    assert again.languages == moved
    pd.testing.assert_frame_equal(again.correlations, found.correlations, check_exact=True)
    pd.testing.assert_frame_equal(again.differences, found.differences.loc[list(moved), list(moved)])
    pd.testing.assert_frame_equal(again.sign_changes, found.sign_changes)
    pd.testing.assert_frame_equal(again.top, found.top)


def test_a_seed_gives_the_same_interval_again(imported):
    a, b = imported(off_diagonal(6, 1)), imported(off_diagonal(6, 2))
    pd.testing.assert_frame_equal(compare(a, b, seed=4).correlations, compare(a, b, seed=4).correlations)
    assert not compare(a, b, seed=4).correlations.equals(compare(a, b, seed=5).correlations)


def test_a_bank_agrees_with_itself(imported):
    bank = imported(off_diagonal(7, 1))
    found = compare(bank, bank)
    assert found.correlations[["value", "low", "high"]].to_numpy() == pytest.approx(1)
    assert found.names == ("bank (a)", "bank (b)")
    assert found.sign_changes.empty
    assert (found.top["shared"] == found.top["k"]).all()
    assert "; no cell changes its sign;" in found.sentences()[1]


def test_few_languages_have_no_interval(imported):
    found = compare(imported(off_diagonal(5, 1)), imported(off_diagonal(5, 2))).correlations
    assert found["value"].notna().all()
    assert found["low"].isna().all()
    assert set(found["note"]) == {"no interval, because 5 languages in common are fewer than 6"}


def test_equal_values_have_no_ranks(imported):
    flat = np.full((6, 6), 0.5)
    np.fill_diagonal(flat, np.nan)
    with pytest.warns(UserWarning, match="cells are the same"):
        bank = imported(flat)
    found = compare(bank, imported(off_diagonal(6, 2))).correlations
    assert set(found["note"]) == {
        "not possible, because all 30 values in common are the same in one of the two",
        "not possible, because all 6 values in common are the same in one of the two",
    }


def test_seeds_give_intervals_of_their_own(make):
    a = seeded(make, 3, np.random.default_rng(1), name="a")
    b = seeded(make, 4, np.random.default_rng(2), shift=0.02, name="b")
    found = compare(a, b)
    assert found.correlations["resampled"].tolist() == ["languages"] * 6 + ["seeds"] * 6
    of_seeds = found.correlations[found.correlations["resampled"] == "seeds"]
    assert ((of_seeds["low"] < of_seeds["value"]) & (of_seeds["value"] <= of_seeds["high"])).all()
    left = [table.loc["de", "fi"] for table in a.replicates.values()]
    right = [table.loc["de", "fi"] for table in b.replicates.values()]
    expected = ttest_ind(right, left, equal_var=False).confidence_interval(0.95)
    assert found.difference_low.loc["de", "fi"] == pytest.approx(expected.low)
    assert found.difference_high.loc["de", "fi"] == pytest.approx(expected.high)
    sums = [[table.loc["fi"].sum() for table in bank.replicates.values()] for bank in (b, a)]
    expected = ttest_ind(*sums, equal_var=False).confidence_interval(0.95)
    assert found.scores.loc["fi", ["donation_low", "donation_high"]].tolist() == pytest.approx(list(expected))


def test_one_seed_gives_no_interval_over_seeds(make):
    a, b = seeded(make, 1, np.random.default_rng(1)), seeded(make, 3, np.random.default_rng(2))
    found = compare(a, b)
    assert set(found.correlations["resampled"]) == {"languages"}
    assert found.difference_low.isna().to_numpy().all()
    assert found.scores["donation_low"].isna().all()
    assert "is not known, since that needs two seeds or more in both banks." in found.sentences()[1]


def test_the_jackknife_over_seeds_is_that_of_the_definition(make):
    a, b = seeded(make, 2, np.random.default_rng(1), noise=0.05), seeded(make, 2, np.random.default_rng(2), noise=0.05)
    found = compare(a, b).correlations.set_index(["resampled", "score", "coefficient"])
    inside = ~np.eye(8, dtype=bool)

    def correlation(left, right):
        return spearmanr(left.to_numpy()[inside], right.to_numpy()[inside])[0]

    spreads = []
    for whole, seeds in ((b.finetune_scores, a.replicates), (a.finetune_scores, b.replicates)):
        values = [correlation(whole, table) for table in seeds.values()]
        spreads.append(0.5 * np.var(values) * 2)  # (n - 1) / n times the sum of squares
    degrees = sum(spreads) ** 2 / sum(spread**2 for spread in spreads)
    from scipy.stats import t

    reach = t.ppf(0.975, degrees) * np.sqrt(sum(spreads))
    row = found.loc[("seeds", "finetune_score", "spearman")]
    assert row["value"] - row["low"] == pytest.approx(reach)


def test_top_donors(imported):
    first = np.full((8, 8), 0.0)
    first += np.arange(8)[:, None] * 0.1  # nan, ta, el, sv, ... donate most
    second = first.copy()
    second[7] = -0.1  # the best becomes the worst
    for cells in (first, second):
        np.fill_diagonal(cells, np.nan)
    with pytest.warns(UserWarning, match="looks like ratios"):
        found = compare(imported(first), imported(second), top=(1, 3, 4, 5)).top
    assert found["k"].tolist() == [1, 3, 4]  # not 5: more than half of eight
    assert found["shared"].tolist() == [0, 2, 3]
    assert found["donors"].tolist() == [(), ("el", "ta"), ("el", "sv", "ta")]
    assert found["expected"].tolist() == [1 / 8, 9 / 8, 2.0]


def test_sign_changes(imported):
    first, second = np.full((3, 3), 0.2), np.full((3, 3), 0.1)
    second[0, 1], second[2, 0], second[1, 0] = -0.1, -0.5, 0.0
    for cells in (first, second):
        np.fill_diagonal(cells, np.nan)
    first[0, 2] += 0.01
    found = compare(imported(first), imported(second))
    assert found.sign_changes[["donor", "recipient"]].to_numpy().tolist() == [["hu", "de"], ["de", "fi"]]
    assert found.sign_changes["finetune_b"].tolist() == [-0.5, -0.1]
    assert "; 2 cells change their sign, the largest hu→de (+20.0% and -50.0%);" in found.sentences()[1]


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ({}, {"tokenizer": "k"}, "the tokenizer of a is not known"),
        ({}, {}, "the tokenizer of a and b is not known"),
        ({"tokenizer": "k"}, {"tokenizer": "m"}, "the banks have different tokenizers"),
    ],
)
def test_raw_scores_are_not_compared_between_tokenizers(make, left, right, message):
    banks = (
        seeded(make, 1, np.random.default_rng(seed), provenance=about, name=name)
        for seed, about, name in ((1, left, "a"), (2, right, "b"))
    )
    found = compare(*banks)
    assert found.monolingual is None
    assert message in found.monolingual_note
    assert found.sentences()[-1] == f"ε(M_t) is not compared, because {message}."


def test_raw_scores_of_one_tokenizer_are_compared(make):
    texts = {"tokenizer": "k", "corpora": dict.fromkeys(CODES, "text")}
    a = seeded(make, 1, np.random.default_rng(1), provenance=texts, name="a")
    b = seeded(make, 1, np.random.default_rng(2), provenance=texts, name="b")
    found = compare(a, b)
    assert found.monolingual["difference"].to_dict() == (b.monolingual - a.monolingual).to_dict()
    assert found.monolingual_note == ""
    n_above = int((b.monolingual > a.monolingual).sum())
    assert found.sentences()[-1] == f"ε(M_t) is higher in b for {n_above} and lower for {8 - n_above} of 8 languages."
    other = dataclasses.replace(b, provenance={**texts, "corpora": {**texts["corpora"], "fi": "another"}})
    assert "The texts of fi are not the same in both" in compare(a, other).sentences()[-1]
    own = {"settings": {"training": {"candidates": "text"}}}
    narrow, also = (dataclasses.replace(one, provenance=texts | own) for one in (a, b))
    assert "all pieces in one bank and not in the other" in compare(narrow, b).monolingual_note
    assert "differ in what models choose from (the text's pieces and the vocabulary's" in compare(narrow, b).notes[0]
    assert compare(narrow, also).monolingual is not None
    elsewhere = dataclasses.replace(other, provenance=other.provenance | own)
    assert (
        "choose from the pieces of texts that are not the same in both (fi)"
        in compare(narrow, elsewhere).monolingual_note
    )
    loss = dataclasses.replace(b, metric="accuracy")
    assert "because the metrics differ (mrr and accuracy)" in compare(a, loss).monolingual_note


def test_what_differs_between_the_banks_is_said(imported):
    a, b = imported(off_diagonal(6, 1)), imported(off_diagonal(6, 2))
    other = dataclasses.replace(b, metric="accuracy", protocol="joint", include_unhealthy=True)
    assert compare(a, b).notes == ()
    text = " ".join(compare(a, other).sentences())
    assert "differ in metric (mrr and accuracy)" in text
    assert "differ in protocol (sequential and joint)" in text
    assert "differ in unhealthy models (left out and counted)" in text


def test_sentences_follow_from_the_numbers(imported):
    base = off_diagonal(8, 1)
    alike = compare(imported(base), imported(base + off_diagonal(8, 2, scale=0.02))).sentences()
    opposite = compare(imported(base), imported(-base)).sentences()
    unlike = compare(imported(off_diagonal(8, 21)), imported(off_diagonal(8, 22))).sentences()
    for sentences, word in ((alike, "largely alike"), (opposite, "rather opposite"), (unlike, "little in common")):
        ranks = next(sentence for sentence in sentences if sentence.startswith("Rank correlation of F"))
        assert word in ranks
        assert "languages resampled" in ranks
    assert "56 cells change their sign" in opposite[1]
    (of_opposite,) = (sentence for sentence in opposite if sentence.startswith("Most donating in both: "))
    (of_alike,) = (sentence for sentence in alike if sentence.startswith("Most donating in both: "))
    assert "0 of the first 1, by chance 0.1; 0 of the first 3, by chance 1.1" in of_opposite
    assert of_alike.startswith("Most donating in both: 1 of the first 1 (")


def test_direction_of_differences_is_said(imported):
    base = off_diagonal(6, 1)
    a, b = imported(base, name="low"), imported(base + 0.1, name="high")
    assert any(
        "F of high is higher in 30 and lower in 0 of 30 cells, by +10.0 percentage points on average" in s
        for s in compare(a, b).sentences()
    )
    assert any(
        "F of low is higher in 0 and lower in 30 of 30 cells, by -10.0 percentage points on average" in s
        for s in compare(b, a).sentences()
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "covers"),
    [(0.5, -0.1, 0.9, True), (0.5, 0.1, 0.9, False), (-0.5, -0.9, -0.1, False), (-0.5, -0.9, 0.1, True)],
)
def test_an_interval_that_covers_zero_is_pointed_out(imported, value, low, high, covers):
    found = compare(imported(off_diagonal(8, 1)), imported(off_diagonal(8, 1)))
    row = {"coefficient": "spearman", "n": 8, "resampled": "languages", "note": "", "value": value}
    scores = ("finetune_score", "donation", "recipience")
    rows = pd.DataFrame([{**row, "score": score, "low": low, "high": high} for score in scores])
    text = " ".join(dataclasses.replace(found, correlations=rows).sentences())
    assert ("but the interval includes 0" in text) is covers
    assert ("alike in part" if value > 0 else "rather opposite") in text


def test_differences_beyond_chance_are_counted(make):
    a = seeded(make, 3, np.random.default_rng(1), noise=0.001)
    b = seeded(make, 3, np.random.default_rng(2), noise=0.001, shift=0.2)
    assert any(
        "56 of 56 cells with an interval over seeds differ" in sentence for sentence in compare(a, b).sentences()
    )


def test_nothing_in_common(imported):
    first, second = off_diagonal(3, 1), off_diagonal(3, 2)
    first[0], second[1:] = np.nan, np.nan
    found = compare(imported(first), imported(second))
    assert found.n_cells == 0
    assert "No cell is in both, so nothing can be compared." in found.sentences()


@pytest.mark.parametrize(
    ("codes", "options", "message"),
    [
        (("ru", "sv", "el"), {}, "have 0 languages in common; a comparison needs two or more. bank has de, fi, hu"),
        (("de", "sv", "el"), {}, "have 1 languages in common"),
        (CODES[:3], {"level": 95}, "level=95 is no coverage"),
        (CODES[:3], {"n_resamples": 0}, "n_resamples=0 is too few"),
        (CODES[:3], {"top": (0, 1)}, r"top=\(0, 1\) has a number below 1"),
    ],
)
def test_what_cannot_be_compared(imported, codes, options, message):
    a, b = imported(off_diagonal(3, 1)), imported(off_diagonal(3, 2), codes=codes)
    with pytest.raises(UsageError, match=message):
        compare(a, b, **options)
