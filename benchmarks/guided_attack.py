"""What an attack that is guided by geometry does, beside PGD and noise of the same budget.

    python benchmarks/guided_attack.py results/digits/resnet18 --csv table.csv

Of a finished run's network and its selected images (each replicate is a set of P x M of them): the
network's own accuracy and, in the layer that guides and in the last one, the capacity of the
mean-field theory, that of the joint program, and the accuracy of a readout trained anew; in the
guiding layer the simulated capacity too. All by probes that no attack has seen. `--attacks` picks
rows by name. The mean over replicates and, behind ±, its standard error. `--figure` draws the
joint capacity and the readout's accuracy in every layer that is measured (`--also` names more),
from one or several tables that `--csv` wrote before:

    python benchmarks/guided_attack.py --figure docs/images/guided.png table.csv ...

A step's cost is that of a whole attack, over its steps, beside that of PGD in the same process.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import argparse
import csv
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "scripts")]

from manifold_robustness.conditions import CLEAN, list_families  # noqa: E402
from manifold_robustness.figures.style import in_style, new_figure  # noqa: E402
from manifold_robustness.files.images import read_images  # noqa: E402
from manifold_robustness.files.stamps import read_origin  # noqa: E402
from manifold_robustness.geometry import (  # noqa: E402
    analyze_jointly,
    analyze_manifolds,
    readout_accuracy,
    simulate_capacity,
)
from manifold_robustness.lineage import Origin  # noqa: E402
from manifold_robustness.network.layers import (  # noqa: E402
    analysed_names,
    keep_outputs,
    list_layers,
)
from manifold_robustness.network.weights import load_network  # noqa: E402
from manifold_robustness.perturbations.apply import perturb_batch  # noqa: E402
from manifold_robustness.perturbations.draws import Draws  # noqa: E402
from manifold_robustness.perturbations.guidance import guiding_layers  # noqa: E402

CPU = torch.device("cpu")
JOINT = {"objective": "joint_capacity", "n_gaussian_vectors": 24}
FIXED, ALSO_LAST = "fixed", "also_last"  # not of the family: see `attack`
ATTACKS = {
    "clean": None,
    "sign noise": {"family": "sign_noise"},
    "PGD": {"family": "pgd", "relative_step": 0.125},
    "PGD, steps of 0.25": {"family": "pgd"},
    "guided, mean field": {"family": "guided"},
    "guided, mean field, 200 probes": {"family": "guided", "n_gaussian_vectors": 200},
    "guided, mean field, the same probes at every step": {"family": "guided", FIXED: True},
    "guided, mean field, also the head": {"family": "guided", ALSO_LAST: True},
    "guided, joint": {"family": "guided", **JOINT},
    "guided, joint, the same probes at every step": {"family": "guided", **JOINT, FIXED: True},
    "guided, joint, 50 probes": {"family": "guided", **JOINT, "n_gaussian_vectors": 50},
} | {
    f"guided, {name}, w = {weight:g}": {
        "family": "guided",
        **options,
        "cross_entropy_weight": weight,
    }
    for name, options in (("mean field", {}), ("joint", JOINT))
    for weight in (0.1, 0.3, 1, 3, 10, 30)
}
MEASURES = ("capacity", "joint_capacity", "readout_accuracy")
TICKS = (0.1, 0.2, 0.5, 1)  # of the capacity
DRAWN = {  # in a figure: name, colour, mark
    "clean": ("clean images", "0.35", "o"),
    "sign noise": ("signs at random", "#009E73", "s"),
    "PGD": ("PGD on the cross-entropy", "#D55E00", "v"),
    "guided, mean field": ("guided by the mean-field capacity", "#0072B2", "^"),
    "guided, joint": ("guided by the joint capacity", "#CC79A7", "D"),
}


def main():
    options = read_options()
    if options.figure:
        draw(options.figure, options.folders, options.epsilon)
        return
    (folder,) = options.folders
    network, images, places = read_run(folder)
    guiding = guiding_layers(network, options.layers, images.shape[3:])
    last = analysed_names(network, list_layers(network, images.shape[3:]))[-1]
    options.last = last
    layers = list(dict.fromkeys([*options.also, *guiding, last]))
    rows = []
    for name, entry in ATTACKS.items():
        if options.attacks and name not in options.attacks:
            continue
        found = [
            measure(network, one, at, entry, layers, guiding, options)
            for one, at in list(zip(images, places, strict=True))[: options.replicates]
        ]
        rows += [{"attack": name, "replicate": k, **row} for k, row in enumerate(found)]
        report(name, found)
    if options.csv:
        with open(options.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def read_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = "results/<run>/<network>; with --figure, tables"
    parser.add_argument("folders", type=Path, nargs="+", metavar="folder", help=what)
    parser.add_argument("--figure", type=Path, help="draw tables")
    parser.add_argument("--attacks", nargs="+", choices=list(ATTACKS), help="rows; all of them")
    parser.add_argument("--layers", nargs="+", help="that guide; the last before the head")
    parser.add_argument("--also", nargs="+", default=[], help="further layers to measure")
    parser.add_argument("--epsilon", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--replicates", type=int, help="so many of the sets; all of them")
    parser.add_argument("--csv", type=Path)
    return parser.parse_args()


def read_run(folder):
    """The network, and its selected images and their places, by replicate."""
    path = folder / f"images/{CLEAN}.zarr.zip"
    said = read_origin(path)
    origin = Origin(said["network"], CLEAN, lineage=said["lineage"])
    images, places, attributes = read_images(path, origin)
    architecture = said["lineage"][said["network"]]
    architecture = next(iter(architecture.values()))["settings"]["settings"]["architecture"]
    weights = folder / "weights/weights.safetensors"
    network = load_network(architecture, len(attributes["classes"]), weights, CPU)
    return network, images, places


def measure(network, images, places, entry, layers, guiding, options):
    """What the attack on one replicate leaves, and what it costs."""
    shape = images.shape[:2]
    labels = torch.arange(shape[0])[:, None].expand(shape).contiguous()
    start = time.process_time()
    perturbed = attack(network, torch.from_numpy(images), labels, places, entry, guiding, options)
    seconds = time.process_time() - start
    kept = {}
    with torch.no_grad(), keep_outputs(network, layers, kept.__setitem__):
        answers = network(perturbed.flatten(0, 1)).argmax(1)
    row = {"seconds": seconds, "accuracy": float((answers == labels.flatten()).double().mean())}
    for layer in layers:
        points = kept[layer].flatten(1).double().numpy()
        points = np.linalg.qr(points.T, mode="r").T.reshape(*shape, -1)
        values = (
            analyze_manifolds(
                points, n_gaussian_vectors=100, seed=99, warn_if_transposed=False
            ).mean_capacity,
            analyze_jointly(points, n_draws=300, seed=99).capacity,
            readout_accuracy(points).accuracy,
        )
        row |= {f"{layer} {key}": value for key, value in zip(MEASURES, values, strict=True)}
        if layer == guiding[0]:
            row[f"{layer} simulated_capacity"] = simulate_capacity(points, seed=99).capacity
    return row


def attack(network, images, labels, places, entry, guiding, options):
    if entry is None:
        return images
    shape, entry = images.shape, {"strengths": [options.epsilon], **entry}
    fixed, also_last = entry.pop(FIXED, False), entry.pop(ALSO_LAST, False)
    if entry["family"] == "guided":
        entry |= {"layers": [*guiding, options.last] if also_last else guiding}
    if entry["family"] != "sign_noise":
        entry |= {"steps": options.steps}
    ((condition,),) = (family.conditions for family in list_families([entry]))
    if condition.scope == "image":
        images, labels, places = images.flatten(0, 1), labels.flatten(), places.ravel()
    settings = {"seed": 42, "device": CPU, "batch_size": 50}
    with same_probes() if fixed else nullcontext():
        perturbed = perturb_batch(condition, images, labels, places, network, **settings)
    return perturbed.reshape(shape)


@contextmanager
def same_probes():
    """Give every step of an attack the probes of the first."""
    of_set = Draws.of_set
    Draws.of_set = lambda draws, step: of_set(draws, 0)
    try:
        yield
    finally:
        Draws.of_set = of_set


@in_style
def draw(path, tables, epsilon):
    """The joint capacity and the readout's accuracy along the layers, a line for each attack."""
    rows = [row for table in tables for row in csv.DictReader(table.open(encoding="utf-8"))]
    layers = [key.rpartition(" ")[0] for key in rows[0] if key.endswith(" joint_capacity")]
    figure = new_figure((9, 3.6))
    panels = figure.subplots(1, 2)
    labels = {"joint_capacity": "joint capacity α", "readout_accuracy": "accuracy of a readout, %"}
    every = layers
    for axes, (quantity, label) in zip(panels, labels.items(), strict=True):
        # Of so few features as the head has, every attack leaves the least joint capacity there is.
        layers = every[:-1] if quantity == "joint_capacity" else every
        for attack, (told, colour, mark) in DRAWN.items():
            own = [row for row in rows if row["attack"] == attack]
            if not own:
                continue
            values = np.array([[float(row[f"{one} {quantity}"]) for one in layers] for row in own])
            values = values * (100 if quantity == "readout_accuracy" else 1)
            error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
            look = {"color": colour, "marker": mark, "markersize": 5, "capsize": 2}
            axes.errorbar(range(len(layers)), values.mean(axis=0), error, label=told, **look)
        axes.set_xticks(range(len(layers)), layers, rotation=30, ha="right")
        axes.set_ylabel(label)
        axes.grid(axis="y")
    panels[0].set_yscale("log")
    panels[0].set_yticks(TICKS, [f"{one:g}" for one in TICKS])
    panels[0].minorticks_off()
    panels[1].set_ylim(0, 104)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(f"The same budget, L∞ ε = {epsilon:g}: what each entangles")
    figure.savefig(path, dpi=130)


def report(name, found):
    texts = [f"{np.mean([row['seconds'] for row in found]):.1f} s"]
    for key in list(found[0])[1:]:
        values = np.array([row[key] for row in found])
        error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
        texts.append(f"{key} {values.mean():.3f} ± {error:.3f}")
    print(f"{name}: " + ", ".join(texts), flush=True)


if __name__ == "__main__":
    main()
