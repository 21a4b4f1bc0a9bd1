"""One image under several conditions, and what the network takes it for."""

import textwrap
from collections.abc import Mapping
from math import ceil

import numpy as np
from matplotlib.axes import Axes

from ..errors import DataError
from ..files.images import read_answers
from .reading import StoredFile
from .style import CORRECT, WRONG

CHARACTERS_PER_INCH = 12  # of a class's name under its image


def read_pictures(
    images: Mapping[str, StoredFile], number: int
) -> tuple[list[np.ndarray], list[str], str]:
    """Return one image under every condition, the classes predicted, and its true class.

    The first condition is clean, whose images `number` counts: of exemplar manifolds it has one
    each, and the picture under another condition is its first draw.
    """
    pictures, predicted, place = [], [], None
    for stored in images.values():
        found, predictions, attributes = read_answers(stored.path, stored.wanted)
        if place is None:
            place = np.unravel_index(number, predictions.shape)
        picture = found[place]
        if picture.shape[0] not in (1, 3):
            raise DataError(
                f"Need images of the shape (1 or 3, height, width). Got {picture.shape} in "
                f"{stored.path}."
            )
        pictures.append(picture)
        predicted.append(attributes["classes"][predictions[place]])
        true_class = attributes["manifold_class"][place[0]][place[1]]
    return pictures, predicted, true_class


def draw_picture(axes: Axes, picture: np.ndarray) -> None:
    """Show an image (channels, height, width) in [0, 1]; what lies beyond is at its ends."""
    pixels = np.clip(np.moveaxis(picture, 0, -1), 0, 1)
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    # Enlarged here, so that no viewer of the SVG smooths the pixels.
    times = ceil(200 / max(pixels.shape[:2]))
    pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="none")
    axes.set(xticks=[], yticks=[])


def name_class(axes: Axes, name: str, correct: bool, width: int) -> None:
    """Write the class predicted below its image; the frame says too whether it is the true one.

    A name takes two lines of `width` characters at most.
    """
    colour = CORRECT if correct else WRONG
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linewidth=1 if correct else 3)
    axes.set_xlabel(
        textwrap.fill(
            f"{'✓' if correct else '✗'} {name}", max(width, 6), max_lines=2, placeholder="…"
        ),
        color=colour,
        fontweight="normal" if correct else "bold",
    )
