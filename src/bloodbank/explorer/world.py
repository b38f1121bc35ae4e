"""The world map: the Equal Earth projection, outlines of land and a graticule.

`tools/make_land.py` writes the outlines, and names their source.

    place_on_map(61.0, 25.8)   # Finnish: degrees north and east -> x, y

The projection shows areas in their true proportions. Source: Šavrič, Patterson and Jenny. 2018. The Equal Earth map
projection. International Journal of Geographical Information Science 33(3).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bloodbank.explorer.schema import World

WIDTH = 1000.0  #: of the map, in its own units
_LAND = Path(__file__).parent / "web" / "land.json"
_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_STEP, _MESH = 5, 30  # degrees between points of a line, and between lines
_DECIMALS = 1  # a tenth of a thousandth of the map's width


def equal_earth(latitude: float, longitude: float) -> tuple[float, float]:
    """Project a point of a sphere of radius 1.

    Args:
        latitude: Degrees north, -90 to 90.
        longitude: Degrees east, -180 to 180.

    Returns:
        x, to the right, from -2.7066 to 2.7066, and y, upwards, from -1.3174 to 1.3174.
    """
    theta = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(latitude)))
    slope = 9 * _A4 * theta**8 + 7 * _A3 * theta**6 + 3 * _A2 * theta**2 + _A1  # dy / dθ
    x = 2 * math.sqrt(3) * math.radians(longitude) * math.cos(theta) / (3 * slope)
    y = _A4 * theta**9 + _A3 * theta**7 + _A2 * theta**3 + _A1 * theta
    return x, y


_SCALE = WIDTH / (2 * equal_earth(0, 180)[0])


def place_on_map(latitude: float, longitude: float) -> tuple[float, float]:
    """Give the point of the map, in its units, that belongs to degrees north and east."""
    x, y = (round(_SCALE * value, _DECIMALS) + 0.0 for value in equal_earth(latitude, longitude))
    return x, y


@cache
def read_world() -> World:
    """Read the outlines of land and project them.

    Returns:
        Land as closed outlines, inland seas running the other way round, and a graticule: the border of the map first,
        then meridians and parallels every 30 degrees.
    """
    content = json.loads(_LAND.read_text(encoding="utf-8"))
    return World(
        source=content["source"],
        projection="Equal Earth (Šavrič, Patterson and Jenny 2018), which keeps areas in proportion",
        width=WIDTH,
        height=round(2 * _SCALE * equal_earth(90, 0)[1], _DECIMALS),
        land=[_line(zip(flat[1::2], flat[::2], strict=True)) for flat in content["outlines"]],
        graticule=_graticule(),
    )


def _graticule() -> list[list[float]]:
    up, right = range(-90, 91, _STEP), range(-180, 181, _STEP)
    border = [*((north, 180.0) for north in up), *((north, -180.0) for north in reversed(up)), (-90.0, 180.0)]
    meridians = [_line((north, east) for north in up) for east in range(_MESH - 180, 180, _MESH)]
    parallels = [_line((north, east) for east in (right[0], right[-1])) for north in range(_MESH - 90, 90, _MESH)]
    return [_line(border), *meridians, *parallels]


def _line(points: Iterable[tuple[float, float]]) -> list[float]:
    return [value for north, east in points for value in place_on_map(north, east)]
