"""Manifold geometry along the network, one line per strength."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..names import rst_literal
from .about import About
from .measures import Measure, measures
from .reading import decimal, grid, layers, limits, require_summary, sample, strengths
from .strengths import Strength, add_colour_bar, colours, spread
from .style import new_figure, set_title

DECLARATION = {
    "title": "layers",
    "scope": "family",
    "inputs": ["summary"],
    "order": 50,
    "caption": (
        "Capacity, dimension and radius of the class manifolds and the correlation of their "
        "centers in every layer, in forward order; one line per strength. Bands are 95 % intervals "
        "(Student's t) over disjoint draws of images. Capacity is averaged harmonically over "
        "classes. "
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
                "default": [11, 8],
            },
            "frame": {
                "enum": ["reference", "rank"],
                "description": "of the dimension: the field's reference's, or the points' own span",
                "default": "reference",
            },
            "labels": {
                "enum": ["path", "reference"],
                "description": "names of layers: module paths, or the reference extractor's labels",
                "default": "path",
            },
        }
    },
}

MOST_LABELS = 45  # layer names that fit side by side under one panel


def draw(
    inputs: Mapping[str, pd.DataFrame],
    about: About,
    *,
    size: tuple[float, float],
    frame: str,
    labels: str,
) -> tuple[Figure, str]:
    """Return capacity, dimension, radius and center correlation (a-d) against the layer.

    ``summary`` has one row per (condition, layer). One line per strength, the clean one black and
    dashed; bands are 95 % intervals over replicates, cut at the panel's edge where they are
    infinite. `frame`: see :func:`.measures.measures`; `labels`: see :func:`.reading.layers`.
    """
    summary, shown = inputs["summary"], measures(frame)
    require_summary(summary, shown)
    names = layers(summary, labels)
    figure = _plot(summary, names, shown, about, size)
    return figure, _describe(summary, names, shown, about.strength)


def _plot(
    summary: pd.DataFrame,
    names: list[str],
    shown: list[Measure],
    about: About,
    size: tuple[float, float],
) -> Figure:
    levels = strengths(summary)
    figure = new_figure(size)
    panels = figure.subplots(2, 2, sharex=True)
    for axes, letter, measure in zip(panels.flat, "abcd", shown, strict=True):
        _draw_measure(axes, summary, measure.column, levels)
        axes.set_title(f"({letter}) {measure.title}")
        axes.set_ylabel(measure.label, parse_math=True)
    for axes in panels[1]:
        _label_layers(axes, names)
    add_colour_bar(panels, levels, about.strength, clean="clean (- -)")
    set_title(figure, about.heading("manifold geometry of each layer"), sample(summary))
    return figure


def _describe(
    summary: pd.DataFrame, names: list[str], shown: list[Measure], strength: Strength
) -> str:
    """Return each measure of the last layer at both ends of the strengths, as one sentence."""
    levels = strengths(summary)
    values = [grid(summary, measure.column)[-1] for measure in shown]
    ends = f"under one condition, {strength.value(levels[0])}"
    if len(levels) > 1:
        ends = f"from {strength.value(levels[0])} to {strength.value(levels[-1])}"
    changes = [f"{measure.name} {_change(row)}" for measure, row in zip(shown, values, strict=True)]
    last = rst_literal(names[-1])
    return f"In the last layer, {last}, {ends}: {', '.join(changes)} ({sample(summary)})."


def _change(row: np.ndarray) -> str:
    return " → ".join(decimal(value) for value in (row[[0, -1]] if row.size > 1 else row))


def _draw_measure(axes: Axes, summary: pd.DataFrame, column: str, levels: list[float]) -> None:
    values, low, high = (grid(summary, column + end) for end in ("", "_low", "_high"))
    bottom, top = limits(values, low, high)
    places = np.arange(len(values))
    # The strongest first: the clean line ends on top.
    for i, colour in reversed(list(enumerate(colours(levels)))):
        axes.fill_between(
            places,
            np.clip(low[:, i], bottom, top),
            np.clip(high[:, i], bottom, top),
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(
            places,
            values[:, i],
            color=colour,
            marker="o",
            markersize=2.5,
            linestyle=(0, (2.2, 1.2)) if levels[i] == 0 else "-",
        )
    axes.set_ylim(bottom, top)
    axes.grid()


def _label_layers(axes: Axes, names: list[str]) -> None:
    kept = spread(range(len(names)), len(names) / MOST_LABELS)
    axes.set_xticks(kept, [names[i] for i in kept], rotation=90)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_xlabel("layer, in forward order")
