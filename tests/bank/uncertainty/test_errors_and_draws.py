import numpy as np
import pandas as pd
import pytest

from bloodbank.bank.uncertainty.errors_and_draws import Drawn, draw_seed_noise, resample_paragraphs
from bloodbank.bank.uncertainty.paragraphs import Column, paragraph_variance, read_columns
from bloodbank.bank.uncertainty.seeds import Part, SeedNoise
from bloodbank.errors import UsageError
from made_up_banks import CODES, sentence_scores

KEYS = {"languages": CODES, "seeds": (0, 1, 2), "protocol": "sequential", "metric": "mrr"}


def column_of(sums, counts=None):
    """A column from sums [paragraph, seed, model]."""
    sums = np.asarray(sums, dtype=float)
    return Column("de", sums, np.ones(len(sums)) if counts is None else np.asarray(counts, dtype=float))


# --- reading -------------------------------------------------------------------------------------------------------


def test_columns_hold_the_sums_of_every_model():
    table = sentence_scores()
    columns = {column.recipient: column for column in read_columns(table, **KEYS)}
    assert list(columns) == list(CODES)
    hu = columns["hu"]
    assert hu.sums.shape == (40, 3, 5)
    assert np.isnan(hu.sums[:, :, 1 + CODES.index("hu")]).all()
    row = table[(table["donor"] == "fi") & (table["recipient"] == "hu") & (table["seed"] == 2)]
    np.testing.assert_array_equal(hu.sums[:, 2, 1 + CODES.index("fi")], row["sum"])
    alone = table[(table["donor"] == "") & (table["recipient"] == "hu") & (table["seed"] == 1)]
    np.testing.assert_array_equal(hu.sums[:, 1, 0], alone["sum"])
    np.testing.assert_array_equal(hu.counts, alone["count"])


def test_a_file_gives_the_same_columns_and_the_order_of_rows_does_not_matter(tmp_path):
    table = sentence_scores()
    others = [table.assign(metric="accuracy"), table.assign(protocol="joint"), table.assign(recipient="x-other")]
    shuffled = pd.concat([table, *others]).sample(frac=1, random_state=1)
    shuffled["donor"] = shuffled["donor"].replace("", None)  # as some writers have it
    shuffled.to_parquet(tmp_path / "scores.parquet")
    expected = list(read_columns(table, **KEYS))
    for source in (shuffled, tmp_path / "scores.parquet", str(tmp_path / "scores.parquet")):
        for found, wanted in zip(read_columns(source, **KEYS), expected, strict=True):
            np.testing.assert_array_equal(found.sums, wanted.sums)
            np.testing.assert_array_equal(found.counts, wanted.counts)


def test_what_was_not_asked_for_is_left_out():
    keys = {**KEYS, "languages": ("hu", "de"), "seeds": (2,)}
    columns = list(read_columns(sentence_scores(), **keys))
    assert [column.recipient for column in columns] == ["hu", "de"]
    assert columns[0].sums.shape == (40, 1, 3)
    assert not np.isnan(columns[0].sums[:, 0, [0, 2]]).any()


def test_a_table_without_what_is_needed_is_refused(tmp_path):
    table = sentence_scores()
    with pytest.raises(UsageError, match="lacks the columns unit, count"):
        list(read_columns(table.drop(columns=["unit", "count"]), **KEYS))
    table.drop(columns="sum").to_parquet(tmp_path / "short.parquet")
    with pytest.raises(UsageError, match=r"short.parquet lacks the columns sum"):
        list(read_columns(tmp_path / "short.parquet", **KEYS))
    (tmp_path / "text.parquet").write_text("no Parquet")
    with pytest.raises(UsageError, match=r"text.parquet cannot be read as Parquet"):
        list(read_columns(tmp_path / "text.parquet", **KEYS))
    with pytest.raises(UsageError, match=r"none.parquet cannot be read"):
        list(read_columns(tmp_path / "none.parquet", **KEYS))


