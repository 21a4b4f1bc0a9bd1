"""Figure 1: how the network learned."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from manifold_robustness.figures.style import QUIET, in_style, new_figure
from manifold_robustness.figures.tables import count, require

# Told apart by dashes too. Okabe and Ito's colours.
SETS = {
    "train": ("#0072B2", "-"),
    "validation": ("#E69F00", (0, (4, 1.5))),
    "test": ("#000000", (0, (1, 1))),
}
COLUMNS = ["epoch", "learning_rate", "best"] + [
    f"{name}_{quantity}" for name in SETS for quantity in ("accuracy", "loss")
]


@in_style
def plot_training(history: pd.DataFrame, size: tuple[float, float] | None = None) -> Figure:
    """Return accuracy (a, %) and loss (b, per image) of the three sets against the epoch.

    `history` has one row per epoch: epoch (from 1), learning_rate, best (whether its weights were
    kept) and `<set>_accuracy` (a fraction), `<set>_loss` for train, validation and test.
    """
    require(history, COLUMNS, "history")
    figure = new_figure(size or (9.5, 3.9))
    left, right = figure.subplots(1, 2)
    _draw(left, history, "accuracy", 100)
    _draw(right, history, "loss", 1)
    left.set(title="(a) Accuracy", ylabel="accuracy (%)")
    right.set(title="(b) Loss", ylabel="cross-entropy per image")
    _mark_kept(left, history)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.suptitle(f"Training over {count(len(history), 'epoch')}")
    return figure


def describe_training(history: pd.DataFrame) -> str:
    """Return the accuracy of the kept weights, and when they were found, as a sentence."""
    require(history, COLUMNS, "history")
    kept = _kept(history)
    return (
        f"The weights of epoch {kept.epoch:.0f} of {len(history)} were kept: their accuracy is "
        f"{kept.test_accuracy:.2%} on the test set, {kept.validation_accuracy:.2%} on the "
        f"validation set and {kept.train_accuracy:.2%} on the training set."
    ).replace("%", " %")


def _kept(history: pd.DataFrame) -> pd.Series:
    return history[history["best"]].iloc[-1] if history["best"].any() else history.iloc[-1]


def _draw(axes: Axes, history: pd.DataFrame, quantity: str, factor: float) -> None:
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
