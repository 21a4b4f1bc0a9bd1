"""Capacity of one layer against the accuracy of the network, one point per condition."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from manifold_robustness.errors import ConfigurationError, DataError
from manifold_robustness.figures import tables
from manifold_robustness.figures.labels import group, place_labels
from manifold_robustness.figures.strengths import Strength, add_colour_bar, colours, short
from manifold_robustness.figures.style import in_style, new_figure, settle

SUMMARY_COLUMNS = [*tables.SUMMARY_COLUMNS, "capacity", "capacity_low", "capacity_high"]
ACCURACY_COLUMNS = ["condition", "accuracy", "accuracy_low", "accuracy_high"]


@in_style
def plot_capacity_accuracy(
    summary: pd.DataFrame,
    accuracy: pd.DataFrame,
    strength: Strength,
    n_classes: int,
    layer: str | None = None,
    labels: str = "path",
    size: tuple[float, float] | None = None,
) -> Figure:
    """Return capacity of `layer` (the last by default) against accuracy (%), with 95 % intervals.

    `summary` has one row per (condition, layer), `accuracy` one per condition, of clean and one
    family. Points that nearly coincide share one label, of their first and last strength. `labels`:
    see `tables.layers`.
    """
    table = _join(summary, accuracy, layer, labels)
    figure = new_figure(size or (7.2, 4.8))
    axes = figure.add_subplot()
    _draw(axes, table, n_classes)
    axes.set(
        xlabel="accuracy (%)",
        ylabel=f"capacity $α_M$ of {table['name'].iloc[0]} (manifolds per dimension)",
    )
    axes.grid()
    add_colour_bar(axes, list(table["strength"]), strength)
    figure.suptitle(f"Capacity against accuracy, {tables.subject(table)} ({tables.sample(table)})")
    settle(figure)  # the labels need the final places of the points
    _label(axes, table)
    return figure


def describe_capacity_accuracy(
    summary: pd.DataFrame,
    accuracy: pd.DataFrame,
    strength: Strength,
    layer: str | None = None,
    labels: str = "path",
) -> str:
    """Return both quantities at both ends, and their rank correlation, as one or two sentences."""
    table = _join(summary, accuracy, layer, labels)
    first, last = table.iloc[0], table.iloc[-1]
    text = (
        f"``{first['name']}`` has the capacity {tables.decimal(first.capacity)} where the "
        f"accuracy is {100 * first.accuracy:.2f} % ({strength.value(first.strength)})"
    )
    if len(table) == 1:
        return f"{text}."
    text += (
        f", and {tables.decimal(last.capacity)} where it is {100 * last.accuracy:.2f} % "
        f"({strength.value(last.strength)})."
    )
    correlation = table["capacity"].rank().corr(table["accuracy"].rank())
    if np.isnan(correlation):
        return text
    return f"{text} Their rank correlation over {len(table)} conditions is {correlation:.2f}."


def _join(
    summary: pd.DataFrame, accuracy: pd.DataFrame, layer: str | None, labels: str
) -> pd.DataFrame:
    tables.require(summary, SUMMARY_COLUMNS, "summary")
    tables.require(accuracy, ACCURACY_COLUMNS, "accuracy")
    names = tables.layers(summary)
    layer = names[-1] if layer is None else layer
    if layer not in names:
        raise ConfigurationError(f"layer needs to be one of {names}; it is {layer!r}.")
    rows = summary.loc[summary["layer"] == layer, SUMMARY_COLUMNS]
    rows = rows.assign(name=tables.layers(rows, labels)[0])
    tables.family(rows)
    unknown = sorted(set(rows["condition"]) - set(accuracy["condition"]))
    if unknown:
        raise DataError(f"The accuracy table needs every condition of the summary; {unknown} lack.")
    table = rows.merge(accuracy[ACCURACY_COLUMNS], on="condition")
    return table.sort_values("strength").reset_index(drop=True)


def _draw(axes: Axes, table: pd.DataFrame, n_classes: int) -> None:
    x, x_low, x_high = 100 * table[ACCURACY_COLUMNS[1:]].to_numpy().T
    y, y_low, y_high = table[["capacity", "capacity_low", "capacity_high"]].to_numpy().T
    top = tables.limits(y, y_low, y_high)[1]
    axes.set(xlim=(0, 103), ylim=(0, top * 1.05))
    axes.axvline(100 / n_classes, color="0.45", linestyle=":", linewidth=1.2)
    axes.annotate(
        "chance",
        (100 / n_classes, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(3, -3),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color="0.45",
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