def test_models_of_a_column_must_share_paragraphs_and_counts():
    table = sentence_scores()
    row = table[(table["donor"] == "fi") & (table["recipient"] == "hu")].index[7]
    with pytest.raises(UsageError, match="recipient hu were not scored on the same masked pieces"):
        list(read_columns(table.drop(index=row), **KEYS))
    with pytest.raises(UsageError, match="recipient hu hold a paragraph of one model twice"):
        list(read_columns(pd.concat([table, table.loc[[row]]]), **KEYS))
    table.loc[row, "count"] += 1
    with pytest.raises(UsageError, match="recipient hu were not scored on the same masked pieces"):
        list(read_columns(table, **KEYS))


# --- paragraphs ----------------------------------------------------------------------------------------------------


def test_the_variance_of_one_cell_on_paper():
    # M_t scores 1, 3 and M_{s,t} 3, 4 on two paragraphs: F = 7/4 - 1. Influence of a paragraph: (own - 7/4 alone) / 4 =
    # (3 - 1.75) / 4 = 0.3125 and (4 - 5.25) / 4 = -0.3125. Variance: 2 / (2 - 1) × 2 × 0.3125².
    column = column_of([[[1.0, 3.0]], [[3.0, 4.0]]])
    found = paragraph_variance(column, np.ones((1, 1)), 1)
    expected = 4 * 0.3125**2
    assert found.finetune == pytest.approx(np.array([[0.75]]))
    assert found.cells["finetune_score"] == pytest.approx(expected)
    assert found.cells["log_ratio"] == pytest.approx(expected / 1.75**2)
    # Δε = 1.5 by paragraphs 2 and 1 of one piece each: influence (2 - 1.5) / 2 and (1 - 1.5) / 2.
    assert found.cells["difference"] == pytest.approx(4 * 0.25**2)
    assert found.of_seeds["finetune_score"] == 0
    assert found.column == pytest.approx((expected, 0.0))
    assert found.df == 1
    turned = paragraph_variance(column, np.ones((1, 1)), -1)
    assert turned.finetune == pytest.approx(-0.75)
    for score in found.cells:
        assert turned.cells[score] == pytest.approx(found.cells[score])


def test_a_model_that_is_better_on_every_paragraph_alike_has_no_paragraph_noise():
    random = np.random.default_rng(0)
    alone = random.uniform(1, 9, 30)
    column = column_of(np.stack([alone, 1.3 * alone], axis=-1)[:, None, :], random.integers(5, 9, 30))
    found = paragraph_variance(column, np.ones((1, 1)), 1)
    assert found.cells["finetune_score"] == pytest.approx(0, abs=1e-20)
    assert found.cells["difference"] > 1e-6  # that of ε itself is left
    np.testing.assert_allclose(resample_paragraphs(column, np.ones((1, 1)), 1, random, 50), 0, atol=1e-6)


def test_variances_are_those_of_a_plain_bootstrap():
    # Paragraphs drawn with replacement, all models on the same ones: the textbook way, in a loop.
    random = np.random.default_rng(1)
    n, n_donors = 60, 2
    counts = random.integers(5, 40, n).astype(float)
    level = np.array([[0.2, 0.25, 0.18], [0.21, 0.24, 0.2]])
    sums = (
        counts[:, None, None] * level * (1 + 0.3 * random.normal(size=(n, 1, 1)) + 0.2 * random.normal(size=(n, 2, 3)))
    )
    column, share = column_of(sums, counts), np.full((2, n_donors), 0.5)
    drawn = {"finetune_score": [], "difference": [], "log_ratio": []}
    for _ in range(4_000):
        chosen = random.integers(n, size=n)
        totals = sums[chosen].sum(0)
        value = totals / counts[chosen].sum()
        drawn["finetune_score"].append((totals[:, 1:] / totals[:, :1] - 1).mean(0))
        drawn["difference"].append((value[:, 1:] - value[:, :1]).mean(0))
        drawn["log_ratio"].append(np.log(totals[:, 1:] / totals[:, :1]).mean(0))
    found = paragraph_variance(column, share, 1)
    for score, values in drawn.items():
        np.testing.assert_allclose(np.var(values, axis=0), found.cells[score], rtol=0.12)
    np.testing.assert_allclose(np.var(np.sum(drawn["finetune_score"], axis=1)), found.column[0], rtol=0.12)
    again = resample_paragraphs(column, share, 1, random, 4_000)
    np.testing.assert_allclose(again.var(0), found.cells["finetune_score"], rtol=0.12)
    np.testing.assert_allclose(again.sum(1).var(), found.column[0], rtol=0.12)
    np.testing.assert_allclose(again.mean(0), 0, atol=3e-3)


