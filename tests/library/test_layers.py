"""Layers: which there are, in the order in which they run; what is checked before a training."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from helpers import NETWORK, ROOT, changed, read_config
from manifold_robustness.errors import ConfigurationError, DataError, ResourceError
from manifold_robustness.network.checks import check_experiment
from manifold_robustness.network.data_sets import ArrayImages
from manifold_robustness.network.layers import (
    Layer,
    analysed_names,
    check_layers,
    list_layers,
    main,
    reference_labels,
)
from manifold_robustness.network.model import build_model

CONFIG = read_config("tests/configs/tiny.yaml")


class Branched(nn.Module):
    """Modules declared in another order than they run in, one run twice, one giving a pair."""

    def __init__(self):
        super().__init__()
        self.late = nn.Linear(4, 2)
        self.early = nn.Conv2d(3, 1, 2)
        self.twice = nn.ReLU()
        self.pair = nn.MaxPool2d(2, return_indices=True)
        self.unused = nn.Linear(1, 1)

    def forward(self, images):
        values = self.twice(self.early(images))
        self.pair(values)
        return self.late(self.twice(values).flatten(1))


def test_layers_stand_in_the_order_in_which_they_run():
    model = Branched().train()
    layers = list_layers(model, (3, 3, 3))
    assert layers == [
        Layer("input", "Input", (3, 3, 3)),
        Layer("early", "Conv2d", (1, 2, 2)),
        Layer("late", "Linear", (2,)),
    ]
    assert [layer.n_features for layer in layers] == [27, 4, 2]
    assert analysed_names(model, layers) == ["input", "early", "late"]
    assert model.training and not any(m._forward_hooks for m in model.modules())


def test_only_convolutions_and_dense_layers_are_usual():
    model = build_model(NETWORK, 10)
    layers = list_layers(model, (3, 8, 8))
    names = ["input", "first", "norm", "relu", "pool", "flat", "head"]
    assert [layer.name for layer in layers] == names
    assert analysed_names(model, layers) == ["input", "first", "head"]


def test_reference_labels_number_the_leaf_modules():
    """The numbers are those that published figures of a CIFAR ResNet18 show."""
    labels = reference_labels(build_model("resnet18", 10))
    usual = [label for label in labels.values() if label.endswith(("Conv2d", "Linear"))]
    places = [1, 5, 8, 10, 13, 15, 18, 20, 22, 25, 27, 30, 32, 34, 37, 39, 42, 44, 46, 49]
    assert usual == [*(f"layer_{place}_Conv2d" for place in places), "layer_53_Linear"]
    assert labels["input"] == "layer_0_Input" and labels["maxpool"] == "layer_4_Identity"
    assert labels["layer2.0.downsample.0"] == "layer_20_Conv2d"
    assert labels["layer4.1.conv2"] == "layer_49_Conv2d" and labels["fc.1"] == "layer_53_Linear"


def test_a_layer_that_is_no_leaf_keeps_its_path():
    labels = reference_labels(nn.Sequential(nn.Sequential(nn.Sequential()), nn.ReLU()))
    assert labels["0"] == "0" and labels["0.0"] == "layer_1_Sequential"
    assert labels["1"] == "layer_2_ReLU"


def test_names_are_checked_against_those_there_are():
    layers = list_layers(build_model(NETWORK, 10), (3, 8, 8))
    assert [layer.name for layer in check_layers(["first", "head"], layers)] == ["first", "head"]
    with pytest.raises(ConfigurationError) as caught:
        check_layers(["input", "frst", "fc", "head"], layers)
    assert "activations.layers names frst, fc, which the network does not have" in str(caught.value)
    assert "valid names are input, first, norm, relu, pool, flat, head" in str(caught.value)
    with pytest.raises(ConfigurationError, match="forward order, which is input, first, head"):
        check_layers(["head", "input", "first"], layers)


def test_the_printed_list_marks_the_usual_ones(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    main(["config.yaml", "tests/configs/tiny.yaml"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[2:] if line.startswith("*")] == [
        "input",
        "first",
        "head",
    ]
    assert lines[-1].split() == ["*", "head", "Linear", "10", "10", "layer_6_Linear"]


def test_a_layer_s_list_of_a_file_that_is_empty(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    main(["config.yaml", "tests/configs/tiny.yaml", str(tmp_path / "empty.yaml")])
    assert "head" in capsys.readouterr().out


# What is checked before a training


def check(path=None, value=None, counts=(12, 12, 12, 12, 12), folder=ROOT):
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    test = ArrayImages(torch.zeros(len(labels), 3, 8, 8), labels)
    config = changed(CONFIG, path, value) if path else CONFIG
    names = ["ant", "bee", "cat", "dog", "eel"]
    check_experiment(config, build_model(NETWORK, 5), test, names, folder)


def test_an_experiment_that_can_be_done_passes():
    check()
    check("images.n_manifolds", 2, counts=(12, 12, 0, 0, 1))  # other classes don't matter


@pytest.mark.parametrize(
    ("path", "value", "error", "words"),
    [
        ("activations.layers", ["input", "conv1"], ConfigurationError, "names conv1.*valid names"),
        ("activations.layers", ["head", "input"], ConfigurationError, "which is input, head"),
        ("images.n_manifolds", 6, DataError, "n_manifolds is 6, but the data set has 5 classes"),
        ("images.n_points", 7, DataError, "class ant has 12 test images.*n_points 7 .*needs 14"),
        ("images.replicates", 3, DataError, "class ant has 12 test images.*replicates 3 needs 18"),
    ],
)
def test_an_experiment_that_can_not_be_done_is_refused(path, value, error, words):
    with pytest.raises(error, match=words):
        check(path, value)


def test_what_the_machine_has_no_room_for_is_refused_with_the_numbers(monkeypatch):
    """M = 6, P = 5, two replicates; the input (192) is rotated, head (5) kept as it is."""
    monkeypatch.setattr("manifold_robustness.limits.available_memory", lambda: 2**28)
    with pytest.raises(
        ResourceError, match=r"30 images.* 0\.45 GiB of memory, and there are 0\.25"
    ):
        check()
    monkeypatch.undo()
    per_condition = 2 * 30 * (30 * 4 + 30 * 4 + 5 * 4)  # input, first, head
    free = 3 * per_condition
    usage = SimpleNamespace(free=free)
    monkeypatch.setattr("manifold_robustness.limits.shutil.disk_usage", lambda _: usage)
    check()
    usage.free -= 1
    with pytest.raises(ResourceError, match=r"3 layers under 3 conditions need .* of disk"):
        check()


def test_what_is_written_already_needs_no_room(monkeypatch, tmp_path):
    usage = SimpleNamespace(free=0)
    monkeypatch.setattr("manifold_robustness.limits.shutil.disk_usage", lambda _: usage)
    for condition in ("clean", "gaussian/sigma-0.1", "gaussian/sigma-0.5"):
        folder = tmp_path / "activations" / condition
        folder.mkdir(parents=True)
        for layer, size in (("input", 120), ("first", 120), ("head", 20)):
            (folder / f"{layer}.zarr.zip").write_bytes(bytes(2 * 30 * size))
    check(folder=tmp_path)
    (folder / "input.zarr.zip").rename(folder / "layer-of-old.zarr.zip")
    with pytest.raises(ResourceError, match="of disk"):
        check(folder=tmp_path)


def test_the_class_that_has_too_few_images_is_named():
    with pytest.raises(DataError, match="class dog has 11 test images"):
        check(counts=(12, 12, 12, 11, 12))
    with pytest.raises(DataError, match="class eel has 0 test images"):
        check(counts=(12, 12, 12, 12))


@pytest.mark.parametrize(
    ("overlay", "sentence"),
    [
        (
            "data: {name: image_folder, root: no/folder}",
            "data.root must be a folder with one folder",
        ),
        ("model: {architecture: 'no.py:build'}", "names the file no.py, which does not exist"),
        (None, "No such file or directory"),
    ],
)
def test_what_cannot_be_listed_is_one_sentence(overlay, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    path = tmp_path / "overlay.yaml"
    if overlay is not None:
        path.write_text(overlay)
    with pytest.raises(SystemExit, match=sentence):
        main(["config.yaml", str(path)])
