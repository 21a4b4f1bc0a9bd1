"""Layers: which there are, in the order in which they run; what is checked before a training."""

from types import SimpleNamespace

import pytest
import torch
import yaml
from torch import nn

from helpers import NETWORK, ROOT, changed, read_config
from manifold_robustness.errors import ConfigurationError, DataError, ResourceError
from manifold_robustness.network.architectures import build_network
from manifold_robustness.network.checks import require_feasible
from manifold_robustness.network.data_sets import ArrayImages
from manifold_robustness.network.layer_list import describe_configured, describe_layers, main
from manifold_robustness.network.layers import (
    Layer,
    analysed_names,
    layer_names,
    left_out,
    list_layers,
    reference_labels,
)
from manifold_robustness.networks import require_layers

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
    network = Branched().train()
    layers = list_layers(network, (3, 3, 3))
    assert layers == [
        Layer("input", "Input", (3, 3, 3)),
        Layer("early", "Conv2d", (1, 2, 2)),
        Layer("late", "Linear", (2,)),
    ]
    assert [layer.n_features for layer in layers] == [27, 4, 2]
    assert analysed_names(network, layers) == ["input", "early", "late"]
    assert network.training and not any(m._forward_hooks for m in network.modules())


def test_only_convolutions_and_dense_layers_are_usual():
    network = build_network(NETWORK, 10)
    layers = list_layers(network, (3, 8, 8))
    names = ["input", "first", "norm", "relu", "pool", "flat", "head"]
    assert [layer.name for layer in layers] == names
    assert analysed_names(network, layers) == ["input", "first", "head"]


def test_reference_labels_number_the_leaf_modules():
    """The numbers are those that published figures of a CIFAR ResNet18 show."""
    labels = reference_labels(build_network("resnet18", 10))
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
    names = layer_names(build_network(NETWORK, 10), (3, 8, 8))
    require_layers(["first", "head"], names, "tiny")
    with pytest.raises(ConfigurationError) as caught:
        require_layers(["input", "frst", "fc", "head"], names, "tiny")
    assert "names frst, fc, which the network tiny does not have" in str(caught.value)
    assert "valid names are input, first, norm, relu, pool, flat, head" in str(caught.value)
    with pytest.raises(ConfigurationError, match="forward order, which is input, first, head"):
        require_layers(["head", "input", "first"], names, "tiny")


class Folded(nn.Module):
    """Parts of an image stand along the first axis inside, and a number comes of all images."""

    def __init__(self):
        super().__init__()
        self.parts, self.mean, self.all = nn.Identity(), Mean(), Total()
        self.held = nn.ModuleList([nn.Identity()])  # does not run itself, and what it holds does
        self.head = nn.Linear(12, 2)

    def forward(self, images):
        parts = self.parts(images.reshape(-1, 6))
        self.all(images - self.mean(images))
        return self.head(self.held[0](parts.reshape(len(images), -1)))


class Mean(nn.Module):
    def forward(self, images):
        return images.mean(0, keepdim=True)


class Total(nn.Module):
    def forward(self, images):
        return images.sum()


def test_what_gives_no_entry_per_image_is_no_layer():
    assert layer_names(Folded(), (3, 2, 2)) == ["input", "held.0", "head"]


def test_what_is_left_out_is_named_with_the_reason():
    assert left_out(Branched(), (3, 3, 3)) == {
        "twice": "runs 2 times in a pass",
        "pair": "returns a tuple, not a tensor",
        "unused": "does not run in a pass",
    }
    reason = "returns a tensor whose first axis is not that of the images"
    assert left_out(Folded(), (3, 2, 2)) == dict.fromkeys(["parts", "mean", "all"], reason)
    assert left_out(build_network(NETWORK, 10), (3, 8, 8)) == {}


# The list that a person pastes into a configuration


@pytest.mark.parametrize(
    "place", ["activations:\n  layers:\n", "networks:\n  - name: a\n    layers:\n"]
)
def test_the_list_can_be_pasted(place):
    network = build_network("resnet18", 10)
    text = describe_layers(network, (3, 16, 16))
    usual = analysed_names(network, list_layers(network, (3, 16, 16)))
    assert yaml.safe_load(text) == usual and len(usual) == 22
    pasted = yaml.safe_load(f"run: mine\n{place}{text}\n")
    section = pasted.get("activations") or pasted["networks"][0]
    assert section["layers"] == usual