def test_what_belongs_to_seeds_is_told_from_what_belongs_to_paragraphs():
    random = np.random.default_rng(2)
    n, share = 4_000, np.full((4, 1), 0.25)
    alone = np.ones((n, 4, 1))
    shared, whim = random.normal(size=(n, 1, 1)), random.normal(size=(n, 4, 1))
    of_seeds = paragraph_variance(column_of(np.concatenate([alone, 2 + whim], axis=2)), share, 1)
    of_both = paragraph_variance(column_of(np.concatenate([alone, 2 + shared + whim], axis=2)), share, 1)
    # Of the mean of 4 seeds: 1/n for what they share, 1/(4n) for what they do not.
    assert of_seeds.cells["finetune_score"][0] * n == pytest.approx(0.25, rel=0.15)
    assert of_seeds.of_seeds["finetune_score"][0] * n == pytest.approx(0.25, rel=0.15)
    assert of_both.cells["finetune_score"][0] * n == pytest.approx(1.25, rel=0.15)
    assert of_both.of_seeds["finetune_score"][0] * n == pytest.approx(0.25, rel=0.15)
    assert of_both.column[1] == pytest.approx(of_both.of_seeds["finetune_score"][0])


def test_a_single_paragraph_tells_nothing():
    found = paragraph_variance(column_of([[[1.0, 3.0]]]), np.ones((1, 1)), 1)
    assert np.isnan(found.cells["finetune_score"]).all()
    assert np.isnan(
        resample_paragraphs(column_of([[[1.0, 3.0]]]), np.ones((1, 1)), 1, np.random.default_rng(0), 3)
    ).all()


def test_cells_that_were_not_measured_stay_out():
    sums = np.random.default_rng(3).uniform(1, 2, size=(20, 2, 3))
    sums[:, 1, 2] = np.nan
    share = np.array([[0.5, 1.0], [0.5, 0.0]])
    found = paragraph_variance(column_of(sums), share, 1)
    assert not np.isnan(found.cells["finetune_score"]).any()
    assert np.isnan(found.finetune[1, 1])
    alone = paragraph_variance(column_of(sums[:, :1, [0, 2]]), np.ones((1, 1)), 1)
    assert found.cells["finetune_score"][1] == pytest.approx(alone.cells["finetune_score"][0])


# --- seeds ---------------------------------------------------------------------------------------------------------


def noise_of(n, *, rows=0.0, columns=0.0, cells=0.0, give_and_take=0.0, mirrored=0.0, df=1e6):
    def part(variance):
        return Part(np.full(n, variance), np.full(n, df), np.full(n, df), np.zeros(n), np.zeros(n))

    return SeedNoise(
        part(rows), part(columns), np.full((n, n), cells), np.full((n, n), df), df, give_and_take, mirrored
    )  # fmt: skip


def drawn_cells(noise, *, n=4, n_seeds=2, size=4_000):
    """Draws of all cells [draw, donor, recipient]."""
    codes = tuple(f"x-{i}" for i in range(n))
    draws = draw_seed_noise(noise, codes, seed=0, shape=(size, n_seeds))
    share, weights = np.full((n_seeds, n), 1 / n_seeds), np.ones(n)
    return np.stack([draws.column(t, share, weights, (0.0, np.zeros(n))) for t in range(n)], axis=-1)


def covariance(left, right):
    return float(np.mean(left * right))


def test_cells_share_what_their_column_and_their_row_share():
    cells = drawn_cells(noise_of(4, rows=2.0, columns=6.0, cells=10.0))
    # Means of 2 seeds: half of each variance.
    assert covariance(cells[:, 0, 1], cells[:, 0, 1]) == pytest.approx(9, rel=0.1)
    assert covariance(cells[:, 0, 1], cells[:, 2, 1]) == pytest.approx(3, abs=0.5)
    assert covariance(cells[:, 0, 1], cells[:, 0, 2]) == pytest.approx(1, abs=0.5)
    assert covariance(cells[:, 0, 1], cells[:, 2, 3]) == pytest.approx(0, abs=0.5)
    assert covariance(cells[:, 0, 1], cells[:, 1, 0]) == pytest.approx(0, abs=0.5)


