"""Manifold geometry along the network, one line per strength."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from .about import About
from .layer_lines import describe_last_layer, draw_measure, label_layers
from .measures import Measure, measures
from .published import draw_published_layers, name_sources, with_layers
from .reading import layers, require_summary, sample, strengths
from .shuffled import describe_shuffled, weakest
from .strengths import add_colour_bar
from .style import new_figure, set_title

DECLARATION = {
    "title": "layers",
    "scope": "family",
    "inputs": ["summary"],
    "order": 50,
    "shows_published": True,
    "caption": (
        "Capacity, dimension and radius of the manifolds and the correlation of their "
        "centers in every layer, in forward order; one line per strength. Bands are 95 % intervals "
        "(Student's t) over disjoint draws of images. Capacity, dimension and radius are those of "
        "the mean-field theory, by their published definitions; capacity is averaged harmonically "
        "over manifolds. "
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
                "default": [11, 8],
            },
            "frame": {
                "enum": ["reference", "rank"],
                "description": "of the dimension: the field's reference's, or the points' own span",
                "default": "reference",
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
    inputs: Mapping[str, pd.DataFrame],
    about: About,
    *,
    size: tuple[float, float],
    frame: str,
    labels: str,
) -> tuple[Figure, str]:
    """Return capacity, dimension, radius and center correlation (a-d) against the layer.

    ``summary`` has one row per (condition, layer). One line per strength, the clean one black and
    dashed; bands are 95 % intervals over replicates, cut at the panel's edge where they are
    infinite. Where the summary has measures of shuffled classes, those of the clean images are
    drawn too. `frame`: see :func:`.measures.measures`; `labels`: see :func:`.reading.layers`.
    Values that were published for a layer and a strength of the run are open marks.
    """
    summary, shown = inputs["summary"], measures(frame)
    require_summary(summary, shown)
    names = layers(summary, labels)
    text = describe_last_layer(summary, names, shown, about.strength)
    text += describe_shuffled(
        summary, [measure.column for measure in shown], f"the same points {weakest(summary)}"
    )
    published = None
    if about.published is not None:
        paths, levels = layers(summary, "path"), strengths(summary)
        published = with_layers(about.published, paths, levels, about.strength)
        text += _describe_published(published, shown)
    return _plot(summary, names, shown, published, about, size), text


def _plot(
    summary: pd.DataFrame,
    names: list[str],
    shown: list[Measure],
    published: pd.DataFrame | None,
    about: About,
    size: tuple[float, float],
) -> Figure:
    levels = strengths(summary)
    figure = new_figure(size)
    panels = figure.subplots(2, 2, sharex=True)
    for axes, letter, measure in zip(panels.flat, "abcd", shown, strict=True):
        draw_measure(axes, summary, measure.column)
        if published is not None:
            draw_published_layers(axes, published, measure.column, levels)
        axes.set_title(f"({letter}) {measure.title}")
        axes.set_ylabel(measure.label, parse_math=True)
    for axes in panels[1]:
        label_layers(axes, names)
    add_colour_bar(panels, levels, about.strength, clean="clean (- -)")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center")
    set_title(figure, about.heading("manifold geometry of each layer"), sample(summary))
    return figure


def _describe_published(published: pd.DataFrame, shown: list[Measure]) -> str:
    sources = name_sources(published, [measure.column for measure in shown])
    if not sources:
        return ""
    return f" Open marks are published values ({sources}), in the colour of their strength."
