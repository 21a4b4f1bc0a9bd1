"""Accuracy against the strength of every family of perturbations, a panel per unit of strength."""

import textwrap
from collections.abc import Mapping
from math import ceil

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..conditions import CLEAN
from ..names import rst_text
from .about import About
from .comparison import shifts
from .families import (
    TARGET_LOOK,
    add_key,
    describe_unmatched,
    look_of,
    require_matched,
    target_name,
    target_of,
)
from .reading import ACCURACY_COLUMNS, evaluated, require_rows, with_interval
from .strengths import Strength, draw_chance, label_log_axis, log_places
from .style import new_figure, set_title

DECLARATION = {
    "title": "accuracy under every family",
    "scope": "families",
    "inputs": ["accuracy", "matched"],
    "order": 80,
    "caption": (
        "Accuracy on test images against the strength of every family of perturbations, "
        "with 95 % Wilson intervals. Families stand in one panel where their strengths are of the "
        "same unit: the norm of the change of an image in pixel units, or a parameter of its own. "
        "The black point is the accuracy of the clean images, the dashed line the accuracy at "
        "which the families are compared. Marks stand a little apart, so that none hides another's "
        "interval."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [11, 5.4],
            },
        }
    },
}

# Families of one norm share a panel, whatever they call their strength.
NORMS = {
    "linf": Strength("norm", "ε", "L∞ norm of the change, pixel units", "linf"),
    "l2": Strength("norm", "ε", "L2 norm of the change, pixel units", "l2"),
}
TITLES = {"linf": "L∞ norm", "l2": "L2 norm"}
MOST_IN_A_ROW = 4
CHARACTERS_PER_INCH = 12  # of an axis's label


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float]
) -> tuple[Figure, str]:
    """Return accuracy (%) with its 95 % interval against strength, on logarithmic axes.

    ``accuracy`` has one row per condition of one network, ``matched`` the accuracy at which the
    families are compared. Strengths are divided by their ``divisor``, so that all budgets of one
    norm are in pixel units.
    """
    accuracy, matched = inputs["accuracy"], inputs["matched"]
    require_matched(matched)
    require_rows(accuracy, ACCURACY_COLUMNS, "accuracy", several=True)
    return _plot(accuracy, matched, about, size), _describe(accuracy, matched, about)


def group_by_unit(about: About) -> dict[Strength, list[str]]:
    """Return the families whose strengths can stand on one axis, by how to name that axis."""
    groups: dict[Strength, list[str]] = {}
    for name, family in about.families.items():
        groups.setdefault(NORMS.get(family.strength.norm, family.strength), []).append(name)
    return groups


def _plot(
    accuracy: pd.DataFrame, matched: pd.DataFrame, about: About, size: tuple[float, float]
) -> Figure:
    groups = group_by_unit(about)
    rows = ceil(len(groups) / MOST_IN_A_ROW)
    columns = ceil(len(groups) / rows)
    figure = new_figure(size)
    places = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for number, (unit, names) in enumerate(groups.items()):
        axes = places.flat[number]
        axes.axhline(
            100 * target_of(matched), label=f"compared at {target_name(matched)}", **TARGET_LOOK
        )
        draw_chance(axes, int(accuracy["n_classes"].iloc[0]))
        _draw_families(axes, accuracy, unit, names, about)
        label_log_axis(axes, _levels(accuracy, names, about), unit, columns)
        width = int(CHARACTERS_PER_INCH * size[0] / columns)
        axes.set_xlabel(textwrap.fill(unit.label, width))
        axes.set_title(
            f"({chr(ord('a') + number)}) {TITLES.get(unit.norm, f'strength {unit.symbol}')}"
        )
        axes.set_ylim(0, 104)
        axes.grid(axis="y")
    for axes in places[:, 0]:
        axes.set_ylabel("accuracy (%), with 95 % interval")
    for axes in places.flat[len(groups) :]:
        axes.set_visible(False)
    add_key(figure, about, about.families, places.flat[0].get_legend_handles_labels()[0])
    heading = about.heading("accuracy under every family of perturbations")
    set_title(figure, heading, evaluated(accuracy))
    return figure


def _levels(accuracy: pd.DataFrame, names: list[str], about: About) -> list[float]:
    """Strengths of a panel in its unit, ascending, with 0 for clean; equal ones stand once."""
    units = _in_unit(accuracy, about)[accuracy["family"].isin([CLEAN, *names])]
    return sorted({float(f"{value:.6g}") for value in units})


def _in_unit(accuracy: pd.DataFrame, about: About) -> pd.Series:
    divisors = {name: family.strength.divisor for name, family in about.families.items()}
    return accuracy["strength"] / accuracy["family"].map(divisors).fillna(1)


def _draw_families(
    axes: Axes, accuracy: pd.DataFrame, unit: Strength, names: list[str], about: About
) -> None:
    levels = _levels(accuracy, names, about)
    table = accuracy.assign(unit=_in_unit(accuracy, about)).sort_values("unit")
    for name, shift in zip(names, shifts(len(names), levels), strict=True):
        rows = table[table["family"] == name]
        value, low, high = 100 * rows[with_interval(["accuracy"])].to_numpy(float).T
        places, look = np.log10(rows["unit"].to_numpy(float)) + shift, look_of(about, name)
        axes.vlines(places, low, high, color=look["color"], linewidth=1.2)
        axes.plot(places, value, **look)
    clean = table[table["family"] == CLEAN]
    value, low, high = 100 * clean[with_interval(["accuracy"])].to_numpy(float).T
    places = np.full(len(clean), log_places(levels)[0])
    axes.vlines(places, low, high, color="black", linewidth=2)
    axes.plot(places, value, "o", color="black", markersize=6, label="clean")


def _describe(accuracy: pd.DataFrame, matched: pd.DataFrame, about: About) -> str:
    """Return between which strengths each family leaves the accuracy compared at, in words."""
    clean = accuracy.loc[accuracy["family"] == CLEAN, "accuracy"]
    text = f"Accuracy on {evaluated(accuracy)}"
    text += "".join(f", {100 * value:.2f} % when clean" for value in clean)
    found = []
    for name, family in about.families.items():
        rows = matched[(matched["family"] == name) & matched["below"].notna()]
        for row in rows.head(1).itertuples():
            ends = (family.strength.value(end) for end in (row.below, row.above))
            found.append(f"{rst_text(family.title)} between {' and '.join(ends)}")
    target = target_name(matched)
    if found:
        text += f", falls below {target} under {', '.join(found)}"
    else:
        text += f", falls below {target} under no family"
    return f"{text}.{describe_unmatched(matched, about)}"
