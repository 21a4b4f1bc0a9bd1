"""How the network learned."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .about import About
from .reading import count, require_rows
from .style import QUIET, new_figure, set_title

DECLARATION = {
    "title": "training",
    "scope": "network",
    "inputs": ["history"],
    "order": 10,
    "caption": (
        "Accuracy and loss of the network on the training, validation and test images after each "
        "epoch. The marked epoch, best on the validation images, gave the weights that everything "
        "else uses."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [9, 3.6],
            },
        }
    },
}

# Told apart by dashes too. Okabe and Ito's colours.
SETS = {
    "train": ("#0072B2", "-"),
    "validation": ("#E69F00", (0, (4, 1.5))),
    "test": ("#000000", (0, (1, 1))),
}
COLUMNS = ["epoch", "learning_rate", "best"] + [
    f"{name}_{quantity}" for name in SETS for quantity in ("accuracy", "loss")
]
ENTRIES_IN_A_LINE = 6  # of the legend
ATTACKED = "attacked_accuracy"  # of a training whose images are perturbed


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float]
) -> tuple[Figure, str]:
    """Return accuracy (a, %) and loss (b, per image) of the three sets against the epoch.

    ``history`` has one row per epoch: epoch (from 1), learning_rate, best (whether its weights were
    kept) and `<set>_accuracy` (a fraction), `<set>_loss` for train, validation and test. Where
    training images are perturbed, ``attacked_accuracy``, of perturbed validation images, is drawn
    too, and ``collapsed`` says in which epochs it broke down.
    """
    history = inputs["history"]
    require_rows(history, COLUMNS, "history")
    return _plot(history, about, size), _describe(history)


def _plot(history: pd.DataFrame, about: About, size: tuple[float, float]) -> Figure:
    figure = new_figure(size)
    left, right = figure.subplots(1, 2)
    _draw_sets(left, history, "accuracy", 100)
    _draw_sets(right, history, "loss", 1)
    left.set(title="(a) Accuracy", ylabel="accuracy (%)")
    right.set(title="(b) Loss", ylabel="cross-entropy per image")
    if ATTACKED in history:
        left.plot(
            history["epoch"],
            100 * history[ATTACKED],
            color="#CC79A7",
            linestyle=(0, (5, 1, 1, 1)),
            marker="o" if len(history) <= 15 else None,
            markersize=3,
            label="validation, perturbed",
        )
    _mark_kept(left, history)
    handles, labels = left.get_legend_handles_labels()
    columns = len(labels) if len(labels) <= ENTRIES_IN_A_LINE else -(-len(labels) // 2)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    set_title(figure, about.heading(f"training over {count(len(history), 'epoch')}"))
    return figure


def _describe(history: pd.DataFrame) -> str:
    """Return the accuracy of the kept weights, and when they were found, as a sentence."""
    kept = _kept(history)
    perturbed = ""
    if ATTACKED in history:
        perturbed = (
            f" Training images were perturbed; on validation images that are perturbed as much, it "
            f"is {kept[ATTACKED]:.2%}."
        )
        for row in history[history["collapsed"]].itertuples():
            perturbed += (
                f" In epoch {row.epoch} robustness collapsed (catastrophic overfitting): the "
                f"accuracy under PGD fell to {row.attacked_accuracy:.2%}, while that on the "
                "perturbed training images did not fall."
            )
    return (
        f"The weights of epoch {kept.epoch:.0f} of {len(history)} were kept: their accuracy is "
        f"{kept.test_accuracy:.2%} on the test set, {kept.validation_accuracy:.2%} on the "
        f"validation set and {kept.train_accuracy:.2%} on the training set."
        f"{perturbed}"
    ).replace("%", " %")


def _kept(history: pd.DataFrame) -> pd.Series:
    return history[history["best"]].iloc[-1] if history["best"].any() else history.iloc[-1]


def _draw_sets(axes: Axes, history: pd.DataFrame, quantity: str, factor: float) -> None:
    marker = "o" if len(history) <= 15 else None
    for name, (colour, dashes) in SETS.items():
        axes.plot(
            history["epoch"],
            factor * history[f"{name}_{quantity}"],
            color=colour,
            linestyle=dashes,
            marker=marker,
            markersize=3,
            label=name,
        )
    lowered = history["learning_rate"] < 0.6 * history["learning_rate"].shift()  # steps, no slope
    for i, epoch in enumerate(history["epoch"][lowered]):
        axes.axvline(
            epoch,
            color="0.8",
            linewidth=0.8,
            zorder=0,
            label="learning rate lowered" if i == 0 else None,
        )
    axes.axvline(
        _kept(history)["epoch"],
        color=QUIET,
        linewidth=1,
        linestyle="-.",
        zorder=0,
        label="weights kept",
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y")
    axes.set_xlabel("epoch")


def _mark_kept(axes: Axes, history: pd.DataFrame) -> None:
    kept = _kept(history)
    x, y = kept["epoch"], 100 * kept["test_accuracy"]
    axes.plot(
        [x],
        [y],
        "o",
        color="black",
        markersize=5,
        markerfacecolor="white",
        zorder=5,
        label=f"test accuracy {y:.2f} % at epoch {x:.0f}",
    )
