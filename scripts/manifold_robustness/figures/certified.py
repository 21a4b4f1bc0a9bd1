"""What is certified of a smoothed network, beside the geometry of the layers under that noise."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..conditions import CLEAN
from ..names import rst_literal
from .about import About
from .comparison import COLOURS, MARKERS
from .layer_lines import CLEAN_DASHES, label_layers
from .measures import CAPACITY
from .reading import decimal, last_layer, layers, limits, require_rows, with_interval
from .style import QUIET, new_figure, set_title

DECLARATION = {
    "title": "certified accuracy",
    "scope": "network",
    "inputs": ["certified", "certified_classes", "geometry", "summary"],
    "order": 95,
    "caption": (
        "Randomized smoothing: the network answers with the class that it gives most often to an "
        "image under Gaussian noise, which is not clipped. (a) Share of test images whose answer "
        "is proven to be right for every perturbation of at most this Euclidean norm (pixels in "
        "[0, 1]), with two-sided 95 % Clopper-Pearson intervals over images; a line ends at the "
        "greatest radius that so many draws can prove. (b) The mean certified radius of a class's "
        "certified images (0 where the answer is wrong or none) against the capacity of its "
        "manifold of selected images in the last layer, the harmonic mean over replicates; the "
        "two sets of images are drawn independently. (c) The mean capacity of every layer, with "
        "95 % intervals (Student's t) over disjoint draws of images. Both capacities are those "
        "under the same noise where the run measures it (Gaussian noise of this σ with clip: "
        "false), else those of clean images."
    ),
    "options": {
        "properties": {
            "size": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "number", "minimum": 1, "maximum": 100},
                "description": "width and height in inches",
                "default": [13, 4.8],
            },
            "labels": {
                "enum": ["path", "reference"],
                "description": "names of layers: module paths, or the reference extractor's labels",
                "default": "path",
            },
        }
    },
}

SHARES = with_interval(["certified_accuracy"])
OF_CERTIFICATE = ["sigma", "radius", "n_images", "abstained", "mean_radius"]
OF_CERTIFICATE += ["n_estimation", "alpha"]


def draw(
    inputs: Mapping[str, pd.DataFrame], about: About, *, size: tuple[float, float], labels: str
) -> tuple[Figure, str]:
    """Return certified accuracy (a), and radii of classes (b) and capacities of layers (c).

    ``certified`` has one row per (sigma, radius), ``certified_classes`` one per (sigma, class),
    ``geometry`` and ``summary`` are those of the run; ``about.smoothed`` names the condition whose
    geometry goes with a sigma. `labels`: see :func:`.reading.layers`.
    """
    certified, classes = inputs["certified"], inputs["certified_classes"]
    require_rows(certified, [*OF_CERTIFICATE, *SHARES], "certified")
    require_rows(classes, ["sigma", "manifold", "mean_radius"], "certified_classes")
    summary, sigmas = inputs["summary"], sorted(certified["sigma"].unique())
    conditions = {sigma: about.smoothed.get(f"sigma-{sigma:g}", CLEAN) for sigma in sigmas}
    last = last_layer(summary)["layer"].iloc[0]
    points = {
        sigma: _classes(classes[classes["sigma"] == sigma], inputs["geometry"], condition, last)
        for sigma, condition in conditions.items()
    }
    figure = new_figure(size)
    first, second, third = figure.subplots(1, 3)
    _draw_shares(first, certified, about)
    _draw_classes(second, points, last)
    _draw_layers(third, summary, conditions, labels)
    handles, names = first.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 5))
    n_images = int(certified["n_images"].iloc[0])
    set_title(figure, about.heading("certified by randomized smoothing"), f"{n_images} test images")
    return figure, _describe(certified, points, last, conditions)


def _classes(
    classes: pd.DataFrame, geometry: pd.DataFrame, condition: str, last: str
) -> pd.DataFrame:
    """One row per class of the manifolds: mean_radius and capacity; none of exemplars."""
    own = geometry[(geometry["condition"] == condition) & (geometry["layer"] == last)]
    capacities = 1 / (1 / own["capacity"]).groupby(own["manifold"], sort=False).mean()
    classes = classes.dropna(subset=["mean_radius"])  # of all test images, few may be certified
    return classes.merge(capacities.rename("capacity"), left_on="manifold", right_index=True)


def _draw_shares(axes: Axes, certified: pd.DataFrame, about: About) -> None:
    for i, (sigma, rows) in enumerate(certified.groupby("sigma")):
        colour = COLOURS[i % len(COLOURS)]
        value, low, high = 100 * rows[SHARES].to_numpy(float).T
        axes.fill_between(rows["radius"], low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(rows["radius"], value, color=colour, label=f"σ = {sigma:g}")
        for published in about.certificates.get(f"sigma-{sigma:g}", ()):
            axes.plot(
                published["radius"],
                100 * np.array(published["certified_accuracy"]),
                "s",
                color=colour,
                markerfacecolor="white",
                linestyle="none",
                clip_on=False,
                label=f"published, σ = {sigma:g}: {published['title']}",
            )
    axes.set(title="(a) Certified accuracy", xlabel="radius (L2)", ylabel="certified accuracy (%)")
    axes.set(xlim=(0, None), ylim=(0, 102))
    axes.grid()


def _draw_classes(axes: Axes, points: Mapping[float, pd.DataFrame], last: str) -> None:
    for i, (_, rows) in enumerate(points.items()):
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)][0]
        axes.scatter(rows["capacity"], rows["mean_radius"], s=22, color=colour, marker=marker)
        for row in rows.itertuples():
            axes.annotate(
                str(row.manifold),
                (row.capacity, row.mean_radius),
                xytext=(3, 2),
                textcoords="offset points",
                fontsize=7,
            )
    if all(rows.empty for rows in points.values()):
        text = "no manifold of this run is a class"
        axes.text(0.5, 0.5, text, ha="center", color=QUIET, transform=axes.transAxes)
    axes.set_xlabel(f"capacity {CAPACITY.label} of the class", parse_math=True)
    axes.set(title=f"(b) Classes in {last}", ylabel="mean certified radius", ylim=(0, None))
    axes.grid()


def _draw_layers(
    axes: Axes, summary: pd.DataFrame, conditions: Mapping[float, str], labels: str
) -> None:
    shown = dict.fromkeys([CLEAN, *conditions.values()])
    tops = []
    for condition in shown:
        rows = summary[summary["condition"] == condition].sort_values("layer_index")
        if rows.empty:  # clean exemplars have no geometry
            continue
        value, low, high = rows[with_interval(["capacity"])].to_numpy(float).T
        places = np.arange(len(rows))
        sigma = next((one for one, name in conditions.items() if name == condition), None)
        of_clean = condition == CLEAN
        colour = "black" if of_clean else COLOURS[list(conditions).index(sigma) % len(COLOURS)]
        axes.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
        style = CLEAN_DASHES if of_clean else "-"
        axes.plot(places, value, color=colour, linestyle=style, marker="o", markersize=2.5)
        tops.append(limits(value, low, high)[1])
    names = layers(summary, labels)
    label_layers(axes, names, columns=3)
    clean = CLEAN in set(summary["condition"])
    title = f"(c) Capacity along the network{' (clean - -)' if clean else ''}"
    axes.set(title=title, ylim=(0, max(tops, default=1)))
    if not tops:
        text = "no geometry under this noise"
        axes.text(0.5, 0.5, text, ha="center", color=QUIET, transform=axes.transAxes)
    axes.set_ylabel(f"capacity {CAPACITY.label}", parse_math=True)
    axes.grid()


def _describe(
    certified: pd.DataFrame,
    points: Mapping[float, pd.DataFrame],
    last: str,
    conditions: Mapping[float, str],
) -> str:
    sentences = []
    for sigma, rows in certified.groupby("sigma"):
        first = rows.iloc[0]
        value, low, high = 100 * first[SHARES].to_numpy(float)
        half = rows.iloc[(rows["radius"] - sigma).abs().argmin()]
        text = (
            f"σ = {sigma:g}: the smoothed network is right, and certified at all, for "
            f"{value:.1f} % of {int(first.n_images)} images ({low:.1f} to {high:.1f} %), for "
            f"{100 * half.certified_accuracy:.1f} % within the radius {half.radius:g}; it abstains "
            f"for {100 * first.abstained:.1f} %. The mean certified radius is "
            f"{decimal(first.mean_radius)}, of at most {decimal(rows['radius'].iloc[-1])} that "
            f"{int(first.n_estimation)} draws can prove at alpha {first.alpha:g}."
        )
        own = points[sigma]
        if own["mean_radius"].nunique() > 2:
            rank = own["capacity"].rank().corr(own["mean_radius"].rank())
            fewest, most = own["n_images"].min(), own["n_images"].max()
            each = f"{fewest} to {most}" if fewest < most else f"{most}"
            text += (
                f" Over {len(own)} classes with {each} images each, the rank correlation of the "
                f"mean radius with the capacity of {rst_literal(last)} "
                f"({rst_literal(conditions[sigma])}) is {rank:.2f}."
            )
        sentences.append(text)
    return " ".join(sentences)
