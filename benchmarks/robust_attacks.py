"""Whether what config.robust.yaml finds holds under a stronger attack than it trains or tests with.

    python benchmarks/robust_attacks.py results/robust

APGD (50 steps, on the cross-entropy and on the difference of logits ratio) at the run's budgets, on
the first 200 test images of each training, clean ones that are wrong included: the least accuracy
of the two losses, image by image. A defence that only hides its gradients falls further than its
accuracy under PGD says. The mean over the trainings of a recipe, with a 95 % interval of Student's
t over them.
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
from manifold_robustness.configuration import read_config  # noqa: E402
from manifold_robustness.experiment import read_experiment  # noqa: E402
from manifold_robustness.intervals import student_interval  # noqa: E402
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
LOSSES = ("cross_entropy", "dlr")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="results/robust")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--steps", type=int, default=50)
    given = parser.parse_args()
    torch.set_num_threads(1)
    overlay = ROOT / "config.robust.yaml"
    experiment = read_experiment(read_config([ROOT / "config.yaml", overlay]), [overlay], ROOT)
    data = load_split(experiment.data, "test")
    places = np.arange(given.images)
    images = torch.from_numpy(gather_images(data, places))
    labels = torch.from_numpy(np.asarray(labels_of(data))[places])
    n_classes = len(class_names(experiment.data))
    found = defaultdict(list)
    for name, entry in experiment.networks.items():
        weights = given.folder / name / "weights/weights.safetensors"
        network = load_network(entry.architecture, n_classes, weights, CPU)
        for budget in BUDGETS:
            right = still_right(network, images, labels, places, budget, given.steps)
            found[entry.recipe, budget].append(float(right.double().mean()))
            print(f"{name}, {budget}: {found[entry.recipe, budget][-1]:.3f}", flush=True)
    print("\n| training | " + " | ".join(f"APGD {one}" for one in BUDGETS) + " |")
    print("|---|" + "---|" * len(BUDGETS))
    for recipe in dict.fromkeys(key for key, _ in found):
        told = [student_interval(100 * np.array(found[recipe, one])) for one in BUDGETS]
        cells = [f"{mean:.1f} ({low:.1f} to {high:.1f})" for mean, low, high in told]
        print(f"| {recipe} | " + " | ".join(cells) + " |")


def still_right(network, images, labels, places, budget, steps):
    """Which images neither loss leads astray."""
    right = torch.ones(len(images), dtype=torch.bool)
    for loss in LOSSES:
        entry = {"family": "apgd", "loss": loss, "steps": steps, "strengths": [budget]}
        ((condition,),) = (family.conditions for family in list_families([entry]))
        settings = {"seed": 42, "device": CPU, "batch_size": 50}
        attacked = perturb_batch(condition, images, labels, places, network, **settings)
        with torch.no_grad():
            right &= network(attacked).argmax(1) == labels
    return right


if __name__ == "__main__":
    main()
