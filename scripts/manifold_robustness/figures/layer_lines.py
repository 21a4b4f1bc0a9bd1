"""A measure along the network: the layers in forward order, one line per strength."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..names import rst_literal
from .measures import Measure
from .reading import decimal, grid, limits, sample, strengths
from .shuffled import LOOK, shuffled_column
from .strengths import Strength, colours, spread
from .style import QUIET

MOST_LABELS = 90  # layer names that fit side by side under all panels of a row together
CLEAN_DASHES = (0, (2.2, 1.2))


def draw_measure(
    axes: Axes,
    summary: pd.DataFrame,
    column: str,
    *,
    factor: float = 1,
    extent: tuple[float, float] | None = None,
    least: float = 0,
    open_at: np.ndarray | None = None,
) -> None:
    """Draw a measure in every layer, one line per strength, with its intervals as bands.

    Bands are cut at the panel's edge where they go beyond it, and an infinite value is a triangle
    there. Where the summary has the measure of shuffled classes, that of the lowest strength, clean
    as a rule, is a grey dotted line.

    Parameters
    ----------
    axes, summary, column
        Where, of which table of one network and family, and which column.
    factor
        That all values are multiplied with: 100 for percent.
    extent
        Limits of the axis; by default those of :func:`.reading.limits`, not below `least`.
    least
        The least value that the measure can have: -inf for one that can be negative.
    open_at
        (n_layers, n_strengths), where the marks are open.
    """
    levels = strengths(summary)
    values, low, high = (factor * grid(summary, column + end) for end in ("", "_low", "_high"))
    control = shuffled_column(summary, column)
    controls = factor * grid(summary, control)[:, 0] if control else np.empty(0)
    bottom, top = extent or limits(np.append(values, controls), low, high, least)
    places = np.arange(len(values))
    bounds = np.clip(low, bottom, top), np.clip(high, bottom, top)
    draw_lines(axes, places, levels, values, bounds, open_at)
    if control:
        axes.plot(places, controls, **LOOK)
    for i, colour in enumerate(colours(levels)):
        infinite = places[np.isposinf(values[:, i])]
        if infinite.size:
            edge = np.full(len(infinite), top)
            axes.plot(infinite, edge, "^", color=colour, markersize=5, clip_on=False)
    axes.set_ylim(bottom, top)
    axes.grid()


def draw_lines(
    axes: Axes,
    places: Sequence[float],
    levels: Sequence[float],
    values: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
    open_at: np.ndarray | None = None,
    dashes: str | tuple | None = None,
) -> None:
    """Draw one line per strength at `places`, the clean one black.

    Parameters
    ----------
    axes, places
        Where; one place per row of `values`.
    levels
        Strengths, ascending.
    values, open_at : (n_places, n_strengths)
        The marks are open where `open_at` says so.
    bounds
        Lower and upper ends of the values' intervals, drawn as bands.
    dashes
        Of all lines; by default the clean one is dashed and the others are not.
    """
    places = np.asarray(places)
    # The strongest first: the clean line ends on top.
    for i, colour in reversed(list(enumerate(colours(levels)))):
        if bounds is not None:
            axes.fill_between(
                places, bounds[0][:, i], bounds[1][:, i], color=colour, alpha=0.15, linewidth=0
            )
        own = CLEAN_DASHES if levels[i] == 0 else "-"
        axes.plot(
            places,
            values[:, i],
            color=colour,
            marker="o",
            markersize=2.5,
            linestyle=own if dashes is None else dashes,
        )
        if open_at is not None and open_at[:, i].any():
            chosen = open_at[:, i]
            axes.plot(places[chosen], values[chosen, i], **_open_look(colour))


def open_mark(label: str) -> Line2D:
    """Return the entry of a legend for the open marks of :func:`draw_measure`."""
    return Line2D([], [], label=label, **_open_look(QUIET))


def label_layers(axes: Axes, names: list[str], columns: int = 2) -> None:
    """Tick the x axis of `axes` with the layers' names; `columns` panels stand side by side."""
    kept = spread(range(len(names)), columns * len(names) / MOST_LABELS)
    axes.set_xticks(kept, [names[i] for i in kept], rotation=90)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_xlabel("layer, in forward order")


def describe_last_layer(
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


def name_place(summary: pd.DataFrame, names: list[str], strength: Strength, flat_index: int) -> str:
    """Return a cell of :func:`.reading.grid` in words, such as "``fc.1``, σ = 0.5"."""
    levels = strengths(summary)
    row, column = np.unravel_index(flat_index, (len(names), len(levels)))
    return f"{rst_literal(names[row])}, {strength.value(levels[column])}"


def _change(row: np.ndarray) -> str:
    return " → ".join(decimal(value) for value in (row[[0, -1]] if row.size > 1 else row))


def _open_look(colour) -> dict:
    return {
        "color": colour,
        "linestyle": "none",
        "marker": "o",
        "markersize": 4.5,
        "markerfacecolor": "white",
        "markeredgewidth": 1,
    }
