"""Labels beside points, placed so that they hide neither points nor one another."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

DISTANCES = (6, 14, 24, 36)  # typographic points from the point to the label
DIRECTIONS = ((1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1), (-1, 0), (0, 1), (0, -1))
ALIGNED = {-1: ("right", "top"), 0: ("center", "center"), 1: ("left", "bottom")}


def group(places: np.ndarray, reach: float) -> list[list[int]]:
    """Return runs of consecutive points (n, 2) that lie within `reach` of the run's first.

    >>> group(np.array([[0, 0], [0.5, 0], [3, 0]]), 1)
    [[0, 1], [2]]
    """
    runs = [[0]]
    for i in range(1, len(places)):
        if np.hypot(*(places[i] - places[runs[-1][0]])) <= reach:
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def place_labels(
    axes: Axes, points: np.ndarray, texts: Sequence[str], avoid: np.ndarray, fontsize: float = 8
) -> list[Annotation]:
    """Annotate each of `points` (n, 2) with its text, where it covers least.

    `avoid` (m, 2 ends, 2) are line segments that labels should not cover; one with a NaN does
    not count. All are in data coordinates. A text that could stand only on another text is
    left out.
    """
    unit = axes.figure.dpi / 72
    along = np.linspace(avoid[:, 0], avoid[:, 1], 30).reshape(-1, 2)
    obstacles = axes.transData.transform(np.vstack([points, along]))
    inside, placed, annotations = axes.get_window_extent(), [], []
    for point, place, text in zip(points, axes.transData.transform(points), texts, strict=True):
        label = axes.annotate(
            text,
            point,
            (0, 0),
            fontsize=fontsize,
            textcoords="offset points",
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkB": 3},
        )
        extent = Text.get_window_extent(label)  # without its line
        choices = [
            (_box(place, extent, direction, distance * unit), direction, distance)
            for distance, direction in product(DISTANCES, DIRECTIONS)
        ]
        costs = [_cost(box, obstacles, placed, inside) for box, _, _ in choices]
        box, direction, distance = choices[int(np.argmin(costs))]  # of equals, the nearest
        if any(box.overlaps(other) for other in placed):
            label.remove()
            continue
        placed.append(box)
        annotations.append(_move(label, direction, distance))
    return annotations


def _move(label: Annotation, direction: tuple[int, int], distance: float) -> Annotation:
    label.set_position((direction[0] * distance, direction[1] * distance))
    label.arrow_patch.set_visible(distance > DISTANCES[0])
    label.set(ha=ALIGNED[direction[0]][0], va=ALIGNED[direction[1]][1])
    return label


def _box(place: np.ndarray, extent: Bbox, direction: tuple[int, int], distance: float) -> Bbox:
    size = np.array([extent.width, extent.height])
    corner = place + np.array(direction) * distance - size * (1 - np.array(direction)) / 2
    return Bbox.from_bounds(*corner, *size).padded(2)


def _cost(box: Bbox, obstacles: np.ndarray, placed: list[Bbox], inside: Bbox) -> float:
    covered = ((obstacles > box.min) & (obstacles < box.max)).all(axis=1).sum()
    outside = not (
        inside.x0 < box.x0 and box.x1 < inside.x1 and inside.y0 < box.y0 and box.y1 < inside.y1
    )
    return covered + 1000 * box.count_overlaps(placed) + 100 * outside
