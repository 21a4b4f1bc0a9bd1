"""Bad input is refused in one clear sentence, by the workflow or by the job that meets it."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from helpers import flip_bit
from manifold_robustness.files.geometry import read_geometry
from manifold_robustness.files.stamps import read_origin
from manifold_robustness.lineage import Origin
from manifold_robustness.network.weights import read_weights, save_weights
from result_files import origin_said

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


def in_network(**changes):
    return lambda config: config["networks"][0].update(changes)


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
        (
            in_gaussian(family="gausian"),
            "need a perturbation family out of apgd, bim, deepfool, fgsm, gaussian, ",
        ),
        (
            in_section("geometry", layers=["hea"]),
            "geometry.layers names hea, which activations.layers does not keep",
        ),
        (in_section("images", n_points=1), "images.n_points is 1, but must be at least 2"),
        (
            in_network(weights="my.safetensors"),
            "networks, small: weights names the file my.safetensors, which does not exist",
        ),
        (in_network(architecture="torchvision/resnet81"), "Got torchvision/resnet81"),
        (in_network(name="tables"), "need a network's name other than tables, figures"),
        (
            in_network(training={"epoch": 3}),
            "networks, small, training: config: epoch is not a known key; did you mean epochs?",
        ),
        (
            in_section("model", weights="none"),
            "config: model: is of an older shape of the configuration; say the same in an entry of",
        ),
        (
            lambda config: config.update(run="digits"),
            "tiny.yaml must name a run: of its own, since results/digits holds the results of",
        ),
        (
            in_section("data", name="image_folder", root="no/such/folder"),
            "config: data.root must be a folder with one folder of images per class; ",
        ),
        (
            in_section("images", n_manifolds=11),
            "n_manifolds is 11, but the data set has 10 classes",
        ),
        (
            in_section("images", n_points=51, replicates=2),
            "images.n_points 51 x images.replicates 2 needs 102 test images per class, but the "
            "data set has 100",
        ),
        (
            lambda config: config["perturbations"].append(config["perturbations"][0]),
            "holds the family gaussian 2 times, whatever the case; put all its strengths into one "
            "entry or, with other options, give one a name: of its own",
        ),
        (in_section("figures", layer={}), "figures.layer is not a known key; the figures are"),
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
            "train_network (small) failed: config: activations.layers (or the network's own) names "
            "frist, which the network small does not have; the valid names are input, first, norm, "
            "relu, pool, flat, head",
        ),
        (
            in_section("training", min_accuracy=0.9999),
            "train_network (small) failed: training ended at a test accuracy of 0.",
        ),
    ],
)
def test_the_job_that_meets_it_refuses(fresh, edit, sentence):
    fresh.configure(edit)
    fresh.configure(in_section("geometry", layers="all"))
    process = fresh.run("results/tiny/small/weights/weights.safetensors")
    assert process.returncode != 0
    assert sentence in process.stdout
    assert "Traceback" not in process.stdout


def test_layers_that_a_network_lacks_are_refused_before_any_job_once_it_is_trained(experiment):
    """So no job removes a store that is there."""
    layers = ["input", "frist", "head"]
    experiment.configure(in_section("activations", layers=layers))
    process = experiment.run()
    assert process.returncode != 0
    assert "names frist, which the network small does not have" in process.stdout
    assert "Traceback" not in process.stdout and "Job stats" not in process.stdout
    assert experiment.result("small/activations/clean/first.zarr.zip").exists()
    # Of another architecture there is no list yet: the first job finds out.
    experiment.replace("tests/configs/tiny_network.py", "first=nn", "frist=nn")
    assert experiment.stale()["train_network"] == 1


def test_results_of_an_older_layout_are_refused(fresh):
    fresh.result("model").mkdir(parents=True)
    fresh.result("model/metrics.json").touch()
    process = fresh.run("--dry-run")
    assert process.returncode != 0
    assert (
        "results/tiny holds results of an older layout (model); every network has" in process.stdout
    )


def test_too_few_correct_images_are_refused(experiment):
    experiment.configure(in_section("images", n_points=50, replicates=2))
    process = experiment.run()
    assert process.returncode != 0
    assert "select_images (small) failed: class " in process.stdout
    assert (
        "test images that may be selected (images.correct_for), but images.n_points 50"
        in process.stdout
    )


def test_a_layer_of_nan_is_refused_by_its_solves_and_the_others_go_on(fresh):
    (fresh.root / "nan_network.py").write_text(NAN_NETWORK)
    fresh.configure(in_network(architecture="nan_network.py:build"))
    fresh.configure(in_section("activations", layers=["input", "broken", "head"]))
    fresh.configure(in_section("geometry", layers=["broken", "head"]))
    fresh.configure(in_gaussian(strengths=[0.1]))
    process = fresh.run()
    assert process.returncode != 0
    for condition in ("clean", "gaussian/sigma-0.1"):
        assert f"solve_geometry (small, {condition}, broken) failed: " in process.stdout
        assert fresh.result(f"small/activations/{condition}/broken.zarr.zip").exists()
        assert fresh.result(f"small/geometry/{condition}/head.h5").exists()
        assert not fresh.result(f"small/geometry/{condition}/broken.h5").exists()
    assert fresh.result("figures/small/gaussian/accuracy.png").exists()
    assert "Traceback" not in process.stdout


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("small/activations/gaussian/sigma-0.5/head.zarr.zip", lambda content: content[:-500]),
        ("small/images/clean.zarr.zip", lambda content: flip_bit(content, len(content) // 2)),
        ("small/accuracy/gaussian/sigma-0.1.h5", lambda content: flip_bit(content, 3000)),
    ],
)
def test_a_damaged_file_is_named_and_made_anew(experiment, finished, name, damage):
    experiment.draw_only("accuracy", "layers")
    file = experiment.result(name)
    file.write_bytes(damage(file.read_bytes()))
    output = experiment.succeed()
    assert f"Out of date: results/tiny/{name}: it is damaged (" in output
    assert "train_network" not in output and "Train the network" not in output
    assert file.read_bytes() == finished.result(name).read_bytes()
    for pattern in ("geometry/**/*.h5", "accuracy/**/*.h5"):
        assert experiment.contents("small", pattern) == finished.contents("small", pattern)
    assert experiment.stale() == {}


def flip_in(name, place):
    def flip(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(flip_bit(content, place % len(content)))

    return flip


def exchange(folder):
    """Weights of other numbers that are sound in themselves, as of another training."""
    path = folder / "weights.safetensors"
    said, tensors = read_origin(path), read_weights(path)
    holder = SimpleNamespace(state_dict=lambda: {key: one + 1 for key, one in tensors.items()})
    save_weights(holder, path, Origin(said["network"], lineage=said["lineage"]))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (flip_in("weights.safetensors", -5), "weights.safetensors as metrics.json beside it"),
        (flip_in("metrics.json", 30), "metrics.json"),
        (flip_in("layers.json", 30), "layers.json"),
        (flip_in("history.csv", -5), "history.csv as metrics.json beside it knows it"),
        (exchange, "weights.safetensors as metrics.json beside it knows it"),
    ],
    ids=["weights", "metrics", "layers", "history", "exchanged"],
)
def test_a_folder_of_weights_that_is_not_as_it_was_is_left_to_the_reader(experiment, harm, words):
    """Hours of training are not thrown away, nor what somebody put there overwritten."""
    folder = experiment.result("small/weights")
    harm(folder)
    contents = experiment.contents("small/weights", "*")
    process = experiment.run()
    assert process.returncode == 1
    assert words in process.stdout and "rm -r 'results/tiny/small/weights'" in process.stdout
    assert "put the whole folder back" in process.stdout
    assert "Traceback" not in process.stdout and "Job stats" not in process.stdout
    assert experiment.contents("small/weights", "*") == contents


def test_weights_that_do_not_fit_are_refused(experiment):
    shutil.copy(
        experiment.result("small/weights/weights.safetensors"), experiment.root / "my.safetensors"
    )
    experiment.replace("tests/configs/tiny_network.py", "nn.Conv2d(3, 8,", "nn.Conv2d(3, 4,")
    experiment.configure(in_network(weights="my.safetensors"))
    process = experiment.run("results/tiny/small/weights/weights.safetensors")
    assert process.returncode != 0
    words = "import_weights (small) failed: weights: need the 9 tensors of the network. Got from my"
    assert words in process.stdout


def test_weights_of_ones_own_skip_the_training(experiment, finished):
    shutil.copy(
        experiment.result("small/weights/weights.safetensors"), experiment.root / "my.safetensors"
    )
    experiment.configure(in_network(weights="my.safetensors"))
    experiment.succeed("results/tiny/tables/verification.txt")
    assert "train_network" not in experiment.stale()
    for name in finished.contents("small/geometry"):
        condition, path = name.rpartition("/")[0], f"small/geometry/{name}"
        ours, theirs = (
            read_geometry(one.result(path), origin_said(one.result(path), condition))[0]
            for one in (experiment, finished)
        )
        for variable, values in ours.items():
            assert np.array_equal(values, theirs[variable], equal_nan=True), (name, variable)
