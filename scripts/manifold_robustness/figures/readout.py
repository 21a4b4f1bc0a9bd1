"""Accuracy of linear readouts of the layers, and of the network itself."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..names import rst_literal
from .about import About
from .comparison import describe_changes, draw_compared
from .layer_lines import draw_measure, label_layers
from .measures import READOUT
from .reading import (
    grid,
    last_layer,
    layers,
    require_accuracies,
    require_summary,
    sample,
    strengths,
    with_interval,
)
from .shuffled import describe_shuffled, draw_shuffled, shuffled_column, weakest
from .strengths import Strength, add_colour_bar, draw_chance, label_log_axis
from .style import new_figure, set_title

DECLARATION = {
    "title": "linear readouts",
    "scope": "family",
    "inputs": ["summary", "accuracy"],
    "setting": "readout",
    "order": 58,
    "caption": (
        "Accuracy of a linear readout: a ridge regression of the classes, trained on a layer's "
        "activations under the condition that it is tested under, cross-validated within a "
        "replicate, its penalty chosen inside the training folds. (a) In every layer, in forward "
        "order; one line per strength, the clean one dashed; bands are 95 % intervals (Student's "
        "t) over disjoint draws of images. (b) Of the last layer, against the strength, beside the "
        "accuracy of the network itself, which was trained without these images: on test images "
        "of all classes, with 95 % Wilson intervals. The readout tells apart the P classes of the "
        "selected images only, which by default the network classifies correctly when clean."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [11, 5.6],
            },
            "labels": {
                "enum": ["path", "reference"],
                "description": "names of layers: module paths, or the reference extractor's labels",
                "default": "path",
            },
        }
    },
}

PERCENT = (0, 100)
AXIS = (0, 104)


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float], labels: str
) -> tuple[Figure, str]:
    """Return a readout's accuracy in every layer (a), and in the last beside the network's (b).

    ``summary`` has one row per (condition, layer), ``accuracy`` one per condition. Where the
    summary has readouts of shuffled classes, they are drawn too. `labels`: see
    :func:`.reading.layers`.
    """
    summary, accuracy = inputs["summary"], inputs["accuracy"]
    require_summary(summary, [READOUT])
    require_accuracies(summary, accuracy)
    names, last = layers(summary, labels), last_layer(summary)
    wanted = with_interval(["accuracy"])
    last = last.merge(accuracy[["condition", "n_classes", *wanted]], on="condition")
    text = _describe(summary, last, names, about.strength)
    if about.manifolds == "exemplar":
        text += (
            " The readout tells the images of the manifolds from each other, the network classes; "
            "the line of chance is that of the readout."
        )
    return _plot(summary, last, names, about, size), text


def _plot(
    summary: pd.DataFrame,
    last: pd.DataFrame,
    names: list[str],
    about: About,
    size: tuple[float, float],
) -> Figure:
    levels = strengths(summary)
    figure = new_figure(size)
    along, against = figure.subplots(1, 2)
    for axes in (along, against):
        draw_chance(axes, int(summary["n_manifolds"].iloc[0]))
    draw_measure(along, summary, "readout_accuracy", factor=100, extent=PERCENT)
    along.set_ylim(AXIS)
    label_layers(along, names)
    add_colour_bar(along, levels, about.strength, clean="clean (- -)")
    _draw_last(against, last, names[-1])
    label_log_axis(against, list(last["strength"]), about.strength, columns=2)
    along.set(title="(a) Linear readout of each layer", ylabel="accuracy (%)")
    against.set(title=f"(b) {names[-1]} and the network", ylabel="accuracy (%)")
    handles, labels = against.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    set_title(figure, about.heading("accuracy of linear readouts"), sample(summary))
    return figure


def _draw_last(axes: Axes, table: pd.DataFrame, name: str) -> None:
    values, low, high = (
        100 * table[[f"readout_accuracy{end}", f"accuracy{end}"]].to_numpy(float).T
        for end in ("", "_low", "_high")
    )
    levels = list(table["strength"])
    shown = [f"linear readout of {name}", "the network itself"]
    draw_compared(axes, shown, levels, values, *np.clip([low, high], *PERCENT))
    control = shuffled_column(table, "readout_accuracy")
    if control:
        draw_shuffled(axes, levels, 100 * table[control].to_numpy(float))
    axes.set_ylim(AXIS)
    axes.grid(axis="y")


def _describe(
    summary: pd.DataFrame, last: pd.DataFrame, names: list[str], strength: Strength
) -> str:
    """Return both accuracies at both ends, and the best layer at the strongest, as sentences."""
    values = 100 * last[["readout_accuracy", "accuracy"]].to_numpy(float).T
    shown = [f"a readout of {rst_literal(names[-1])}", "the network"]
    changes = describe_changes(last, strength, shown, values, "{:.1f} %")
    text = f"Accuracy, {changes} ({sample(summary)})."
    strongest = 100 * grid(summary, "readout_accuracy")[:, -1]
    if np.isfinite(strongest).any():
        best = int(np.nanargmax(strongest))
        text += (
            f" At {strength.value(strengths(summary)[-1])}, the best readout of all layers is that "
            f"of {rst_literal(names[best])}, with {strongest[best]:.1f} %."
        )
    points = f"the same points (in (a), {weakest(summary)})"
    return text + describe_shuffled(summary, ["readout_accuracy"], points)
