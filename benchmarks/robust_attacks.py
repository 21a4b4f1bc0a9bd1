"""Whether what config.robust.yaml finds holds under a stronger attack than it trains or tests with.

    .venv/bin/python benchmarks/robust_attacks.py results/robust results/robust-control

Of every training in the runs' folders (benchmarks/robust_control.yaml says how the second one is
made): the accuracy on the first 200 test images, of which some are wrong when clean, as they are,
under PGD (20 steps of 0.25 ε), and under APGD (50 steps; the least accuracy of two losses,
cross-entropy and difference of logits ratio, image by image), at two budgets. A defence that only
hides its gradients falls further from PGD to APGD than others do.

Means over the trainings of a recipe with 95 % intervals of Student's t over trainings, cut at 0 and
100; then each recipe less `--beside`, with Welch's interval over trainings, and that of the same
difference over the images, the trainings held.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts")]

from manifold_robustness.conditions import list_families  # noqa: E402
from manifold_robustness.files.stamps import read_origin  # noqa: E402
from manifold_robustness.intervals import student_interval, welch_interval  # noqa: E402
from manifold_robustness.network.data_sets import (  # noqa: E402
    class_names,
    gather_images,
    labels_of,
    load_split,
)
from manifold_robustness.network.weights import load_network  # noqa: E402
from manifold_robustness.perturbations.apply import perturb_batch  # noqa: E402

CPU = torch.device("cpu")
BUDGETS = (0.05, 0.1)
ATTACKS = {
    "PGD": [{"family": "pgd", "steps": 20}],
    "APGD": [{"family": "apgd", "steps": 50, "loss": one} for one in ("cross_entropy", "dlr")],
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="results/robust, and others")
    parser.add_argument("--recipes", nargs="+", help="these only")
    parser.add_argument("--beside", default="adversarial", help="recipe to subtract")
    parser.add_argument("--images", type=int, default=200)
    given = parser.parse_args()
    torch.set_num_threads(1)
    right = defaultdict(dict)  # by recipe and column, then training: (n_images,)
    for path in trainings(given.folders):
        name, recipe, network, images, labels = read_training(path, given.images)
        if given.recipes and recipe not in given.recipes:
            continue
        for column, found in measure(network, images, labels):
            right[recipe, column][name] = found
            print(f"{name}, {column}: {100 * found.mean():.1f}", flush=True)
    report(right, given.beside)


def trainings(folders):
    found = [path for one in folders for path in one.glob("*/weights/weights.safetensors")]
    if not found:
        raise SystemExit(f"Need finished trainings in {', '.join(map(str, folders))}. Got none.")
    return sorted(found)


def read_training(path, n_images):
    """A training's name, its recipe, its network, and the first test images with their labels."""
    origin = read_origin(path)
    name = origin["network"]
    made = origin["lineage"][name]["train_network"]["settings"]
    data = load_split(made["data"], "test")
    places = np.arange(n_images)
    images = torch.from_numpy(gather_images(data, places))
    labels = torch.from_numpy(np.asarray(labels_of(data))[places])
    n_classes = len(class_names(made["data"]))
    network = load_network(made["settings"]["architecture"], n_classes, path, CPU)
    return name, name.rpartition("-")[0], network, images, labels


def measure(network, images, labels):
    """By column, which images the network has right."""
    yield "clean", still_right(network, images, labels, [], 0.0)
    for attack, entries in ATTACKS.items():
        for budget in BUDGETS:
            yield f"{attack}, {budget}", still_right(network, images, labels, entries, budget)


def still_right(network, images, labels, entries, budget):
    """Which images the network has right, clean ones too, under each of several attacks."""
    with torch.no_grad():
        right = network(images).argmax(1) == labels
    for entry in entries:
        ((condition,),) = (
            one.conditions for one in list_families([{**entry, "strengths": [budget]}])
        )
        settings = {"seed": 42, "device": CPU, "batch_size": 50}
        places = np.arange(len(images))
        attacked = perturb_batch(condition, images, labels, places, network, **settings)
        with torch.no_grad():
            right &= network(attacked).argmax(1) == labels
    return right.numpy()


def report(right, beside):
    recipes, columns = (list(dict.fromkeys(key)) for key in zip(*right, strict=True))
    table(columns, {one: [told(right[one, column]) for column in columns] for one in recipes})
    if beside in recipes:
        print(f"\nLess {beside}: over trainings; over images")
        others = [one for one in recipes if one != beside]
        table(
            columns,
            {
                one: [difference(right[beside, column], right[one, column]) for column in columns]
                for one in others
            },
        )


def table(columns, rows):
    print("\n| training | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells) + " |")


def told(found):
    mean, low, high = student_interval(shares(found))
    return f"{mean:.1f} ({max(low, 0):.1f} to {min(high, 100):.1f})"


def difference(first, second):
    mean, low, high = welch_interval(shares(first), shares(second))
    of_images = 100 * (np.mean([*second.values()], axis=0) - np.mean([*first.values()], axis=0))
    half = 1.96 * of_images.std(ddof=1) / np.sqrt(len(of_images))
    return f"{mean:+.1f} ({low:.1f} to {high:.1f}; {mean - half:.1f} to {mean + half:.1f})"


def shares(found):
    return np.array([100 * one.mean() for one in found.values()])


if __name__ == "__main__":
    main()
