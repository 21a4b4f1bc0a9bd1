"""The families of perturbations of a run in the same axes: each by colour, mark and dashes."""

import textwrap
from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..names import rst_text
from . import comparison
from .about import About
from .measures import CAPACITY, JOINT_CAPACITY, READOUT, Measure, measures
from .reading import decimal, require_rows
from .style import QUIET

# Black is clean here; the three that follow Okabe and Ito's are darker or greyer than all of them.
COLOURS = (*comparison.COLOURS[:6], "#332288", "#882255", "#7F7F7F")
MARKERS = (*comparison.MARKERS, ("<", 5.5))
DASHES = (*comparison.DASHES, (0, (12, 2)))
MATCHED_COLUMNS = ["family", "accuracy", "reason", "below", "above", "layer", "quantity"]
MATCHED_COLUMNS += ["value", "value_low", "value_high"]
TARGET_LOOK = {"color": QUIET, "linestyle": (0, (4, 2)), "linewidth": 1}
CHANCE_LOOK = {"color": QUIET, "linestyle": ":", "linewidth": 1.2}


def look_of(about: About, family: str) -> dict:
    """Return how a family's line is drawn, the same in every figure of the run."""
    number = list(about.families).index(family)
    turn, place = divmod(number, len(COLOURS))
    marker, size = MARKERS[(place + turn) % len(MARKERS)]
    look = comparison.line_look(COLOURS[place], marker, size)
    return look | {"linestyle": DASHES[place]}


def require_matched(matched: pd.DataFrame) -> None:
    """Raise `DataError` unless a table of matched families has rows and all columns."""
    require_rows(matched, MATCHED_COLUMNS, "matched", several=True)


def target_of(matched: pd.DataFrame) -> float:
    """Return the accuracy at which the families of a network are compared."""
    return float(matched["accuracy"].iloc[0])


def target_name(matched: pd.DataFrame) -> str:
    """Return the accuracy at which the families are compared in words: "46.5 %"."""
    return f"{100 * target_of(matched):.3g} %"


def matched_families(matched: pd.DataFrame, about: About) -> list[str]:
    """Return the families that have values at the same accuracy, in their order."""
    there = set(matched.loc[matched["value"].notna(), "family"])
    return [name for name in about.families if name in there]


def matched_values(
    matched: pd.DataFrame, family: str, measure: Measure, layers: Sequence[str]
) -> np.ndarray:
    """Return a measure's values and both ends of their intervals: (3, n_layers), in its unit."""
    rows = matched[(matched["family"] == family) & (matched["quantity"] == measure.column)]
    table = rows.set_index("layer")[["value", "value_low", "value_high"]].reindex(list(layers))
    return factor_of(measure) * table.to_numpy(dtype=float).T


def shown_measures(summary: pd.DataFrame) -> list[Measure]:
    """Return the measures to compare families by, as far as the run has them.

    >>> columns = ["capacity", "dimension", "radius", "center_correlation", "readout_accuracy"]
    >>> [measure.column for measure in shown_measures(pd.DataFrame(columns=columns))][-1]
    'readout_accuracy'
    """
    optional = [one for one in (JOINT_CAPACITY, READOUT) if one.column in summary.columns]
    joint = [one for one in optional if one is JOINT_CAPACITY]
    return [CAPACITY, *joint, *measures()[1:], *(one for one in optional if one is READOUT)]


def factor_of(measure: Measure) -> float:
    """Return what a measure's values are multiplied with: accuracies are shown in percent."""
    return 100.0 if measure is READOUT else 1.0


def greatest_of(measure: Measure) -> float:
    """Return where an axis of a measure ends at the latest, in the unit that it is drawn in."""
    return 104.0 if measure is READOUT else np.inf


def in_words(measure: Measure, value: float) -> str:
    """Return a value in the unit of :func:`factor_of` in words."""
    return decimal(value) + (" %" if measure is READOUT else "")


def add_panels(figure: Figure, shown: Sequence[Measure]) -> tuple[list[Axes], list[Axes]]:
    """Return a panel per measure, and those of them that have none below: they name the x axis."""
    columns = ceil(len(shown) / 2)
    places = figure.subplots(2, columns, sharex=True)
    panels, empty = list(places.flat[: len(shown)]), places.flat[len(shown) :]
    for axes, letter, measure in zip(panels, "abcdef", shown, strict=False):
        axes.set_title(f"({letter}) {measure.title}")
        axes.set_ylabel(measure.label, parse_math=True)
        axes.grid()
    for axes in empty:
        axes.set_visible(False)
    lowest = panels[len(shown) - columns :]
    for axes in lowest:
        axes.tick_params(labelbottom=True)
    return panels, lowest


def add_key(figure: Figure, about: About, names: Iterable[str], others: Sequence[Artist]) -> None:
    """Add the key below the panels: the families named, and lines of the axes with a label."""
    entries = [
        Line2D(
            [],
            [],
            label=textwrap.fill(about.families[name].title, comparison.NAME_WIDTH),
            **look_of(about, name),
        )
        for name in names
    ]
    entries += others
    columns = min(len(entries), max(1, int(figure.get_figwidth() / 2.2)))
    figure.legend(handles=entries, ncols=columns, loc="outside lower center", handlelength=3.6)


def extremes(values: dict[str, float], measure: Measure, about: About) -> str:
    """Return the least and the greatest of the families' values in words."""
    known = {name: value for name, value in values.items() if np.isfinite(value)}
    if not known:
        return "unknown"
    ends = dict.fromkeys([min(known, key=known.get), max(known, key=known.get)])
    return " to ".join(
        f"{in_words(measure, known[name])} ({rst_text(about.families[name].title)})"
        for name in ends
    )


def describe_unmatched(matched: pd.DataFrame, about: About) -> str:
    """Return which families have no level on either side of the target, and why, as a sentence."""
    reasons = {
        row.family: row.reason
        for row in matched.itertuples()
        if row.family in about.families and isinstance(row.reason, str) and row.reason
    }
    listed = "; ".join(
        f"{rst_text(about.families[name].title)} ({reason})" for name, reason in reasons.items()
    )
    return f" Not matched: {listed}." if listed else ""
