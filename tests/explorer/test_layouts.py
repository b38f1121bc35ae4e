import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.stats import spearmanr

from bloodbank.explorer.layouts import cluster_orders, comparable, language_distances, place_points, similarity_maps

KINDS = ("rows", "columns", "both")


def names(n):
    return [f"x-l{place:02d}" for place in range(n)]


def between(points):
    points = np.asarray(points, dtype=float)
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def planted(n_each=5, *, noise=0.02, random=0):
    """Two groups that give in two different ways, in mixed order: F and the group of each language."""
    rng = np.random.default_rng(random)
    group = rng.permutation([0, 1] * n_each)
    patterns = rng.normal(size=(2, 2 * n_each))
    return patterns[group] + noise * rng.normal(size=(2 * n_each, 2 * n_each)), group


def slow_distances(cells):
    """The distances once more, a cell at a time."""
    n = len(cells)
    found = {kind: np.full((n, n), np.nan) for kind in KINDS}
    for a in range(n):
        for b in range(n):
            parts = {"rows": [], "columns": []}
            for k in range(n):
                if k not in (a, b):
                    parts["rows"].append(cells[a][k] - cells[b][k])
                    parts["columns"].append(cells[k][a] - cells[k][b])
            parts["both"] = parts["rows"] + parts["columns"]
            for kind, differences in parts.items():
                known = [x for x in differences if not np.isnan(x)]
                if a == b:
                    found[kind][a, b] = 0
                elif len(known) >= min(5, n - 2):
                    found[kind][a, b] = (sum(x * x for x in known) / len(known)) ** 0.5
    return found


@pytest.mark.parametrize(("n", "missing"), [(3, 0), (6, 0), (9, 0.3), (12, 0.5)])
def test_distances_are_those_of_a_plain_loop(n, missing):
    rng = np.random.default_rng(n)
    cells = rng.normal(size=(n, n))
    cells[rng.random((n, n)) < missing] = np.nan
    for kind, slow in slow_distances(cells).items():
        np.testing.assert_allclose(language_distances(cells)[kind], slow, rtol=1e-12, err_msg=kind)


def test_what_two_languages_give_each_other_does_not_part_them():
    cells = np.full((8, 8), 0.1)
    cells[0, 1], cells[1, 0] = 5, -5
    assert language_distances(cells)["rows"][0, 1] == 0


def test_a_diagonal_that_is_there_does_not_count():
    rng = np.random.default_rng(3)
    cells = rng.normal(size=(7, 7))
    other = cells.copy()
    np.fill_diagonal(other, 99)
    for kind in KINDS:
        np.testing.assert_array_equal(language_distances(cells)[kind], language_distances(other)[kind])


def test_points_of_a_plane_are_found_again():
    points = np.random.default_rng(1).normal(size=(15, 2)) * (3, 1)
    found = place_points(between(points))
    np.testing.assert_allclose(between(found), between(points), atol=1e-6)
    assert np.ptp(found[:, 0]) > np.ptp(found[:, 1])


def test_points_of_a_plane_are_found_again_though_distances_are_missing():
    rng = np.random.default_rng(2)
    points = rng.normal(size=(20, 2))
    apart = between(points)
    holes = np.triu(rng.random(apart.shape) < 0.2, 1)
    apart[holes | holes.T] = np.nan
    *_, off = procrustes(points, place_points(apart))
    assert off < 1e-3


def test_a_map_is_no_worse_than_classical_scaling():
    cells = np.random.default_rng(4).normal(size=(12, 12))
    apart = language_distances(cells)["both"]
    centring = np.eye(12) - 1 / 12
    values, vectors = np.linalg.eigh(-0.5 * centring @ apart**2 @ centring)
    classical = vectors[:, -2:] * np.sqrt(values[-2:])

    def stress(points):
        return ((between(points) - apart) ** 2).sum()

    assert stress(similarity_maps(cells, names(12)).both) < 0.98 * stress(classical)


def test_planted_groups_stand_apart_on_the_map_and_together_in_the_order():
    cells, group = planted()
    codes = names(10)
    points = np.array(similarity_maps(cells, codes).rows)
    same = group[:, None] == group[None]
    np.fill_diagonal(same, False)
    apart = between(points)
    assert apart[same].max() < apart[group[:, None] != group[None]].min()
    order = cluster_orders(cells, codes)["rows"]
    assert sorted(order) == list(range(10))
    assert np.count_nonzero(np.diff(group[order])) == 1
    assert np.count_nonzero(np.diff(group[cluster_orders(cells.T, codes)["columns"]])) == 1


