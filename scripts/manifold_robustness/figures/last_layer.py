"""Manifold geometry of the last layer against the strength of the perturbation."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from manifold_robustness.figures import tables
from manifold_robustness.figures.measures import Measure, measures
from manifold_robustness.figures.published import draw_published
from manifold_robustness.figures.strengths import (
    Strength,
    draw_against_strength,
    label_log_axis,
)
from manifold_robustness.figures.style import in_style, new_figure


@in_style
def plot_last_layer(
    summary: pd.DataFrame,
    strength: Strength,
    frame: str = "reference",
    labels: str = "path",
    published: pd.DataFrame | None = None,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Return capacity, dimension, radius and center correlation (a-d) of the last layer.

    They stand with their 95 % intervals against the strength, on a logarithmic axis; clean has a
    place of its own at the left, and its value is a line to compare with. `summary` has one row per
    (condition, layer), of clean and one family. `frame`: see `measures`; `labels`: see
    `tables.layers`; `published`: values to draw too, of `published_table`.
    """
    shown = measures(frame)
    table = _last(summary, shown)
    levels = list(table["strength"])
    figure = new_figure(size or (9, 6.6))
    panels = figure.subplots(2, 2, sharex=True)
    for axes, letter, measure in zip(panels.flat, "abcd", shown, strict=True):
        _draw(axes, table, measure.column)
        axes.set(title=f"({letter}) {measure.title}", ylabel=measure.label)
        if published is not None:
            draw_published(axes, published, measure.column, levels, strength)
        if len(axes.get_legend_handles_labels()[0]) > 1:
            axes.legend(loc="best")
    for axes in panels[1]:
        label_log_axis(axes, levels, strength, columns=2)
    figure.suptitle(
        f"Manifold geometry of {tables.layers(table, labels)[0]}, {tables.subject(table)} "
        f"({tables.sample(table)})"
    )
    return figure


def describe_last_layer(
    summary: pd.DataFrame, strength: Strength, frame: str = "reference", labels: str = "path"
) -> str:
    """Return the strengths at which each measure of the last layer is least and greatest."""
    shown = measures(frame)
    table = _last(summary, shown)
    ranges = [f"{measure.name} {_extremes(table, measure.column, strength)}" for measure in shown]
    return (
        f"Over {tables.count(len(table), 'condition')}, ``{tables.layers(table, labels)[0]}`` has "
        f"{', '.join(ranges)} ({tables.sample(table)})."
    )


def _last(summary: pd.DataFrame, shown: list[Measure]) -> pd.DataFrame:
    columns = [m.column + end for m in shown for end in ("", "_low", "_high")]
    tables.require(summary, [*tables.SUMMARY_COLUMNS, *columns], "summary")
    tables.family(summary)
    last = summary[summary["layer_index"] == summary["layer_index"].max()]
    return last.sort_values("strength").reset_index(drop=True)


def _extremes(table: pd.DataFrame, column: str, strength: Strength) -> str:
    values = table[column].where(np.isfinite(table[column]))
    if values.notna().sum() < 2:
        return " ".join(tables.decimal(value) for value in values.head(1))
    least, greatest = values.idxmin(), values.idxmax()
    return " to ".join(
        f"{tables.decimal(values[row])} ({strength.value(table['strength'][row])})"
        for row in (least, greatest)
    )


def _draw(axes: Axes, table: pd.DataFrame, column: str) -> None:
    value, low, high = table[[column, f"{column}_low", f"{column}_high"]].to_numpy(float).T
    bottom, top = tables.limits(value, low, high)
    for clean in value[table["strength"] == 0]:
        axes.axhline(clean, color="black", linestyle="--", linewidth=0.9, label="clean")
    bounds = np.clip([low, high], bottom, top)
    draw_against_strength(axes, list(table["strength"]), value, *bounds)
    axes.set_ylim(bottom, top)
    axes.grid(axis="y")
