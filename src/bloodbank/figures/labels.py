"""Labels beside points and along a line, placed so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke
from matplotlib.text import Text
from numpy.typing import NDArray

from bloodbank.canvas import settle

Floats = NDArray[np.float64]
MARKER = 4.5  # points around the middle of a marker that labels keep clear of
_SIZE = 8.0  # points
_DISTANCES = np.array((1.5, 6.5, 12.5, 19.5, 27.5, 37.5, 49.5))  # points from there on
_LEADER_FROM = 7.5  # a label further away than this gets a line to its point
_PADDING = 1.0  # pixels
# Right first, as a reader expects it; then left, above, below, and between.
_DIRECTIONS = np.array(((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)))
_FAR = 1e5  # pixels, beyond every figure


def place_labels(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    labels: Sequence[str],
    obstacles: Sequence[Text] = (),
    *,
    marker: float = MARKER,
) -> list[Text]:
    """Write a label beside each point, the most crowded points first, each at its first free place.

    Args:
        axes: Limits must be final; the figure is settled here.
        points: In data units.
        labels: One for each point.
        obstacles: Texts already drawn, to keep clear of.
        marker: Points around the middle of each marker, to keep clear of.

    Returns:
        The labels, in the order given.
    """
    if not points:
        return []
    figure = settle(cast(Figure, axes.figure))
    pixels = figure.dpi / 72  # in a point
    centres = axes.transData.transform(np.asarray(points))
    texts = [_text(axes, point, label) for point, label in zip(points, labels, strict=True)]
    markers = np.hstack([centres - marker * pixels, centres + marker * pixels])
    taken = np.array([*markers, *(text.get_window_extent().extents for text in obstacles)])
    for place in _crowded_first(centres):
        extent = texts[place].get_window_extent()
        boxes, distances = _candidates(centres[place], np.array((extent.width, extent.height)), marker, pixels)
        best = int(np.argmin(_costs(axes, boxes, taken) / pixels**2 + distances))  # the first of equals
        taken = np.vstack([taken, boxes[best]])
        _move(texts[place], centres[place], boxes[best], pixels, leader=distances[best] > marker + _LEADER_FROM)
    return texts


def _text(axes: Axes, point: tuple[float, float], label: str) -> Text:
    style: dict[str, Any] = {"ha": "center", "va": "center", "size": _SIZE, "zorder": 4}
    style["path_effects"] = [Stroke(linewidth=2.0, foreground="white"), Normal()]  # lines stop at the letters
    return axes.annotate(label, point, xytext=(0, 0), textcoords="offset points", **style)


def _crowded_first(centres: Floats) -> list[int]:
    distances = np.linalg.norm(centres[:, None] - centres[None, :], axis=-1)  # [point, point], pixels
    return [int(place) for place in np.argsort(-(1 / (distances + 20)).sum(axis=1), kind="stable")]


def _candidates(centre: Floats, size: Floats, marker: float, pixels: float) -> tuple[Floats, Floats]:
    """List places for a label, near ones first.

    Shape:
        Boxes `[place, 4]`, left, bottom, right and top in pixels; distances `[place]` in points.
    """
    distances = np.repeat(marker + _DISTANCES, len(_DIRECTIONS))
    directions = np.tile(_DIRECTIONS, (len(_DISTANCES), 1))
    reach = distances * pixels / np.linalg.norm(directions, axis=1)
    middles = centre + directions * (reach[:, None] + size / 2)
    return np.hstack([middles - size / 2, middles + size / 2]), distances


def _costs(axes: Axes, boxes: Floats, taken: Floats) -> Floats:
    """Weigh places, in square pixels: covering something is worst, then leaving the axes, then crossing a zero line."""
    inside = np.array([axes.get_window_extent().extents])
    x, y = axes.transData.transform((0, 0))
    zero_lines = np.array([(-_FAR, y - 1, _FAR, y + 1), (x - 1, -_FAR, x + 1, _FAR)])
    covered = _shared(boxes + np.array([-_PADDING, -_PADDING, _PADDING, _PADDING]), taken).sum(axis=1)
    outside = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - _shared(boxes, inside)[:, 0]
    return np.asarray(20 * covered + 40 * outside + _shared(boxes, zero_lines).sum(axis=1))


def _shared(left: Floats, right: Floats) -> Floats:
    """Areas that boxes share. Shape: `[left, 4]` and `[right, 4]` to `[left, right]`."""
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    return np.asarray(np.prod(np.maximum(high - low, 0.0), axis=-1))


def _move(text: Text, centre: Floats, box: Floats, pixels: float, *, leader: bool) -> None:
    text.set_position(tuple(((box[:2] + box[2:]) / 2 - centre) / pixels))
    if leader and text.axes is not None:
        ends = text.axes.transData.inverted().transform([centre, np.clip(centre, box[:2], box[2:])])
        text.axes.add_line(Line2D(*ends.T, color="0.6", linewidth=0.6, zorder=2))


def spread(
    wanted: Sequence[float], sizes: float | Sequence[float], limits: tuple[float, float] | None = None
) -> Floats:
    """Move things on a line apart, in their order and, by least squares, as little as needed.

    Args:
        wanted: Where their middles belong, rising.
        sizes: What each takes, in the same unit.
        limits: Between which they stay as far as they fit.

    Returns:
        Where their middles go.
    """
    from scipy.optimize import isotonic_regression

    taken = np.broadcast_to(np.asarray(sizes, dtype=float), len(wanted))
    together = np.cumsum(taken) - taken / 2  # middles of things that stand close together, from 0
    moved = isotonic_regression(np.asarray(wanted, dtype=float) - together).x
    if limits is not None:
        moved = np.clip(moved, limits[0], limits[1] - taken.sum())
    return np.asarray(moved + together)
