"""Published values in the axes of a run's own."""

from collections.abc import Collection
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..paper.published import LAST, SAME
from .strengths import Strength, colours, log_places
from .style import WRONG

MARKERS = "sD^v"


def name_sources(published: pd.DataFrame, quantities: Collection[str]) -> str:
    """Return the titles of the sources of some quantities, in words; "" where there are none."""
    sources = published.loc[published["quantity"].isin(quantities), "source"].unique()
    return " and ".join(f"“{source}”" for source in sources)


def of_layer(published: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Return the values of a layer that is a network's last: by its name, or as the last one."""
    return published[published["layer"].isin([LAST, layer])]


def own_strengths(published: pd.DataFrame, strength: Strength) -> pd.Series:
    """Return the published strengths, which are in pixel units, in the unit of a run's own."""
    if strength.name == "variance":
        return published["strength"] ** 2
    return published["strength"] * strength.divisor


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
    need be of `quantity`), `levels` the run's strengths, for which the axis is made
    (`strengths.log_places`): values outside of their range are left out. Bars are their errors.
    The vertical axis grows to hold them.
    """
    table = published[published["quantity"] == quantity]
    strengths = own_strengths(table, strength)
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
    _make_room(axes, table, factor)


def with_layers(
    published: pd.DataFrame, names: list[str], levels: list[float], strength: Strength
) -> pd.DataFrame:
    """Return the values of named layers and of the run's own levels, with ``place`` and ``level``.

    Those are the indices of the layer in `names` and of the strength in `levels`.
    """
    near = np.isclose(
        np.array(levels), own_strengths(published, strength).to_numpy()[:, None], rtol=SAME, atol=0
    )
    places = [names.index(layer) if layer in names else -1 for layer in published["layer"]]
    table = published.assign(place=places, level=near.argmax(axis=1))
    return table[near.any(axis=1) & (table["place"] >= 0)]


def draw_published_layers(
    axes: Axes, table: pd.DataFrame, quantity: str, levels: list[float]
) -> None:
    """Draw the published values of a quantity at their layers, in the colours of their strengths.

    `table` is that of :func:`with_layers` (none of its rows need be of `quantity`). Bars are half
    the width within which a value is known. The vertical axis grows to hold them.
    """
    table = table[table["quantity"] == quantity]
    shades, markers = colours(levels), dict(zip(table["source"].unique(), cycle(MARKERS)))
    for (source, level), rows in table.groupby(["source", "level"], sort=False):
        axes.errorbar(
            rows["place"],
            rows["value"],
            rows["error"],
            linestyle="none",
            marker=markers[source],
            markersize=6,
            markerfacecolor="none",
            color=shades[level],
            elinewidth=1,
            label=f"published: {source}",
        )
    _make_room(axes, table)


def _make_room(axes: Axes, table: pd.DataFrame, factor: float = 1) -> None:
    if table.empty:
        return
    bottom, top = axes.get_ylim()
    margin = 0.02 * (top - bottom)
    low, high = (factor * (table["value"] + sign * table["error"]) for sign in (-1, 1))
    axes.set_ylim(min(bottom, low.min() - margin), max(top, high.max() + margin))
