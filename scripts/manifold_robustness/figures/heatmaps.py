"""Manifold geometry of every layer at every strength, as heatmaps."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from ..names import rst_literal
from .about import About
from .measures import Measure, measures
from .reading import (
    SUMMARY_COLUMNS,
    count,
    decimal,
    grid,
    layers,
    require_rows,
    sample,
    strengths,
)
from .strengths import Strength, short, spread
from .style import new_figure, set_title

DECLARATION = {
    "title": "heatmaps",
    "scope": "family",
    "inputs": ["summary"],
    "order": 60,
    "caption": (
        "Capacity, dimension and radius of the manifolds and the correlation of their "
        "centers as maps: layers in forward order against strengths. Capacity, dimension and "
        "radius are those of the mean-field theory, by their published definitions. A hatched cell "
        "was not computed."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [12, 9],
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

MOST_LABELS = 24  # strengths that fit side by side under one panel


def draw(
    inputs: Mapping[str, pd.DataFrame],
    about: About,
    *,
    size: tuple[float, float],
    frame: str,
    labels: str,
) -> tuple[Figure, str]:
    """Return four heatmaps, layers (rows, forward order) by strengths (columns, clean first).

    ``summary`` has one row per (condition, layer). A cell without a finite value is left out:
    hatching shows through. `frame`: see :func:`.measures.measures`; `labels`: see
    :func:`.reading.layers`.
    """
    summary, shown = inputs["summary"], measures(frame)
    require_rows(summary, [*SUMMARY_COLUMNS, *(one.column for one in shown)], "summary")
    names = layers(summary, labels)
    figure = _plot(summary, names, shown, about, size)
    return figure, _describe(summary, names, about.strength)


def _plot(
    summary: pd.DataFrame,
    names: list[str],
    shown: list[Measure],
    about: About,
    size: tuple[float, float],
) -> Figure:
    figure = new_figure(size)
    panels = figure.subplots(1, 4, sharey=True)
    for axes, letter, measure in zip(panels, "abcd", shown, strict=True):
        cells = _draw_measure(axes, grid(summary, measure.column), measure)
        _add_colour_bar(cells, measure.label, f"({letter}) {measure.title}")
        _label_strengths(axes, strengths(summary))
    _label_layers(panels[0], names)
    figure.supxlabel(about.strength.label, fontsize=9)
    set_title(figure, about.heading("manifold geometry of each layer"), sample(summary))
    return figure


def _describe(summary: pd.DataFrame, names: list[str], strength: Strength) -> str:
    """Return where capacity is least and greatest, and how many cells are blank."""
    capacity = grid(summary, "capacity")
    blank = f"{np.isnan(_finite(capacity)).sum()} of {capacity.size} cells are blank"
    if not np.isfinite(capacity).any():
        return f"No capacity is known: {blank}."
    levels = strengths(summary)

    def cell(flat_index: int) -> str:
        row, column = np.unravel_index(flat_index, capacity.shape)
        value = decimal(capacity[row, column])
        return f"{value} ({rst_literal(names[row])}, {strength.value(levels[column])})"

    least, greatest = np.nanargmin(_finite(capacity)), np.nanargmax(_finite(capacity))
    extent = f"{count(len(names), 'layer')} and {count(len(levels), 'condition')}"
    return (
        f"Capacity ranges from {cell(least)} to {cell(greatest)} over {extent}; {blank} "
        f"({sample(summary)})."
    )


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _draw_measure(axes: Axes, values: np.ndarray, measure: Measure) -> QuadMesh:
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
        aspect=18,
        **(plain if isinstance(cells.norm, LogNorm) else {}),
    )
    bar.set_label(label, parse_math=True)
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
