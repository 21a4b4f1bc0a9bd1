"""Manifold geometry of the last layer against accuracy, one line per family of perturbations."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..conditions import CLEAN
from ..files.csv import of_family
from ..names import rst_literal
from .about import About
from .families import (
    CHANCE_LOOK,
    TARGET_LOOK,
    add_key,
    add_panels,
    describe_unmatched,
    extremes,
    factor_of,
    greatest_of,
    in_words,
    look_of,
    matched_families,
    matched_values,
    require_matched,
    shown_measures,
    target_name,
    target_of,
)
from .measures import Measure
from .reading import (
    count,
    last_layer,
    layers,
    limits,
    require_accuracies,
    require_summary,
    sample,
    with_interval,
)
from .style import new_figure, set_title

DECLARATION = {
    "title": "last layer of every family against accuracy",
    "scope": "families",
    "inputs": ["summary", "accuracy", "matched"],
    "order": 82,
    "caption": (
        "Geometry of the last layer analysed against the test accuracy that is left, from high "
        "(left) to low: one line per family of perturbations, by strength, from the point of the "
        "clean images that all of them share. Where two lines meet, both families do the same to "
        "the classes at the same cost in accuracy. The dashed vertical line is the accuracy at "
        "which the families are compared in numbers. Bars are 95 % intervals: Student's t over "
        "disjoint draws of images, and Wilson's for accuracies. Capacity, dimension and radius are "
        "those of the mean-field theory. An interval that reaches the frame goes on beyond it."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [11, 7.5],
            },
            "labels": {
                "enum": ["path", "reference"],
                "description": "names of layers: module paths, or the reference extractor's labels",
                "default": "path",
            },
        }
    },
}

ACCURACIES = with_interval(["accuracy"])
FEW = 4  # families; the intervals of more are paler, or they would hide the lines


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float], labels: str
) -> tuple[Figure, str]:
    """Return capacities, dimension, radius, center correlation and a readout's accuracy.

    They are those of the last layer, against accuracy (%), with 95 % intervals. ``summary`` has one
    row per (condition, layer), ``accuracy`` one per condition, of one network; the joint capacity
    and the readout are shown where the summary has them. `labels`: see :func:`.reading.layers`.
    """
    summary, matched = inputs["summary"], inputs["matched"]
    require_matched(matched)
    shown = shown_measures(summary)
    require_summary(summary, shown, several=True)
    last = last_layer(summary)
    require_accuracies(last, inputs["accuracy"], several=True)
    table = last.merge(inputs["accuracy"][["condition", "n_classes", *ACCURACIES]], on="condition")
    text = _describe(table, matched, shown, about, labels)
    return _plot(table, matched, shown, about, labels, size), text


def _plot(
    table: pd.DataFrame,
    matched: pd.DataFrame,
    shown: list[Measure],
    about: About,
    labels: str,
    size: tuple[float, float],
) -> Figure:
    figure = new_figure(size)
    panels, lowest = add_panels(figure, shown)
    chance = 100 / int(table["n_classes"].iloc[0])
    for axes, measure in zip(panels, shown, strict=True):
        axes.axvline(
            100 * target_of(matched), label=f"compared at {target_name(matched)}", **TARGET_LOOK
        )
        axes.axvline(chance, label=f"chance: {chance:.4g} %", **CHANCE_LOOK)
        _draw_measure(axes, table, measure, about)
    for axes in lowest:
        axes.set_xlabel("accuracy (%)")
    right, left = _extent(table, chance)
    panels[0].set_xlim(left, right)  # all share it
    add_key(figure, about, about.families, panels[0].get_legend_handles_labels()[0])
    (layer,) = layers(table, labels)
    heading = about.heading(f"manifold geometry of {layer} against accuracy")
    set_title(figure, heading, sample(table))
    return figure


def _draw_measure(axes: Axes, table: pd.DataFrame, measure: Measure, about: About) -> None:
    columns = with_interval([measure.column])
    factor = factor_of(measure)
    ends = factor * table[columns].to_numpy(float).T
    bottom, top = limits(*ends, greatest=greatest_of(measure))
    n_families = len(about.families)
    for name in about.families:
        look = look_of(about, name)
        rows = of_family(table, name)
        x, x_low, x_high = 100 * rows[ACCURACIES].to_numpy(float).T
        y, y_low, y_high = factor * rows[columns].to_numpy(float).T
        axes.plot(x, y, **look | {"marker": ""}, alpha=0.8)
        bars = {"color": look["color"], "linewidth": 0.8, "alpha": 0.7 * min(1, FEW / n_families)}
        axes.vlines(x, np.clip(y_low, bottom, top), np.clip(y_high, bottom, top), **bars)
        axes.hlines(y, x_low, x_high, **bars)
        noisy = rows["strength"].to_numpy() > 0
        axes.plot(x[noisy], y[noisy], **look | {"linestyle": "none"}, zorder=3)
    clean = table[table["family"] == CLEAN]
    x, x_low, x_high = 100 * clean[ACCURACIES].to_numpy(float).T
    y, y_low, y_high = factor * clean[columns].to_numpy(float).T
    axes.vlines(x, np.clip(y_low, bottom, top), np.clip(y_high, bottom, top), color="black")
    axes.hlines(y, x_low, x_high, color="black")
    if len(clean):  # exemplar manifolds have none
        axes.plot(x, y, "o", color="black", markersize=7, label="clean", zorder=4)
    axes.set_ylim(bottom, top)


def _extent(table: pd.DataFrame, chance: float) -> tuple[float, float]:
    low = min(100 * table["accuracy_low"].min(), chance)
    high = 100 * table["accuracy_high"].max()
    margin = 0.03 * (high - low)
    return low - margin, high + margin


def _describe(
    table: pd.DataFrame, matched: pd.DataFrame, shown: list[Measure], about: About, labels: str
) -> str:
    """Return each measure when clean and over the families at the same accuracy, in words."""
    path, (name,) = layers(table)[0], layers(table, labels)
    clean = table[table["family"] == CLEAN]
    values = [
        f"{measure.name} {in_words(measure, factor_of(measure) * value)}"
        for measure in shown
        for value in clean[measure.column].head(1)
    ]
    n_conditions = table["condition"].nunique()
    text = f"Of {count(n_conditions, 'condition')}, none is clean ({sample(table)})."
    if values:
        text = (
            f"Of the clean images, {rst_literal(name)} has {', '.join(values)} ({sample(table)})."
        )
    compared = matched_families(matched, about)
    if compared:
        ranges = []
        for measure in shown:
            found = {
                family: matched_values(matched, family, measure, [path])[0, 0]
                for family in compared
            }
            ranges.append(f"{measure.name} {extremes(found, measure, about)}")
        several = "families" if len(compared) > 1 else "family"
        text += (
            f" At {target_name(matched)} accuracy, over {len(compared)} {several}: "
            f"{', '.join(ranges)}."
        )
    return text + describe_unmatched(matched, about)
