"""A run that certifies two trainings of a network: what it makes, and what is stale or killed."""

import shutil

import numpy as np
import pandas as pd

from manifold_robustness.files.certificates import read_certificates
from result_files import origin_said
from workflow.killing import kill_when

CERTIFY = {
    "sigmas": [0.25, 0.5],
    "n_selection": 20,
    "n_estimation": 200,
    "alpha": 0.01,
    "n_images": 40,
}
NOISE = {"family": "gaussian", "clip": False, "strengths": [0.25]}
TABLE, CLASSES = "results/tiny/tables/certified.csv", "results/tiny/tables/certified_classes.csv"
FIGURE = "results/tiny/figures/small-1/certified.svg"
TRAININGS = "results/tiny/tables/trainings.csv"
COMPARED = "results/tiny/figures/comparison/gaussian/compared_accuracy.svg"
TOGETHER = "results/tiny/figures/comparison/gaussian/trainings.svg"
FILE = "small-1/certified/sigma-0.25.h5"


def certifying(config):
    config["certify"] = dict(CERTIFY)
    config["perturbations"] = [dict(NOISE)]
    config["networks"][0]["repeats"] = 2
    config["geometry"].update(layers=["head"], joint=False, readout=False)


def certificates(experiment, name=FILE):
    path = experiment.result(name)
    said = origin_said(path, path.stem)
    return read_certificates(path, said)


def test_a_run_certifies_its_network(fresh):
    fresh.configure(certifying)
    fresh.succeed(TABLE, CLASSES, FIGURE, TRAININGS, TOGETHER, COMPARED)
    found = certificates(fresh)
    assert len(found.label) == 40 and found.sigma == 0.25
    sure = ~found.abstained
    assert sure.any() and np.mean(found.chosen[sure] == found.label[sure]) > 0.5
    table = pd.read_csv(fresh.root / TABLE)
    assert (
        table.loc[table["sigma"] == 0.25, "n_certified"].iloc[0] == (found.right_within >= 0).sum()
    )
    caption = fresh.result("figures/small-1/certified.rst").read_text()
    assert "gaussian/sigma-0.25" in caption  # the geometry under the same noise

    compared = (fresh.root / COMPARED).with_suffix(".rst").read_text()
    assert "Trainings by the same recipe have the same colour." in compared

    # The two trainings have seeds and weights of their own, and one row together.
    first, second = (fresh.contents(f"small-{k}/weights", "*.safetensors") for k in (1, 2))
    assert len(first) == len(second) == 1 and [*first.values()] != [*second.values()]
    rows = pd.read_csv(fresh.root / TRAININGS)
    assert set(rows["recipe"]) == {"small"} and (rows["n_trainings"] == 2).all()

    # One of another noise is not taken for it.
    kept = fresh.result(FILE).read_bytes()
    shutil.copy(fresh.result("small-1/certified/sigma-0.5.h5"), fresh.result(FILE))
    stale = fresh.stale(TABLE)
    assert stale == {"certify_smoothing": 1, "collect_certificates": 1}
    fresh.result(FILE).write_bytes(kept)

    assert fresh.stale(TABLE, FIGURE) == {}
    for change, certified in (
        ({"alpha": 0.02}, 4),
        ({"n_images": 30}, 4),
        ({"sigmas": [0.25, 0.5, 1.0]}, 2),
    ):
        fresh.configure(lambda config, change=change: config.update(certify={**CERTIFY, **change}))
        stale = fresh.stale(TABLE, FIGURE)
        assert stale["certify_smoothing"] == certified and stale["collect_certificates"] == 1
        assert not {"train_network", "perturb_images", "solve_geometry"} & {*stale}, change
    fresh.configure(certifying)
    fresh.configure(lambda config: config["training"].update(epochs=3))
    assert fresh.stale(TABLE)["certify_smoothing"] == 4

    # A third training runs by itself.
    fresh.configure(lambda config: config["training"].update(epochs=2))
    fresh.configure(lambda config: config["networks"][0].update(repeats=3))
    stale = fresh.stale(TRAININGS)
    assert stale["train_network"] == 1 and stale["compare_trainings"] == 1


def test_a_certification_that_is_killed_goes_on(fresh, tmp_path_factory):
    fresh.configure(certifying)
    fresh.configure(lambda config: config["certify"].update(n_estimation=20_000, sigmas=[0.25]))
    fresh.configure(lambda config: config["networks"][0].update(repeats=1))
    whole = type(fresh)(tmp_path_factory.mktemp("whole"))
    shutil.copytree(fresh.root, whole.root, dirs_exist_ok=True)
    checkpoint = fresh.result("small-1/certified/sigma-0.25.part")
    assert kill_when(fresh, 1, checkpoint.exists)
    fresh.succeed("--unlock")
    fresh.succeed(TABLE, cores=1)
    whole.succeed(TABLE, cores=1)
    log = fresh.result("logs/certify_smoothing/small-1/sigma-0.25.log").read_text()
    assert "going on after" in log and not checkpoint.exists()
    assert fresh.contents("small-1/certified", "*") == whole.contents("small-1/certified", "*")


def test_too_few_draws_are_refused_before_any_job(fresh):
    fresh.configure(certifying)
    fresh.configure(lambda config: config["certify"].update(n_estimation=6))
    process = fresh.run("--dry-run")
    assert process.returncode != 0
    words = "certify.n_estimation is 6, but must be at least 7: at certify.alpha 0.01 fewer draws"
    assert words in " ".join(process.stdout.split())
