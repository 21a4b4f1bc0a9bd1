"""What the paper's experiment costs, stage by stage, on made-up images of CIFAR-10's size.

    .venv/bin/python benchmarks/full_size.py [threads]

Extraction and solves are jobs of the workflow itself, with the interpreters they start; training
and evaluation are timed per image in this process. benchmarks/full_size.md has the tables.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from manifold_robustness.conditions import Condition  # noqa: E402
from manifold_robustness.files.images import write_images  # noqa: E402
from manifold_robustness.lineage import Origin  # noqa: E402
from manifold_robustness.network.data_sets import ArrayImages  # noqa: E402
from manifold_robustness.network.devices import place, prepare_device  # noqa: E402
from manifold_robustness.network.evaluation import perturb_and_predict  # noqa: E402
from manifold_robustness.network.training import Training  # noqa: E402
from manifold_robustness.network.weights import initial_network, save_weights  # noqa: E402

P, M = 10, 30
KEPT = np.arange(P * M).reshape(1, P, M)  # what an evaluation returns of the perturbed images
CLASSES = [str(label) for label in range(10)]
OPTIONS = {"parameterization": "standard_deviation", "clip": True}
# Added to a copy of the workflow, it tells what the files that the jobs start from must be of.
TELL_LINEAGE = """
with open("lineage.json", "w") as file:
    json.dump(lineage_of("select_images", "resnet18", CLEAN), file)
"""
NOISE = Condition("gaussian/sigma-0.1", "gaussian", "gaussian", 0.1, OPTIONS)


def main(threads=2):
    device = prepare_device(threads)
    print(f"{device}, {threads} threads")
    network = place(initial_network("resnet18", "none", None, 10, 0), device)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for replicates in (1, 10):
        with tempfile.TemporaryDirectory() as folder:
            time_jobs(Path(folder), network, config, threads, replicates)
    time_evaluation(network, config, device)
    time_training(network, config, device)


def images(count):
    """Smooth made-up images of ten classes: a pattern of the class, and one of their own."""
    random = np.random.default_rng(0)
    coarse = random.random((count, 3, 4, 4), dtype=np.float32)
    coarse += 2 * random.random((10, 3, 4, 4), dtype=np.float32)[np.arange(count) % 10]
    fine = nn.functional.interpolate(torch.from_numpy(coarse / 3), size=32, mode="bilinear")
    return ArrayImages(fine, np.arange(count) % 10)


def time_jobs(folder, network, config, threads, replicates):
    copy_project(folder)
    results = folder / "results/full-size/resnet18"
    overlay = folder / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"run": "full-size", "images": {"replicates": replicates}}))
    lineage = lineage_of_images(folder, overlay)
    training = {"resnet18": {"train_network": lineage["resnet18"]["train_network"]}}
    weights = results / "weights/weights.safetensors"
    save_weights(network, weights, Origin("resnet18", lineage=training))
    count = replicates * P * M
    chosen = images(count).images.numpy().reshape(replicates, M, P, 3, 32, 32).swapaxes(1, 2)
    indices = np.arange(count).reshape(replicates, P, M)
    origin = Origin("resnet18", "clean", lineage=lineage)
    described = {"classes": CLASSES, "manifold_class": [CLASSES[:P]] * replicates}
    path = results / "images/clean.zarr.zip"
    write_images(path, chosen, indices, indices % P, origin, described)
    layers = config["activations"]["layers"]
    for rule, name in (
        ("extract_activations", "activations/clean/{}.zarr.zip"),
        ("solve_geometry", "geometry/clean/{}.h5"),
    ):
        targets = [f"results/full-size/resnet18/{name.format(layer)}" for layer in layers]
        start = time.perf_counter()
        run(folder, overlay, *targets, "--cores", str(threads), "--allowed-rules", rule)
        wall = time.perf_counter() - start
        jobs = [read_log(log) for log in (results.parent / "logs" / rule).rglob("*.log")]
        seconds, peaks = zip(*jobs, strict=True)
        print(
            f"{rule}, {replicates} replicates: {len(jobs)} jobs, wall {wall:.1f} s with "
            f"Snakemake's start; a job {statistics.median(seconds):.1f} s "
            f"(greatest {max(seconds):.1f}), "
            f"peak {max(peaks)} MiB"
        )
    size = sum(path.stat().st_size for path in results.rglob("activations/**/*.zip"))
    print(f"activations of a condition: {size / 1e6:.0f} MB")


def copy_project(folder):
    """Copy what the workflow needs, so that its results stand in a folder of their own."""
    for name in ("rules", "scripts", "envs", "profiles"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("Snakefile", "config.yaml", "config.cifar10.yaml"):
        shutil.copy(ROOT / name, folder)


def lineage_of_images(folder, overlay):
    """What the selected images must have been made from, as the workflow says."""
    snakefile = folder / "Snakefile"
    text = snakefile.read_text()
    snakefile.write_text(text + TELL_LINEAGE)
    run(folder, overlay, "--dry-run", "--cores", "1")
    snakefile.write_text(text)
    return json.loads((folder / "lineage.json").read_text())


def run(folder, overlay, *arguments):
    command = [sys.executable, "-m", "snakemake", *arguments]
    command += ["--configfile", "config.cifar10.yaml", str(overlay)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def read_log(path):
    found = re.search(r"took ([\d.]+) s, peak memory (\d+) MiB", path.read_text())
    return float(found[1]), int(found[2])


def time_evaluation(network, config, device, count=1000):
    network.eval()
    data = images(count)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        perturb_and_predict(
            network,
            data,
            NOISE,
            KEPT,
            np.arange(count),
            seed=0,
            device=device,
            perturbation_batch=config["perturbation_batch"],
            batch_size=config["accuracy"]["batch_size"],
        )
        times.append((time.perf_counter() - start) / count * 1000)
    print(f"evaluation: {statistics.median(times):.2f} ms per image, its noise included")


def time_training(network, config, device, count=320):
    paper = yaml.safe_load((ROOT / "config.cifar10.yaml").read_text())["training"]
    few = images(64)
    for autocast in ("none", "bfloat16"):
        recipe = {**config["training"], **paper, "workers": 0, "autocast": autocast}
        splits = {"train": images(count), "validation": few, "test": few}
        training = Training(network, splits, recipe, 0, device)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            training._train()
            times.append((time.perf_counter() - start) / count * 1000)
        print(f"training, autocast {autocast}: {statistics.median(times):.1f} ms per image")
    augmented = training.splits["train"]
    start = time.perf_counter()
    for index in range(count):
        augmented[index]
    print(f"augmentation: {(time.perf_counter() - start) / count * 1000:.2f} ms of that")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
