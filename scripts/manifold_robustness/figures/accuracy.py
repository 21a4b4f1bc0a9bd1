"""Accuracy against the strength of the perturbation."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .about import About
from .published import draw_published, name_sources
from .reading import ACCURACY_COLUMNS, evaluated, require_rows
from .strengths import Strength, draw_against_strength, draw_chance, label_log_axis, log_places
from .style import CORRECT, new_figure, set_title

DECLARATION = {
    "title": "accuracy",
    "scope": "family",
    "inputs": ["accuracy"],
    "order": 30,
    "shows_published": True,
    "caption": (
        "Accuracy on test images against the strength of the perturbation, with 95 % Wilson "
        "intervals. The random draws of an image are the same at every strength."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [6.4, 4.2],
            },
        }
    },
}

KEPT = "kept_accuracy"  # of the images that are classified correctly when clean


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float]
) -> tuple[Figure, str]:
    """Return accuracy (%) with its 95 % interval against strength, on a logarithmic axis.

    ``accuracy`` has one row per condition; accuracies are fractions. Clean has a place of its own
    at the left; its accuracy and that of guessing are lines to compare with. Published values are
    drawn too, and the accuracy on the images that are classified correctly when clean, which one of
    the sources gives.
    """
    accuracy = inputs["accuracy"]
    compared = about.published is not None
    require_rows(accuracy, [*ACCURACY_COLUMNS, *([KEPT] if compared else [])], "accuracy")
    accuracy = accuracy.sort_values("strength").reset_index(drop=True)
    text = _describe(accuracy, about.strength)
    if compared:
        text += _describe_published(about.published)
    return _plot(accuracy, about, size), text


def _plot(accuracy: pd.DataFrame, about: About, size: tuple[float, float]) -> Figure:
    figure, strength = new_figure(size), about.strength
    axes = figure.add_subplot()
    _draw_clean(axes, accuracy)
    draw_chance(axes, _n_classes(accuracy))
    percent = 100 * accuracy[["accuracy", "accuracy_low", "accuracy_high"]].to_numpy()
    draw_against_strength(axes, list(accuracy["strength"]), *percent.T)
    if about.published is not None:
        _draw_published(axes, accuracy, about.published, strength)
    label_log_axis(axes, list(accuracy["strength"]), strength)
    axes.set(ylim=(0, 104), ylabel="accuracy (%), with 95 % interval")
    axes.grid(axis="y")
    axes.legend(loc="best")
    heading = about.heading(f"accuracy against {strength.symbol}")
    set_title(figure, heading, evaluated(accuracy))
    return figure


def _describe(accuracy: pd.DataFrame, strength: Strength) -> str:
    """Return the accuracies at both ends, and where half is lost, as one or two sentences."""
    first, last = accuracy.iloc[0], accuracy.iloc[-1]
    text = f"The accuracy on {evaluated(accuracy)} is {_percent(first, strength)}"
    if len(accuracy) > 1:
        text += f" and {_percent(last, strength)}"
        half = accuracy.loc[accuracy["accuracy"] < first["accuracy"] / 2, "strength"]
        if not half.empty:
            text += f"; it is first less than half of the former at {strength.value(half.iloc[0])}"
    n_classes = _n_classes(accuracy)
    return f"{text}. Guessing among {n_classes} classes gives {100 / n_classes:.4g} %."


def _describe_published(published: pd.DataFrame) -> str:
    text = " Open marks are published accuracies, with their errors."
    sources = name_sources(published, [KEPT])
    if not sources:
        return text
    return (
        f"{text} Those of {sources} are of the images that are classified correctly when clean, as "
        "is the dashed curve of this run."
    )


def _percent(row: pd.Series, strength: Strength) -> str:
    return (
        f"{100 * row.accuracy:.2f} % ({strength.value(row.strength)}; 95 % interval "
        f"{100 * row.accuracy_low:.2f} to {100 * row.accuracy_high:.2f} %)"
    )


def _n_classes(accuracy: pd.DataFrame) -> int:
    return int(accuracy["n_classes"].iloc[0])


def _draw_clean(axes: Axes, accuracy: pd.DataFrame) -> None:
    for clean in accuracy.loc[accuracy["strength"] == 0, "accuracy"]:
        axes.axhline(
            100 * clean,
            color="black",
            linestyle="--",
            linewidth=0.9,
            label=f"clean: {100 * clean:.2f} %",
        )


def _draw_published(
    axes: Axes, accuracy: pd.DataFrame, published: pd.DataFrame, strength: Strength
) -> None:
    levels = list(accuracy["strength"])
    axes.plot(
        log_places(levels),
        100 * accuracy[KEPT],
        color=CORRECT,
        linestyle="--",
        linewidth=1,
        label="ours: images right when clean",
    )
    for quantity in ("accuracy", KEPT):
        draw_published(axes, published, quantity, levels, strength, factor=100)
