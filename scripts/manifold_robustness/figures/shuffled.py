"""The control of shuffled classes: how it looks, where a run has measured it."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .strengths import log_places
from .style import QUIET

PREFIX = "shuffled_"
LABEL = "classes shuffled"
LOOK = {
    "color": QUIET,
    "linestyle": ":",
    "linewidth": 1.2,
    "marker": "x",
    "markersize": 3.5,
    "label": LABEL,
}


def shuffled_column(table: pd.DataFrame, column: str) -> str | None:
    """Return the column of a measure of shuffled classes; None where `table` has none.

    >>> table = pd.DataFrame(columns=["capacity", "radius", "shuffled_capacity"])
    >>> shuffled_column(table, "capacity"), shuffled_column(table, "radius")
    ('shuffled_capacity', None)
    """
    return PREFIX + column if PREFIX + column in table.columns else None


def draw_shuffled(
    axes: Axes, strengths: Sequence[float], values: np.ndarray, **changes: object
) -> None:
    """Draw the control at :func:`.strengths.log_places`; `changes` are of its look."""
    places, perturbed = log_places(strengths), np.array(strengths) > 0
    look = LOOK | changes
    axes.plot(places[~perturbed], values[~perturbed], **look | {"linestyle": "none", "label": None})
    axes.plot(places[perturbed], values[perturbed], **look)


def weakest(table: pd.DataFrame) -> str:
    """Return which condition a line of the lowest strength is of, in words.

    >>> weakest(pd.DataFrame({"strength": [0.1, 0.0]})), weakest(pd.DataFrame({"strength": [0.1]}))
    ('of the clean images', 'under the weakest perturbation')
    """
    return (
        "of the clean images" if table["strength"].min() == 0 else "under the weakest perturbation"
    )


def describe_shuffled(
    table: pd.DataFrame, columns: Iterable[str], points: str = "the same points"
) -> str:
    """Return what the line of the control is, as a sentence; "" where `table` has none.

    `points` says which points it is of.
    """
    if not any(shuffled_column(table, column) for column in columns):
        return ""
    return (
        f" Grey dotted: {points}, dealt out to the classes at random, so that no class "
        "has a structure of its own."
    )
