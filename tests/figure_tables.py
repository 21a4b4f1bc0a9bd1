"""Made-up tables and images of a run, figures drawn from them, and what a reader sees of those."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from manifold_robustness.declarations import plugin_names, read_declaration
from manifold_robustness.figures.about import About, FamilyNames
from manifold_robustness.figures.drawing import EXEMPLARS, OF_MANIFOLDS, draw_figure
from manifold_robustness.figures.reading import StoredFile
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.files.images import write_images
from manifold_robustness.lineage import Origin

SIGMA = Strength("sigma", "σ", "standard deviation of the noise, pixel units")
ABOUT = About(family="gaussian", title="Gaussian noise", strength=SIGMA)
EPSILON = Strength("epsilon", "ε", "largest change of a pixel, levels of 1/255", "linf", 255)
FAMILIES = {
    "gaussian": FamilyNames("Gaussian noise", SIGMA),
    "pgd": FamilyNames("PGD", EPSILON),
    "jsma": FamilyNames("JSMA", Strength("gamma", "γ", "largest share of values that change")),
}
NEVER = "accuracy stays at or above 70 %, and 45 % is to be crossed"  # of the last one
LAYERS = ["input", "layer1.0.conv1", "fc.1"]
LEVELS = [0.0, 0.01, 0.1, 1.0]
NETWORKS = ["plain", "noisy"]
MEASURES = {
    "capacity": 0.1,
    "radius": 1.0,
    "dimension": 5.0,
    "rank_dimension": 6.0,
    "center_correlation": 0.2,
    "joint_capacity": 0.12,
    "joint_dimension": 4.0,
    "joint_radius": 0.8,
    "joint_utility": 0.25,
    "joint_center_alignment": -0.1,
    "joint_axis_alignment": 0.05,
    "joint_center_axis_alignment": -0.02,
    "joint_zero_share": 0.01,
    "joint_inseparable_share": 0.005,
    "joint_capacity_floor": 0.02,
    "readout_accuracy": 0.3,
}
# A run that shuffles the classes has these too.
SHUFFLED = {
    "shuffled_capacity": 0.07,
    "shuffled_dimension": 8.0,
    "shuffled_radius": 2.0,
    "shuffled_center_correlation": 0.15,
    "shuffled_joint_capacity": 0.06,
    "shuffled_readout_accuracy": 0.04,
}
COUNTS = [10, 20, 30]  # points, in a table of subsets
PANELS = ["capacity", "dimension", "radius", "center_correlation"]
INPUTS = (
    "history",
    "summary",
    "accuracy",
    "geometry",
    "subsets",
    "matched",
    "images",
    "certified",
    "certified_classes",
    "trainings",
)
ENDS = {"": 1.0, "_low": 0.95, "_high": 1.05}
NAMES = plugin_names("figures")


def value(measure: str, layer: int, level: int) -> float:
    return (MEASURES | SHUFFLED)[measure] * (1 + layer + 0.1 * level)


def condition(strength: float, family: str = "gaussian") -> dict:
    clean, name = strength == 0, FAMILIES[family].strength.name
    return {
        "condition": "clean" if clean else f"{family}/{name}-{strength:g}",
        "family": "clean" if clean else family,
        "strength": strength,
    }


def of_families(table: pd.DataFrame) -> pd.DataFrame:
    """A table of Gaussian noise with the same rows for each of `FAMILIES`; clean stands once."""
    noisy = table[table["strength"] > 0]
    parts = [table[table["strength"] == 0]]
    for family in FAMILIES:
        names = [condition(level, family)["condition"] for level in noisy["strength"]]
        parts.append(noisy.assign(family=family, condition=names))
    return pd.concat(parts, ignore_index=True)


def make_summary(
    layers=LAYERS, levels=LEVELS, replicates=3, network="plain", shuffled=False
) -> pd.DataFrame:
    rows, measures = [], [*MEASURES, *(SHUFFLED if shuffled else ())]
    for j, level in enumerate(levels):
        for i, layer in enumerate(layers):
            row = {"network": network} | condition(level)
            row |= {
                "layer": layer,
                "layer_index": i,
                "layer_label": f"layer_{5 * i}_Conv2d",
                "n_manifolds": 10,
                "n_replicates": replicates,
                "n_points": 30,
            }
            for measure in measures:
                width = 0.02 * abs(value(measure, i, j)) if replicates > 1 else np.nan
                row[measure] = value(measure, i, j)
                row[f"{measure}_low"] = row[measure] - width
                row[f"{measure}_high"] = row[measure] + width
            rows.append(row)
    # The order of rows is nobody's promise.
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def make_subsets(
    layers=LAYERS, levels=LEVELS, replicates=3, network="plain", joint=True
) -> pd.DataFrame:
    """Capacities that fall with the points as 1 + 3 / M, other measures that rise with them."""
    measures = ["capacity", "dimension", "radius", *(["joint_capacity"] if joint else [])]
    rows = [
        {"network": network}
        | condition(level)
        | {
            "layer": layer,
            "layer_index": i,
            "layer_label": f"layer_{5 * i}_Conv2d",
            "n_manifolds": 10,
            "n_features": 100,
            "replicate": replicate,
            "n_points": n_points,
        }
        | {measure: subset_value(measure, i, j, replicate, n_points) for measure in measures}
        for j, level in enumerate(levels)
        for i, layer in enumerate(layers)
        for replicate in range(replicates)
        for n_points in COUNTS
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=2)


def subset_value(measure: str, layer: int, level: int, replicate: int, n_points: int) -> float:
    trend = 1 + 3 / n_points if measure.endswith("capacity") else 1 - 3 / n_points
    return value(measure, layer, level) * trend * (1 + 0.01 * replicate)


def make_matched(layers=LAYERS, levels=LEVELS, network="plain") -> pd.DataFrame:
    """Families matched at 45 %, halfway between two levels, but for the last, which never is."""
    *matched, last = FAMILIES
    common = {"network": network, "accuracy": 0.45}
    rows = [
        common
        | {"family": family, "below": levels[-2], "above": levels[-1], "reason": ""}
        | {"layer": layer, "layer_index": i, "quantity": measure}
        | {f"value{end}": part * matched_value(measure, i, j) for end, part in ENDS.items()}
        for j, family in enumerate(matched)
        for i, layer in enumerate(layers)
        for measure in (*PANELS, "joint_capacity", "readout_accuracy")
    ]
    return pd.DataFrame([*rows, common | {"family": last, "reason": NEVER}])


def matched_value(measure: str, layer: int, family: int) -> float:
    """Values of families lie further apart in later layers."""
    return value(measure, layer, 2) * (1 + 0.1 * family * layer)


def make_accuracy(levels=LEVELS, network="plain", loss=0.2) -> pd.DataFrame:
    rows = [
        {"network": network}
        | condition(level)
        | {
            "n_classes": 10,
            "n_images": 1000,
            "n_correct": 900 - 1000 * loss * j,
            "accuracy": 0.9 - loss * j,
            "accuracy_low": 0.87 - loss * j,
            "accuracy_high": 0.93 - loss * j,
            "kept_accuracy": 1 - loss * j,
        }
        for j, level in enumerate(levels)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=1)


CLASSES = [f"class {i}" for i in range(10)]
SIGMAS = [0.1, 0.25]  # of certificates; the table's levels have 0.1 too


def make_geometry(layers=LAYERS, levels=LEVELS, replicates=3, network="plain") -> pd.DataFrame:
    """Capacities of classes that rise with their place, around that of the layer."""
    rows = [
        {"network": network}
        | condition(level)
        | {"layer": layer, "replicate": replicate, "manifold": name}
        | {"capacity": value("capacity", i, j) * (1 + 0.02 * place + 0.01 * replicate)}
        for j, level in enumerate(levels)
        for i, layer in enumerate(layers)
        for replicate in range(replicates)
        for place, name in enumerate(CLASSES)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=3)


def make_certified(network="plain", sigmas=SIGMAS) -> pd.DataFrame:
    """Shares that fall from 0.8 to nothing at 2.4 sigma."""
    parts = []
    for sigma in sigmas:
        radius = 0.01 * np.arange(round(240 * sigma) + 1)
        share = 0.8 * (1 - radius / radius[-1])
        fixed = {"n_images": 200, "abstained": 0.1, "mean_radius": sigma}
        fixed |= {"n_selection": 100, "n_estimation": 1000, "alpha": 0.001}
        columns = {"network": network, "sigma": sigma, "radius": radius, **fixed}
        columns |= {f"certified_accuracy{end}": one * share for end, one in ENDS.items()}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def make_certified_classes(network="plain", sigmas=SIGMAS, classes=CLASSES) -> pd.DataFrame:
    """Radii that fall as the class's place rises."""
    rows = [
        {"network": network, "sigma": sigma, "manifold": name, "n_images": 20}
        | {"mean_radius": sigma * (1 - 0.05 * place)}
        for sigma in sigmas
        for place, name in enumerate(classes)
    ]
    return pd.DataFrame(rows)


