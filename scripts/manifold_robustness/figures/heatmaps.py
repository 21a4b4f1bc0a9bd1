"""Manifold geometry of every layer at every strength, as heatmaps."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from manifold_robustness.figures import tables
from manifold_robustness.figures.measures import Measure, measures
from manifold_robustness.figures.strengths import Strength, short, spread
from manifold_robustness.figures.style import in_style, new_figure

MOST_LABELS = 24  # strengths that fit side by side under one panel


@in_style
def plot_heatmaps(
    summary: pd.DataFrame,
    strength: Strength,
    frame: str = "reference",
    labels: str = "path",
    size: tuple[float, float] | None = None,
) -> Figure:
    """Return four heatmaps, layers (rows, forward order) by strengths (columns, clean first).

    `summary` has one row per (condition, layer), of clean and one family. A cell without a finite
    value is left out: hatching shows through. `frame`: see `measures`; `labels`: see
    `tables.layers`.
    """
    shown = measures(frame)
    _require(summary, shown)
    levels, names = tables.strengths(summary), tables.layers(summary, labels)
    width = 1.6 + 4 * min(max(0.2 * len(levels), 1.95), 3.6)
    figure = new_figure(size or (width, min(max(3.4, 2 + 0.185 * len(names)), 16)))
    panels = figure.subplots(1, 4, sharey=True)
    for axes, letter, measure in zip(panels, "abcd", shown, strict=True):
        cells = _draw(axes, tables.grid(summary, measure.column), measure)
        _add_colour_bar(cells, measure.label, f"({letter}) {measure.title}")
        _label_strengths(axes, levels)
    _label_layers(panels[0], names)
    figure.supxlabel(strength.label, fontsize=9)
    figure.suptitle(
        f"Manifold geometry of each layer, {tables.subject(summary)} ({tables.sample(summary)})"
    )
    return figure


def describe_heatmaps(
    summary: pd.DataFrame, strength: Strength, frame: str = "reference", labels: str = "path"
) -> str:
    """Return where capacity is least and greatest, and how many cells are blank."""
    shown = measures(frame)
    _require(summary, shown)
    tables.family(summary)
    capacity = tables.grid(summary, "capacity")
    blank = f"{np.isnan(_finite(capacity)).sum()} of {capacity.size} cells are blank"
    if not np.isfinite(capacity).any():
        return f"No capacity is known: {blank}."
    names, levels = tables.layers(summary, labels), tables.strengths(summary)

    def cell(flat_index: int) -> str:
        row, column = np.unravel_index(flat_index, capacity.shape)
        value = tables.decimal(capacity[row, column])
        return f"{value} (``{names[row]}``, {strength.value(levels[column])})"

    least, greatest = np.nanargmin(_finite(capacity)), np.nanargmax(_finite(capacity))
    extent = f"{tables.count(len(names), 'layer')} and {tables.count(len(levels), 'condition')}"
    return (
        f"Capacity ranges from {cell(least)} to {cell(greatest)} over {extent}; {blank} "
        f"({tables.sample(summary)})."
    )


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _require(summary: pd.DataFrame, shown: list[Measure]) -> None:
    columns = [m.column for m in shown]
    tables.require(summary, [*tables.SUMMARY_COLUMNS, *columns], "summary")


def _draw(axes: Axes, values: np.ndarray, measure: Measure) -> QuadMesh:
    axes.patch.set(facecolor="white", hatch="////", edgecolor="0.75", linewidth=0)
    known = values[np.isfinite(values)]
    logarithmic = measure.spans_decades and known.size and known.max() > 5 * known.min() > 0
    return axes.pcolormesh(
        np.ma.masked_invalid(values),
        cmap="viridis",
        norm="log" if logarithmic else "linear",
        edgecolors="white",
        linewidth=0.4,
    )


def _add_colour_bar(cells: QuadMesh, label: str, title: str) -> None:
    plain = {"ticks": LogLocator(subs=(1, 2, 5)), "format": "{x:g}"}
    bar = cells.axes.figure.colorbar(
        cells,
        ax=cells.axes,
        location="top",
        label=label,
        aspect=18,
        **(plain if isinstance(cells.norm, LogNorm) else {}),
    )
    bar.ax.set_title(title)
    bar.minorticks_off()


def _label_strengths(axes: Axes, levels: list[float]) -> None:
    if levels[0] == 0:
        axes.axvline(1, color="white", linewidth=3)  # strength 0 is no neighbour of the next
    kept = spread(range(len(levels)), len(levels) / MOST_LABELS)
    axes.set_xticks([i + 0.5 for i in kept], [short(levels[i]) for i in kept], rotation=90)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _label_layers(axes: Axes, names: list[str]) -> None:
    kept = spread(range(len(names)), len(names) / 90)
    axes.set_yticks([i + 0.5 for i in kept], [names[i] for i in kept])
    axes.set_ylim(len(names), 0)
    axes.set_ylabel("layer, in forward order")
