"""Labels beside points and along a line, placed so that none covers another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from bloodbank.canvas import settle

Floats = NDArray[np.float64]
_SIZE = 8.0  # points
MARKER = 4.5  # points around the middle of a marker that labels keep clear of
_DISTANCES = (1.5, 6.5, 12.5, 19.5, 27.5, 37.5, 49.5)  # points from there on
_LEADER_FROM = 7.5  # a label further away than this gets a line to its point
_PADDING = 1.0
# Right first, as a reader expects it; then left, above, below, and between.
_DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


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
    renderer = cast(Any, figure.canvas).get_renderer()
    scale = figure.dpi / 72  # pixels in a point
    centres = axes.transData.transform(np.asarray(points))
    texts = [_text(axes, point, label) for point, label in zip(points, labels, strict=True)]
    sizes = [(box.width, box.height) for box in (text.get_window_extent(renderer) for text in texts)]
    around = [_square(centre, marker * scale) for centre in centres]
    around += [obstacle.get_window_extent(renderer) for obstacle in obstacles]
    taken = np.array([box.extents for box in around] + [[0.0] * 4] * len(points))  # room for the labels
    n_taken = len(around)
    ground = _Ground(axes.get_window_extent(renderer), _zero_lines(axes), scale)
    for place in _crowded_first(centres):
        candidates = list(_candidates(centres[place], sizes[place], scale, marker))
        boxes = np.array([box.extents for box, _ in candidates])
        costs = ground.costs(boxes, np.array([distance for _, distance in candidates]), taken[:n_taken])
        box, distance = candidates[int(np.argmin(costs))]  # the first of equals
        taken[n_taken] = box.extents
        n_taken += 1
        _move(texts[place], centres[place], box, scale, leader=distance > marker + _LEADER_FROM)
    return texts


def _text(axes: Axes, point: tuple[float, float], label: str) -> Text:
    style: dict[str, Any] = {"ha": "center", "va": "center", "size": _SIZE, "zorder": 4}
    style["path_effects"] = [Stroke(linewidth=2.0, foreground="white"), Normal()]  # lines stop at the letters
    return axes.annotate(label, point, xytext=(0, 0), textcoords="offset points", **style)


def _crowded_first(centres: np.ndarray) -> list[int]:
    distances = np.linalg.norm(centres[:, None] - centres[None, :], axis=-1)  # [point, point], pixels
    crowding = (1 / (distances + 20)).sum(axis=1)
    return [int(place) for place in np.argsort(-crowding, kind="stable")]


def _candidates(
    centre: np.ndarray, size: tuple[float, float], scale: float, marker: float
) -> Iterator[tuple[Bbox, float]]:
    width, height = size
    for distance in (marker + beyond for beyond in _DISTANCES):
        for right, up in _DIRECTIONS:
            reach = distance * scale / np.hypot(right, up)
            x = centre[0] + right * (reach + width / 2)
            y = centre[1] + up * (reach + height / 2)
            yield Bbox.from_bounds(x - width / 2, y - height / 2, width, height), distance


@dataclass(frozen=True)
class _Ground:
    """What lies under the labels, in pixels."""

    inside: Bbox
    zero_lines: Sequence[Bbox]
    scale: float

    def costs(self, boxes: np.ndarray, distances: np.ndarray, taken: np.ndarray) -> np.ndarray:
        """Weigh places: covering something is worst, then crossing a zero line, then being far away.

        Shape: boxes `[place, 4]` and taken `[box, 4]`: left, bottom, right, top in pixels; one cost for each place.
        """
        points = 1 / self.scale**2  # square points in a square pixel
        padded = boxes + np.array([-_PADDING, -_PADDING, _PADDING, _PADDING])
        covered = _shared(padded, taken).sum(axis=1)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        outside = areas - _shared(boxes, np.array([self.inside.extents]))[:, 0]
        crossed = _shared(boxes, np.array([line.extents for line in self.zero_lines])).sum(axis=1)
        costs: np.ndarray = (20 * covered + 40 * outside + crossed) * points + distances
        return costs


def _zero_lines(axes: Axes) -> list[Bbox]:
    x, y = axes.transData.transform((0, 0))
    far = 1e5
    return [Bbox.from_extents(-far, y - 1, far, y + 1), Bbox.from_extents(x - 1, -far, x + 1, far)]


def _shared(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Areas that boxes share. Shape: [left, 4] and [right, 4] to [left, right]."""
    width = np.minimum(left[:, None, 2], right[None, :, 2]) - np.maximum(left[:, None, 0], right[None, :, 0])
    height = np.minimum(left[:, None, 3], right[None, :, 3]) - np.maximum(left[:, None, 1], right[None, :, 1])
    shared: np.ndarray = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    return shared


def _square(centre: np.ndarray, half: float) -> Bbox:
    return Bbox.from_bounds(centre[0] - half, centre[1] - half, 2 * half, 2 * half)


def _move(text: Text, centre: np.ndarray, box: Bbox, scale: float, *, leader: bool) -> None:
    middle = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
    text.set_position(tuple((middle - centre) / scale))
    if leader and text.axes is not None:
        end = np.array([np.clip(centre[0], box.x0, box.x1), np.clip(centre[1], box.y0, box.y1)])
        ends = text.axes.transData.inverted().transform([centre, end])
        text.axes.add_line(Line2D(ends[:, 0], ends[:, 1], color="0.6", linewidth=0.6, zorder=2))


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
