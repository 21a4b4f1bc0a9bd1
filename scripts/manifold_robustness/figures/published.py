"""Published values in the axes of a run's own."""

from collections.abc import Collection
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .strengths import Strength, log_places
from .style import WRONG

MARKERS = "sD^v"


def name_sources(published: pd.DataFrame, quantities: Collection[str]) -> str:
    """Return the titles of the sources of some quantities, in words; "" where there are none."""
    sources = published.loc[published["quantity"].isin(quantities), "source"].unique()
    return " and ".join(f"“{source}”" for source in sources)


def draw_published(
    axes: Axes,
    published: pd.DataFrame,
    quantity: str,
    levels: list[float],
    strength: Strength,
    factor: float = 1,
) -> None:
    """Draw the published values of a quantity, each source with a marker of its own.

    `published` is the table of :func:`~..paper.published.published_table` (none of its rows
    may be of `quantity`), `levels` the run's strengths, for which the axis is made
    (`strengths.log_places`): values outside of their range are left out. Bars are reading errors.
    The vertical axis grows to hold them.
    """
    table = published[published["quantity"] == quantity]
    strengths = table["sigma"] ** 2 if strength.name == "variance" else table["sigma"]
    reach = [level for level in levels if level] or [np.inf]
    inside = (strengths == 0) | strengths.between(min(reach) * 0.999, max(reach) * 1.001)
    table = table.assign(strength=strengths)[inside]
    markers = dict(zip(published["source"].unique(), cycle(MARKERS)))
    for source, rows in table.groupby("source", sort=False):
        places = np.full(len(rows), log_places(levels)[0])
        perturbed = rows["strength"].to_numpy() > 0
        places[perturbed] = np.log10(rows["strength"][perturbed])
        axes.errorbar(
            places,
            factor * rows["value"],
            factor * rows["error"],
            linestyle="none",
            marker=markers[source],
            markersize=5,
            markerfacecolor="none",
            color=WRONG,
            elinewidth=1,
            label=f"published: {source}",
        )
    if not table.empty:
        bottom, top = axes.get_ylim()
        margin = 0.02 * (top - bottom)
        low, high = (factor * (table["value"] + sign * table["error"]) for sign in (-1, 1))
        axes.set_ylim(min(bottom, low.min() - margin), max(top, high.max() + margin))
