"""Geometry from the joint program's anchor points along the network, one line per strength."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..conventions import FLOOR_SHARE
from .about import About
from .layer_lines import describe_last_layer, draw_measure, label_layers, open_mark
from .measures import Measure, floor_binds
from .reading import SUMMARY_COLUMNS, grid, layers, require_rows, require_summary, sample, strengths
from .strengths import add_colour_bar
from .style import new_figure, set_title

DECLARATION = {
    "title": "joint geometry of layers",
    "scope": "family",
    "inputs": ["summary"],
    "setting": "joint",
    "order": 55,
    "caption": (
        "Dimension, radius and utility of all manifolds together, and the alignments of "
        "their mean anchor points (centers) and of the deviations from these (axes), by the joint "
        "program, in every layer, in forward order; one line per strength, the clean one dashed. "
        "Joint capacity = utility × (1 + 1 / radius²) / dimension. Alignments are mean signed "
        "cosines over pairs of manifolds. Bands are 95 % intervals (Student's t) over disjoint "
        "draws of images. Open marks: in at least 5 % of the draws, the joint capacity is on its "
        "floor; many anchor points then serve as well, so that these values are not unique. A "
        "triangle at the upper edge is an infinite radius. "
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
                "default": [12, 8],
            },
            "labels": {
                "enum": ["path", "reference"],
                "description": "names of layers: module paths, or the reference extractor's labels",
                "default": "path",
            },
        }
    },
}

SIZES = [
    Measure("joint_dimension", "joint dimension", "$D$ (number of dimensions)"),
    Measure("joint_radius", "joint radius", "$R$ (relative to the mean anchors)"),
    Measure("joint_utility", "joint utility", "$Ψ$ (no unit)"),
]
ALIGNMENTS = [
    Measure("joint_center_alignment", "center alignment", "mean cosine"),
    Measure("joint_axis_alignment", "axis alignment", "mean cosine"),
    Measure("joint_center_axis_alignment", "center-axis alignment", "mean cosine"),
]


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float], labels: str
) -> tuple[Figure, str]:
    """Return dimension, radius, utility (a-c) and three alignments (d-f) against the layer.

    ``summary`` has one row per (condition, layer), with the measures of the joint program.
    `labels`: see :func:`.reading.layers`.
    """
    summary, shown = inputs["summary"], SIZES + ALIGNMENTS
    require_summary(summary, shown)
    require_rows(summary, [*SUMMARY_COLUMNS, "joint_zero_share"], "summary")
    names = layers(summary, labels)
    on_floor = floor_binds(grid(summary, "joint_zero_share"))
    text = describe_last_layer(summary, names, shown, about.strength)
    text += (
        f" At {on_floor.sum()} of {on_floor.size} places the values are not unique: the floor "
        f"binds there, in at least {100 * FLOOR_SHARE:.0f} % of the draws."
    )
    return _plot(summary, names, on_floor, about, size), text


def _plot(
    summary: pd.DataFrame,
    names: list[str],
    on_floor: np.ndarray,
    about: About,
    size: tuple[float, float],
) -> Figure:
    figure = new_figure(size)
    panels = figure.subplots(2, 3, sharex=True)
    for axes, letter, measure in zip(panels.flat, "abcdef", SIZES + ALIGNMENTS, strict=True):
        least = -np.inf if measure in ALIGNMENTS else 0
        draw_measure(axes, summary, measure.column, least=least, open_at=on_floor)
        axes.set_title(f"({letter}) {measure.title}")
        axes.set_ylabel(measure.label, parse_math=True)
    for axes in panels[1]:
        axes.axhline(0, color="0.6", linewidth=1, zorder=1)
        label_layers(axes, names, columns=3)
    add_colour_bar(panels, strengths(summary), about.strength, clean="clean (- -)")
    if on_floor.any():
        mark = open_mark(f"not unique: at least {100 * FLOOR_SHARE:.0f} % of draws on the floor")
        figure.legend(handles=[mark], loc="outside lower center")
    set_title(figure, about.heading("joint geometry of each layer"), sample(summary))
    return figure