def test_the_order_of_the_languages_does_not_matter():
    rng = np.random.default_rng(5)
    cells = rng.normal(size=(9, 9))
    cells[rng.random((9, 9)) < 0.2] = np.nan
    codes = names(9)
    shuffled = rng.permutation(9)
    moved, moved_codes = cells[np.ix_(shuffled, shuffled)], [codes[place] for place in shuffled]
    maps, moved_maps = similarity_maps(cells, codes), similarity_maps(moved, moved_codes)
    orders, moved_orders = cluster_orders(cells, codes), cluster_orders(moved, moved_codes)
    for kind in KINDS:
        by_code = dict(zip(codes, getattr(maps, kind), strict=True))
        assert dict(zip(moved_codes, getattr(moved_maps, kind), strict=True)) == by_code
        assert [codes[place] for place in orders[kind]] == [moved_codes[place] for place in moved_orders[kind]]
        assert maps.kept[kind] == moved_maps.kept[kind]


def test_how_much_is_kept_is_spearmans_correlation():
    cells = np.random.default_rng(6).normal(size=(8, 8))
    maps = similarity_maps(cells, names(8))
    upper = np.triu_indices(8, 1)
    for kind in KINDS:
        shown = between(getattr(maps, kind))[upper]
        wanted = language_distances(cells)[kind][upper]
        assert maps.kept[kind] == pytest.approx(spearmanr(shown, wanted).statistic, abs=0.003)  # points are rounded


def test_signs_are_fixed():
    cells = np.random.default_rng(7).normal(size=(9, 9))
    points = np.array(similarity_maps(cells, names(9)).columns)
    assert ((points**3).sum(axis=0) > 0).all()
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.cov(points.T)[0, 1], 0, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_languages_have_no_map_but_an_order(n):
    cells = np.full((n, n), 0.5)
    maps = similarity_maps(cells, names(n))
    for kind in KINDS:
        assert getattr(maps, kind) == [None] * n
        assert maps.kept[kind] is None
        assert cluster_orders(cells, names(n))[kind] == list(range(n))


def test_three_languages_have_a_map():
    cells = np.array([[np.nan, 0.1, 0.5], [0.2, np.nan, -0.3], [0.4, 0.0, np.nan]])
    maps = similarity_maps(cells, names(3))
    assert None not in maps.rows
    assert maps.kept["rows"] is not None


def test_languages_that_are_all_alike_stand_on_one_point():
    maps = similarity_maps(np.full((6, 6), 0.25), names(6))
    assert maps.rows == [(0.0, 0.0)] * 6
    assert maps.kept == dict.fromkeys(KINDS)
    assert sorted(cluster_orders(np.full((6, 6), 0.25), names(6))["both"]) == list(range(6))


def test_a_language_without_cells_gets_no_place_and_comes_last():
    cells = np.random.default_rng(8).normal(size=(9, 9))
    cells[3, :], cells[:, 3] = np.nan, np.nan
    maps, orders = similarity_maps(cells, names(9)), cluster_orders(cells, names(9))
    for kind in KINDS:
        points = getattr(maps, kind)
        assert [place for place, point in enumerate(points) if point is None] == [3]
        assert orders[kind][-1] == 3
        assert sorted(orders[kind]) == list(range(9))


def test_who_only_gives_has_a_place_by_rows_alone():
    cells = np.random.default_rng(9).normal(size=(9, 9))
    cells[:, 3] = np.nan
    maps = similarity_maps(cells, names(9))
    assert maps.rows[3] is not None
    assert maps.columns[3] is None
    assert maps.both[3] is not None


def test_nothing_measured_is_no_map():
    maps = similarity_maps(np.full((7, 7), np.nan), names(7))
    assert maps.rows == [None] * 7
    assert cluster_orders(np.full((7, 7), np.nan), names(7))["rows"] == list(range(7))


def test_two_parts_that_cannot_be_compared_are_not_set_side_by_side():
    apart = np.full((8, 8), np.nan)
    apart[:5, :5], apart[5:, 5:] = 1, 1
    np.fill_diagonal(apart, 0)
    assert comparable(apart).tolist() == [0, 1, 2, 3, 4]
