"""Architectures: ResNet18 for small images, torchvision's networks, a user's own."""

import copy
import pickle
from collections import OrderedDict

import pytest
import torch
from torch import nn

from helpers import NETWORK
from manifold_robustness.declarations import plugin_names, read_declaration
from manifold_robustness.errors import ConfigurationError, NetworkError
from manifold_robustness.network.architectures import (
    FOLDER,
    build_network,
    imagenet_weights,
    starting_tensors,
)
from manifold_robustness.network.architectures.preprocessing import Preprocessing, resize
from manifold_robustness.network.layer_list import describe_layers
from manifold_robustness.network.layers import analysed_names, layer_names, list_layers
from manifold_robustness.network.torchvision_import import torchvision

NAMES = read_declaration(FOLDER, "torchvision", "network architecture")["names"]
SMALL = ["squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small"]  # really run


@pytest.fixture(scope="module")
def resnet18():
    return build_network("resnet18", 10)


@pytest.fixture
def on_meta(monkeypatch):
    """A device without numbers; the widths of RegNets are worked out by torch, and need some."""
    parameters = torchvision.models.regnet.BlockParams
    work_out = parameters.from_init_params

    def on_the_cpu(*arguments, **options):
        with torch.device("cpu"):
            return work_out(*arguments, **options)

    monkeypatch.setattr(parameters, "from_init_params", on_the_cpu)
    with torch.device("meta"):
        yield


def test_each_architecture_declares_what_the_workflow_asks_for():
    assert {"resnet18", "torchvision"} <= set(plugin_names(FOLDER))
    for name in plugin_names(FOLDER):
        declared = read_declaration(FOLDER, name, "network architecture")
        assert declared["title"] and isinstance(declared["imagenet"], bool)


# ResNet18 for small images


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


# torchvision's networks


def test_the_names_are_all_of_torchvision_s_classification_networks():
    assert torchvision.models.list_models(module=torchvision.models) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_network_is_the_one_that_its_weights_were_trained_as(name, on_meta):
    """It has as many parameters as they; where not any size will do, it takes images of theirs."""
    weights = torchvision.models.get_model_weights(name).DEFAULT
    network = build_network(f"torchvision/{name}", 1000).eval()
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    auxiliary = 27_161_264 - 23_834_568 if name == "inception_v3" else 0  # counted there, off here
    assert n_parameters == weights.meta["num_params"] - auxiliary
    if min(weights.meta["min_size"]) > 64:
        (size,) = weights.transforms().crop_size
        with torch.no_grad():
            assert network(torch.zeros(2, 3, size, size)).shape == (2, 1000)


@pytest.mark.parametrize("name", SMALL)
def test_a_network_s_gradient_reaches_pixels_of_any_size(name):
    torch.manual_seed(0)
    network = build_network(f"torchvision/{name}", 4).eval()
    images = torch.rand(2, 3, 20, 24)
    with torch.inference_mode():
        silent = network(images)
    gradients = []
    for _ in range(2):
        images = images.detach().requires_grad_()
        outputs = network(images)
        outputs.sum().backward()
        gradients.append(images.grad)
    assert outputs.shape == (2, 4) and torch.allclose(silent, outputs)
    assert torch.equal(*gradients)
    assert images.grad.shape == images.shape and torch.isfinite(images.grad).all()
    assert (images.grad.abs().sum((1, 2, 3)) > 0).all()


def test_a_network_sees_images_as_its_weights_want_them():
    """What torchvision's own transform of its weights makes of the pixels, at the right size."""
    torch.manual_seed(0)
    network = build_network("torchvision/squeezenet1_1", 5).eval()
    bare = torchvision.models.squeezenet1_1(weights=None, num_classes=5).eval()
    bare.load_state_dict(network.state_dict())
    weights = torchvision.models.SqueezeNet1_1_Weights.DEFAULT
    images = torch.rand(2, 3, 224, 224)
    with torch.no_grad():
        wanted = bare(weights.transforms(resize_size=224)(images))
        assert torch.allclose(network(images), wanted, atol=1e-5)
        assert not torch.allclose(bare(images), wanted, atol=1e-2)