def test_a_model_that_gives_more_may_take_less():
    # Under `sequential` M_l is the start of row l and the yardstick of column l.
    cells = drawn_cells(noise_of(4, rows=4.0, columns=4.0, give_and_take=-0.5))
    assert covariance(cells[:, 0, 1], cells[:, 1, 2]) == pytest.approx(-1, abs=0.2)
    assert covariance(cells[:, 0, 1], cells[:, 3, 2]) == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("mirrored", [0.8, -0.8])
def test_a_joint_model_fills_two_cells(mirrored):
    cells = drawn_cells(noise_of(4, cells=10.0, mirrored=mirrored))
    assert covariance(cells[:, 0, 1], cells[:, 1, 0]) == pytest.approx(5 * mirrored, abs=0.5)
    assert covariance(cells[:, 0, 1], cells[:, 0, 1]) == pytest.approx(5, abs=0.5)
    assert covariance(cells[:, 0, 1], cells[:, 0, 2]) == pytest.approx(0, abs=0.5)


def test_few_degrees_of_freedom_give_heavy_tails():
    from scipy import stats

    light, heavy = (drawn_cells(noise_of(4, cells=2.0, df=df))[:, 0, 1] for df in (1e6, 3.0))
    # Quantiles of Student's t, and of the normal distribution.
    assert np.quantile(light, 0.975) == pytest.approx(stats.norm.ppf(0.975), abs=0.12)
    assert np.quantile(heavy, 0.975) == pytest.approx(stats.t.ppf(0.975, 3), abs=0.4)


def test_what_paragraphs_account_for_is_not_drawn_twice():
    draws = draw_seed_noise(noise_of(3, columns=2.0, cells=2.0), ("x-a", "x-b", "x-c"), seed=0, shape=(4_000, 1))
    share, weights = np.ones((1, 3)), np.ones(3)
    whole = draws.column(0, share, weights, (0.0, np.zeros(3)))
    less = draws.column(0, share, weights, (2.0, np.array([1.0, 2.0, 5.0])))
    assert whole.var(0) == pytest.approx([4, 4, 4], rel=0.1)
    assert less.var(0) == pytest.approx([1, 0, 0], abs=0.1)


def test_streams_belong_to_languages():
    noise = noise_of(3, rows=1.0, columns=1.0, cells=1.0)
    share, weights, nothing = np.ones((1, 3)), np.ones(3), (0.0, np.zeros(3))
    one = draw_seed_noise(noise, ("x-a", "x-b", "x-c"), seed=0, shape=(5, 1))
    np.testing.assert_array_equal(
        one.column(1, share, weights, nothing),
        draw_seed_noise(noise, ("x-a", "x-b", "x-c"), seed=0, shape=(5, 1)).column(1, share, weights, nothing),
    )
    other = draw_seed_noise(noise, ("x-a", "x-d", "x-c"), seed=0, shape=(5, 1))
    np.testing.assert_array_equal(one.rows[[0, 2]], other.rows[[0, 2]])
    assert (one.rows[1] != other.rows[1]).all()
    assert (draw_seed_noise(noise, ("x-a", "x-b", "x-c"), seed=1, shape=(5, 1)).rows != one.rows).all()


def test_sums_are_added_up_over_measured_cells():
    drawn = Drawn(2, np.array([[0, 1, 1], [3, 0, 0], [0, 0, 0]]), keep=True)
    for place in range(3):
        drawn.add(place, np.arange(6, dtype=np.float32).reshape(2, 3) + 10 * place)
    np.testing.assert_array_equal(drawn.rows, [[30, 1, np.nan], [36, 4, np.nan]])
    np.testing.assert_array_equal(drawn.columns, [[1, 10, 20], [4, 13, 23]])
    np.testing.assert_array_equal(drawn.replicates[1], [[np.nan, 13, 23], [4, np.nan, np.nan], [np.nan] * 3])
    assert Drawn(2, np.ones((2, 2), dtype=int), keep=False).replicates is None
