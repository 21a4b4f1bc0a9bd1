"""Exemplar manifolds in the workflow: what is planned, and a whole run of a tiny experiment."""

import shutil

import pandas as pd
import pytest

from helpers import ROOT, read_config
from manifold_robustness.experiment import read_experiment

EXEMPLARS = [path.name for path in sorted(ROOT.glob("config*.exemplar.yaml"))]
NOISE = "perturbations:\n  - {family: gaussian, strengths: [0.1]}\n"


@pytest.mark.parametrize("name", EXEMPLARS)
def test_a_run_is_planned_without_clean_geometry(fresh, monkeypatch, name):
    shutil.copy2(ROOT / name, fresh.root)
    command = [*fresh.command("--dry-run")[:-1], name]
    monkeypatch.setattr(fresh, "command", lambda *_, **__: command)
    monkeypatch.chdir(ROOT)
    asked = read_experiment(read_config(name), [name])
    (network,) = asked.networks.values()
    n_noisy = len(asked.conditions) - 1
    planned = fresh.stale()
    assert planned["perturb_images"] == planned["extract_activations"] == n_noisy >= 8
    assert planned["solve_geometry"] == n_noisy * len(network.analysed)
    output = fresh.succeed()
    assert "geometry/clean" not in output and "activations/clean" not in output


def test_published_values_stand_beside_a_run_of_their_kind_only(fresh, monkeypatch):
    overlay = (ROOT / "config.cifar10.exemplar.yaml").read_text(encoding="utf-8")
    before, rest = overlay.split("perturbations:")
    noise = before + NOISE + rest[rest.index("accuracy:") :]
    exemplars, start = "manifolds: exemplar\n  n_manifolds: 50 ", "random_start: true"
    classes = "manifolds: class\n  n_manifolds: 10 "
    for text, compared in (
        (overlay, True),
        (overlay.replace("n_points: 50", "n_points: 40"), False),
        (overlay.replace(start, f"{start}\n    relative_step: 1.25"), False),
        (overlay.replace(exemplars, classes), False),
        (noise, False),
        (noise.replace(exemplars, classes), True),
    ):
        (fresh.root / "other.yaml").write_text(text)
        command = [*fresh.command("--dry-run")[:-1], "other.yaml"]
        monkeypatch.setattr(fresh, "command", lambda *_, command=command, **__: command)
        assert ("compare_published" in fresh.stale()) == compared, text
        monkeypatch.undo()


def test_both_overlays_are_there():
    assert EXEMPLARS == ["config.cifar10.exemplar.yaml", "config.exemplar.yaml"]


def test_a_tiny_run_of_exemplars_is_drawn_judged_and_verified(fresh):
    def of_exemplars(config):
        config["images"] = {"manifolds": "exemplar", "n_manifolds": 5, "n_points": 6}
        config["images"]["replicates"] = 2
        config["accuracy"]["n_images"] = 100
        config["perturbations"] += [
            {"family": "fgsm", "random_start": True, "strengths": [0.05, 0.3]},
        ]

    fresh.configure(of_exemplars)
    fresh.succeed(timeout=600)
    tables = {
        name: pd.read_csv(fresh.result(f"tables/{name}.csv"))
        for name in ("geometry", "accuracy", "claims", "matched")
    }
    assert set(tables["geometry"]["strength"]) == {0.05, 0.1, 0.3, 0.5}
    assert tables["geometry"]["manifold"].str.startswith("image-").all()
    assert tables["accuracy"]["n_images"].tolist() == [1000, 100, 100, 100, 100]
    of_geometry = tables["claims"][tables["claims"]["claim"] > 1]
    assert set(of_geometry["verdict"]) == {"undecided"} and len(of_geometry) == 28
    caption = fresh.result("figures/small/fgsm/layers.rst").read_text()
    assert "A manifold is one image here" in caption
    assert (
        "100 of them when perturbed" in fresh.result("figures/small/fgsm/accuracy.rst").read_text()
    )
    page = fresh.result("tables/run.rst").read_text()
    assert "exemplar manifolds of P = 5 test images" in page
    assert not fresh.result("small/geometry/clean").exists()
    assert fresh.stale() == {}
