"""Write src/bloodbank/explorer/web/land.json, the outlines of land on the world map of the explorer.

Reads a wheel of `pyogrio` (as a file, never imported), whose tests carry Natural Earth's countries at 1:110 million:

    pip download --no-deps pyogrio==0.13.0
    python tools/make_land.py pyogrio-0.13.0-cp311-abi3-manylinux_2_28_x86_64.whl

The same file always gives the same bytes. Source: Natural Earth (naturalearthdata.com), public domain, as GeoPandas
and pyogrio pass it on.

Borders between countries are dropped: an edge that two countries share runs once in either direction, and the edges
that are left are the coasts. These are thinned (Douglas and Peucker) and rounded. Natural Earth cuts land at 180
degrees, so that no outline crosses it.
"""

import argparse
import json
import math
import struct
import sys
import zipfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

LAND = Path(__file__).parents[1] / "src" / "bloodbank" / "explorer" / "web" / "land.json"
SHAPES = "pyogrio/tests/fixtures/naturalearth_lowres/naturalearth_lowres.shp"
SOURCE = "Natural Earth, countries at 1:110 million, public domain (naturalearthdata.com)"
TOLERANCE, DECIMALS = 0.12, 1  # degrees
LEAST_AREA = 0.3  # square degrees; smaller islands are less than a pixel
_POLYGON, _HEADER = 5, 100  # of a shapefile: kind of shape; bytes before the first record

Point = tuple[float, float]
Ring = list[Point]


def read_rings(shapefile: bytes) -> list[Ring]:
    """Read the rings of all polygons of a shapefile: outer ones clockwise, holes the other way round."""
    rings, place = [], _HEADER
    while place < len(shapefile):
        _, n_words = struct.unpack_from(">ii", shapefile, place)
        record = shapefile[place + 8 : place + 8 + 2 * n_words]
        place += 8 + 2 * n_words
        kind = struct.unpack_from("<i", record)[0]
        if kind == 0:  # no shape
            continue
        if kind != _POLYGON:
            sys.exit(f"shape of kind {kind}, where polygons were expected")
        n_parts, n_points = struct.unpack_from("<ii", record, 36)
        starts = [*struct.unpack_from(f"<{n_parts}i", record, 44), n_points]
        flat = struct.unpack_from(f"<{2 * n_points}d", record, 44 + 4 * n_parts)
        points = list(zip(flat[::2], flat[1::2], strict=True))
        rings += [points[start:end] for start, end in pairwise(starts)]
    return rings


def coasts(rings: list[Ring]) -> list[Ring]:
    """Join the rings of neighbours: what is left when edges that run in both directions are dropped."""
    edges: dict[Point, list[Point]] = defaultdict(list)
    for ring in rings:
        points = [(round(x, 6), round(y, 6)) for x, y in ring]
        for start, end in pairwise(points):
            if start == end:
                continue
            if start in edges.get(end, ()):
                edges[end].remove(start)
            else:
                edges[start].append(end)
    return _chains(edges)


def _chains(edges: dict[Point, list[Point]]) -> list[Ring]:
    """Walk along the edges until each walk is back where it began; where coasts touch, a walk closes its own ring."""
    rings = []
    for start in sorted(edges):
        while edges[start]:
            path, seen = [start], {start: 0}
            while edges[path[-1]]:
                nearest = edges[path[-1]].pop(0)
                if nearest in seen:
                    first = seen[nearest]
                    rings.append([*path[first:], nearest])
                    for point in path[first + 1 :]:
                        del seen[point]
                    del path[first + 1 :]
                else:
                    seen[nearest] = len(path)
                    path.append(nearest)
            if len(path) > 1:
                sys.exit(f"a coast that begins at {path[0]} ends at {path[-1]}")
    return rings


def area(ring: Ring) -> float:
    """Give the area of a ring in square degrees; positive for a clockwise one."""
    return sum(x2 * y1 - x1 * y2 for (x1, y1), (x2, y2) in pairwise(ring)) / 2


def thin(points: Ring, tolerance: float) -> Ring:
    """Drop the points of a line that lie nearer to what is left than the tolerance."""
    kept = {0, len(points) - 1}
    open_parts = [(0, len(points) - 1)]
    while open_parts:
        first, last = open_parts.pop()
        furthest, most = 0, tolerance
        for place in range(first + 1, last):
            off = _distance(points[place], points[first], points[last])
            if off > most:
                furthest, most = place, off
        if furthest:
            kept.add(furthest)
            open_parts += [(first, furthest), (furthest, last)]
    return [points[place] for place in sorted(kept)]


def _distance(point: Point, start: Point, end: Point) -> float:
    (x, y), (x1, y1), (x2, y2) = point, start, end
    length = math.hypot(x2 - x1, y2 - y1)
    if length == 0:
        return math.hypot(x - x1, y - y1)
    along = max(0.0, min(1.0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length**2))
    return math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1))


def simplify(ring: Ring) -> Ring:
    """Thin a closed ring, from the point that is furthest from its first one, and round it."""
    open_ring = ring[:-1]
    far = max(range(len(open_ring)), key=lambda place: math.dist(open_ring[0], open_ring[place]))
    half = thin(open_ring[: far + 1], TOLERANCE) + thin([*open_ring[far:], open_ring[0]], TOLERANCE)[1:]
    rounded = [(round(x, DECIMALS) + 0.0, round(y, DECIMALS) + 0.0) for x, y in half]
    return [point for place, point in enumerate(rounded) if place == 0 or point != rounded[place - 1]]


def main() -> None:
    """Read the wheel and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=Path, help="a wheel of pyogrio")
    with zipfile.ZipFile(parser.parse_args().wheel) as wheel:
        rings = coasts(read_rings(wheel.read(SHAPES)))
    kept = sorted((ring for ring in rings if abs(area(ring)) >= LEAST_AREA), key=lambda ring: (-abs(area(ring)), ring))
    outlines = [simplify(ring) for ring in kept]
    outlines = [ring for ring in outlines if len(ring) > 3]
    lines = ",\n".join(json.dumps([n for point in ring for n in point], separators=(",", ":")) for ring in outlines)
    LAND.write_text(
        f'{{"source": {json.dumps(SOURCE)},\n"unit": "degrees east and north, in turn",\n"outlines": [\n{lines}\n]}}\n',
        encoding="utf-8",
    )
    n_points = sum(len(ring) for ring in outlines)
    print(f"{LAND}: {len(outlines)} outlines, {n_points} points, {LAND.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
