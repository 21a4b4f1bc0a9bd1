"""Certified accuracy of every network against the radius."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..names import rst_literal
from .about import About
from .comparison import describe_colours, looks, network_names
from .reading import decimal, require_rows, with_interval
from .style import new_figure, set_title

DECLARATION = {
    "title": "certified accuracy of every network",
    "scope": "networks",
    "inputs": ["certified"],
    "order": 96,
    "caption": (
        "Randomized smoothing of every network: the share of test images whose answer is proven to "
        "be right for every perturbation of at most this Euclidean norm (pixels in [0, 1]), with "
        "two-sided 95 % Clopper-Pearson intervals over images; a panel per standard deviation of "
        "the noise. All networks see the same images under the same draws. A line ends at the "
        "greatest radius that so many draws can prove."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [8, 4.8],
            },
        }
    },
}

SHARES = with_interval(["certified_accuracy"])
MARKED = 10  # every tenth radius has a mark


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float]
) -> tuple[Figure, str]:
    """Return certified accuracy (%) against the radius, one line per network, a panel per sigma.

    ``certified`` has one row per (network, sigma, radius), networks in the order of the
    configuration.
    """
    table = inputs["certified"]
    columns = ["network", "sigma", "radius", "n_images", "abstained", "mean_radius", *SHARES]
    require_rows(table, columns, "certified")
    names, sigmas = network_names(table), sorted(table["sigma"].unique())
    figure = new_figure(size)
    panels = figure.subplots(1, len(sigmas), sharey=True, squeeze=False)[0]
    for axes, sigma in zip(panels, sigmas, strict=True):
        for i, (name, look) in enumerate(zip(names, looks(names, about.recipes), strict=True)):
            rows = table[(table["network"] == name) & (table["sigma"] == sigma)]
            value, low, high = 100 * rows[SHARES].to_numpy(float).T
            shade = {"color": look["color"], "alpha": 0.15, "linewidth": 0}
            axes.fill_between(rows["radius"], low, high, **shade)
            # Each network's marks stand at other radii, so that none hides another's.
            axes.plot(rows["radius"], value, label=name, markevery=(i % MARKED, MARKED), **look)
        axes.set(title=f"σ = {sigma:g}", xlabel="radius (L2)", xlim=(0, None), ylim=(0, 102))
        axes.grid()
    panels[0].set_ylabel("certified accuracy (%)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(names), 4))
    sample = f"{int(table['n_images'].iloc[0])} test images"
    set_title(figure, about.heading("certified by randomized smoothing"), sample)
    return figure, _describe(table, names, sigmas) + describe_colours(names, about.recipes)


def _describe(table: pd.DataFrame, names: list[str], sigmas: list[float]) -> str:
    """Return each network's certified accuracy at radius 0, its mean radius and abstentions."""
    first = table[table["radius"] == 0].set_index(["sigma", "network"])
    sentences = []
    for sigma in sigmas:
        parts = []
        for name in names:
            row = first.loc[(sigma, name)]
            value, low, high = 100 * np.array([row[column] for column in SHARES], dtype=float)
            parts.append(
                f"{rst_literal(name)} {value:.1f} % ({low:.1f} to {high:.1f}), mean radius "
                f"{decimal(row['mean_radius'])}, abstains for {100 * row['abstained']:.1f} %"
            )
        sentences.append(f"At σ = {sigma:g}, right and certified: {'; '.join(parts)}.")
    return " ".join(sentences)
