"""The settings of the trainings in config.robust.yaml, by as many trials of each method.

    python benchmarks/tune_training.py

Each trial trains that file's network once, by its recipe with the trial's `perturb`, from a seed
that the file does not use. Weights are kept by the accuracy on validation images, as in any
training here, and judged by another accuracy on them: under PGD (L-infinity, 0.1, 20 steps), among
the trials that keep 90 % on clean ones. Test images are not looked at. CPU seconds are those of the
whole training, its evaluations included.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts")]

from manifold_robustness.conditions import list_families  # noqa: E402
from manifold_robustness.configuration import merge, read_config  # noqa: E402
from manifold_robustness.experiment import read_experiment  # noqa: E402
from manifold_robustness.network.data_sets import (  # noqa: E402
    SPLITS,
    class_names,
    gather_images,
    labels_of,
    load_split,
)
from manifold_robustness.network.training import train  # noqa: E402
from manifold_robustness.network.weights import initial_network  # noqa: E402
from manifold_robustness.perturbations.apply import perturb_batch  # noqa: E402

CPU = torch.device("cpu")
SEED = 1042
ARCHITECTURE = "resnet18_narrow"
FAST = {"random_start": True, "relative_step": 1.25}
GUIDED = {"steps": 1, "relative_step": 1.25}
TRIALS = {
    "standard": [None],
    "noise": [
        {"family": "gaussian", "strength": strength, "options": {}} for strength in (0.1, 0.25, 0.5)
    ],
    "adversarial": [
        {"family": "fgsm", "strength": strength, "options": FAST} for strength in (0.05, 0.1, 0.15)
    ],
    "guided": [
        {"family": "guided", "strength": strength, "options": GUIDED}
        for strength in (0.05, 0.1, 0.15)
    ],
    "guided-adversarial": [
        {
            "family": "guided",
            "strength": 0.1,
            "options": {**GUIDED, "cross_entropy_weight": weight},
        }
        for weight in (1.0, 3.0, 10.0)
    ],
}
ATTACK = {"family": "pgd", "relative_step": 0.125, "steps": 20, "strengths": [0.1]}


def main():
    trials = [(method, perturb) for method, several in TRIALS.items() for perturb in several]
    print(
        "| method | setting | PGD, validation | clean, validation | CPU s |\n|---|---|---|---|---|"
    )
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for (method, perturb), row in zip(trials, pool.map(trial, trials), strict=True):
            attacked, clean, seconds = row
            cells = (method, setting(perturb), f"{attacked:.3f}", f"{clean:.3f}", f"{seconds:.0f}")
            print("| " + " | ".join(cells) + " |", flush=True)


def setting(perturb):
    if perturb is None:
        return ""
    weight = perturb["options"].get("cross_entropy_weight")
    return f"{perturb['strength']:g}" + (f", w = {weight:g}" if weight else "")


def trial(asked):
    """Train once; return the validation accuracies, attacked and clean, and the CPU seconds."""
    torch.set_num_threads(1)
    name, perturb = asked
    config = read_config([ROOT / "config.yaml", ROOT / "config.robust.yaml"])
    entry = {"name": name, "architecture": ARCHITECTURE, "weights": "none"}
    recipe = {"threads": 1, "perturb": perturb, "min_accuracy": 0}
    config = merge(config, {"run": "tuning", "networks": [{**entry, "training": recipe}]})
    experiment = read_experiment(config, project=ROOT)
    splits = {split: load_split(experiment.data, split) for split in SPLITS}
    classes = class_names(experiment.data)
    start = {"weights": "none", "weights_file": None, "n_classes": len(classes), "seed": SEED}
    network = initial_network(ARCHITECTURE, **start)
    begun = time.process_time()
    train(network, splits, experiment.networks[name].training, SEED, CPU)
    seconds = time.process_time() - begun
    data = splits["validation"]
    labels = torch.from_numpy(labels_of(data))
    places = torch.arange(len(labels)).numpy()
    images = torch.from_numpy(gather_images(data, places))
    ((condition,),) = (family.conditions for family in list_families([ATTACK]))
    attacked = perturb_batch(
        condition, images, labels, places, network, seed=SEED, device=CPU, batch_size=50
    )
    network.eval()
    with torch.no_grad():
        found = [
            float((network(x).argmax(1) == labels).double().mean()) for x in (attacked, images)
        ]
    return *found, seconds


if __name__ == "__main__":
    main()