def test_modules_and_state_dict_are_torchvision_s():
    network = build_network("torchvision/shufflenet_v2_x0_5", 1000)
    bare = torchvision.models.shufflenet_v2_x0_5(weights=None)
    assert list(network.state_dict()) == list(bare.state_dict())
    assert [name for name, _ in network.named_modules()] == [
        name for name, _ in bare.named_modules()
    ]
    assert layer_names(network, (3, 8, 8))[:2] == ["input", "conv1.0"]
    assert list_layers(network, (3, 8, 8))[0].shape == (3, 8, 8)  # pixels, as they come


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_treats_images_as_the_network_does(duplicate):
    network = build_network("torchvision/squeezenet1_1", 3).eval()
    images = torch.rand(1, 3, 30, 30)
    with torch.no_grad():
        assert torch.equal(duplicate(network)(images), network(images))


@pytest.mark.parametrize(("height", "width", "size"), [(7, 9, 20), (40, 31, 13), (16, 16, 224)])
def test_images_are_resized_as_torch_does_it_with_antialiasing(height, width, size):
    images = torch.rand(2, 3, height, width)
    wanted = nn.functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True)
    assert torch.allclose(resize(images, size), wanted, atol=1e-6)
    assert resize(images, size).min() >= 0 and resize(images, size).max() <= 1 + 1e-6


def test_images_of_the_right_size_are_not_touched():
    images = torch.rand(1, 3, 9, 9)
    assert resize(images, 9) is images


def test_pixels_keep_their_digits_in_a_training_in_low_precision():
    images = torch.rand(1, 3, 8, 8)
    (wanted,) = Preprocessing(12, (0.5,) * 3, (0.2,) * 3)(nn.Identity(), (images,))
    with torch.autocast("cpu", torch.bfloat16):
        (found,) = Preprocessing(12, (0.5,) * 3, (0.2,) * 3)(nn.Identity(), (images,))
    assert found.dtype == torch.float32 and torch.equal(found, wanted)


# Weights of ImageNet, in the form in which they are published


def published(name):
    """A state dict as torchvision's file has it: 1,000 classes, auxiliary heads, every value 2."""
    network = torchvision.models.get_model(name, weights=None)
    return {key: torch.full_like(value, 2) for key, value in network.state_dict().items()}


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("squeezenet1_1", {"classifier.1.weight", "classifier.1.bias"}),
        ("shufflenet_v2_x0_5", {"fc.weight", "fc.bias"}),
        ("mobilenet_v3_small", {"classifier.3.weight", "classifier.3.bias"}),
    ],
)
def test_only_the_head_starts_afresh(name, head):
    architecture = f"torchvision/{name}"
    network = build_network(architecture, 7)
    own = network.state_dict()
    tensors = starting_tensors(architecture, network, published(name))
    assert tensors.keys() == own.keys()
    for key, value in tensors.items():
        assert torch.equal(value, own[key]) if key in head else (value == 2).all(), key


def test_the_head_of_as_many_classes_is_taken_too():
    network = build_network("torchvision/squeezenet1_1", 1000)
    tensors = starting_tensors("torchvision/squeezenet1_1", network, published("squeezenet1_1"))
    assert all((value == 2).all() for value in tensors.values())


def test_auxiliary_heads_and_the_densenets_old_names_are_known(on_meta):
    for name in ("googlenet", "inception_v3", "densenet121"):
        network = build_network(f"torchvision/{name}", 10)
        options = {} if name == "densenet121" else {"init_weights": True}
        tensors = torchvision.models.get_model(name, weights=None, **options).state_dict()
        if name == "densenet121":
            for key in [key for key in tensors if "denselayer" in key]:
                for part in ("norm", "conv"):
                    for number in "12":
                        old = key.replace(f".{part}{number}.", f".{part}.{number}.")
                        if old != key:
                            tensors[old] = tensors.pop(key)
            assert "features.denseblock1.denselayer1.norm.1.weight" in tensors
        else:
            assert any(key.startswith(("aux", "Aux")) for key in tensors)
        kept = starting_tensors(f"torchvision/{name}", network, tensors)
        shapes = {key: value.shape for key, value in network.state_dict().items()}
        assert {key: value.shape for key, value in kept.items()} == shapes


