"""Manifold geometry along the network where every family has cost as much accuracy."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..conditions import CLEAN
from ..names import rst_literal, rst_text
from .about import About
from .families import (
    add_key,
    add_panels,
    describe_unmatched,
    extremes,
    factor_of,
    greatest_of,
    in_words,
    look_of,
    matched_families,
    matched_values,
    require_matched,
    shown_measures,
    target_name,
)
from .layer_lines import CLEAN_DASHES, label_layers
from .measures import CAPACITY, Measure
from .reading import layers, limits, require_summary, sample, with_interval
from .style import new_figure, set_title

DECLARATION = {
    "title": "layers of every family at equal accuracy",
    "scope": "families",
    "inputs": ["summary", "matched"],
    "order": 84,
    "caption": (
        "Geometry in every layer, in forward order, where every family of perturbations leaves the "
        "same accuracy; one line per family, interpolated between its two neighbouring strengths. "
        "The black dashed line is that of the clean images. Bands are 95 % intervals: Student's t "
        "over disjoint draws of images and, for the families, the error of the accuracy itself. "
        "Capacity, dimension and radius are those of the mean-field theory. A family without "
        "strengths on both sides of that accuracy is not drawn. "
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


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float], labels: str
) -> tuple[Figure, str]:
    """Return the measures of :func:`.families.shown_measures` against the layer.

    ``matched`` has one row per (family, layer, quantity), or one with a reason; ``summary`` one per
    (condition, layer), of which the clean ones are shown. `labels`: see :func:`.reading.layers`.
    """
    summary, matched = inputs["summary"], inputs["matched"]
    require_matched(matched)
    shown = shown_measures(summary)
    require_summary(summary, shown, several=True)
    clean = summary[summary["family"] == CLEAN].set_index("layer").reindex(layers(summary))
    has_clean = (summary["family"] == CLEAN).any()
    names = layers(summary, labels)
    compared = matched_families(matched, about)
    figure = new_figure(size)
    panels, lowest = add_panels(figure, shown)
    for axes, measure in zip(panels, shown, strict=True):
        _draw_measure(axes, clean, matched, compared, measure, about)
    for axes in lowest:
        label_layers(axes, names, columns=len(lowest))
    key = Line2D([], [], color="black", linestyle=CLEAN_DASHES, label="clean")
    add_key(figure, about, compared, [key] if has_clean else [])
    heading = about.heading(f"each layer where {target_name(matched)} accuracy is left")
    set_title(figure, heading, sample(summary))
    return figure, _describe(clean, matched, compared, names, about)


def _draw_measure(
    axes: Axes,
    clean: pd.DataFrame,
    matched: pd.DataFrame,
    compared: list[str],
    measure: Measure,
    about: About,
) -> None:
    places = np.arange(len(clean))
    lines = [factor_of(measure) * clean[with_interval([measure.column])].to_numpy(float).T]
    looks = [{"color": "black", "linestyle": CLEAN_DASHES, "zorder": 4}]
    for name in compared:
        lines.append(matched_values(matched, name, measure, clean.index))
        look = look_of(about, name)
        looks.append(look | {"markersize": 0.75 * look["markersize"], "linewidth": 1.1})
    bottom, top = limits(*np.moveaxis(lines, 1, 0), greatest=greatest_of(measure))
    for (value, low, high), look in zip(lines, looks, strict=True):
        bounds = np.clip(low, bottom, top), np.clip(high, bottom, top)
        axes.fill_between(places, *bounds, color=look["color"], alpha=0.1, linewidth=0)
        axes.plot(places, value, **look)
    axes.set_ylim(bottom, top)


def _describe(
    clean: pd.DataFrame,
    matched: pd.DataFrame,
    compared: list[str],
    names: list[str],
    about: About,
) -> str:
    """Return the layer where the families' capacities lie furthest apart, as a sentence."""
    left_out = describe_unmatched(matched, about)
    target = target_name(matched)
    if not compared:
        return f"No family has values at {target} accuracy.{left_out}"
    if len(compared) == 1:
        title = rst_text(about.families[compared[0]].title)
        return f"One family alone has values at {target} accuracy: {title}.{left_out}"
    values = np.array(
        [matched_values(matched, name, CAPACITY, clean.index)[0] for name in compared]
    )
    apart = values.max(axis=0) / values.min(axis=0)
    place = int(np.nanargmax(np.where(np.isfinite(apart), apart, 0)))
    found = dict(zip(compared, values[:, place], strict=True))
    usual = clean[CAPACITY.column].iloc[place]
    known = f"; that of the clean images is {in_words(CAPACITY, usual)}" if pd.notna(usual) else ""
    return (
        f"At {target} accuracy, the capacities of {len(compared)} families lie furthest apart, in "
        f"proportion, in {rst_literal(names[place])}: {extremes(found, CAPACITY, about)}{known}."
        f"{left_out}"
    )
