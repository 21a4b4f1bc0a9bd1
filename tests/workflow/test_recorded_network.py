"""Activations that others recorded stand in a run beside a network, or alone."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from manifold_robustness.files.recordings import Recording
from manifold_robustness.measures import solve_replicates
from recordings import record


def recorded(experiment, alone):
    record(experiment.root / "recordings")

    def edit(config):
        entry = {"name": "cortex", "activations": "recordings"}
        config["networks"] = [entry] if alone else [*config["networks"], entry]
        config["geometry"]["layers"] = "all"
        config["figures"] = {}

    experiment.configure(edit)
    of_geometry = ["layers"] if alone else ["layers", "heatmaps", "capacities", "joint_geometry"]
    experiment.draw_only(*of_geometry, "accuracy", "capacity_accuracy", "examples")


def test_they_are_measured_drawn_and_told(fresh):
    recorded(fresh, alone=False)
    fresh.succeed()
    summary = pd.read_csv(fresh.result("tables/summary.csv"))
    own = summary[summary["network"] == "cortex"]
    assert list(own["condition"].unique()) == ["clean", "contrast/half", "contrast/tenth"]
    assert list(own["strength"].unique()) == [0.0, 0.5, 0.9]
    assert list(own["layer"].unique()) == ["V1", "V4"]
    assert set(pd.read_csv(fresh.result("tables/accuracy.csv"))["network"]) == {"small"}
    assert set(pd.read_csv(fresh.result("tables/claims.csv"))["network"]) == {"small"}
    # The numbers are those of the library on the same draws.
    points = np.load(fresh.root / "recordings/half/V4.npy")[:5]
    draws = Recording(tuple("01234"), tuple(points), "x").drawn(6, 2, 42)
    config = {"margin": 0.0, "n_gaussian_vectors": 20, "center_rank": "auto"}
    config |= {"center_selection": "stable", "tolerance": 1e-10, "solver": "active_set"}
    config |= {"joint": True, "readout": True, "subsets": [], "shuffle": False, "simulate": False}
    found = solve_replicates(np.stack([one.stacked() for one in draws]), config, 42)
    expected = 1 / np.mean([np.mean(1 / one["capacity"]) for one in found])
    row = own[(own["condition"] == "contrast/half") & (own["layer"] == "V4")].iloc[0]
    assert row["capacity"] == pytest.approx(expected, rel=1e-6)
    assert row["n_points"] == 6 and row["n_features"] == 200
    figures = {path.stem for path in fresh.result("figures/cortex/contrast").glob("*.png")}
    assert figures == {"layers", "heatmaps", "capacities", "joint_geometry"}  # no accuracy to draw
    assert "contrast" in fresh.result("explore.html").read_text(encoding="utf-8")
    page = fresh.result("tables/run.rst").read_text(encoding="utf-8")
    assert "activations recorded in recordings" in page and "``tenth``" in page
    assert fresh.stale() == {}
    # What is put in a file's place is found out, whatever its date and size.
    one, other = (fresh.root / f"recordings/{name}/V1.npy" for name in ("half", "tenth"))
    before = one.stat()
    shutil.copyfile(other, one)
    os.utime(one, (before.st_atime, before.st_mtime))
    stale = fresh.stale()
    assert stale["import_activations"] == 1 and stale["solve_geometry"] == 2
    assert "perturb_images" not in stale and "train_network" not in stale


def test_they_need_no_network_beside_them(fresh):
    recorded(fresh, alone=True)
    output = fresh.succeed()
    assert "train_network" not in output and "perturb_images" not in output
    assert set(pd.read_csv(fresh.result("tables/summary.csv"))["network"]) == {"cortex"}
    assert len(pd.read_csv(fresh.result("tables/accuracy.csv"))) == 0
    assert "holds" in fresh.result("tables/verification.txt").read_text()
    page = fresh.result("tables/run.rst").read_text()
    assert "recorded activations; P = 5 manifolds, M = 6 points of each, 2 disjoint draws" in page
    assert fresh.stale() == {}
    fresh.succeed("results/tiny/export/tiny.zip")
