"""Mean-field and joint capacity: of the last layer against the strength, and along the network."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from ..conventions import FLOOR_SHARE
from .about import About
from .comparison import draw_compared
from .layer_lines import draw_lines, draw_measure, label_layers, name_place, open_mark
from .measures import CAPACITY, JOINT_CAPACITY, floor_binds
from .reading import (
    SUMMARY_COLUMNS,
    decimal,
    grid,
    last_layer,
    layers,
    limits,
    require_rows,
    require_summary,
    sample,
    strengths,
    with_interval,
)
from .shuffled import LABEL, describe_shuffled, draw_shuffled, shuffled_column, weakest
from .strengths import Strength, add_colour_bar, label_log_axis, log_places
from .style import QUIET, new_figure, set_title

DECLARATION = {
    "title": "mean-field and joint capacity",
    "scope": "family",
    "inputs": ["summary"],
    "setting": "joint",
    "order": 45,
    "caption": (
        "Capacity by two theories. Mean field is the published theory, comparable with the "
        "literature; it takes one class at a time. The joint program takes in all correlations "
        "between the classes, and agrees with direct simulation: where the two differ, the joint "
        "one is to be believed. (a) Both in the last layer, with 95 % intervals (Student's t) over "
        "disjoint draws of images. (b) In the last layer, the share of dichotomies that no "
        "hyperplane separates, and of draws that leave the joint capacity on its floor, P / rank. "
        "An output layer with as many units as classes has at least this capacity whatever the "
        "noise; the inseparable share then tells. (c) Joint capacity in every layer, in forward "
        "order, one line per strength, the clean one dashed. (d) Mean-field over joint capacity, "
        "on a logarithmic axis. Open marks: the floor binds, in at least 5 % of the draws. "
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
                "default": [11, 8.5],
            },
            "labels": {
                "enum": ["path", "reference"],
                "description": "names of layers: module paths, or the reference extractor's labels",
                "default": "path",
            },
        }
    },
}

THEORIES = {"capacity": "mean field (published theory)", "joint_capacity": "joint program"}
SHARES = {
    "joint_inseparable_share": "inseparable dichotomies",
    "joint_zero_share": "draws on the floor",
}
TICKS = np.array([1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20, 50, 100, 1000])
CONTROLS = {"capacity": "+", "joint_capacity": "x"}  # their marks; (c) has that of the joint one
LEAST_REACH = 1.25  # of the axis of ratios, both ways


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float], labels: str
) -> tuple[Figure, str]:
    """Return both capacities and the shares (a, b) of the last layer; both in every layer (c, d).

    ``summary`` has one row per (condition, layer), with the measures of the joint program. Where it
    has capacities of shuffled classes, they are drawn too. `labels`: see :func:`.reading.layers`.
    """
    summary = inputs["summary"]
    require_summary(summary, [CAPACITY, JOINT_CAPACITY])
    columns = [*SUMMARY_COLUMNS, *with_interval(SHARES), "joint_capacity_floor"]
    require_rows(summary, columns, "summary")
    names = layers(summary, labels)
    ratios = grid(summary, "capacity") / grid(summary, "joint_capacity")
    on_floor = floor_binds(grid(summary, "joint_zero_share"))
    text = _describe(summary, names, ratios, on_floor, about.strength)
    return _plot(summary, names, ratios, on_floor, about, size), text


def _plot(
    summary: pd.DataFrame,
    names: list[str],
    ratios: np.ndarray,
    on_floor: np.ndarray,
    about: About,
    size: tuple[float, float],
) -> Figure:
    last, levels = last_layer(summary), strengths(summary)
    figure = new_figure(size)
    panels = figure.subplots(2, 2, sharex="col")
    (capacities, joint), (shares, ratio) = panels
    _draw_last(capacities, last)
    _draw_shares(shares, last)
    draw_measure(joint, summary, "joint_capacity", open_at=on_floor)
    _draw_ratios(ratio, levels, ratios, on_floor)
    capacities.set(title=f"(a) Capacity of {names[-1]}", ylabel="manifolds per dimension")
    shares.set(title=f"(b) Dichotomies of {names[-1]}", ylabel="share (%)")
    joint.set(title="(c) Joint capacity", ylabel="manifolds per dimension")
    ratio.set(title="(d) Mean-field / joint capacity", ylabel="ratio")
    label_log_axis(shares, list(last["strength"]), about.strength, columns=2)
    label_layers(ratio, names)
    add_colour_bar(panels[:, 1], levels, about.strength, clean="clean (- -)")
    handles = [*_handles(capacities), *_handles(shares)]
    if on_floor.any():
        handles.append(open_mark(f"floor binds: at least {100 * FLOOR_SHARE:.0f} % of draws"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    set_title(figure, about.heading("mean-field and joint capacity"), sample(summary))
    return figure


def _draw_last(axes: Axes, table: pd.DataFrame) -> None:
    """Draw both capacities of the last layer, and the floor of the joint one where it binds."""
    levels = list(table["strength"])
    values, low, high = (
        table[[column + end for column in THEORIES]].to_numpy(float).T
        for end in ("", "_low", "_high")
    )
    binding = floor_binds(table["joint_zero_share"].to_numpy(float))
    floor = np.where(binding, table["joint_capacity_floor"], np.nan)
    controls = [column for column in CONTROLS if shuffled_column(table, column)]
    shown = [shuffled_column(table, column) for column in controls]
    bottom, top = limits(
        np.concatenate([values.ravel(), floor, *table[shown].to_numpy().T]), low, high
    )
    draw_compared(axes, list(THEORIES.values()), levels, values, *np.clip([low, high], bottom, top))
    if binding.any():
        edges = _edges(log_places(levels))
        axes.hlines(
            floor[binding],
            edges[:-1][binding],
            edges[1:][binding],
            color="black",
            linestyle=(0, (6, 1.5, 1, 1.5)),
            linewidth=1,
            label="floor of the joint capacity, P / rank",
        )
    for column in controls:
        draw_shuffled(
            axes,
            levels,
            table[shuffled_column(table, column)].to_numpy(float),
            marker=CONTROLS[column],
            label=f"{LABEL}, {THEORIES[column].split(' (')[0]}",
        )
    axes.set_ylim(bottom, top)
    axes.grid(axis="y")


def _draw_shares(axes: Axes, table: pd.DataFrame) -> None:
    values, low, high = (
        100 * table[[column + end for column in SHARES]].to_numpy(float).T
        for end in ("", "_low", "_high")
    )
    names, levels = list(SHARES.values()), list(table["strength"])
    draw_compared(axes, names, levels, values, *np.clip([low, high], 0, 100), first=len(THEORIES))
    axes.set_ylim(-4, 104)
    axes.grid(axis="y")


def _draw_ratios(axes: Axes, levels: list[float], ratios: np.ndarray, on_floor: np.ndarray) -> None:
    """Draw the ratios on a logarithmic axis that reaches as far below 1 as above."""
    axes.axhline(1, color=QUIET, linewidth=2, alpha=0.6)
    draw_lines(axes, range(len(ratios)), levels, ratios, open_at=on_floor)
    known = np.abs(np.log(ratios[np.isfinite(ratios) & (ratios > 0)]))
    reach = max(LEAST_REACH, np.exp(1.08 * known.max(initial=0)))
    axes.set(yscale="log", ylim=(1 / reach, reach))
    above = TICKS[reach >= TICKS]
    above = above[:: 1 + len(above) // 6]
    ticks = [*(1 / above[:0:-1]), *above]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:.3g}")
    axes.grid()


def _describe(
    summary: pd.DataFrame,
    names: list[str],
    ratios: np.ndarray,
    on_floor: np.ndarray,
    strength: Strength,
) -> str:
    """Return the range of the ratios and in how many places the floor binds, as sentences."""
    known = np.where(np.isfinite(ratios), ratios, np.nan)
    if np.isnan(known).all():
        text = "Mean-field over joint capacity is unknown everywhere."
    else:
        least, greatest = (
            f"{decimal(known.flat[place])} ({name_place(summary, names, strength, place)})"
            for place in (np.nanargmin(known), np.nanargmax(known))
        )
        text = f"Mean-field over joint capacity ranges from {least} to {greatest}."
    text += (
        f" The floor P / rank binds, in at least {100 * FLOOR_SHARE:.0f} % of the draws, at "
        f"{on_floor.sum()} of {on_floor.size} places ({sample(summary)})."
    )
    return text + describe_shuffled(
        summary, THEORIES, f"the same points (in (c), {weakest(summary)})"
    )


def _edges(places: np.ndarray) -> np.ndarray:
    """Return the ends of the stretch of an axis that belongs to each place."""
    if len(places) == 1:
        return places[0] + np.array([-0.5, 0.5])
    between = (places[:-1] + places[1:]) / 2
    return np.array([places[0], *between, places[-1]])


def _handles(axes: Axes) -> list:
    return axes.get_legend_handles_labels()[0]