RECIPES = {"plain": 3, "noisy": 1}  # trainings of each


def make_trainings(layers=LAYERS, levels=LEVELS, recipes=RECIPES) -> pd.DataFrame:
    """Values of the other tables, those of the second recipe a tenth lower."""
    rows = []
    for place, (recipe, count) in enumerate(recipes.items()):
        factor = 1 - 0.1 * place
        for j, level in enumerate(levels):
            common = {"recipe": recipe, "n_trainings": count} | condition(level)
            of_accuracy = {"layer": "", "layer_index": None, "quantity": "accuracy"}
            rows.append(common | of_accuracy | spread(factor * (0.9 - 0.2 * j), count))
            rows += [
                common
                | {"layer": layer, "layer_index": i, "quantity": quantity}
                | spread(factor * value(quantity, i, j), count)
                for i, layer in enumerate(layers)
                for quantity in ("capacity", "joint_capacity", "readout_accuracy")
            ]
    return pd.DataFrame(rows)


def spread(value: float, count: int) -> dict:
    """A mean over trainings, its intervals, and its difference from the first recipe."""
    wide = 0.2 * value if count > 1 else np.nan
    names = ["value", "trainings_low", "trainings_high", "images_low", "images_high"]
    ends = [value, value - wide, value + wide, 0.95 * value, 1.05 * value]
    names += ["difference", "difference_low", "difference_high"]
    return dict(zip(names, [*ends, -0.05, -0.09, -0.01], strict=True))


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


