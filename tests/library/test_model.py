"""The network: its layers, and its weights as files, of ours and of others."""

import os
import pickle
from collections import OrderedDict

import pytest
import torch
from torch import nn

from helpers import NETWORK, flip_bit
from manifold_robustness.errors import ConfigurationError, ModelError
from manifold_robustness.network.layers import analysed_names, list_layers
from manifold_robustness.network.model import (
    build_model,
    initial_model,
    load_model,
    load_weights,
    save_weights,
)

SETTINGS = {"architecture": "resnet18", "weights": "none", "weights_file": None}


@pytest.fixture(scope="module")
def resnet18():
    return build_model("resnet18", 10)


def tiny(seed=0, n_classes=10):
    return initial_model({**SETTINGS, "architecture": NETWORK}, n_classes, seed)


def same_weights(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_resnet18_has_a_stem_and_head_for_small_images(resnet18):
    stem = resnet18.conv1
    assert (stem.in_channels, stem.out_channels, stem.kernel_size) == (3, 64, (3, 3))
    assert (stem.stride, stem.padding, stem.bias) == ((1, 1), (1, 1), None)
    assert isinstance(resnet18.maxpool, nn.Identity)
    assert isinstance(resnet18.fc, nn.Sequential) and isinstance(resnet18.fc[0], nn.Dropout)
    assert (resnet18.fc[1].in_features, resnet18.fc[1].out_features) == (512, 10)
    # torchvision's ResNet18 has 11,689,512; the stem loses 64·3·(49 - 9), the head 990 classes.
    parameters = sum(parameter.numel() for parameter in resnet18.parameters())
    assert parameters == 11_689_512 - 64 * 3 * 40 - 990 * 513


def test_resnet18_has_the_22_layers_of_the_configuration(resnet18):
    layers = {layer.name: layer for layer in list_layers(resnet18, (3, 32, 32))}
    names = analysed_names(resnet18, layers.values())
    assert len(names) == 22 and names[:2] == ["input", "conv1"] and names[-1] == "fc.1"
    shapes = {name: layers[name].shape for name in names}
    assert shapes["input"] == (3, 32, 32)
    assert shapes["conv1"] == shapes["layer1.1.conv2"] == (64, 32, 32)
    assert shapes["layer2.0.conv1"] == shapes["layer2.0.downsample.0"] == (128, 16, 16)
    assert shapes["layer3.1.conv2"] == (256, 8, 8) and shapes["layer4.1.conv2"] == (512, 4, 4)
    assert shapes["fc.1"] == (10,) and layers["conv1"].n_features == 65_536


def test_fresh_weights_follow_the_seed():
    assert same_weights(tiny(3), tiny(3)) and not same_weights(tiny(3), tiny(4))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "nested.pth"])
def test_weights_come_back_as_they_were(tmp_path, name):
    model, path = tiny(1), tmp_path / name
    model.norm.running_mean += 5
    if name == "w.safetensors":
        save_weights(model, path)
    else:
        tensors = model.state_dict()
        torch.save({"state_dict": tensors} if name == "nested.pth" else tensors, path)
    loaded = load_model(NETWORK, 10, path)
    assert same_weights(loaded, model) and not loaded.training


def test_the_file_of_weights_can_be_read_by_whoever_may_read_its_folder(tmp_path):
    save_weights(tiny(), tmp_path / "w.safetensors")
    (tmp_path / "other").touch()
    modes = [(tmp_path / name).stat().st_mode for name in ("w.safetensors", "other")]
    assert modes[0] == modes[1]


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("write", [torch.save, lambda x, p: p.write_bytes(pickle.dumps(x))])
def test_code_in_a_pth_file_is_refused_and_does_not_run(tmp_path, write):
    harm = tmp_path / "harm"
    write({"first.weight": Malicious(str(harm))}, tmp_path / "bad.pth")
    with pytest.raises(ModelError, match=r"bad\.pth is not readable as weights, or holds more"):
        load_weights(tiny(), tmp_path / "bad.pth")
    assert not harm.exists()


