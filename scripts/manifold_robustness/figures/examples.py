"""Figure 2: one image under every condition, and what the network takes it for."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from manifold_robustness.errors import DataError
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.figures.style import CORRECT, WRONG, in_style, new_figure
from manifold_robustness.figures.tables import count

MOST_COLUMNS = 6


@in_style
def plot_examples(
    images: Sequence[np.ndarray],
    strengths: Sequence[float],
    predicted: Sequence[str],
    true_label: str,
    strength: Strength,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Return a grid of one image at each strength, with the label that the network gives it.

    `images` are arrays (channels, height, width), one or three channels, in [0, 1]; `strengths`
    and `predicted` have one entry per image; strength 0 is the clean image. A wrong label carries
    a cross and a thick frame, so that it shows without colour too.
    """
    _check(images, strengths, predicted)
    rows = ceil(len(images) / MOST_COLUMNS)
    columns = ceil(len(images) / rows)
    figure = new_figure(size or (max(1.45 * columns, 4.5), 1.85 * rows + 0.45))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, image, level, label in zip(grid, images, strengths, predicted, strict=False):
        _draw(axes, image, label, label == true_label)
        axes.set_title(strength.value(level), loc="center", fontsize=9)
    for axes in grid[len(images) :]:
        axes.set_visible(False)
    figure.suptitle(
        f"One image of class “{true_label}” under every condition, and the class predicted"
    )
    return figure


def describe_examples(
    strengths: Sequence[float], predicted: Sequence[str], true_label: str, strength: Strength
) -> str:
    """Return how often the image is mistaken, at which strengths, and for what, as a sentence."""
    wrong = [
        (level, label)
        for level, label in zip(strengths, predicted, strict=True)
        if label != true_label
    ]
    text = (
        f"The image of class ``{true_label}`` is recognised under "
        f"{len(strengths) - len(wrong)} of {count(len(strengths), 'condition')}"
    )
    if not wrong:
        return f"{text}."
    levels: dict[str, list[float]] = {}
    for level, label in wrong:
        levels.setdefault(label, []).append(level)
    mistakes = ", ".join(
        f"``{label}`` ({_levels(found, strength)})" for label, found in levels.items()
    )
    return f"{text}, and mistaken for {mistakes}."


def _levels(found: list[float], strength: Strength) -> str:
    if len(found) == 1:
        return strength.value(found[0])
    return f"{len(found)} strengths, {strength.value(min(found))} to {strength.value(max(found))}"


def _check(images: Sequence[np.ndarray], *others: Sequence) -> None:
    if not images or any(len(other) != len(images) for other in others):
        lengths = [len(images), *(len(other) for other in others)]
        raise DataError(
            f"Images, strengths and predicted labels need the same length, at least 1; the lengths "
            f"are {lengths}."
        )
    for image in images:
        if np.ndim(image) != 3 or np.shape(image)[0] not in (1, 3):
            raise DataError(
                f"An image needs the shape (1 or 3, height, width); it is {np.shape(image)}."
            )


def _draw(axes: Axes, image: np.ndarray, label: str, correct: bool) -> None:
    pixels = np.clip(np.moveaxis(np.asarray(image), 0, -1), 0, 1)
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    # Enlarged here, so that no viewer of the SVG smooths the pixels.
    times = ceil(200 / max(pixels.shape[:2]))
    pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="none")
    axes.set(xticks=[], yticks=[])
    colour = CORRECT if correct else WRONG
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linewidth=1 if correct else 3)
    axes.set_xlabel(
        f"{'✓' if correct else '✗'} {label}",
        color=colour,
        fontweight="normal" if correct else "bold",
    )
