import importlib.util
import json
from itertools import pairwise
from math import cos, isclose, radians

import numpy as np
import pytest

from bloodbank.explorer.world import WIDTH, equal_earth, place_on_map, read_world
from shared_data import ROOT

# EPSG:8857, Equal Earth of WGS84, as PROJ gives it: at the equator and the poles the ellipsoid is the sphere of the
# same area.
AUTHALIC_RADIUS = 6_371_007.180918
PUBLISHED = {(0, 180): (17_243_959.06, 0.0), (-90, -180): (-10_216_474.79, -8_392_927.60), (90, 0): (0.0, 8_392_927.60)}


@pytest.fixture(scope="module")
def make_land():
    spec = importlib.util.spec_from_file_location("make_land", ROOT / "tools" / "make_land.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def points_of(line):
    return list(zip(line[::2], line[1::2], strict=True))


def area(points):
    return sum(x2 * y1 - x1 * y2 for (x1, y1), (x2, y2) in pairwise(points)) / 2


def is_land(north, east):
    """Count the coasts to the right of a point: an odd number on land."""
    x, y = place_on_map(north, east)
    crossed = 0
    for outline in read_world().land:
        for (x1, y1), (x2, y2) in pairwise(points_of(outline)):
            crossed += (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    return crossed % 2 == 1


@pytest.mark.parametrize("degrees", PUBLISHED)
def test_published_values(degrees):
    found = [AUTHALIC_RADIUS * value for value in equal_earth(*degrees)]
    assert found == pytest.approx(PUBLISHED[degrees], abs=0.01)


def test_the_proportions_are_the_authors():
    # Šavrič, Patterson and Jenny: width to height 2.05458, the pole line 0.59247 of the equator
    assert equal_earth(0, 180)[0] / equal_earth(90, 0)[1] == pytest.approx(2.05458, abs=5e-6)
    assert equal_earth(90, 180)[0] / equal_earth(0, 180)[0] == pytest.approx(0.59247, abs=5e-6)


@pytest.mark.parametrize("north", [-89, -60, -33.3, 0, 10, 45, 75, 89])
@pytest.mark.parametrize("east", [-179, -90, 0, 30, 150])
def test_areas_are_kept(north, east):
    # A small patch of a sphere of radius 1 has the area cos(latitude) dφ dλ, and so has its picture
    step = 1e-3
    (x1, y1), (x2, y2) = (equal_earth(north, east + sign * step) for sign in (-1, 1))
    (x3, y3), (x4, y4) = (equal_earth(north + sign * step, east) for sign in (-1, 1))
    picture = ((x2 - x1) * (y4 - y3) - (x4 - x3) * (y2 - y1)) / (2 * radians(step)) ** 2
    assert picture == pytest.approx(cos(radians(north)), rel=1e-5)


def test_it_is_symmetric():
    x, y = equal_earth(41.5, 77.25)
    assert equal_earth(-41.5, 77.25) == (x, -y)
    assert equal_earth(41.5, -77.25) == (-x, y)
    assert equal_earth(0, 0) == (0, 0)


def test_units_of_the_map():
    world = read_world()
    assert world.width == WIDTH == 1000
    assert place_on_map(0, 180) == (500, 0)
    assert place_on_map(90, 0) == (0, pytest.approx(world.height / 2, abs=0.06))
    assert world.width / world.height == pytest.approx(2.05458, abs=3e-4)


def test_land_has_its_share_of_the_earth():
    world = read_world()
    whole = 4 * np.pi * (world.width / (2 * equal_earth(0, 180)[0])) ** 2
    share = sum(area(points_of(outline)) for outline in world.land) / whole
    assert share == pytest.approx(
        0.291, abs=0.006
    )  # 148.9 of 510.1 million km²; ice shelves count, islands are left out


@pytest.mark.parametrize(
    ("place", "north", "east", "expected"),
    [
        ("Moscow", 55.75, 37.6, True), ("Brasília", -15.8, -47.9, True), ("Antananarivo", -18.9, 47.5, True),
        ("Alice Springs", -23.7, 133.9, True), ("Anadyr", 65, 172, True), ("Amguema", 67, -178.9, True),
        ("South Pole", -88, 40, True), ("Nuuk's ice", 70, -40, True), ("Kansas", 38.5, -98, True),
        ("Atlantic", 30, -40, False), ("Caspian Sea", 42, 50.5, False), ("Pacific", 0, 179, False),
        ("Mediterranean", 35, 18, False), ("Bay of Bengal", 15, 88, False), ("North Pole", 89, 0, False),
    ],
)  # fmt: skip
def test_land_is_where_land_is(place, north, east, expected):
    assert is_land(north, east) is expected, place


def test_no_outline_runs_across_the_map():
    world = read_world()
    for outline in world.land:
        points = points_of(outline)
        assert points[0] == points[-1]
        for (x1, y1), (x2, y2) in pairwise(points):
            along_the_pole = y1 == y2 == pytest.approx(-world.height / 2, abs=0.1)
            assert np.hypot(x2 - x1, y2 - y1) < 60 or along_the_pole


def test_everything_is_on_the_map():
    world = read_world()
    for line in [*world.land, *world.graticule]:
        for x, y in points_of(line):
            assert abs(x) <= world.width / 2
            assert abs(y) <= world.height / 2 + 0.05
    border = points_of(world.graticule[0])
    assert border[0] == border[-1]
    assert {abs(x) for x, y in border if y == 0} == {500}


def test_the_file_is_small_and_names_its_source():
    path = ROOT / "src" / "bloodbank" / "explorer" / "web" / "land.json"
    assert path.stat().st_size < 60_000
    content = json.loads(path.read_text(encoding="utf-8"))
    assert "Natural Earth" in content["source"]
    assert "Natural Earth" in (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert len(read_world().model_dump_json()) < 60_000


def test_a_border_between_two_countries_is_no_coast(make_land):
    west = [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0), (0, 0)]
    east = [(1, 0), (1, 1), (1, 2), (2, 2), (2, 0), (1, 0)]
    (coast,) = make_land.coasts([west, east])
    assert isclose(make_land.area(coast), 4)
    assert (1, 1) not in coast
    assert coast[0] == coast[-1]


def test_countries_around_a_sea_leave_it_open(make_land):
    def square(x, y, size=1):
        return [(x, y), (x, y + size), (x + size, y + size), (x + size, y), (x, y)]

    around = [square(x, y) for x in range(3) for y in range(3) if (x, y) != (1, 1)]
    rings = make_land.coasts(around)
    assert sorted(make_land.area(ring) for ring in rings) == [-1, 9]


def test_islands_that_touch_stay_two(make_land):
    first = [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)]
    second = [(1, 1), (1, 2), (2, 2), (2, 1), (1, 1)]
    assert sorted(make_land.area(ring) for ring in make_land.coasts([first, second])) == [1, 1]


def test_thinning_keeps_what_sticks_out(make_land):
    line = [(0, 0), (1, 0.05), (2, 0), (3, 0.3), (4, 0)]
    assert make_land.thin(line, 0.1) == [(0, 0), (2, 0), (3, 0.3), (4, 0)]
    assert make_land.thin(line, 1) == [(0, 0), (4, 0)]
