"""Several trainings of each network: accuracy and last layer, with intervals over trainings."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..names import rst_literal
from .about import About
from .comparison import COLOURS, describe_changes, draw_compared, shifts
from .reading import require_rows, strengths
from .strengths import label_log_axis, log_places
from .style import new_figure, set_title

DECLARATION = {
    "title": "several trainings",
    "scope": "comparison",
    "inputs": ["trainings"],
    "order": 78,
    "caption": (
        "Means over several trainings of each network, against the strength of the perturbation: "
        "of the accuracy, and of what was measured of the last layer. Dark bars are 95 % intervals "
        "over trainings (Student's t): how far another training by the same recipe may lie. Light, "
        "wide bars are those over images, averaged over the trainings, which hold a network fixed. "
        "A network that was trained once has light bars only."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [12, 7.6],
            },
        }
    },
}

# Quantity, what its axis says, and the factor to its unit.
PANELS = {
    "accuracy": ("accuracy (%)", 100),
    "readout_accuracy": ("linear readout of the last layer (%)", 100),
    "capacity": ("mean-field capacity of the last layer", 1),
    "joint_capacity": ("joint capacity of the last layer", 1),
}
ENDS = ("value", "trainings_low", "trainings_high", "images_low", "images_high")
COLUMNS = ["recipe", "n_trainings", "family", "strength", "layer", "layer_index", "quantity", *ENDS]


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float]
) -> tuple[Figure, str]:
    """Return a panel per quantity that was measured, one line per recipe.

    ``trainings`` is the table of :func:`~..trainings.compare_trainings`, of clean and one family.
    """
    table = inputs["trainings"]
    require_rows(table, COLUMNS, "trainings")
    table = _last(table)
    shown = {name: one for name, one in PANELS.items() if name in set(table["quantity"])}
    figure = new_figure(size)
    columns = min(len(shown), 2)
    panels = figure.subplots(-(-len(shown) // columns), columns, squeeze=False).ravel()
    names = list(dict.fromkeys(table["recipe"]))
    levels = strengths(table)
    for axes, letter, (quantity, (label, factor)) in zip(
        panels, "abcd", shown.items(), strict=False
    ):
        rows = table[table["quantity"] == quantity]
        value, low, high, *images = (factor * _grid(rows, end, names, levels) for end in ENDS)
        for i, shift in enumerate(shifts(len(names), levels)):
            places = log_places(levels) + shift
            colour = COLOURS[i % len(COLOURS)]
            axes.vlines(places, images[0][i], images[1][i], color=colour, linewidth=5, alpha=0.25)
        draw_compared(axes, names, levels, value, low, high)
        label_log_axis(axes, levels, about.strength, columns=columns)
        axes.set(title=f"({letter}) {label}", ylabel=label)
        axes.set_ylim(0, 104 if factor == 100 else None)
        axes.grid(axis="y")
    for axes in panels[len(shown) :]:
        axes.remove()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(names), 4))
    counts = table.groupby("recipe", sort=False)["n_trainings"].max()
    sample = ", ".join(f"{name}: {count}" for name, count in counts.items())
    set_title(figure, about.heading("several trainings"), f"trainings of {sample}")
    return figure, _describe(table, about, names, levels)


def _last(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the accuracy, and of each recipe's last layer."""
    index = table["layer_index"].astype(float)
    last = index.groupby(table["recipe"]).transform("max")
    return table[index.isna() | (index == last)]


def _grid(rows: pd.DataFrame, column: str, names: list[str], levels: list[float]) -> np.ndarray:
    """(n_recipes, n_strengths); NaN where the table has no row."""
    found = rows.pivot(index="recipe", columns="strength", values=column)
    return found.reindex(index=names, columns=levels).to_numpy(dtype=float)


def _describe(table: pd.DataFrame, about: About, names: list[str], levels: list[float]) -> str:
    """Return each recipe's accuracy at both ends, and its difference at the strongest."""
    rows = table[table["quantity"] == "accuracy"]
    values = _grid(rows, "value", names, levels)
    shown = [rst_literal(name) for name in names]
    changes = describe_changes(rows, about.strength, shown, values, "{:.1%}")
    text = f"Accuracy, {changes}.".replace("%", " %")
    strongest = rows[rows["strength"] == levels[-1]].set_index("recipe")
    differences = [
        f"{rst_literal(name)} {100 * row.difference:+.1f} ({100 * row.difference_low:+.1f} to "
        f"{100 * row.difference_high:+.1f})"
        for name, row in strongest.iterrows()
        if name != names[0] and np.isfinite(row.difference_low)
    ]
    if not differences:
        return text
    return (
        f"{text} At {about.strength.value(levels[-1])}, points of accuracy beside "
        f"{rst_literal(names[0])}, with 95 % intervals over trainings (Welch): "
        f"{', '.join(differences)}."
    )
