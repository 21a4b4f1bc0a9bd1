"""Accuracy of every network of a run against the strength of the perturbation."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from ..names import rst_literal
from .about import About
from .comparison import (
    add_network_legend,
    by_network,
    describe_changes,
    describe_colours,
    draw_compared,
    network_names,
)
from .reading import ACCURACY_COLUMNS, evaluated, require_rows, strengths
from .strengths import draw_chance, label_log_axis
from .style import new_figure, set_title

DECLARATION = {
    "title": "accuracy of every network",
    "scope": "comparison",
    "inputs": ["accuracy"],
    "order": 80,
    "caption": (
        "Accuracy of every network on the same test images against the strength of the "
        "perturbation, with 95 % Wilson intervals. Marks of one strength stand a little apart, so "
        "that none hides another's interval."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [8, 4.6],
            },
        }
    },
}


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float]
) -> tuple[Figure, str]:
    """Return accuracy (%) with its 95 % interval against strength, one line per network.

    ``accuracy`` has one row per (network, condition), networks in the order of the configuration.
    """
    accuracy = inputs["accuracy"]
    require_rows(accuracy, ["network", *ACCURACY_COLUMNS], "accuracy")
    return _plot(accuracy, about, size), _describe(accuracy, about)


def _plot(accuracy: pd.DataFrame, about: About, size: tuple[float, float]) -> Figure:
    levels, symbol = strengths(accuracy), about.strength.symbol
    figure = new_figure(size)
    axes = figure.add_subplot()
    values, low, high = (100 * part for part in by_network(accuracy, "accuracy"))
    names = network_names(accuracy)
    draw_compared(axes, names, levels, values, low, high, recipes=about.recipes)
    draw_chance(axes, int(accuracy["n_classes"].iloc[0]))
    label_log_axis(axes, levels, about.strength)
    axes.set(ylim=(0, 104), ylabel="accuracy (%), with 95 % interval")
    axes.grid(axis="y")
    add_network_legend(axes)
    heading = about.heading(f"accuracy of each network against {symbol}")
    set_title(figure, heading, evaluated(accuracy))
    return figure


def _describe(accuracy: pd.DataFrame, about: About) -> str:
    """Return every network's accuracy at both ends of the strengths, as a sentence."""
    values, _, _ = by_network(accuracy, "accuracy")
    names = network_names(accuracy)
    literal = [rst_literal(name) for name in names]
    changes = describe_changes(accuracy, about.strength, literal, values, "{:.2%}")
    said = f"Accuracy on {evaluated(accuracy)}, {changes}.".replace("%", " %")
    return said + describe_colours(names, about.recipes)