def make_pictures(n: int, channels: int = 3) -> list[np.ndarray]:
    return [np.full((channels, 4, 4), i / n, dtype=np.float32) for i in range(n)]


def origin(condition: str, network: str = "plain") -> Origin:
    """Return what a made-up file of one condition says of itself."""
    return Origin(network, condition, lineage={network: {}})


def write_examples(
    folder: Path, pictures, predicted, true_class, levels=LEVELS, network="plain"
) -> dict:
    """Write one image under each strength with the class predicted; return what a figure gets."""
    places = [condition(level) for level in levels]
    return write_pictures(folder, places, pictures, predicted, true_class, network)


def write_pictures(folder: Path, places, pictures, predicted, true_class, network="plain") -> dict:
    """Write one image under each of `places`, as :func:`condition` names them."""
    classes = sorted({"bird", true_class, *predicted})
    inputs = {}
    for name, picture, found in zip(places, pictures, predicted, strict=True):
        path = Path(folder, f"{name['condition']}.zarr.zip")
        path.parent.mkdir(parents=True, exist_ok=True)
        wanted = origin(name["condition"], network)
        images, answer = picture[None, None, None], np.full((1, 1, 1), classes.index(found))
        described = {"classes": classes, "manifold_class": [[true_class]]}
        write_images(path, images, np.zeros((1, 1, 1), int), answer, wanted, described)
        inputs[name["condition"]] = StoredFile(path, wanted)
    return {"images": inputs}


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
    columns = ["quantity", "source", "strength", "value", "error"]
    return pd.DataFrame(rows, columns=columns).assign(label="as printed", layer="")


