"""Several networks or measures in the same axes: a line each, by colour, mark and dashes.

Trainings by one recipe share the colour.
"""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .reading import strengths
from .strengths import Strength, log_places

# Okabe and Ito's colours; their yellow would vanish on white, so that grey stands in for it.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#7F7F7F",
)
MARKERS = (("o", 5), ("s", 5), ("^", 5.5), ("D", 4.5), ("v", 5.5), ("P", 6.5), ("X", 6), ("*", 8))
DASHES = (
    "-",
    (0, (5, 1.5)),
    (0, (1, 1)),
    (0, (5, 1.5, 1, 1.5)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (2, 2)),
    (0, (8, 2, 2, 2)),
)
NAME_WIDTH = 40  # characters of a name on one line of the legend


def network_names(table: pd.DataFrame) -> list[str]:
    """Return the networks of `table` in the order in which it has them."""
    return list(dict.fromkeys(table["network"]))


def by_network(table: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `column` and both ends of its interval, each as an array (n_networks, n_strengths).

    It is NaN where the table has no row.
    """
    levels = strengths(table)

    def grid(name: str) -> np.ndarray:
        values = table.pivot(index="network", columns="strength", values=name)
        return values.reindex(index=network_names(table), columns=levels).to_numpy(dtype=float)

    return grid(column), grid(f"{column}_low"), grid(f"{column}_high")


def numbers(names: Sequence[str], recipes: Mapping[str, str]) -> list[tuple[int, int]]:
    """Return the number of each network's recipe, and its own among the trainings by that recipe.

    A network without a recipe is the only one of its kind.

    >>> numbers(["a-1", "a-2", "b", "a-3"], {"a-1": "a", "a-2": "a", "a-3": "a"})
    [(0, 0), (0, 1), (1, 0), (0, 2)]
    """
    kinds, members, found = {}, {}, []
    for name in names:
        kind = recipes.get(name, name)
        members[kind] = members.get(kind, -1) + 1
        found.append((kinds.setdefault(kind, len(kinds)), members[kind]))
    return found


def looks(names: Sequence[str], recipes: Mapping[str, str], first: int = 0) -> list[dict]:
    """Return how each network's line and marks are drawn, for :meth:`matplotlib.axes.Axes.plot`.

    The first has the colour, mark and dashes of the number `first`. Trainings by one of the
    `recipes` have its colour, and marks of their own; from the ninth on dashes too.
    """
    found = []
    for kind, member in numbers(names, recipes):
        turn, colour = divmod(first + kind, len(COLOURS))
        mark = MARKERS[(first + kind + turn + member) % len(MARKERS)]
        dashes = DASHES[(colour + turn + member // len(MARKERS)) % len(DASHES)]
        found.append({**line_look(COLOURS[colour], *mark), "linestyle": dashes})
    return found


def draw_compared(
    axes: Axes,
    names: Sequence[str],
    levels: Sequence[float],
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    first: int = 0,
    recipes: Mapping[str, str] | None = None,
) -> None:
    """Draw a line with its intervals per network or measure; arrays are (n_names, n_strengths).

    Their marks of one strength stand a little apart, so that their bars show. `first` and `recipes`
    are those of :func:`looks`: lines of another panel that mean something else look otherwise.
    """
    perturbed = np.array(levels) > 0
    drawn = zip(names, shifts(len(names), levels), looks(names, recipes or {}, first), strict=True)
    for row, (name, shift, look) in enumerate(drawn):
        places = log_places(levels) + shift
        axes.vlines(places, low[row], high[row], color=look["color"], linewidth=1.2)
        clean = {**look, "linestyle": "none"}
        axes.plot(places[~perturbed], values[row, ~perturbed], **clean)
        label = textwrap.fill(name, NAME_WIDTH)
        axes.plot(places[perturbed], values[row, perturbed], label=label, **look)


def line_look(colour: str, marker: str, size: float) -> dict:
    """Return how a line and its marks are drawn, for :meth:`matplotlib.axes.Axes.plot`."""
    return {
        "color": colour,
        "marker": marker,
        "markersize": size,
        "markeredgecolor": "white",
        "markeredgewidth": 0.4,
    }


def add_network_legend(axes: Axes) -> None:
    """Add the key of :func:`draw_compared` beside `axes`."""
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), handlelength=3.6)


def describe_changes(
    table: pd.DataFrame,
    strength: Strength,
    names: Sequence[str],
    values: np.ndarray,
    form: str,
) -> str:
    """Return each network's value at both ends of the strengths, in words.

    >>> table = pd.DataFrame({"strength": [0, 0.5]})
    >>> sigma = Strength("sigma", "σ", "standard deviation")
    >>> describe_changes(table, sigma, ["a", "b"], np.array([[0.9, 0.1], [0.8, np.nan]]), "{:.1f}")
    'from clean to σ = 0.5: a 0.9 → 0.1, b 0.8 → unknown'
    """
    levels = strengths(table)
    ends = sorted({0, len(levels) - 1})
    where = " to ".join(strength.value(levels[end]) for end in ends)
    changes = ", ".join(
        f"{name} {' → '.join(_word(row[end], form) for end in ends)}"
        for name, row in zip(names, values, strict=True)
    )
    return f"{'from ' if len(ends) > 1 else ''}{where}: {changes}"


def describe_colours(names: Sequence[str], recipes: Mapping[str, str]) -> str:
    """Return a sentence on the colours, to be added to others, where a recipe stands twice.

    >>> recipes = {"a-1": "a", "a-2": "a"}
    >>> describe_colours(["a-1", "b"], recipes), describe_colours(["a-1", "a-2"], recipes)
    ('', ' Trainings by the same recipe have the same colour.')
    """
    several = any(member for _, member in numbers(names, recipes))
    return " Trainings by the same recipe have the same colour." if several else ""


def _word(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else "unknown"


def shifts(n_networks: int, levels: Sequence[float]) -> np.ndarray:
    """Return how far each network's marks stand from the place of their strength."""
    places = log_places(levels)
    if len(places) < 2:
        return np.zeros(n_networks) + 0.02 * (np.arange(n_networks) - (n_networks - 1) / 2)
    extent = np.ptp(places)
    # All of them stay within the margin of `label_log_axis`, however many they are.
    widest = min(0.7 * np.diff(places).min(), 0.06 * extent)
    step = min(widest / n_networks, 0.008 * extent)
    return step * (np.arange(n_networks) - (n_networks - 1) / 2)
