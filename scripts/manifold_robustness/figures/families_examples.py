"""One image under every family of perturbations where they cost about as much accuracy."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..conditions import CLEAN
from ..names import rst_literal, rst_text
from .about import About
from .families import describe_unmatched, require_matched, target_name, target_of
from .pictures import CHARACTERS_PER_INCH, draw_picture, name_class, read_pictures
from .reading import ACCURACY_COLUMNS, require_rows
from .style import new_figure, set_title

DECLARATION = {
    "title": "examples of every family",
    "scope": "families",
    "inputs": ["accuracy", "matched", "images"],
    "order": 86,
    "caption": (
        "One of the selected test images under every family of perturbations, with the class that "
        "the network predicts; a cross marks a prediction that is wrong. Of each family's two "
        "strengths next to the accuracy at which the families are compared, that with the nearer "
        "accuracy is shown, and its accuracy in percent; of a family that never crosses it, the "
        "greatest strength. Below is the difference from the clean image, grey where there is "
        "none, scaled until its greatest value is black or white; the factor stands below it, "
        "since families at equal accuracy differ more than tenfold in size."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [9, 8],
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

MOST_COLUMNS = 5


@dataclass(frozen=True)
class Example:
    """One image under one condition: its title in the figure and in a sentence."""

    picture: np.ndarray
    predicted: str
    title: str
    level: str
    percent: float
    difference: np.ndarray


def draw(
    inputs: Mapping[str, Any], about: About, *, size: tuple[float, float], image: int
) -> tuple[Figure, str]:
    """Return one image under each family with the class predicted, and its change from clean.

    ``images`` holds files by condition, of which only those shown are read; ``accuracy`` has one
    row per condition of one network. `image` counts the selected images.
    """
    accuracy, matched = inputs["accuracy"], inputs["matched"]
    require_matched(matched)
    require_rows(accuracy, ACCURACY_COLUMNS, "accuracy", several=True)
    rows = [accuracy[accuracy["family"] == CLEAN].iloc[0]]
    rows += [choose_level(accuracy, matched, name) for name in about.families]
    chosen = [row["condition"] for row in rows]
    files = {name: inputs["images"][name] for name in chosen}
    pictures, predicted, true_class = read_pictures(files, image)
    examples = []
    for row, picture, name in zip(rows, pictures, predicted, strict=True):
        family = about.families.get(row["family"])
        title = family.title if family else "Clean"
        level = family.strength.value(row["strength"]) if family else ""
        difference = picture - pictures[0]
        examples.append(Example(picture, name, title, level, 100 * row["accuracy"], difference))
    figure = _plot(examples, true_class, matched, about, size)
    return figure, _describe(examples, true_class, matched, about)


def choose_level(accuracy: pd.DataFrame, matched: pd.DataFrame, family: str) -> pd.Series:
    """Return the row of the strength of a family that is shown: never that of clean."""
    rows = accuracy[accuracy["family"] == family].sort_values("strength")
    pair = matched[(matched["family"] == family) & matched["below"].notna()].head(1)
    if pair.empty:
        return rows.iloc[-1]
    rows = rows[rows["strength"].isin(pair[["below", "above"]].iloc[0])]
    return rows.iloc[int(np.argmin(np.abs(rows["accuracy"] - target_of(matched))))]


def enlargement(difference: np.ndarray) -> float:
    """Return the factor, to two digits, with which a difference reaches from grey to white.

    >>> enlargement(np.array([0.01, -0.15]))
    3.3
    """
    greatest = np.abs(difference).max()
    return float(f"{0.5 / greatest:.2g}") if greatest > 0 else 1.0


def _plot(
    examples: list[Example],
    true_class: str,
    matched: pd.DataFrame,
    about: About,
    size: tuple[float, float],
) -> Figure:
    blocks = ceil(len(examples) / MOST_COLUMNS)
    columns = ceil(len(examples) / blocks)
    figure = new_figure(size)
    grid = figure.subplots(2 * blocks, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    width = int(CHARACTERS_PER_INCH * size[0] / columns)
    for number, example in enumerate(examples):
        block, column = divmod(number, columns)
        above, below = grid[2 * block : 2 * block + 2, column]
        above.set_visible(True)
        below.set_visible(True)
        draw_picture(above, example.picture)
        name_class(above, example.predicted, example.predicted == true_class, width)
        above.set_title(_title(example, width), loc="center", fontsize=9)
        if number:
            factor = enlargement(example.difference)
            draw_picture(below, 0.5 + factor * example.difference)
            below.set_xlabel(f"× {factor:g}")
            below.spines[:].set_visible(False)
        else:
            _name_differences(below)
    heading = about.heading(f"one image of class “{true_class}”, and the class predicted")
    set_title(figure, heading, f"strengths next to {target_name(matched)} accuracy")
    return figure


def _title(example: Example, width: int) -> str:
    name = textwrap.fill(example.title, max(width, 6), max_lines=2, placeholder="…")
    level = f"{example.level} · " if example.level else ""
    return f"{name}\n{level}{example.percent:.3g} %"


def _name_differences(axes: Axes) -> None:
    """Say in the place of the clean image's difference what stands beside it."""
    axes.axis("off")
    axes.text(
        0.5,
        0.5,
        "difference\nfrom clean,\nscaled",
        transform=axes.transAxes,
        ha="center",
        va="center",
    )


def _describe(
    examples: list[Example],
    true_class: str,
    matched: pd.DataFrame,
    about: About,
) -> str:
    """Return what the image is taken for under each family, as a sentence."""
    clean, *others = examples
    answers = ", ".join(
        f"{rst_literal(one.predicted)} under {rst_text(one.title)} ({one.level})" for one in others
    )
    changes = ", ".join(
        f"{np.abs(one.difference).max():.2g} ({rst_text(one.title)})" for one in others
    )
    return (
        f"The image of class {rst_literal(true_class)} is taken for "
        f"{rst_literal(clean.predicted)} when clean, {answers}. The greatest change "
        f"of a value is {changes}.{describe_unmatched(matched, about)}"
    )