def make_published_layers() -> pd.DataFrame:
    """Capacities of two layers, one that the tables lack, and a level beyond `LEVELS`."""
    rows = [("input", 0.1, 0.5), ("fc.1", 0.1, 60.0), ("conv9", 0.1, 0.7), ("input", 0.2, 0.9)]
    table = pd.DataFrame(rows, columns=["layer", "strength", "value"])
    return table.assign(quantity="capacity", source="elsewhere", label="printed", error=0.1)


def about(levels=LEVELS, **changes) -> About:
    strengths = {condition(level)["condition"]: level for level in levels}
    return About(**{**vars(ABOUT), "strengths": strengths, **changes})


def draw(name, subject=None, **given):
    """Return a figure and its sentences, of given inputs and with given options."""
    inputs = {key: given.pop(key) for key in INPUTS if key in given}
    figure, caption = draw_figure(name, inputs, subject or about(), **given)
    declared = read_declaration("figures", name, "figure")
    start = declared["caption"]
    if subject and subject.manifolds == "exemplar" and OF_MANIFOLDS & set(declared["inputs"]):
        start += EXEMPLARS
    assert caption.startswith(f"{start}\n\n")
    return figure, caption.removeprefix(f"{start}\n\n")


def draw_example(
    name,
    folder,
    levels=LEVELS,
    layers=LAYERS,
    replicates=3,
    shuffled=False,
    exemplar=False,
    **changes,
):
    """Return a figure of made-up inputs, as its declaration asks for them.

    Of an `exemplar` run, the tables of the geometry have no clean rows.
    """
    measured = [level for level in levels if level or not exemplar]
    changes |= {"manifolds": "exemplar"} if exemplar else {}
    declared = read_declaration("figures", name, "figure")
    networks = NETWORKS if declared["scope"] == "comparison" else NETWORKS[:1]
    several = declared["scope"] == "families"
    examples = "images" in declared["inputs"]
    every = of_families if several else pd.DataFrame
    makers = {
        "history": make_history,
        "summary": lambda: pd.concat(
            every(make_summary(layers, measured, replicates, network, shuffled))
            for network in networks
        ),
        "subsets": lambda: pd.concat(
            make_subsets(layers, measured, replicates, network) for network in networks
        ),
        "matched": lambda: make_matched(layers, measured),
        "accuracy": lambda: pd.concat(
            every(make_accuracy(levels, network)) for network in networks
        ),
        "geometry": lambda: make_geometry(layers, measured, replicates),
        "certified": make_certified,
        "certified_classes": make_certified_classes,
        "trainings": lambda: make_trainings(layers, levels),
        "images": dict,
    }
    inputs = {key: makers[key]() for key in declared["inputs"]}
    if examples:
        families = FAMILIES if several else ["gaussian"]
        places = [condition(level, one) for one in families for level in levels if level]
        places = [condition(0)] * (0 in levels) + places
        pictures = make_pictures(len(places))
        predicted = ["car"] + ["truck"] * (len(places) - 1)
        inputs |= write_pictures(folder, places, pictures, predicted, "car")
    if several:
        changes |= {"title": "", "families": named_families(changes.get("title"))}
    return draw(name, about(levels, **changes), **inputs)[0]


def named_families(title: str | None = None) -> dict:
    """`FAMILIES`, the first of them with another title, where there is one."""
    first = FAMILIES["gaussian"]
    return FAMILIES | {"gaussian": FamilyNames(title or first.title, first.strength)}


def visible_text(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_visible()]


def curves(axes) -> dict:
    """Lines of a panel of layers by colour, as tuples of RGBA."""
    return {matplotlib.colors.to_rgba(line.get_color()): line for line in axes.lines}


def open_marks(axes) -> list:
    """Lines of a panel whose marks are open."""
    return [line for line in axes.lines if str(line.get_markerfacecolor()) == "white"]
