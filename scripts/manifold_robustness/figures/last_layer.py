"""Manifold geometry of the last layer against the strength of the perturbation."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..names import rst_literal
from .about import About
from .measures import Measure, measures
from .published import draw_published, name_sources, of_layer
from .reading import count, decimal, last_layer, layers, limits, require_summary, sample
from .shuffled import describe_shuffled, draw_shuffled, shuffled_column
from .strengths import Strength, draw_against_strength, label_log_axis
from .style import new_figure, set_title

DECLARATION = {
    "title": "last layer",
    "scope": "family",
    "inputs": ["summary"],
    "order": 40,
    "shows_published": True,
    "caption": (
        "Capacity, dimension and radius of the manifolds and the correlation of their "
        "centers in the last layer analysed, against the strength of the perturbation, with 95 % "
        "intervals (Student's t) over disjoint draws of images. The dashed line is the value of "
        "the clean images. Capacity, dimension and radius are those of the mean-field theory, by "
        "their published definitions. "
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
                "default": [9, 6.6],
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


def draw(
    inputs: Mapping[str, pd.DataFrame],
    about: About,
    *,
    size: tuple[float, float],
    frame: str,
    labels: str,
) -> tuple[Figure, str]:
    """Return capacity, dimension, radius and center correlation (a-d) of the last layer.

    They stand with their 95 % intervals against the strength, on a logarithmic axis; clean has a
    place of its own at the left, and its value is a line to compare with. ``summary`` has one row
    per (condition, layer). `frame`: see :func:`.measures.measures`; `labels`: see
    :func:`.reading.layers`. Published values are drawn too, and the measures of shuffled classes
    where the summary has them.
    """
    summary, shown = inputs["summary"], measures(frame)
    require_summary(summary, shown)
    table = last_layer(summary)
    (layer,) = layers(table, labels)
    text = _describe(table, layer, shown, about.strength)
    text += describe_shuffled(table, [measure.column for measure in shown])
    published = None
    if about.published is not None:
        published = of_layer(about.published, table["layer"].iloc[0])
        text += _describe_published(published, shown)
    return _plot(table, layer, shown, published, about, size), text


def _plot(
    table: pd.DataFrame,
    layer: str,
    shown: list[Measure],
    published: pd.DataFrame | None,
    about: About,
    size: tuple[float, float],
) -> Figure:
    levels = list(table["strength"])
    figure = new_figure(size)
    panels = figure.subplots(2, 2, sharex=True)
    for axes, letter, measure in zip(panels.flat, "abcd", shown, strict=True):
        _draw_measure(axes, table, measure.column)
        axes.set_title(f"({letter}) {measure.title}")
        axes.set_ylabel(measure.label, parse_math=True)
        if published is not None:
            draw_published(axes, published, measure.column, levels, about.strength)
        if len(axes.get_legend_handles_labels()[0]) > 1:
            axes.legend(loc="best")
    for axes in panels[1]:
        label_log_axis(axes, levels, about.strength, columns=2)
    set_title(figure, about.heading(f"manifold geometry of {layer}"), sample(table))
    return figure


def _describe(table: pd.DataFrame, layer: str, shown: list[Measure], strength: Strength) -> str:
    """Return the strengths at which each measure is least and greatest, as one sentence."""
    ranges = [f"{measure.name} {_extremes(table, measure.column, strength)}" for measure in shown]
    return (
        f"Over {count(len(table), 'condition')}, {rst_literal(layer)} has {', '.join(ranges)} "
        f"({sample(table)})."
    )


def _describe_published(published: pd.DataFrame, shown: list[Measure]) -> str:
    sources = name_sources(published, [measure.column for measure in shown])
    if not sources:
        return ""
    return f" Open marks are published values ({sources}), with their errors."


def _extremes(table: pd.DataFrame, column: str, strength: Strength) -> str:
    values = table[column].where(np.isfinite(table[column]))
    if values.notna().sum() < 2:
        return " ".join(decimal(value) for value in values.head(1))
    least, greatest = values.idxmin(), values.idxmax()
    return " to ".join(
        f"{decimal(values[row])} ({strength.value(table['strength'][row])})"
        for row in (least, greatest)
    )


def _draw_measure(axes: Axes, table: pd.DataFrame, column: str) -> None:
    value, low, high = table[[column, f"{column}_low", f"{column}_high"]].to_numpy(float).T
    control = shuffled_column(table, column)
    controls = table[control].to_numpy(float) if control else np.empty(0)
    bottom, top = limits(np.append(value, controls), low, high)
    for clean in value[table["strength"] == 0]:
        axes.axhline(clean, color="black", linestyle="--", linewidth=0.9, label="clean")
    bounds = np.clip([low, high], bottom, top)
    draw_against_strength(axes, list(table["strength"]), value, *bounds)
    if control:
        draw_shuffled(axes, list(table["strength"]), controls)
    axes.set_ylim(bottom, top)
    axes.grid(axis="y")