def test_which_architectures_have_weights_of_imagenet():
    assert imagenet_weights("resnet18").url.endswith("resnet18-f37072fd.pth")
    assert imagenet_weights("torchvision/resnet18") == imagenet_weights("resnet18")
    with pytest.raises(
        ConfigurationError, match=r"need an architecture that has such weights.*tiny"
    ):
        imagenet_weights(NETWORK)


# Architectures that there are not


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ("resnet19", r"need .*network architecture .*resnet18.*\. Got resnet19"),
        ("torchvision/resnet5", r"Got torchvision/resnet5; did you mean torchvision/resnet50\?"),
        ("torchvision", r"torchvision's 80\. Got torchvision; did you mean torchvision/"),
        ("resnet18/large", r"Got resnet18/large; did you mean resnet18\?"),
        ("user_file", r"Got user_file\."),
    ],
)
def test_an_architecture_that_there_is_not(architecture, words):
    with pytest.raises(ConfigurationError, match=words):
        build_network(architecture, 10)


# A user's own


def test_a_network_of_the_user_s_own():
    network = build_network(NETWORK, 7)
    assert network(torch.zeros(2, 3, 8, 8)).shape == (2, 7)


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ("none.py:build", r"Got .*none\.py, which does not exist"),
        ("own.py:make", r"need a function make in .*own\.py\. Got none"),
        ("own.py:build", r"need a torch\.nn\.Module from .*own\.py:build\. Got <class 'int'>"),
        (
            "own.py:fail",
            r"whose fail\(n_classes\) runs\. Got from .*own\.py, line 4: KeyError: 'two lines'$",
        ),
        (
            "lacking.py:build",
            r"can be imported\. Got from .*lacking\.py, line 2: ModuleNotFoundErr",
        ),
        ("ends.py:build", r"that can be imported\. Got from .*ends\.py, line 2: SystemExit: 0$"),
        ("own.py:leave", r"leave\(n_classes\) runs\. Got from .*own\.py, line 6: SystemExit: bye"),
        ("own.py:nothing", r"from .*own\.py:nothing\. Got <class 'NoneType'>; return the network"),
        ("own.py:none", r"none\(n_classes\) runs\. Got from .*own\.py: TypeError: .*0 positional"),
        ("own.py:long", r"line 12: ValueError: xxx.*…$"),
        ("own.py:three", r"Got from .*own\.py: TypeError: 'int' object is not callable"),
        ("broken.py:build", r"can be imported\. Got from .*broken\.py: SyntaxError: .*line 1"),
    ],
)
def test_a_network_that_can_t_be_built(tmp_path, architecture, words):
    (tmp_path / "own.py").write_text(
        "def build(n_classes):\n    return n_classes\ndef fail(n_classes):\n    "
        "return {}['two lines']\n"
        "def leave(n_classes):\n    raise SystemExit('bye')\ndef nothing(n_classes):\n    pass\n"
        "def none():\n    pass\ndef long(n_classes):\n    raise ValueError('x' * 5000)\nthree = 3\n"
    )
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "lacking.py").write_text("\nimport a_package_that_nobody_has\n")
    (tmp_path / "broken.py").write_text("def build(:\n")
    with pytest.raises(NetworkError, match=words) as caught:
        build_network(f"{tmp_path}/{architecture}", 10)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_a_layer_whose_name_can_be_no_file_s_is_not_offered():
    parts = {"a-b": nn.Flatten(), "block 1": nn.Identity(), "x" * 151: nn.Linear(12, 2)}
    network = nn.Sequential(OrderedDict(parts))
    lines = describe_layers(network, (3, 2, 2)).splitlines()
    assert any("- a-b" in line for line in lines) and not any("- block 1" in line for line in lines)
    assert any(line.startswith("#   'block 1': its name must be a module's path") for line in lines)
    assert any(line.startswith("#   'xxx") for line in lines)
