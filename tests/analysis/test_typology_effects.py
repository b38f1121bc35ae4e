"""Features that go with high F: against tests worked out one by one, and against planted effects."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, spearmanr

from bloodbank.analysis.typology import feature_effects
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError
from bloodbank.statistics.permutations import draw_orders, sharing_statistics
from bloodbank.statistics.tests import holm
from bloodbank.typology import load_features
from shared_data import shared_data


def codes(n):
    return [f"x-l{place:03d}" for place in range(n)]


def table(columns, languages=None):
    """Categories by language from one list a feature; None is not known."""
    columns = {name: np.array(values, dtype=object) for name, values in columns.items()}
    n = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=languages or codes(n), dtype=object)


def square(cells, languages=None):
    cells = np.array(cells, dtype=float)
    np.fill_diagonal(cells, np.nan)
    return matrix(cells, languages or codes(len(cells)))


def noise(rng, n, *, donors=0.15, recipients=0.15, cells=0.1):
    return donors * rng.normal(size=n)[:, None] + recipients * rng.normal(size=n) + cells * rng.normal(size=(n, n))


def by_hand(cells, values):
    """Mean F between languages with one value, less the mean between languages with two."""
    n = len(values)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j and values[i] is not None and values[j] is not None]
    pairs = [pair for pair in pairs if not np.isnan(cells[pair])]
    shared = [cells[i, j] for i, j in pairs if values[i] == values[j]]
    other = [cells[i, j] for i, j in pairs if values[i] != values[j]]
    return np.mean(shared) - np.mean(other), len(shared), len(other)


def residual(cells):
    """What is left of F after donor and recipient effects, by least squares on dummies."""
    n = len(cells)
    place = [(i, j) for i in range(n) for j in range(n) if i != j and not np.isnan(cells[i, j])]
    design = np.zeros((len(place), 2 * n))
    for row, (i, j) in enumerate(place):
        design[row, i] = design[row, n + j] = 1
    y = np.array([cells[pair] for pair in place])
    left = np.full((n, n), np.nan)
    for (i, j), value in zip(place, y - design @ np.linalg.lstsq(design, y, rcond=None)[0], strict=True):
        left[i, j] = value
    return left


# F on paper: a and b share a value, c and d share another.
#   shared: a→b 0.4, b→a 0.2, c→d 0.1, d→c 0.3: mean 0.25. The other eight: 0.0 each but a→c 0.8: mean 0.1.
PAPER = square([[0, 0.4, 0.8, 0.0], [0.2, 0, 0.0, 0.0], [0.0, 0.0, 0, 0.1], [0.0, 0.0, 0.3, 0]])


def test_the_difference_on_paper():
    found = feature_effects(PAPER, table({"f": ["x", "x", "y", "y"]}), control="none", min_languages=2)
    row = found.table.loc["f"]
    assert row[["n_languages", "n_values", "n_shared", "n_other"]].to_list() == [4, 2, 4, 8]
    assert row[["mean_shared", "mean_other", "difference"]].to_list() == pytest.approx([0.25, 0.1, 0.15])
    assert row["effect"] == pytest.approx(0.15)
    assert found.exact
    assert found.n_permutations == 24
    # Of the three ways to make two pairs of four languages, a-c and b-d has the largest difference:
    # shared 0.8, 0, 0, 0 (mean 0.2), other 1.0 / 8. So {ab,cd}: 0.15, {ac,bd}: 0.075, {ad,bc}: 0 - 0.225.
    assert row["p"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("control", ["none", "additive"])
@pytest.mark.parametrize("share_missing", [0.0, 0.25])
@pytest.mark.parametrize("n_values", [2, 3])
def test_small_matrices_are_tested_exactly(control, share_missing, n_values):
    rng = np.random.default_rng([n_values, round(4 * share_missing)])
    n = 7
    cells = noise(rng, n)
    cells[rng.random((n, n)) < share_missing] = np.nan
    np.fill_diagonal(cells, np.nan)
    values = [["x", "y", "z"][place % n_values] for place in range(n)]
    values[3] = None
    found = feature_effects(square(cells), table({"f": values}), control=control, min_languages=2)
    known = [place for place in range(n) if values[place] is not None]
    block = cells[np.ix_(known, known)]
    block = residual(block) if control == "additive" else block
    given = [values[place] for place in known]
    relabelled = np.array([by_hand(block, [given[place] for place in order])[0] for order in permutations(range(6))])
    row = found.table.loc["f"]
    assert row["difference"] == pytest.approx(by_hand(cells, values)[0])
    assert row[["n_shared", "n_other"]].to_list() == list(by_hand(cells, values)[1:])
    assert row["effect"] == pytest.approx(relabelled[0], abs=1e-9)
    expected = np.mean(np.abs(relabelled) >= abs(relabelled[0]) - 1e-9)
    assert row["p"] == pytest.approx(expected)
    assert row[["null_low", "null_high"]].to_list() == pytest.approx(
        np.quantile(np.repeat(relabelled, 7), [0.025, 0.975]), abs=1e-9
    )


@given(st.integers(0, 10**6), st.integers(2, 6), st.booleans(), st.booleans())
@example(635, 6, True, False)  # with a relabelling that leaves no pair which shares a category
def test_every_relabelling_gives_the_statistic_counted_by_hand(seed, n_values, holed, many):
    rng = np.random.default_rng(seed)
    n = 65 if many else 9  # single precision beyond 60
    cells = rng.normal(size=(n, n))
    if holed:
        cells[rng.random((n, n)) < 0.2] = np.nan
    np.fill_diagonal(cells, np.nan)
    values = np.array([*range(n_values), *rng.integers(0, n_values, n - n_values)])
    values[0] = -1 if (values == values[0]).sum() > 1 else values[0]
    orders, _ = draw_orders(n, 5, seed)
    known = values >= 0
    found = sharing_statistics(cells[np.ix_(known, known)], values, orders)
    for order, statistic in zip(orders, found, strict=True):
        moved = values[order][values[order] >= 0]
        expected, *n_pairs = by_hand(cells[np.ix_(known, known)], list(moved))
        expected = expected if all(n_pairs) else np.inf  # no pair on one side counts as extreme
        assert statistic == pytest.approx(expected, abs=1e-4 if many else 1e-9)


def test_a_planted_effect_is_found_and_its_sign_changes_the_sentences():
    rng = np.random.default_rng(5)
    n, values = 16, ["x", "y"] * 8
    columns = {f"f{place}": rng.choice(["x", "y"], n) for place in range(20)} | {"word_order": values}
    alike = np.array([[a == b for b in values] for a in values])
    cells = noise(rng, n)
    names = {"word_order": "Order of words"}
    found = {
        sign: feature_effects(square(cells + sign * 0.2 * alike), table(columns), names=names, n_permutations=999)
        for sign in (1, -1)
    }
    for sign, word, other in ((1, "higher", "lower"), (-1, "lower", "higher")):
        top = found[sign].table.iloc[0]
        assert top.name == "word_order"
        assert top["p_max"] <= 0.005
        assert sign * top["effect"] > 0.15
        lines = found[sign].lines(max_named=1)
        assert any(
            f"1 feature goes with {word} F between languages that share it: Order of words (word_order)" in line
            for line in lines
        )
        described = next(line for line in lines if line.startswith("Order of words (word_order)"))
        assert f"percentage points {word} than between the others" in described
        assert not any(f"with {other} F" in line for line in lines)


def test_without_an_effect_no_feature_is_named():
    rng = np.random.default_rng(2)
    columns = {f"f{place}": rng.choice(["x", "y"], 14) for place in range(10)}
    found = feature_effects(square(noise(rng, 14)), table(columns), n_permutations=499)
    lines = found.lines()
    assert found.table["p_max"].min() > 0.05
    assert any(line.startswith("No feature goes with higher or lower F") for line in lines)
    assert sum(line.startswith("Not beyond chance: ") for line in lines) == 3


def test_good_donors_with_one_value_do_not_make_it_good_to_share():
    # Languages with "x" give 0.5 to all, and there are more of them: sharing looks good and adds nothing.
    values = ["x"] * 9 + ["y"] * 5
    rng = np.random.default_rng(0)
    gives = np.where(np.array(values) == "x", 0.5, 0.0)[:, None] + np.zeros((14, 14))
    cells = square(gives + 0.02 * rng.normal(size=(14, 14)))
    raw = feature_effects(cells, table({"f": values}), control="none", n_permutations=999).table.loc["f"]
    controlled = feature_effects(cells, table({"f": values}), n_permutations=999).table.loc["f"]
    assert raw["effect"] > 0.1
    assert raw["p"] < 0.05
    assert abs(controlled["effect"]) < 0.01
    assert controlled["p"] > 0.05
    assert controlled["difference"] == raw["difference"]  # what was measured stands in either table


def test_what_rounding_leaves_of_an_additive_matrix_is_nothing():
    rng = np.random.default_rng(1)
    cells = square(rng.normal(size=10)[:, None] + rng.normal(size=10))
    row = feature_effects(cells, table({"f": ["x", "y"] * 5}), n_permutations=99).table.loc["f"]
    assert (row["effect"], row["p"], row["p_max"]) == (0, 1, 1)


def test_features_that_cannot_be_tested_are_named_with_the_reason():
    cells = square(noise(np.random.default_rng(0), 8))
    cells.iloc[:2, :2] = np.nan
    found = feature_effects(
        cells,
        table(
            {
                "unknown": [None] * 8,
                "constant": ["x"] * 8,
                "rare": ["x"] * 7 + ["y"],
                "fine": ["x", "y"] * 4,
                "unmeasured": ["x", "x", "y", None, None, None, None, None],
            }
        ),
        min_languages=1,
        n_permutations=99,
    )
    assert set(found.table.index) == {"fine", "rare"}
    assert found.untested["unknown"] == "known for none of the languages"
    assert found.untested["constant"] == "the same for all languages for which it is known"
    assert found.untested["unmeasured"].startswith("no measured pair of languages that share it")
    strict = feature_effects(cells, table({"rare": ["x"] * 7 + ["y"]}), n_permutations=99)
    assert strict.untested["rare"] == "fewer than two values with at least 3 languages each"
    assert strict.table.empty
    assert "No feature can be tested: too few languages have known and different values." in strict.lines()


def test_corrections_for_many_tests():
    p = np.array([0.01, 0.04, 0.03, 0.5])
    assert holm(p) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1.0, 1.0])
    rng = np.random.default_rng(3)
    columns = {f"f{place}": rng.choice(["x", "y"], 12) for place in range(8)}
    found = feature_effects(square(noise(rng, 12)), table(columns), n_permutations=199).table
    assert found["p_holm"].to_numpy() == pytest.approx(holm(found["p"].to_numpy()))
    assert found["p_bh"].to_numpy() == pytest.approx(false_discovery_control(found["p"]))
    assert (found["p_max"] >= found["p"] - 1e-12).all()
    assert found["p"].is_monotonic_increasing
    # One feature needs no correction; a copy of it does not either by the maximum, for it is the same test.
    one = feature_effects(square(noise(rng, 12)), table({"a": ["x", "y"] * 6, "b": ["x", "y"] * 6}))
    assert one.table["p_max"].to_list() == one.table["p"].to_list()
    assert one.table.loc["a", "p_holm"] == pytest.approx(min(1, 2 * one.table.loc["a", "p"]))


def test_agreement_over_all_features_is_spearmans_correlation():
    rng = np.random.default_rng(4)
    n = 9
    columns = {f"f{place}": rng.choice(["x", "y"], n) for place in range(12)}
    cells = noise(rng, n)
    found = feature_effects(square(cells), table(columns), control="none", n_permutations=199).agreement
    categories = np.array(list(columns.values()))
    share = np.array([[np.mean(categories[:, i] == categories[:, j]) for j in range(n)] for i in range(n)])
    apart = ~np.eye(n, dtype=bool)
    assert found.correlation == pytest.approx(spearmanr(share[apart], cells[apart]).statistic)
    assert (found.n_pairs, found.n_languages) == (n * (n - 1), n)


@pytest.mark.parametrize(("sign", "word"), [(1, "rises"), (-1, "falls"), (0, "does not surely rise or fall")])
def test_agreement_is_said_as_it_is(sign, word):
    rng = np.random.default_rng(11)
    n = 14
    columns = {f"f{place}": rng.choice(["x", "y"], n) for place in range(12)}
    categories = np.array(list(columns.values()))
    share = np.array([[np.mean(categories[:, i] == categories[:, j]) for j in range(n)] for i in range(n)])
    found = feature_effects(square(noise(rng, n) + sign * share), table(columns), n_permutations=199)
    assert f"F {word} with the share of features" in found.lines()[-1]


def test_agreement_needs_enough_features_in_common():
    cells = square(noise(np.random.default_rng(0), 8))
    found = feature_effects(cells, table({f"f{place}": ["x", "y"] * 4 for place in range(9)}), n_permutations=9)
    assert found.agreement is None
    assert "not possible, because too few pairs" in found.lines()[-1]


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_languages_changes_nothing(seed, random):
    rng = np.random.default_rng(seed)
    n = 9
    cells, names = square(noise(rng, n)), codes(n)
    columns = table({f"f{place}": rng.choice(["x", "y", None], n) for place in range(12)})
    order = random.sample(names, n)
    first = feature_effects(cells, columns, n_permutations=49, min_languages=2)
    second = feature_effects(
        cells.loc[order, order], columns.loc[random.sample(names, n)], n_permutations=49, min_languages=2
    )
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.lines() == second.lines()


def test_rescaling_f_rescales_effects_and_keeps_p():
    rng = np.random.default_rng(8)
    cells, columns = square(noise(rng, 10)), table({f"f{place}": rng.choice(["x", "y"], 10) for place in range(5)})
    first = feature_effects(cells, columns, n_permutations=99).table
    second = feature_effects(3 * cells + 1, columns, n_permutations=99).table
    assert second["effect"].to_numpy() == pytest.approx(3 * first["effect"].to_numpy())
    assert second["p"].to_list() == first["p"].to_list()


def test_chance_finds_a_feature_as_often_as_it_says():
    """One in twenty of 1,200 tests on matrices with nothing in them; donors and recipients differ all the same."""
    found, any_found = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        columns = {f"f{place}": rng.choice(["x", "y", "z"], 12) for place in range(10)}
        columns["f0"][rng.random(12) < 0.2] = None
        table_ = feature_effects(square(noise(rng, 12)), table(columns), n_permutations=99, seed=seed).table
        found += list(table_["p"])
        any_found.append(table_["p_max"].min() <= 0.05)
    # Four standard errors about 5%; tests of one matrix are not independent, so it is a little more.
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(any_found) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 120)


def test_wrong_input_is_refused():
    cells, columns = square(noise(np.random.default_rng(0), 4)), table({"f": ["x", "x", "y", "y"]})
    with pytest.raises(UsageError, match=r"fewer than two languages in common"):
        feature_effects(cells, table({"f": ["x", "y"]}, ["de", "fi"]))
    with pytest.raises(UsageError, match=r"Unknown control 'family'\. Known: additive, none\."):
        feature_effects(cells, columns, control="family")
    with pytest.raises(UsageError, match=r"0 relabellings were asked for; at least 1"):
        feature_effects(cells, columns, n_permutations=0)
    with pytest.raises(UsageError, match=r"min_languages is 0"):
        feature_effects(cells, columns, min_languages=0)
    with pytest.raises(UsageError, match=r"the same languages in rows and columns"):
        feature_effects(cells.iloc[:3], columns)
    with pytest.raises(UsageError, match=r"names a language or a feature twice"):
        feature_effects(cells, pd.concat([columns, columns]))


def test_the_released_matrix_with_wals():
    path = shared_data("published", "mrr_ratio_22x22.csv")
    ratios = pd.read_csv(path, index_col=0, keep_default_na=False).astype(float)
    finetune = square(ratios.to_numpy() - 1, list(ratios.columns))
    features = load_features(list(ratios.columns), shared_data("wals", "cldf"))
    found = feature_effects(finetune, features, n_permutations=999)
    assert len(found.table) + len(found.untested) == 192
    order = found.table.loc["81A"]
    known = features.categories["81A"].to_list()
    assert order["difference"] == pytest.approx(by_hand(finetune.to_numpy(), known)[0])
    assert found.table["p_max"].min() > 0.05
    assert any(line.startswith("No feature goes with higher or lower F") for line in found.lines())