@pytest.mark.parametrize("value", [torch.zeros(3), [1], 3, {"state_dict": 3}, {"first.weight": 3}])
def test_a_pth_file_that_holds_no_weights_is_refused(tmp_path, value):
    torch.save(value, tmp_path / "odd.pth")
    with pytest.raises(ModelError, match=r"odd\.pth is not readable as weights"):
        load_weights(tiny(), tmp_path / "odd.pth")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_weights_that_were_cut_short_are_refused(tmp_path, name):
    path, model = tmp_path / name, tiny()
    save_weights(model, path) if name == "w.safetensors" else torch.save(model.state_dict(), path)
    content = path.read_bytes()
    for length in range(0, len(content), len(content) // 20):
        path.write_bytes(content[:length])
        with pytest.raises(ModelError, match="is not readable as weights"):
            load_weights(model, path)


def test_a_flipped_bit_in_our_own_weights_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(build_model(NETWORK, 10), path)
    whole = path.read_bytes()
    start = len(whole) - 4 * 1000  # in the last thousand numbers
    for place in range(start, len(whole), 500):
        path.write_bytes(flip_bit(whole, place))
        with pytest.raises(ModelError, match="checksum"):
            load_model(NETWORK, 10, path)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(ModelError, match=rf"the weights {tmp_path}/no\.pth do not exist"):
        load_weights(tiny(), tmp_path / "no.pth")


def test_weights_that_do_not_fit_are_explained(tmp_path):
    tensors = tiny().state_dict()
    tensors["head.weight"] = torch.zeros(7, 128)
    tensors["extra"] = tensors.pop("first.bias")
    torch.save(tensors, tmp_path / "w.pth")
    model = tiny(9)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(ModelError) as caught:
        load_weights(model, tmp_path / "w.pth")
    message = str(caught.value)
    assert "w.pth don't fit the network" in message
    assert "1 missing (first.bias)" in message and "1 not known (extra)" in message
    assert "head.weight is (7, 128) and must be (10, 128)" in message
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_many_misfits_are_counted_and_a_few_shown(tmp_path):
    save_weights(tiny(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError) as caught:
        load_model("resnet18", 10, tmp_path / "w.safetensors")
    assert "122 missing (conv1.weight, bn1.weight, bn1.bias, …)" in str(caught.value)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A local file as torchvision's ImageNet weights are: another stem, 1,000 classes."""
    tensors = OrderedDict(build_model("resnet18", 10).state_dict())
    for key in tensors:
        tensors[key] = torch.full_like(tensors[key], 2)
    for key in [key for key in tensors if key.startswith("fc.")]:
        del tensors[key]
    tensors["conv1.weight"] = torch.full((64, 3, 7, 7), 2.0)
    tensors["fc.weight"], tensors["fc.bias"] = (
        torch.full((1000, 512), 2.0),
        torch.full((1000,), 2.0),
    )
    path = tmp_path_factory.mktemp("weights") / "resnet18-f37072fd.pth"
    torch.save(tensors, path)
    return path


def test_imagenet_s_weights_are_taken_but_for_stem_and_head(imagenet, resnet18):
    settings = {**SETTINGS, "weights": "imagenet", "weights_file": str(imagenet)}
    model, fresh = initial_model(settings, 10, seed=5), initial_model(SETTINGS, 10, seed=5)
    for (key, value), start in zip(
        model.state_dict().items(), fresh.state_dict().values(), strict=True
    ):
        if key in ("conv1.weight", "fc.1.weight", "fc.1.bias"):
            assert torch.equal(value, start), key
        else:
            assert (value == 2).all(), key


def test_imagenet_s_weights_that_are_of_another_network(tmp_path):
    save_weights(tiny(), tmp_path / "w.safetensors")
    settings = {**SETTINGS, "weights": "imagenet", "weights_file": str(tmp_path / "w.safetensors")}
    with pytest.raises(ModelError, match=r"w\.safetensors don't fit the network"):
        initial_model(settings, 10, 0)


def test_imagenet_without_a_network_or_a_file(monkeypatch):
    def no_network(*_, **__):
        raise OSError("no network here")

    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    monkeypatch.setenv("TORCH_HOME", "/nonexistent")
    with pytest.raises(ModelError, match=r"could not be downloaded.*name the file in model\.weigh"):
        initial_model({**SETTINGS, "weights": "imagenet"}, 10, 0)


def test_imagenet_s_weights_fit_resnet18_only():
    settings = {**SETTINGS, "architecture": NETWORK, "weights": "imagenet"}
    with pytest.raises(ConfigurationError, match=r"needs model\.architecture resnet18; it is "):
        initial_model(settings, 10, 0)


def test_a_network_of_the_user_s_own():
    model = build_model(NETWORK, 7)
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 7)


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ("none.py:build", r"names the file .*none\.py, which does not exist"),
        ("own.py:make", r"own\.py has no function make"),
        ("own.py:build", r"must return a torch\.nn\.Module; it returned <class 'int'>"),
    ],
)
def test_a_network_that_can_t_be_built(tmp_path, architecture, words):
    (tmp_path / "own.py").write_text("def build(n_classes):\n    return n_classes\n")
    with pytest.raises(ModelError, match=words):
        build_model(f"{tmp_path}/{architecture}", 10)
