"""Capacity, dimension and radius against the number of points of each class."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..conventions import ARITHMETIC, HARMONIC, from_averaging_scale, to_averaging_scale
from ..errors import DataError
from ..intervals import student_interval
from ..names import rst_literal
from .about import About
from .layer_lines import draw_lines
from .measures import CAPACITY, RADIUS, Measure, measures
from .reading import (
    LAST,
    choose_layer,
    count,
    decimal,
    layers,
    limits,
    require_rows,
    span,
    strengths,
)
from .strengths import Strength, add_colour_bar, spread
from .style import QUIET, new_figure, set_title

DECLARATION = {
    "title": "number of points",
    "scope": "family",
    "inputs": ["subsets"],
    "setting": "subsets",
    "order": 75,
    "caption": (
        "Capacity, dimension and radius of the manifolds against the number M of points that "
        "are taken of each manifold: nested random subsets of the same; one line per strength. "
        "They are those of the mean-field theory, by their published definitions; a dashed line is "
        "the joint capacity. Few points make a capacity too high, so what it still falls at the "
        "greatest M says how far it can be trusted. Bands are 95 % intervals (Student's t) over "
        "disjoint draws of images. "
        "An interval that reaches the frame goes on beyond it."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [11, 5.5],
            },
            "layer": {
                "type": "string",
                "minLength": 1,
                "description": "path of a layer to show beside the last one, or last: none",
                "default": "last",
            },
            "labels": {
                "enum": ["path", "reference"],
                "description": "names of layers: module paths, or the reference extractor's labels",
                "default": "path",
            },
        }
    },
}

DIMENSION = measures()[1]
JOINT = "joint_capacity"
JOINT_DASHES = (0, (3.5, 1.5))
MEANS = {"capacity": HARMONIC, JOINT: HARMONIC, "dimension": ARITHMETIC, "radius": ARITHMETIC}
PLACE = ["condition", "family", "strength", "layer", "layer_index", "layer_label"]
COLUMNS = [*PLACE, "n_manifolds", "replicate", "n_points", "capacity", "dimension", "radius"]
MOST_TICKS = 16


def draw(
    inputs: Mapping[str, pd.DataFrame],
    about: About,
    *,
    size: tuple[float, float],
    layer: str,
    labels: str,
) -> tuple[Figure, str]:
    """Return capacity, dimension and radius against the number of points, a row per layer.

    ``subsets`` has one row per (condition, layer, replicate, n_points). The rows of panels are of
    the last layer and, where it is another one, of `layer`. `labels`: see :func:`.reading.layers`.
    """
    table = inputs["subsets"]
    require_rows(table, COLUMNS, "subsets")
    if table["n_points"].nunique() < 2:
        raise DataError(
            "Need at least two numbers of points in the table subsets. Got one, "
            f"{span(table['n_points'])}; set geometry.subsets."
        )
    paths = dict.fromkeys([choose_layer(table, LAST), choose_layer(table, layer)])
    named = dict(zip(layers(table), layers(table, labels), strict=True))
    shown = {named[path]: table[table["layer"] == path] for path in paths}
    last, rows = next(iter(shown.items()))
    return _plot(shown, about, size), _describe(rows, last, about.strength)


def _plot(shown: dict[str, pd.DataFrame], about: About, size: tuple[float, float]) -> Figure:
    first = next(iter(shown.values()))
    figure = new_figure(size)
    panels = figure.subplots(len(shown), 3, sharex=True, squeeze=False)
    letters = iter("abcdef")
    for row, (name, table) in zip(panels, shown.items(), strict=True):
        for axes, measure in zip(row, (CAPACITY, DIMENSION, RADIUS), strict=True):
            _draw_measure(axes, table, measure)
            axes.set_title(f"({next(letters)}) {measure.title} of {name}")
            axes.set_ylabel(measure.label, parse_math=True)
    counts = sorted(set(first["n_points"]))
    for axes in panels[-1]:
        kept = spread(counts, (counts[-1] - counts[0]) / MOST_TICKS)
        axes.set_xticks([counts[i] for i in kept])
        axes.set_xlabel("points of each manifold, M")
    add_colour_bar(panels, strengths(first), about.strength)
    if JOINT in first:
        looks = {"mean field": "-", "joint program": JOINT_DASHES}
        figure.legend(
            handles=[
                Line2D([], [], color=QUIET, linestyle=look, label=name)
                for name, look in looks.items()
            ],
            loc="outside lower center",
            ncols=2,
        )
    set_title(figure, about.heading("geometry against the number of points"), _sample(first))
    return figure


def _draw_measure(axes: Axes, table: pd.DataFrame, measure: Measure) -> None:
    """Draw a measure of one layer; beside the capacity, the joint one where there is one."""
    columns = {measure.column: "-"}
    if measure is CAPACITY and JOINT in table:
        columns[JOINT] = JOINT_DASHES
    counts = sorted(set(table["n_points"]))
    found = {column: _average(table, column, counts) for column in columns}
    values, low, high = np.concatenate(list(found.values()), axis=1)
    bottom, top = limits(values, low, high)
    for column, dashes in columns.items():
        values, low, high = found[column]
        bounds = np.clip(low, bottom, top), np.clip(high, bottom, top)
        draw_lines(axes, counts, strengths(table), values, bounds, dashes=dashes)
    axes.set_ylim(bottom, top)
    axes.grid()


def _average(table: pd.DataFrame, column: str, counts: list[int]) -> np.ndarray:
    """Return means over replicates and both ends of their intervals.

    The shape is (3, n_counts, n_strengths); NaN where the table has no row.
    """
    levels = strengths(table)
    found = np.full((3, len(counts), len(levels)), np.nan)
    for (n_points, level), rows in table.groupby(["n_points", "strength"]):
        found[:, counts.index(n_points), levels.index(level)] = _interval(
            rows[column].to_numpy(float), MEANS[column]
        )
    return found


def _interval(values: np.ndarray, mean: str) -> tuple[float, float, float]:
    """Return a mean and its interval, of a harmonic one that of 1/x turned over."""
    with np.errstate(invalid="ignore"):  # an infinite value has no spread
        interval = student_interval(to_averaging_scale(values, mean))
    return from_averaging_scale(*interval, mean)


def _describe(table: pd.DataFrame, name: str, strength: Strength) -> str:
    """Return how the last layer's capacity at the lowest strength changes with M, as sentences."""
    level = strengths(table)[0]
    rows = table[table["strength"] == level].pivot(
        index="replicate", columns="n_points", values="capacity"
    )
    counts = list(rows.columns)
    inverse = to_averaging_scale(rows.to_numpy(float), HARMONIC)
    means = to_averaging_scale(inverse.mean(axis=0), HARMONIC)
    changes = 100 * (means[-1] / means[[0, -2]] - 1)
    text = (
        f"From M = {counts[0]} to {counts[-1]}, the capacity of {rst_literal(name)} "
        f"({strength.value(level)}) changes from {decimal(means[0])} to {decimal(means[-1])}, by "
        f"{changes[0]:+.1f} %"
    )
    if len(counts) > 2:
        text += f"; by {changes[1]:+.1f} % from M = {counts[-2]} on"
    return f"{text}. {_verdict(inverse[:, -1] - inverse[:, -2], counts)} ({_sample(table)})."


def _verdict(rises: np.ndarray, counts: list[int]) -> str:
    """Say whether the last step's fall, a rise of 1/α, is more than the scatter of replicates."""
    _, low, high = student_interval(rises)
    step = f"from M = {counts[-2]} to {counts[-1]}"
    if low > 0:
        return (
            f"The fall {step} is more than the scatter over replicates explains (95 % interval of "
            "the paired difference), so that more points would probably lower it further"
        )
    if np.isnan(low):
        return f"Whether the change {step} is more than scatter, one replicate does not say"
    side = "a rise" if high < 0 else "no more than the scatter over replicates explains"
    return (
        f"The change {step} is {side} (95 % interval of the paired difference), so that no further "
        "fall is seen"
    )


def _sample(table: pd.DataFrame) -> str:
    return (
        f"P = {span(table['n_manifolds'])}, M = {span(table['n_points'])}, "
        f"{count(table['replicate'].nunique(), 'replicate')}"
    )