def test_every_layer_stands_in_the_list_in_forward_order():
    network = build_network(NETWORK, 10)
    lines = describe_layers(network, (3, 8, 8)).splitlines()
    items = [line for line in lines if line.startswith(" ")]
    assert items == [
        "    - input   # Input, 3x8x8, 192 features, layer_0_Input",
        "    - first   # Conv2d, 8x8x8, 512 features, layer_1_Conv2d",
        "    # - norm  # BatchNorm2d, 8x8x8, 512 features, layer_2_BatchNorm2d",
        "    # - relu  # ReLU, 8x8x8, 512 features, layer_3_ReLU",
        "    # - pool  # MaxPool2d, 8x4x4, 128 features, layer_4_MaxPool2d",
        "    # - flat  # Flatten, 128, 128 features, layer_5_Flatten",
        "    - head    # Linear, 10, 10 features, layer_6_Linear",
    ]
    without_comments = "\n".join(items).replace("    # - ", "    - ")
    assert yaml.safe_load(without_comments) == layer_names(network, (3, 8, 8))


def test_names_that_look_like_numbers_stay_names():
    network = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(12, 2)))
    assert yaml.safe_load(describe_layers(network, (3, 2, 2))) == ["input", "1.0"]
    assert yaml.safe_load(describe_layers(network[1], (12,))) == ["input", "0"]


def test_the_list_ends_with_what_was_left_out():
    lines = describe_layers(Branched(), (3, 3, 3)).splitlines()
    assert lines[-4].startswith("# Left out") and lines[-3:] == [
        "#   twice: runs 2 times in a pass",
        "#   pair: returns a tuple, not a tensor",
        "#   unused: does not run in a pass",
    ]
    assert yaml.safe_load("\n".join(lines)) == ["input", "early", "late"]


OTHER = """
networks:
  - {name: own, architecture: "tests/configs/tiny_network.py:build", weights: none}
  - {name: other, architecture: torchvision/squeezenet1_1, weights: none}
"""


def test_the_layers_of_any_network_of_a_configuration_are_printed(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    (tmp_path / "other.yaml").write_text(OTHER)
    files = ["config.yaml", "tests/configs/tiny.yaml", str(tmp_path / "empty.yaml")]
    main(files)
    assert yaml.safe_load(capsys.readouterr().out) == ["input", "first", "head"]
    main([*files, str(tmp_path / "other.yaml")])
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed) == ["input", "first", "head"]
    assert "network own" in printed and "NETWORK=… with one of other." in printed
    main([*files, str(tmp_path / "other.yaml"), "--network", "other"])
    assert "classifier.1" in yaml.safe_load(capsys.readouterr().out)
    with pytest.raises(SystemExit, match=r"need a network out of own, other\. Got third"):
        main([*files, str(tmp_path / "other.yaml"), "--network", "third"])


@pytest.mark.parametrize("missing", ["networks", "data"])
def test_a_configuration_without_a_network_or_data_is_refused(missing):
    config = {key: value for key, value in CONFIG.items() if key != missing}
    with pytest.raises(ConfigurationError, match=rf"config: {missing} is missing"):
        describe_configured(config)


# What is checked before a training


def check(path=None, value=None, counts=(12, 12, 12, 12, 12), folder=ROOT):
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    test = ArrayImages(torch.zeros(len(labels), 3, 8, 8), labels)
    config = changed(CONFIG, path, value) if path else CONFIG
    names = ["ant", "bee", "cat", "dog", "eel"]
    require_feasible(config, "small", build_network(NETWORK, 5), test, names, folder)


def test_an_experiment_that_can_be_done_passes():
    check()
    check("images.n_manifolds", 4, counts=(12, 12, 12, 12, 1))  # other classes don't matter


@pytest.mark.parametrize(
    ("path", "value", "error", "words"),
    [
        (
            "activations.layers",
            ["input", "conv1", "head"],
            ConfigurationError,
            "names conv1.*valid names",
        ),
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
        (
            "networks: [{name: mine, architecture: 'no.py:build', weights: none}]",
            "names the file no.py, which does not exist",
        ),
        (None, "does not exist; name files of YAML"),
    ],
)
def test_what_cannot_be_listed_is_one_sentence(overlay, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    path = tmp_path / "overlay.yaml"
    if overlay is not None:
        path.write_text(overlay)
    with pytest.raises(SystemExit, match=sentence):
        main(["config.yaml", str(path)])
