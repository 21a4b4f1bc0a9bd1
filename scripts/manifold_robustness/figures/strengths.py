"""Strengths of a perturbation as words, colours, and places on an axis."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap

from .style import CORRECT, QUIET


@dataclass(frozen=True)
class Strength:
    """How to name the strength of one perturbation family, and in which unit it is.

    `norm` is the one in which the strength bounds the change of an image, ``linf`` or ``l2``, or
    None; `divisor` is what a strength is divided by for pixel units.

    >>> Strength("epsilon", "ε", "budget of the attack, pixel units").value(0.03125)
    'ε = 0.03125'
    """

    name: str
    symbol: str
    description: str
    norm: str | None = None
    divisor: float = 1.0

    @property
    def label(self) -> str:
        """Label of an axis or a colour bar."""
        return f"{self.symbol}: {self.description}"

    def value(self, strength: float) -> str:
        """Return one strength in words: "σ = 0.05", or "clean" for 0."""
        return f"{self.symbol} = {short(strength)}" if strength else "clean"


def short(strength: float) -> str:
    """Return a strength as a tick label: four significant digits, or "clean" for 0."""
    return f"{strength:.4g}" if strength else "clean"


def colours(strengths: Sequence[float]) -> np.ndarray:
    """Return one RGBA colour per strength (ascending), shape (n_strengths, 4): clean is black.

    The others take equal steps of plasma, which lightens evenly for every eye and in print. Levels
    are mostly chosen about geometrically, so that this is close to a logarithmic scale; but 0.5,
    0.75 and 1 stay apart. The pale end is left out: it would vanish on white.
    """
    perturbed = np.array(strengths) > 0
    shades = np.tile([0.0, 0.0, 0.0, 1.0], (len(strengths), 1))
    shades[perturbed] = matplotlib.colormaps["plasma"](np.linspace(0.06, 0.88, perturbed.sum()))
    return shades


def spread(places: Sequence[float], gap: float) -> list[int]:
    """Return the indices of ascending `places` to label so that labels are at least `gap` apart.

    The two ends come first, then the others from the greatest down.

    >>> spread([0, 1, 2, 3, 4], 1.5)
    [0, 2, 4]
    """
    kept = [len(places) - 1]
    for i in reversed(range(1, len(places) - 1)):
        if places[kept[-1]] - places[i] >= gap and places[i] - places[0] >= gap:
            kept.append(i)
    return sorted({0, *kept})


def add_colour_bar(
    axes: Axes | Sequence[Axes],
    strengths: Sequence[float],
    strength: Strength,
    clean: str = "clean",
) -> None:
    """Add beside `axes` the key of `colours`: one labelled block per strength, 0 named `clean`.

    A single strength needs none.
    """
    n = len(strengths)
    if n == 1:
        return
    share = min(1, 0.12 * n)
    figure = np.ravel(axes)[0].figure
    blocks = ScalarMappable(BoundaryNorm(np.arange(n + 1), n), ListedColormap(colours(strengths)))
    bar = figure.colorbar(blocks, ax=axes, label=strength.label, shrink=share, aspect=30 * share)
    kept = spread(range(n), n / 24)
    bar.set_ticks(
        [i + 0.5 for i in kept],
        labels=[short(strengths[i]) if strengths[i] else clean for i in kept],
    )
    bar.ax.tick_params(length=0)
    bar.minorticks_off()


def log_places(strengths: Sequence[float]) -> np.ndarray:
    """Return the place of each strength (ascending) on a decimal logarithmic axis.

    Clean, whose logarithm is not finite, stands apart on the left, at an eighth of the range.
    """
    perturbed = np.log10([strength for strength in strengths if strength])
    if perturbed.size == len(strengths):
        return perturbed
    if perturbed.size == 0:
        return np.zeros(len(strengths))
    apart = max(0.125 * np.ptp(perturbed), 0.2)
    return np.concatenate([[perturbed[0] - apart], perturbed])


def draw_against_strength(
    axes: Axes,
    strengths: Sequence[float],
    value: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> None:
    """Draw a quantity and its interval at `log_places`: clean in black, the rest as a line."""
    places, perturbed = log_places(strengths), np.array(strengths) > 0
    for chosen, colour, line in ((~perturbed, "black", "none"), (perturbed, CORRECT, "-")):
        axes.plot(
            places[chosen], value[chosen], color=colour, marker="o", markersize=4, linestyle=line
        )
        axes.vlines(places[chosen], low[chosen], high[chosen], color=colour, linewidth=2)
    axes.fill_between(
        places[perturbed], low[perturbed], high[perturbed], color=CORRECT, alpha=0.2, linewidth=0
    )


def draw_chance(axes: Axes, n_classes: int) -> None:
    """Draw the accuracy (%) of guessing among `n_classes`, as a line to compare with."""
    axes.axhline(
        100 / n_classes,
        color=QUIET,
        linestyle=":",
        linewidth=1.2,
        label=f"chance: {100 / n_classes:.4g} %",
    )


def label_log_axis(
    axes: Axes, strengths: Sequence[float], strength: Strength, columns: int = 1
) -> None:
    """Tick the x axis of `axes` at `log_places`, with a break between clean and the others.

    `columns` is the number of panels that stand side by side: the more, the fewer labels.
    """
    places = log_places(strengths)
    margin = 0.04 * np.ptp(places) or 0.5
    axes.set_xlim(places[0] - margin, places[-1] + margin)
    kept = spread(places, 0.022 * columns * np.ptp(places))
    axes.set_xticks(places[kept], [short(strengths[i]) for i in kept], rotation=90)
    axes.set_xticks(places, minor=True)
    axes.set_xlabel(strength.label)
    if strengths[0] == 0 and len(strengths) > 1:
        axes.text(
            places[:2].mean(),
            0,
            "//",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="center",
            fontsize=9,
            bbox={"color": "white", "pad": 0.5},
            clip_on=False,
        )
