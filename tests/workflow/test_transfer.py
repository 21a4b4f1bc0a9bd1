"""Attacks that are made for one network of the run and measured on another."""

import numpy as np
import pandas as pd

from manifold_robustness.files.images import read_images
from manifold_robustness.files.predictions import read_predictions
from result_files import origin_said

PGD = {"family": "pgd", "steps": 3, "strengths": [0.2]}
OTHER = {
    "name": "other",
    "architecture": "tests/configs/tiny_network.py:build",
    "weights": "none",
    "training": {"epochs": 1, "min_accuracy": 0},
}


def with_transfer(config):
    config["networks"].append(OTHER)
    config["images"].update(correct_for="every_network", n_points=3, replicates=1)
    config["perturbations"] = [PGD, {**PGD, "attack_from": "other"}]
    config["geometry"].update(layers=["head"], joint=False, readout=False)


def test_an_attack_from_another_network(fresh):
    fresh.configure(with_transfer)
    tables = [f"results/tiny/tables/{name}" for name in ("summary.csv", "verification.txt")]
    fresh.succeed(*tables, "results/tiny/tables/attacks.csv")

    def seen(network, family):
        condition = f"{family}/epsilon-0.2"
        path = fresh.result(f"{network}/images/{condition}.zarr.zip")
        images, _, _ = read_images(path, origin_said(path, condition))
        path = fresh.result(f"{network}/accuracy/{condition}.h5")
        found = read_predictions(path, origin_said(path, condition))
        return images, np.mean(found.correct), found.lineage

    own, *_ = seen("other", "pgd")
    moved, away, both = seen("small", "pgd-from-other")
    assert np.array_equal(own, moved)
    assert not np.array_equal(own, seen("small", "pgd")[0])
    assert away > seen("small", "pgd")[1]  # what is made for another network fools less
    assert np.array_equal(seen("other", "pgd-from-other")[0], own)
    weights = {name: stages["train_network"]["weights_sha256"] for name, stages in both.items()}
    assert set(weights) == {"small", "other"} and len(set(weights.values())) == 2
    checks = pd.read_csv(fresh.result("tables/attacks.csv"))
    assert set(checks["family"]) == {"pgd"}  # nothing is expected of the other
    table = pd.read_csv(fresh.root / tables[0])
    assert set(table["family"]) == {"clean", "pgd", "pgd-from-other"}

    # The other network's training matters to what was attacked from it, and to the selection.
    assert fresh.stale(*tables) == {}
    fresh.configure(lambda config: config["images"].update(correct_for="own"))
    fresh.succeed(*tables)
    fresh.configure(lambda config: config["networks"][1]["training"].update(epochs=2))
    stale = fresh.stale(*tables)
    assert stale["train_network"] == 1
    assert stale["perturb_images"] == 3  # two of the other's, one of the first that is from it
    assert stale["solve_geometry"] == 4  # three of the other's with its clean one; and that
    fresh.configure(lambda config: config["networks"][1]["training"].update(epochs=1))
    fresh.configure(lambda config: config["networks"][0].update(training={"epochs": 3}))
    stale = fresh.stale(*tables)
    assert (stale["train_network"], stale["perturb_images"], stale["solve_geometry"]) == (1, 2, 3)


def test_a_network_that_the_run_does_not_have_is_refused(fresh):
    fresh.configure(with_transfer)
    fresh.configure(lambda config: config["perturbations"][1].update(attack_from="third"))
    process = fresh.run("--dry-run")
    assert process.returncode != 0
    words = "attack_from is 'third', but must be one of the run's networks, small, other"
    assert words in " ".join(process.stdout.split())
