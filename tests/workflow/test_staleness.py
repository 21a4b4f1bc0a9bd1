"""Exactly what is stale runs again."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import ROOT
from manifold_robustness.files.images import read_images
from result_files import origin_said
from run_time import ENTRIES

FAMILY_FIGURES = 9
OF_GEOMETRY = 7  # of them, those that are drawn from the summary
GATHERING = {
    "collect_geometry": 1,
    "judge_claims": 1,
    "describe_run": 1,
    "plot_family_figure": OF_GEOMETRY,
    "verify_results": 1,
    "explore_run": 1,
}
GATHERING_ALL = GATHERING | {"collect_accuracy": 1, "plot_family_figure": FAMILY_FIGURES}
NOT_RUN = {"plot_figure", "import_weights", "compare_networks", "compare_published"}
NOT_RUN |= {"match_families", "compare_attacks", "compare_trainings"}
NOT_RUN |= {"certify_smoothing", "collect_certificates", "import_activations"}
LIBRARY = "scripts/manifold_robustness"


def test_nothing_is_stale_after_a_run(experiment):
    assert experiment.stale() == {}


def test_a_new_strength_runs_its_condition_and_what_gathers(experiment):
    experiment.configure(lambda config: config["perturbations"][0]["strengths"].append(0.2))
    assert experiment.stale() == {
        "perturb_images": 1,
        "extract_activations": 1,
        "solve_geometry": 2,
        **GATHERING_ALL,
    }


def test_a_layer_more_to_analyse_is_solved(experiment):
    experiment.configure(
        lambda config: config["geometry"].update(layers=["input", "first", "head"])
    )
    assert experiment.stale() == {"solve_geometry": 3, **GATHERING}


def test_a_layer_less_to_analyse_is_gathered_only(experiment):
    experiment.configure(lambda config: config["geometry"].update(layers=["head"]))
    assert experiment.stale() == GATHERING


def test_more_probes_rerun_the_geometry(experiment):
    experiment.configure(lambda config: config["geometry"].update(n_gaussian_vectors=50))
    assert experiment.stale() == {"solve_geometry": 6, **GATHERING}


def test_a_lost_geometry_file_is_solved_again_to_the_last_bit(experiment, finished):
    lost = experiment.result("small/geometry/gaussian/sigma-0.1/head.h5")
    lost.unlink()
    assert experiment.stale() == {"solve_geometry": 1, **GATHERING}
    output = experiment.succeed()
    count = 2 + sum(GATHERING.values())  # with the rule all
    lines = re.findall(rf"^\d\d:\d\d:\d\d +(\d+)/{count}  (.*)$", output, re.MULTILINE)
    assert [int(place) for place, _ in lines] == list(range(1, count + 1))  # one line per job
    assert lines[0][1] == "Solve the geometry: small, gaussian/sigma-0.1, head"
    assert not re.search("Reason|jobid|Select jobs|Execute", output)
    assert experiment.contents("small/geometry") == finished.contents("small/geometry")
    assert lost.exists()
    assert experiment.stale() == {}


@pytest.mark.parametrize(
    ("figure", "style"),
    [
        ("accuracy", {"size": [5, 3]}),
        ("last_layer", {"size": [5, 3]}),
        ("layers", {"frame": "rank"}),
        ("heatmaps", {"labels": "reference"}),
        ("training", {"size": [5, 3]}),
    ],
)
def test_a_figures_style_redraws_that_figure(experiment, figure, style):
    figures = {figure: style}
    experiment.configure(lambda config: config.update(figures={**config["figures"], **figures}))
    rule = "plot_network_figure" if figure == "training" else "plot_family_figure"
    assert experiment.stale() == {rule: 1}


def test_a_figure_that_is_left_out_makes_nothing_stale(experiment):
    experiment.result("figures/small/gaussian/layers.svg").unlink()
    experiment.draw_only("accuracy")
    assert experiment.stale() == {}  # nobody wants the file that is gone
    experiment.draw_only()  # all are left out
    assert experiment.stale() == {}
    experiment.configure(lambda config: config["figures"]["layers"].update(draw=True))
    assert experiment.stale() == {"plot_family_figure": 1}


def test_another_meaning_of_the_strengths_judges_the_claims_anew(experiment):
    experiment.configure(
        lambda config: config["perturbations"][0].update(parameterization="variance")
    )
    assert experiment.stale()["judge_claims"] == 1


def test_without_noise_there_is_no_claim_to_judge(experiment):
    experiment.configure(lambda config: config["perturbations"][0].update(strengths=[0]))
    stale = experiment.stale()
    assert stale["collect_geometry"] == 1 and "judge_claims" not in stale


def test_the_paper_s_values_belong_to_cifar10_under_gaussian_noise(fresh):
    rules = ("compare_published", "judge_claims")
    assert [fresh.stale().get(rule) for rule in rules] == [None, 1]
    fresh.configure(lambda config: config["data"].update(name="cifar10"))
    assert [fresh.stale().get(rule) for rule in rules] == [1, 1]
    fresh.configure(lambda config: config["perturbations"].clear())
    assert [fresh.stale().get(rule) for rule in rules] == [None, None]


def test_the_clipping_reruns_the_perturbed_conditions_only(experiment):
    experiment.configure(lambda config: config["perturbations"][0].update(clip=False))
    assert experiment.stale() == {
        "perturb_images": 2,
        "extract_activations": 2,
        "solve_geometry": 4,
        **GATHERING_ALL,
    }


def test_the_recipe_reruns_everything(experiment):
    experiment.configure(lambda config: config["training"].update(epochs=1))
    stale = experiment.stale()
    assert stale["train_network"] == 1
    assert stale["solve_geometry"] == 6


def test_what_later_stages_want_does_not_retrain(experiment):
    """Nor does it hide what is stale: the training checks layers and images, waiting for no job."""
    experiment.configure(lambda config: config["images"].update(n_points=5))
    stale = experiment.stale()
    assert "train_network" not in stale
    assert stale["select_images"] == 1
    assert stale["solve_geometry"] == 6


def test_code_of_the_geometry_reruns_the_solves_not_the_training(experiment):
    experiment.replace(
        f"{LIBRARY}/geometry/solvers/active_set_solver.py", "SWEEPS = 3", "SWEEPS = 1"
    )
    assert experiment.stale() == {"solve_geometry": 6, **GATHERING}


def test_code_of_the_own_network_retrains(experiment):
    experiment.replace("tests/configs/tiny_network.py", "nn.Conv2d(3, 8,", "nn.Conv2d(3, 4,")
    assert experiment.stale()["train_network"] == 1


def test_words_rerun_nothing(experiment):
    """Comments, docstrings, errors, log lines, listings; of scripts too, and their dates."""
    for name in ("geometry/analysis.py", "network/training.py", "perturbations/gaussian.py"):
        path = experiment.root / LIBRARY / name
        path.write_text("# A remark.\n" + path.read_text())
    experiment.replace(f"{LIBRARY}/geometry/analysis.py", '"""From clouds', '"""Reworded: clouds')
    experiment.replace(f"{LIBRARY}/limits.py", "or give the job more memory", "or buy some")
    experiment.replace(f"{LIBRARY}/network/training.py", "goes on after epoch", "continues after")
    experiment.replace("scripts/train_network.py", '"""Train a network', '"""Teach a network')
    for name in ("config.yaml", "tests/configs/tiny.yaml", "tests/configs/tiny_network.py"):
        path = experiment.root / name
        path.write_text(path.read_text() + "\n# A remark.\n")
    assert experiment.stale() == {}


def test_code_of_a_script_counts(experiment):
    experiment.replace("scripts/select_images.py", "np.all(", "np.any(")
    assert experiment.stale()["select_images"] == 1


def test_a_function_that_moves_reruns_nothing(experiment):
    """Nor a module that is renamed: a trained network is not stale by it."""
    library = experiment.root / LIBRARY
    (library / "network/epochs.py").write_text((library / "network/training.py").read_text())
    (library / "network/training.py").write_text("from .epochs import *\n")
    for script in ("train_network", "import_weights"):
        experiment.replace(
            f"scripts/{script}.py", "network.training import", "network.epochs import"
        )
    (library / "network/training.py").unlink()
    assert experiment.stale() == {}


def second_network(**changes):
    return {"architecture": "tests/configs/tiny_network.py:build", "weights": "none", **changes}


def test_a_second_network_runs_its_own_jobs_and_what_gathers(experiment, finished):
    other = second_network(name="other", training={"epochs": 1}, layers=["input", "relu", "head"])
    experiment.configure(lambda config: config["networks"].append(other))
    experiment.configure(lambda config: config["geometry"].update(layers=["input", "head"]))
    assert experiment.stale() == {
        "train_network": 1,
        "evaluate_accuracy": 1,
        "select_images": 1,
        "perturb_images": 2,
        "extract_activations_other": 3,
        "solve_geometry": 6,
        **GATHERING_ALL,
        "plot_family_figure": 2 * FAMILY_FIGURES,
        "plot_network_figure": 2,
        "plot_comparison": 2,
        "compare_networks": 1,
    }
    experiment.succeed()
    assert experiment.stale() == {}
    assert experiment.contents("small/geometry") == finished.contents("small/geometry")
    assert experiment.result("figures/comparison/gaussian/compared_accuracy.svg").exists()
    lines = experiment.result("tables/summary.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == {"small", "other"}
    assert experiment.result("tables/comparison.csv").exists()

    experiment.configure(lambda config: config["networks"].pop())
    stale = experiment.stale()
    assert stale == {
        **GATHERING_ALL,
        "plot_network_figure": 1,
    }
    experiment.succeed()
    name = "tables/summary.csv"
    assert experiment.result(name).read_bytes() == finished.result(name).read_bytes()


def test_images_that_every_network_has_right_are_the_same(experiment):
    other = second_network(name="other", training={"epochs": 1, "min_accuracy": 0})
    experiment.configure(lambda config: config["networks"].append(other))
    experiment.configure(lambda config: config["images"].update(correct_for="every_network"))
    experiment.configure(lambda config: config["images"].update(n_points=3, replicates=1))
    stale = experiment.stale()
    assert stale["train_network"] == stale["evaluate_accuracy"] == 1
    assert stale["select_images"] == 2 and stale["solve_geometry"] == 12
    files = [f"results/tiny/{network}/images/clean.zarr.zip" for network in ("small", "other")]
    experiment.succeed(*files)
    paths = [experiment.root / file for file in files]
    first, second = (read_images(path, origin_said(path, "clean"))[:2] for path in paths)
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.parametrize("name", ["tables/run.rst", "tables/claims.html", "tables/accuracy.csv"])
def test_what_is_delivered_is_made_again(experiment, name):
    experiment.result(name).unlink()
    assert experiment.stale() != {}
    experiment.succeed(f"results/tiny/{name}")
    assert experiment.result(name).exists()


def test_a_figure_that_is_deleted_is_drawn_again(experiment):
    for kind in ("svg", "png", "rst"):
        experiment.result(f"figures/small/gaussian/layers.{kind}").unlink()
        assert experiment.stale() == {"plot_family_figure": 1}


def test_an_image_that_comes_retrains(fresh):
    """The splits of a folder of images are those of its listing."""
    for label in range(2):
        (fresh.root / f"images/{label}").mkdir(parents=True)
        for number in range(20):
            image = Image.new("RGB", (8, 8), (120 * label + number, 60, 30))
            image.save(fresh.root / f"images/{label}/{number}.png")
    weights = "results/tiny/small/weights/weights.safetensors"
    data = {"name": "image_folder", "root": "images", "image_size": 8, "test_share": 0.4}
    fresh.configure(lambda config: config.update(data=data))
    fresh.configure(lambda config: config["training"].update(min_accuracy=0))
    fresh.configure(lambda config: config["images"].update(n_manifolds=2, n_points=3))
    fresh.configure(lambda config: config["geometry"].update(joint=False))
    fresh.succeed(weights)
    assert fresh.stale(weights) == {}
    Image.new("RGB", (8, 8)).save(fresh.root / "images/0/new.png")
    assert fresh.stale(weights) == {"train_network": 1}


def test_a_finished_run_keeps_which_code_made_it(finished):
    """With the entries that the proof of the digests runs with, see run_time.py."""
    kept = json.loads(finished.result("logs/code.json").read_text())
    figures = kept.pop("plot_figure")["entries"]
    assert len(figures) == FAMILY_FIGURES + 1 and all(
        entry.endswith(":draw,DECLARATION") for entry in figures
    )
    assert set(kept) == {path.stem for path in (ROOT / "scripts").glob("*.py")} - NOT_RUN
    for script, one in kept.items():
        assert sorted(one["entries"]) == sorted(ENTRIES.get(script, [])), script


def test_why_a_rule_is_stale_is_told(experiment):
    listing = experiment.result("logs/code.json")
    command = [sys.executable, "-m", "manifold_robustness.code_digests", "solve_geometry", listing]

    def ask():
        done = subprocess.run(
            command, cwd=experiment.root / "scripts", capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "Since the last finished run: none of them changed" in ask()
    solver = f"{LIBRARY}/geometry/solvers/active_set_solver.py"
    experiment.replace(solver, "SWEEPS = 3", "SWEEPS = 1")
    changed = "1 changed.\n  changed: SWEEPS of geometry"
    assert f"Since the last finished run: {changed}" in ask()
