"""Figure 3: accuracy against the strength of the perturbation."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from manifold_robustness.figures import tables
from manifold_robustness.figures.published import draw_published
from manifold_robustness.figures.strengths import (
    Strength,
    draw_against_strength,
    label_log_axis,
    log_places,
)
from manifold_robustness.figures.style import CORRECT, QUIET, in_style, new_figure

COLUMNS = [
    "condition",
    "family",
    "strength",
    "n_images",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
]


@in_style
def plot_accuracy(
    accuracy: pd.DataFrame,
    strength: Strength,
    n_classes: int,
    published: pd.DataFrame | None = None,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Return accuracy (%) with its 95 % interval against strength, on a logarithmic axis.

    `accuracy` has one row per condition, of clean and one family; accuracies are fractions. Clean
    has a place of its own at the left; its accuracy and that of guessing are lines to compare with.
    With a table of `published` values (`published_table`) those are drawn too, and the accuracy on
    the images that are classified correctly when clean, which one of the sources gives.
    """
    tables.require(accuracy, COLUMNS, "accuracy")
    accuracy = accuracy.sort_values("strength").reset_index(drop=True)
    figure = new_figure(size or (6.6, 4.1))
    axes = figure.add_subplot()
    _draw_references(axes, accuracy, n_classes)
    percent = 100 * accuracy[["accuracy", "accuracy_low", "accuracy_high"]].to_numpy()
    draw_against_strength(axes, list(accuracy["strength"]), *percent.T)
    if published is not None:
        _draw_comparison(axes, accuracy, published, strength)
    label_log_axis(axes, list(accuracy["strength"]), strength)
    axes.set(ylim=(0, 104), ylabel="accuracy (%), with 95 % interval")
    axes.grid(axis="y")
    axes.legend(loc="best")
    figure.suptitle(
        f"Accuracy against {strength.name}, {tables.subject(accuracy)} "
        f"({tables.span(accuracy['n_images'])} images)"
    )
    return figure


def describe_accuracy(accuracy: pd.DataFrame, strength: Strength, n_classes: int) -> str:
    """Return the accuracies at both ends, and where half is lost, as one or two sentences."""
    tables.require(accuracy, COLUMNS, "accuracy")
    tables.family(accuracy)
    accuracy = accuracy.sort_values("strength")
    first, last = accuracy.iloc[0], accuracy.iloc[-1]
    text = (
        f"The accuracy on {tables.span(accuracy['n_images'])} images is {_percent(first, strength)}"
    )
    if len(accuracy) > 1:
        text += f" and {_percent(last, strength)}"
        half = accuracy.loc[accuracy["accuracy"] < first["accuracy"] / 2, "strength"]
        if not half.empty:
            text += f"; it is first less than half of the former at {strength.value(half.iloc[0])}"
    return f"{text}. Guessing among {n_classes} classes gives {100 / n_classes:.4g} %."


def _percent(row: pd.Series, strength: Strength) -> str:
    return (
        f"{100 * row.accuracy:.2f} % ({strength.value(row.strength)}; 95 % interval "
        f"{100 * row.accuracy_low:.2f} to {100 * row.accuracy_high:.2f} %)"
    )


def _draw_references(axes: Axes, accuracy: pd.DataFrame, n_classes: int) -> None:
    for clean in accuracy.loc[accuracy["strength"] == 0, "accuracy"]:
        axes.axhline(
            100 * clean,
            color="black",
            linestyle="--",
            linewidth=0.9,
            label=f"clean: {100 * clean:.2f} %",
        )
    axes.axhline(
        100 / n_classes,
        color=QUIET,
        linestyle=":",
        linewidth=1.2,
        label=f"chance: {100 / n_classes:.4g} %",
    )


def _draw_comparison(
    axes: Axes, accuracy: pd.DataFrame, published: pd.DataFrame, strength: Strength
) -> None:
    levels = list(accuracy["strength"])
    axes.plot(
        log_places(levels),
        100 * accuracy["kept_accuracy"],
        color=CORRECT,
        linestyle="--",
        linewidth=1,
        label="ours: images right when clean",
    )
    for quantity in ("accuracy", "kept_accuracy"):
        draw_published(axes, published, quantity, levels, strength, factor=100)
