"""One image under every condition, and what the network takes it for."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from matplotlib.figure import Figure

from ..names import rst_literal
from .about import About
from .pictures import CHARACTERS_PER_INCH, draw_picture, name_class, read_pictures
from .reading import StoredFile, count
from .strengths import Strength
from .style import new_figure, set_title

DECLARATION = {
    "title": "examples",
    "scope": "family",
    "inputs": ["images"],
    "order": 20,
    "caption": (
        "One of the selected test images under every condition, with the class that the network "
        "predicts. A cross marks a prediction that is wrong."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [9, 4],
            },
            "image": {
                "type": "integer",
                "minimum": 0,
                "maximum": 1000000000,
                "description": "which of the selected images, counted from 0",
                "default": 0,
            },
        }
    },
}

MOST_COLUMNS = 6


def draw(
    inputs: Mapping[str, Mapping[str, StoredFile]],
    about: About,
    *,
    size: tuple[float, float],
    image: int,
) -> tuple[Figure, str]:
    """Return a grid of one image under each condition, with the class that the network predicts.

    ``images`` holds files by condition, clean first; ``about.strengths`` has each condition's
    strength. A wrong class carries a cross and a thick frame, so that it shows without colour too.
    """
    pictures, predicted, true_class = read_pictures(inputs["images"], image)
    strengths = [about.strengths[condition] for condition in inputs["images"]]
    figure = _plot(pictures, strengths, predicted, true_class, about, size)
    return figure, _describe(strengths, predicted, true_class, about.strength)


def _plot(
    pictures: Sequence[np.ndarray],
    strengths: Sequence[float],
    predicted: Sequence[str],
    true_class: str,
    about: About,
    size: tuple[float, float],
) -> Figure:
    rows = ceil(len(pictures) / MOST_COLUMNS)
    columns = ceil(len(pictures) / rows)
    figure = new_figure(size)
    width = int(CHARACTERS_PER_INCH * size[0] / columns)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, picture, level, name in zip(grid, pictures, strengths, predicted, strict=False):
        draw_picture(axes, picture)
        name_class(axes, name, name == true_class, width)
        axes.set_title(about.strength.value(level), loc="center", fontsize=9)
    for axes in grid[len(pictures) :]:
        axes.set_visible(False)
    set_title(figure, about.heading(f"one image of class “{true_class}”, and the class predicted"))
    return figure


def _describe(
    strengths: Sequence[float], predicted: Sequence[str], true_class: str, strength: Strength
) -> str:
    """Return how often the image is mistaken, at which strengths, and for what, as a sentence."""
    wrong = [
        (level, name)
        for level, name in zip(strengths, predicted, strict=True)
        if name != true_class
    ]
    text = (
        f"The image of class {rst_literal(true_class)} is recognised under "
        f"{len(strengths) - len(wrong)} of {count(len(strengths), 'condition')}"
    )
    if not wrong:
        return f"{text}."
    levels: dict[str, list[float]] = {}
    for level, name in wrong:
        levels.setdefault(name, []).append(level)
    mistakes = ", ".join(
        f"{rst_literal(name)} ({_levels(found, strength)})" for name, found in levels.items()
    )
    return f"{text}, and mistaken for {mistakes}."


def _levels(found: list[float], strength: Strength) -> str:
    if len(found) == 1:
        return strength.value(found[0])
    return f"{len(found)} strengths, {strength.value(min(found))} to {strength.value(max(found))}"
