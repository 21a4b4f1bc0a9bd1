"""Capacity of one layer against the accuracy of the network, one point per condition."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..names import rst_literal
from .about import About
from .labels import group, place_labels
from .measures import CAPACITY
from .reading import (
    SUMMARY_COLUMNS,
    choose_layer,
    decimal,
    evaluated,
    layers,
    limits,
    require_accuracies,
    require_summary,
    sample,
    with_interval,
)
from .strengths import Strength, add_colour_bar, colours, short
from .style import QUIET, new_figure, set_title, settle

DECLARATION = {
    "title": "capacity against accuracy",
    "scope": "family",
    "inputs": ["summary", "accuracy"],
    "order": 70,
    "caption": (
        "Manifold capacity of one layer against the network's test accuracy; one point per "
        "condition, with 95 % intervals. The capacity is that of the mean-field theory, by its "
        "published definition. "
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
                "default": [6.4, 4.6],
            },
            "layer": {
                "type": "string",
                "minLength": 1,
                "description": "a layer's path, or last: the last one analysed",
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

CAPACITIES, ACCURACIES = with_interval(["capacity"]), with_interval(["accuracy"])


def draw(
    inputs: Mapping[str, pd.DataFrame],
    about: About,
    *,
    size: tuple[float, float],
    layer: str,
    labels: str,
) -> tuple[Figure, str]:
    """Return capacity of `layer` against accuracy (%), with 95 % intervals.

    ``summary`` has one row per (condition, layer), ``accuracy`` one per condition. Points that
    nearly coincide share one label, of their first and last strength. `labels`: see
    :func:`.reading.layers`.
    """
    table = _join(inputs["summary"], inputs["accuracy"], layer)
    (name,) = layers(table, labels)
    return _plot(table, name, about, size), _describe(table, name, about.strength)


def _join(summary: pd.DataFrame, accuracy: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Return one row per condition, with the layer's capacity and the accuracy, by strength."""
    require_summary(summary, [CAPACITY])
    rows = summary.loc[
        summary["layer"] == choose_layer(summary, layer), [*SUMMARY_COLUMNS, *CAPACITIES]
    ]
    require_accuracies(rows, accuracy)
    columns = ["condition", "n_classes", "n_images", *ACCURACIES]
    table = rows.merge(accuracy[columns], on="condition")
    return table.sort_values("strength").reset_index(drop=True)


def _plot(table: pd.DataFrame, name: str, about: About, size: tuple[float, float]) -> Figure:
    figure = new_figure(size)
    axes = figure.add_subplot()
    _draw_points(axes, table)
    axes.set_xlabel("accuracy (%)")
    axes.set_ylabel(f"capacity {CAPACITY.label}", parse_math=True)
    axes.grid()
    add_colour_bar(axes, list(table["strength"]), about.strength)
    set_title(figure, about.heading(f"capacity of {name} against accuracy"), sample(table))
    settle(figure)  # the labels need the final places of the points
    _label(axes, table)
    return figure


def _describe(table: pd.DataFrame, name: str, strength: Strength) -> str:
    """Return both quantities at both ends, and their rank correlation, as a few sentences."""
    first, last = table.iloc[0], table.iloc[-1]
    text = f"The accuracy is that on {evaluated(table)}. "
    text += (
        f"{rst_literal(name)} has the capacity {decimal(first.capacity)} where the "
        f"accuracy is {100 * first.accuracy:.2f} % ({strength.value(first.strength)})"
    )
    if len(table) == 1:
        return f"{text}."
    text += (
        f", and {decimal(last.capacity)} where it is {100 * last.accuracy:.2f} % "
        f"({strength.value(last.strength)})."
    )
    correlation = table["capacity"].rank().corr(table["accuracy"].rank())
    if np.isnan(correlation):
        return text
    return f"{text} Their rank correlation over {len(table)} conditions is {correlation:.2f}."


def _draw_points(axes: Axes, table: pd.DataFrame) -> None:
    x, x_low, x_high = 100 * table[ACCURACIES].to_numpy().T
    y, y_low, y_high = table[CAPACITIES].to_numpy().T
    top = limits(y, y_low, y_high)[1]
    chance = 100 / table["n_classes"].iloc[0]
    axes.set(xlim=(0, 103), ylim=(0, top * 1.05))
    axes.axvline(chance, color=QUIET, linestyle=":", linewidth=1.2)
    axes.annotate(
        "chance",
        (chance, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(3, -3),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=QUIET,
    )
    axes.plot(x, y, color="0.75", linewidth=1, zorder=1)
    shades = colours(list(table["strength"]))
    axes.hlines(y, x_low, x_high, color=shades, linewidth=1.2)
    axes.vlines(
        x, np.clip(y_low, 0, 2 * top), np.clip(y_high, 0, 2 * top), color=shades, linewidth=1.2
    )
    # The weakest last: clean ends on top.
    axes.scatter(
        x[::-1], y[::-1], s=34, color=shades[::-1], edgecolor="white", linewidth=0.6, zorder=3
    )


def _label(axes: Axes, table: pd.DataFrame) -> None:
    table = table[np.isfinite(table["capacity"])]
    if table.empty:
        return
    points = np.column_stack([100 * table["accuracy"], table["capacity"]])
    reach = 14 * axes.figure.dpi / 72
    runs = group(axes.transData.transform(points), reach)
    levels = [short(level) for level in table["strength"]]
    texts = [
        levels[run[0]]
        if len(run) == 1
        else f"{levels[run[0]]} … {levels[run[-1]]} ({len(run)} points)"
        for run in runs
    ]
    places = np.array([points[run].mean(axis=0) for run in runs])
    place_labels(axes, places, texts, avoid=_lines(table, points, axes.get_ylim()[1]))


def _lines(table: pd.DataFrame, points: np.ndarray, edge: float) -> np.ndarray:
    """Return the path through `points` and their error bars, as segments (n, 2 ends, 2)."""
    x, y = points.T
    low, high = 100 * table[["accuracy_low", "accuracy_high"]].to_numpy().T
    bottom, top = table[["capacity_low", "capacity_high"]].to_numpy().T
    across = np.column_stack([low, y, high, y])
    upward = np.column_stack([x, np.maximum(bottom, 0), x, np.minimum(top, edge)])
    return np.vstack([np.hstack([points[:-1], points[1:]]), across, upward]).reshape(-1, 2, 2)
