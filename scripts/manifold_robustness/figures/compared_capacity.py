"""Capacity of the last layer of every network of a run against the strength of the perturbation."""

from collections.abc import Mapping

import numpy as np
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
from .measures import CAPACITY
from .reading import last_layer, layers, limits, require_rows, require_summary, sample, strengths
from .strengths import label_log_axis
from .style import new_figure, set_title

DECLARATION = {
    "title": "last layer's capacity of every network",
    "scope": "comparison",
    "inputs": ["summary"],
    "order": 90,
    "caption": (
        "Manifold capacity of the last layer analysed of every network against the strength of "
        "the perturbation, with 95 % intervals (Student's t) over disjoint draws of images. Marks "
        "of one strength stand a little apart, so that none hides another's interval. "
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
                "default": [8, 4.6],
            },
            "labels": {
                "enum": ["path", "reference"],
                "description": "names of layers: module paths, or the reference extractor's labels",
                "default": "path",
            },
        }
    },
}


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float], labels: str
) -> tuple[Figure, str]:
    """Return the last layer's capacity with its 95 % interval against strength, a line per network.

    ``summary`` has one row per (network, condition, layer), networks in the order of the
    configuration. Every network has a last layer of its own. `labels`: see :func:`.reading.layers`.
    """
    summary = inputs["summary"]
    require_rows(summary, ["network"], "summary")
    require_summary(summary, [CAPACITY])
    parts = [
        last_layer(summary[summary["network"] == network]) for network in network_names(summary)
    ]
    last, names = pd.concat(parts), [layers(part, labels)[0] for part in parts]
    return _plot(last, about, size), _describe(last, names, about)


def _plot(last: pd.DataFrame, about: About, size: tuple[float, float]) -> Figure:
    levels, symbol = strengths(last), about.strength.symbol
    figure = new_figure(size)
    axes = figure.add_subplot()
    values, low, high = by_network(last, "capacity")
    bottom, top = limits(values, low, high)
    ends = np.clip([low, high], bottom, top)
    draw_compared(axes, network_names(last), levels, values, *ends, recipes=about.recipes)
    label_log_axis(axes, levels, about.strength)
    axes.set_ylim(bottom, top)
    axes.set_ylabel(f"capacity {CAPACITY.label}", parse_math=True)
    axes.grid(axis="y")
    add_network_legend(axes)
    heading = about.heading(f"capacity of each network's last layer against {symbol}")
    set_title(figure, heading, sample(last))
    return figure


def _describe(last: pd.DataFrame, layer_names: list[str], about: About) -> str:
    """Return every network's capacity at both ends of the strengths, as a sentence."""
    values, _, _ = by_network(last, "capacity")
    pairs = zip(network_names(last), layer_names, strict=True)
    names = [f"{rst_literal(network)} ({rst_literal(layer)})" for network, layer in pairs]
    changes = describe_changes(last, about.strength, names, values, "{:#.3g}")
    said = f"Capacity of the last layer, {changes} ({sample(last)})."
    return said + describe_colours(network_names(last), about.recipes)
