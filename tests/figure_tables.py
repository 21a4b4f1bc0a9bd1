"""Made-up tables and images of a run, and what a reader sees of a figure."""

import matplotlib
import numpy as np
import pandas as pd

from manifold_robustness.figures.accuracy import plot_accuracy
from manifold_robustness.figures.capacity_accuracy import (
    plot_capacity_accuracy,
)
from manifold_robustness.figures.examples import plot_examples
from manifold_robustness.figures.heatmaps import plot_heatmaps
from manifold_robustness.figures.last_layer import plot_last_layer
from manifold_robustness.figures.layers import plot_layers
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.figures.training import plot_training

SIGMA = Strength()
LAYERS = ["input", "layer1.0.conv1", "fc.1"]
LEVELS = [0.0, 0.01, 0.1, 1.0]
MEASURES = {
    "capacity": 0.1,
    "radius": 1.0,
    "dimension": 5.0,
    "rank_dimension": 6.0,
    "center_correlation": 0.2,
}
PANELS = ["capacity", "dimension", "radius", "center_correlation"]


def value(measure: str, layer: int, level: int) -> float:
    return MEASURES[measure] * (1 + layer + 0.1 * level)


def condition(strength: float) -> dict:
    clean = strength == 0
    return {
        "condition": "clean" if clean else f"gaussian/sigma-{strength:g}",
        "family": "clean" if clean else "gaussian",
        "strength": strength,
    }


def make_summary(layers=LAYERS, levels=LEVELS, replicates=3) -> pd.DataFrame:
    rows = []
    for j, level in enumerate(levels):
        for i, layer in enumerate(layers):
            row = condition(level) | {
                "layer": layer,
                "layer_index": i,
                "layer_label": f"layer_{5 * i}_Conv2d",
                "n_manifolds": 10,
                "n_replicates": replicates,
                "n_points": 30,
            }
            for measure in MEASURES:
                width = 0.02 * value(measure, i, j) if replicates > 1 else np.nan
                row[measure] = value(measure, i, j)
                row[f"{measure}_low"] = row[measure] - width
                row[f"{measure}_high"] = row[measure] + width
            rows.append(row)
    # The order of rows is nobody's promise.
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def make_accuracy(levels=LEVELS) -> pd.DataFrame:
    rows = [
        condition(level)
        | {
            "n_images": 1000,
            "n_correct": 900 - 200 * j,
            "accuracy": 0.9 - 0.2 * j,
            "accuracy_low": 0.87 - 0.2 * j,
            "accuracy_high": 0.93 - 0.2 * j,
            "kept_accuracy": 1 - 0.2 * j,
        }
        for j, level in enumerate(levels)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=1)


def make_history(n_epochs=4) -> pd.DataFrame:
    epoch = np.arange(1, n_epochs + 1)
    table = pd.DataFrame(
        {
            "epoch": epoch,
            "learning_rate": np.where(epoch < 3, 1e-3, 1e-4),
            "best": epoch == min(3, n_epochs),
        }
    )
    for i, name in enumerate(["train", "validation", "test"]):
        table[f"{name}_accuracy"] = 0.5 + 0.1 * epoch - 0.01 * i
        table[f"{name}_loss"] = 2 - 0.1 * epoch + 0.01 * i
    return table


def make_images(n: int, channels: int = 3) -> list[np.ndarray]:
    return [np.full((channels, 4, 4), i / n) for i in range(n)]


def make_published() -> pd.DataFrame:
    """Two sources of the accuracy, one of capacity and dimension; one level beyond `LEVELS`."""
    rows = [
        ("accuracy", "Figure 3", 0.0, 0.94, 0.01),
        ("accuracy", "Figure 3", 0.1, 0.3, 0.01),
        ("accuracy", "Figure 3", 10.0, 0.05, 0.01),
        ("kept_accuracy", "notebook", 0.05, 0.6, 0.0),
        ("capacity", "Figure 4", 0.0, 0.8, 0.03),
        ("dimension", "Figure 4", 0.1, 40.0, 0.5),
    ]
    columns = ["quantity", "source", "sigma", "value", "error"]
    return pd.DataFrame(rows, columns=columns).assign(label="as printed")


NAMES = [
    "training",
    "examples",
    "accuracy",
    "last_layer",
    "layers",
    "heatmaps",
    "capacity_accuracy",
]


def make_figure(name, levels=LEVELS, layers=LAYERS, replicates=3):
    summary, accuracy = make_summary(layers, levels, replicates), make_accuracy(levels)
    labels = ["car"] + ["truck"] * (len(levels) - 1)
    makers = {
        "training": lambda: plot_training(make_history()),
        "examples": lambda: plot_examples(make_images(len(levels)), levels, labels, "car", SIGMA),
        "accuracy": lambda: plot_accuracy(accuracy, SIGMA, 10),
        "last_layer": lambda: plot_last_layer(summary, SIGMA),
        "layers": lambda: plot_layers(summary, SIGMA),
        "heatmaps": lambda: plot_heatmaps(summary, SIGMA),
        "capacity_accuracy": lambda: plot_capacity_accuracy(summary, accuracy, SIGMA, 10),
    }
    return makers[name]()


def visible_text(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_visible()]


def curves(axes) -> dict:
    """Lines of a panel of layers by colour, as tuples of RGBA."""
    return {matplotlib.colors.to_rgba(line.get_color()): line for line in axes.lines}
