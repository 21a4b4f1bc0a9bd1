"""Bad input is refused in one clear sentence, by the workflow or by the job that meets it."""

import shutil

import pytest

NAN_NETWORK = """
import torch
from torch import nn
from torch.nn.functional import avg_pool2d


class Broken(nn.Module):
    def forward(self, images):
        return torch.full_like(images, torch.nan)


class Network(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.broken = Broken()
        self.head = nn.Linear(128, n_classes)

    def forward(self, images):
        values = torch.relu(self.norm(self.first(images)))
        self.broken(values)
        return self.head(avg_pool2d(values, 2).flatten(1))


def build(n_classes):
    return Network(n_classes)
"""


def in_gaussian(**changes):
    return lambda config: config["perturbations"][0].update(changes)


def in_section(section, **changes):
    return lambda config: config.setdefault(section, {}).update(changes)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            in_section("training", epoch=3),
            "training.epoch is not a known key; did you mean epochs?",
        ),
        (in_section("run_name"), "run_name is not a known key"),
        (
            in_gaussian(strengths=[0.1, -0.5]),
            "perturbations.0.strengths.1 is -0.5, but must be at least 0",
        ),
        (
            in_gaussian(strengths=[0.1, 0.1000000001]),
            "the strengths 0.1 and 0.1000000001 of gaussian would both be named "
            "gaussian/sigma-0.1; keep one",
        ),
        (in_gaussian(clipped=True), "clipped is not a known key; did you mean clip?"),
        (in_gaussian(family="gausian"), "names the family gausian, but must name one of gaussian"),
        (
            in_section("geometry", layers=["hea"]),
            "geometry.layers names hea, which activations.layers does not keep",
        ),
        (in_section("images", n_points=1), "images.n_points is 1, but must be at least 2"),
        (
            in_section("model", weights="my.safetensors"),
            "model.weights names the file my.safetensors, which does not exist",
        ),
    ],
)
def test_the_workflow_refuses(fresh, edit, sentence):
    fresh.configure(edit)
    process = fresh.run("--dry-run")
    assert process.returncode != 0
    assert sentence in process.stdout
    assert "Traceback" not in process.stdout
    assert len(process.stdout.strip().splitlines()) < 8


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            in_section("activations", layers=["input", "frist", "head"]),
            "train_model failed: config: activations.layers names frist, which the network does "
            "not have; the valid names are input, first, norm, relu, pool, flat, head",
        ),
        (
            in_section("images", n_points=51, replicates=2),
            "train_model failed: class 0 has 100 test images, but images.n_points 51 x "
            "images.replicates 2 needs 102",
        ),
        (
            in_section("images", n_manifolds=11),
            "train_model failed: images.n_manifolds is 11, but the data set has 10 classes",
        ),
        (
            in_section("data", name="image_folder", root="no/such/folder"),
            "train_model failed: data.root must be a folder with one folder of images per class",
        ),
        (
            in_section("training", min_accuracy=0.9999),
            "train_model failed: training ended at a test accuracy of 0.",
        ),
    ],
)
def test_the_job_that_meets_it_refuses(fresh, edit, sentence):
    fresh.configure(edit)
    fresh.configure(in_section("geometry", layers="all"))
    process = fresh.run("results/tiny/model/weights.safetensors")
    assert process.returncode != 0
    assert sentence in process.stdout
    assert "Traceback" not in process.stdout


def test_too_few_correct_images_are_refused(experiment):
    experiment.configure(in_section("images", n_points=50, replicates=2))
    process = experiment.run()
    assert process.returncode != 0
    assert "select_images failed: class " in process.stdout
    assert "correctly classified test images, but images.n_points 50" in process.stdout


def test_a_layer_of_nan_is_refused_by_its_solves_and_the_others_go_on(fresh):
    (fresh.root / "nan_network.py").write_text(NAN_NETWORK)
    fresh.configure(in_section("model", architecture="nan_network.py:build"))
    fresh.configure(in_section("activations", layers=["input", "broken", "head"]))
    fresh.configure(in_section("geometry", layers=["broken", "head"]))
    fresh.configure(in_gaussian(strengths=[0.1]))
    process = fresh.run()
    assert process.returncode != 0
    for condition in ("clean", "gaussian/sigma-0.1"):
        assert f"solve_geometry ({condition}, broken) failed: " in process.stdout
        assert fresh.result(f"activations/{condition}/broken.zarr.zip").exists()
        assert fresh.result(f"geometry/{condition}/head.h5").exists()
        assert not fresh.result(f"geometry/{condition}/broken.h5").exists()
    assert fresh.result("figures/gaussian/accuracy.png").exists()
    assert "Traceback" not in process.stdout


def test_a_truncated_store_is_named_with_what_rebuilds_it(experiment, finished):
    name = "activations/gaussian/sigma-0.5/head.zarr.zip"
    store = experiment.result(name)
    store.write_bytes(store.read_bytes()[:-500])
    process = experiment.run()
    assert process.returncode != 0
    assert f"results/tiny/{name} is truncated, damaged or not ours" in process.stdout
    assert f"rm -f 'results/tiny/{name}'" in process.stdout
    store.unlink()
    experiment.succeed()
    assert experiment.contents("geometry") == finished.contents("geometry")


def test_weights_that_do_not_fit_are_refused(experiment):
    shutil.copy(experiment.result("model/weights.safetensors"), experiment.root / "my.safetensors")
    experiment.replace("tests/configs/tiny_network.py", "nn.Conv2d(3, 8,", "nn.Conv2d(3, 4,")
    experiment.configure(in_section("model", weights="my.safetensors"))
    process = experiment.run("results/tiny/model/weights.safetensors")
    assert process.returncode != 0
    assert "import_weights failed: the weights of my.safetensors don't fit" in process.stdout


def test_weights_of_ones_own_skip_the_training(experiment, finished):
    shutil.copy(experiment.result("model/weights.safetensors"), experiment.root / "my.safetensors")
    experiment.configure(in_section("model", weights="my.safetensors"))
    experiment.succeed("results/tiny/tables/verification.txt")
    assert "train_model" not in experiment.stale()
    assert experiment.contents("geometry") == finished.contents("geometry")
