"""Figure 4: manifold geometry along the network, one line per strength."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from manifold_robustness.figures import tables
from manifold_robustness.figures.measures import Measure, measures
from manifold_robustness.figures.strengths import Strength, add_colour_bar, colours, spread
from manifold_robustness.figures.style import in_style, new_figure

MOST_LABELS = 45  # layer names that fit side by side under one panel


@in_style
def plot_layers(
    summary: pd.DataFrame,
    strength: Strength,
    frame: str = "reference",
    labels: str = "path",
    size: tuple[float, float] | None = None,
) -> Figure:
    """Return capacity, dimension, radius and center correlation (a-d) against the layer.

    `summary` has one row per (condition, layer), of clean and one family. One line per strength,
    the clean one black and dashed; bands are 95 % intervals over replicates, cut at the panel's
    edge where they are infinite. `frame`: see `measures`; `labels`: see `tables.layers`.
    """
    shown = measures(frame)
    _require(summary, shown)
    levels, names = tables.strengths(summary), tables.layers(summary, labels)
    figure = new_figure(size or (min(max(8.5, 3.4 + 0.38 * len(names)), 14), 8.2))
    panels = figure.subplots(2, 2, sharex=True)
    for axes, letter, measure in zip(panels.flat, "abcd", shown, strict=True):
        _draw(axes, summary, measure.column, levels)
        axes.set(title=f"({letter}) {measure.title}", ylabel=measure.label)
    for axes in panels[1]:
        _label_layers(axes, names)
    add_colour_bar(panels, levels, strength, clean="clean (- -)")
    figure.suptitle(
        f"Manifold geometry of each layer, {tables.subject(summary)} ({tables.sample(summary)})"
    )
    return figure


def describe_layers(
    summary: pd.DataFrame, strength: Strength, frame: str = "reference", labels: str = "path"
) -> str:
    """Return each measure of the last layer at both ends of the strengths, as one sentence."""
    shown = measures(frame)
    _require(summary, shown)
    tables.family(summary)
    levels, names = tables.strengths(summary), tables.layers(summary, labels)
    values = [tables.grid(summary, measure.column)[-1] for measure in shown]
    ends = f"under one condition, {strength.value(levels[0])}"
    if len(levels) > 1:
        ends = f"from {strength.value(levels[0])} to {strength.value(levels[-1])}"
    changes = [f"{measure.name} {_change(row)}" for measure, row in zip(shown, values, strict=True)]
    return (
        f"In the last layer, ``{names[-1]}``, {ends}: {', '.join(changes)} "
        f"({tables.sample(summary)})."
    )


def _change(row: np.ndarray) -> str:
    return " → ".join(tables.decimal(value) for value in (row[[0, -1]] if row.size > 1 else row))


def _require(summary: pd.DataFrame, shown: list[Measure]) -> None:
    columns = [m.column + end for m in shown for end in ("", "_low", "_high")]
    tables.require(summary, [*tables.SUMMARY_COLUMNS, *columns], "summary")


def _draw(axes: Axes, summary: pd.DataFrame, column: str, levels: list[float]) -> None:
    values, low, high = (tables.grid(summary, column + end) for end in ("", "_low", "_high"))
    bottom, top = tables.limits(values, low, high)
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
