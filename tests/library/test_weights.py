"""Weights: what a network starts from, and files of them, of ours and of others."""

import argparse
import logging
import os
import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from helpers import NETWORK, flip_bit
from manifold_robustness.errors import ConfigurationError, NetworkError, StoreError
from manifold_robustness.files.stamps import read_origin
from manifold_robustness.lineage import Origin
from manifold_robustness.network.architectures import build_network
from manifold_robustness.network.torchvision_import import torchvision
from manifold_robustness.network.weights import (
    initial_network,
    load_network,
    load_weights,
    read_weights,
    save_weights,
    weights_lineage,
)

ORIGIN = Origin("small", lineage={"small": {"train_network": {"code": "ab"}}})
RNG = np.random.default_rng(0)


def tiny(seed=0, n_classes=10):
    return initial_network(NETWORK, "none", None, n_classes, seed)


def same_weights(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_fresh_weights_follow_the_seed():
    assert same_weights(tiny(3), tiny(3)) and not same_weights(tiny(3), tiny(4))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "nested.pth"])
def test_weights_come_back_as_they_were(tmp_path, name):
    network, path = tiny(1), tmp_path / name
    network.norm.running_mean += 5
    if name == "w.safetensors":
        save_weights(network, path, ORIGIN)
    else:
        tensors = network.state_dict()
        torch.save({"state_dict": tensors} if name == "nested.pth" else tensors, path)
    loaded = load_network(NETWORK, 10, path)
    assert same_weights(loaded, network) and not loaded.training


def test_the_file_of_weights_can_be_read_by_whoever_may_read_its_folder(tmp_path):
    save_weights(tiny(), tmp_path / "w.safetensors", ORIGIN)
    (tmp_path / "other").touch()
    modes = [(tmp_path / name).stat().st_mode for name in ("w.safetensors", "other")]
    assert modes[0] == modes[1]


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (torch.save, r"bad\.pth, which holds objects \(posix\.mkdir\) that only code can read"),
        (
            lambda content, path: path.write_bytes(pickle.dumps(content)),
            r"bad\.pth, which is damaged",
        ),
        (
            lambda content, path: path.write_bytes(pickle.dumps(content, protocol=2)),
            r"bad\.pth, which holds objects \(posix\.mkdir\)",
        ),
    ],
)
def test_code_in_a_pth_file_is_refused_and_does_not_run(tmp_path, write, words):
    harm = tmp_path / "harm"
    write({"first.weight": Malicious(str(harm))}, tmp_path / "bad.pth")
    with pytest.raises(NetworkError, match=words):
        load_weights(tiny(), tmp_path / "bad.pth")
    assert not harm.exists()


@pytest.mark.parametrize("whole", ["network", "checkpoint", "script"])
def test_a_whole_network_is_refused_in_one_sentence_that_says_what_to_save(
    tmp_path, whole, recwarn
):
    path, network = tmp_path / "whole.pth", nn.Linear(2, 3)
    if whole == "script":
        torch.jit.script(network).save(path)
    else:
        torch.save(network if whole == "network" else {"model": network, "epoch": 3}, path)
    recwarn.clear()
    with pytest.raises(NetworkError) as caught:
        load_weights(tiny(), path)
    message = str(caught.value)
    assert f"Got {path}, which holds objects" in message
    assert "torch.save(network.state_dict(), 'weights.pth')" in message
    assert "\n" not in message and "weights_only" not in message and len(message) < 400
    assert not recwarn.list


@pytest.mark.parametrize("value", [torch.zeros(3), [1], 3, {"state_dict": 3}, {"first.weight": 3}])
def test_a_pth_file_that_holds_no_weights_is_refused(tmp_path, value):
    torch.save(value, tmp_path / "odd.pth")
    with pytest.raises(NetworkError, match=r"need a state dict.*Got .*odd\.pth, which holds a"):
        load_weights(tiny(), tmp_path / "odd.pth")


# What people have: state dicts under one key of a checkpoint, with a wrapper's prefix


def checkpoint(**entries):
    """What a training of somebody else's keeps beside the weights."""
    optimizer = torch.optim.Adam([nn.Parameter(torch.ones(3))])
    optimizer.param_groups[0]["params"][0].grad = torch.ones(3)
    optimizer.step()
    return {
        "epoch": 7,
        "best_accuracy": np.float64(0.9),
        "step": np.int64(12),
        "args": argparse.Namespace(lr=0.1, layers=[1, 2]),
        "optimizer": optimizer.state_dict(),
        "history": [0.1, 0.2],
        **entries,
    }


@pytest.mark.parametrize(
    "key", ["state_dict", "model_state_dict", "model", "net", "weights", "params", "ema", "theirs"]
)
def test_a_state_dict_is_found_under_any_key(tmp_path, key, caplog):
    caplog.set_level(logging.INFO)
    network, path = tiny(1), tmp_path / "checkpoint.pth.tar"
    torch.save(checkpoint(**{key: network.state_dict()}), path)
    assert same_weights(load_network(NETWORK, 10, path), network)
    assert f"takes the weights under {key}; leaves epoch, best_accuracy" in caplog.text


def test_of_several_state_dicts_the_usual_key_is_taken(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    order = ["ema", "model", "model_state_dict", "state_dict"]
    for number in range(2, len(order) + 1):
        keys = RNG.permutation(order[:number]).tolist()
        torch.save({key: tiny(order.index(key)).state_dict() for key in keys}, tmp_path / "w.pt")
        loaded = load_network(NETWORK, 10, tmp_path / "w.pt")
        assert same_weights(loaded, tiny(number - 1))
        assert f"takes the weights under {order[number - 1]}; leaves" in caplog.text


def test_several_state_dicts_of_which_none_is_usual_are_named(tmp_path):
    content = checkpoint(ema=tiny().state_dict(), student=tiny().state_dict())
    torch.save(content, tmp_path / "w.ckpt")
    with pytest.raises(NetworkError, match=r"w\.ckpt, which holds several, under ema, student;"):
        load_weights(tiny(), tmp_path / "w.ckpt")


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."]
)
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_the_prefix_of_a_wrapper_is_dropped_and_that_is_said(tmp_path, prefix, name, caplog):
    caplog.set_level(logging.INFO)
    network, path = tiny(1), tmp_path / name
    wrapped = network
    for child in reversed(prefix.rstrip(".").split(".")):
        wrapped = nn.ModuleDict({child: wrapped})
    if name == "w.pth":
        torch.save({"model": wrapped.state_dict()}, path)
    else:
        save_weights(wrapped, path, ORIGIN)
    assert f"{prefix}first.weight" in read_weights(path)
    assert same_weights(load_network(NETWORK, 10, path), network)
    assert caplog.text.count("drops the prefix") == prefix.count(".")


def test_a_prefix_that_is_the_network_s_own_is_kept(tmp_path):
    network, other = (nn.ModuleDict({"module": tiny(seed)}) for seed in (1, 2))
    save_weights(network, tmp_path / "w.safetensors", ORIGIN)
    load_weights(other, tmp_path / "w.safetensors")
    assert same_weights(network, other)


def test_a_prefix_of_some_names_only_is_not_dropped(tmp_path):
    tensors = {"n_averaged": torch.tensor(3)}
    tensors |= {f"module.{key}": value for key, value in tiny().state_dict().items()}
    torch.save(tensors, tmp_path / "w.pth")
    with pytest.raises(NetworkError, match=r"10 not known \(n_averaged, module\.first\.weight, "):
        load_weights(tiny(), tmp_path / "w.pth")


def test_files_of_an_older_torch_lack_the_counters_of_batch_norm(tmp_path):
    network = tiny(1)
    tensors = network.state_dict()
    assert tensors.pop("norm.num_batches_tracked") == 0
    torch.save(tensors, tmp_path / "w.pth")
    assert same_weights(load_network(NETWORK, 10, tmp_path / "w.pth"), network)


def test_a_network_whose_modules_have_versions_takes_its_own_weights(tmp_path):
    """MNASNet refuses a state dict without versions, which no file but torch's own keeps."""
    architecture, path = "torchvision/mnasnet0_5", tmp_path / "w.safetensors"
    network = initial_network(architecture, "none", None, 5, seed=1)
    save_weights(network, path, ORIGIN)
    assert same_weights(load_network(architecture, 5, path), network)


def test_tensors_that_share_their_memory_are_saved(tmp_path):
    network = nn.ModuleDict({"one": nn.Linear(3, 3), "other": nn.Linear(3, 3)})
    network.other.weight = network.one.weight
    save_weights(network, tmp_path / "w.safetensors", ORIGIN)
    assert torch.equal(read_weights(tmp_path / "w.safetensors")["other.weight"], network.one.weight)


# Files that are none


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_weights_that_were_cut_short_are_refused(tmp_path, name):
    path, network = tmp_path / name, tiny()
    save_weights(network, path, ORIGIN) if name == "w.safetensors" else torch.save(
        network.state_dict(), path
    )
    content = path.read_bytes()
    for length in range(0, len(content), len(content) // 20):
        path.write_bytes(content[:length])
        with pytest.raises(
            NetworkError, match=r"of tensors that can be read\. Got .*w\..*, which is damaged"
        ):
            load_weights(network, path)


@pytest.mark.parametrize("content", [b"", b"no weights\n" * 40, b"\x80\x02}"])
def test_a_file_of_another_kind_is_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(
        NetworkError, match=r"damaged, cut short or of another kind \(.+\)"
    ) as caught:
        load_weights(tiny(), tmp_path / "w.pth")
    assert "\n" not in str(caught.value) and "weights_only" not in str(caught.value)


def test_a_flipped_bit_in_our_own_weights_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(build_network(NETWORK, 10), path, ORIGIN)
    whole = path.read_bytes()
    start = len(whole) - 4 * 1000  # in the last thousand numbers
    for place in range(start, len(whole), 500):
        path.write_bytes(flip_bit(whole, place))
        with pytest.raises(NetworkError, match="checksum"):
            load_network(NETWORK, 10, path)


def test_weights_say_what_they_were_made_from(tmp_path):
    path = tmp_path / "w.safetensors"
    digest = save_weights(tiny(), path, ORIGIN)
    assert read_origin(path) == {**ORIGIN.attributes(), "sha256": digest}
    known = {"small": {"train_network": {"code": "ab", "weights_sha256": digest}}}
    assert weights_lineage(path, ORIGIN.at(condition="clean", layer="fc")) == known
    with pytest.raises(StoreError, match=r"network own\. Got .*w\.safetensors, .*network small"):
        weights_lineage(path, ORIGIN.at(network="own"))
    other = Origin("small", lineage={"small": {"train_network": {"code": "cd"}}})
    with pytest.raises(StoreError, match=r"w\.safetensors, .*the training .*its code was another"):
        weights_lineage(path, other)


@pytest.mark.parametrize("changed", ["tensor", "origin"])
def test_the_digest_of_weights_is_of_their_numbers_and_their_origin(tmp_path, changed):
    network, origin, digests = tiny(), ORIGIN, []
    for name in ("a.safetensors", "b.safetensors", "c.safetensors"):
        digests.append(save_weights(network, tmp_path / name, origin))
        if len(digests) == 2 and changed == "tensor":
            network.first.weight.data[0] += 1
        elif len(digests) == 2:
            origin = origin.with_content("train_network", starting_weights_sha256="ef")
    assert digests[0] == digests[1] != digests[2]
    files = [(tmp_path / f"{name}.safetensors").read_bytes() for name in "abc"]
    assert files[0] == files[1] != files[2]


def test_a_flipped_bit_in_what_weights_say_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(nn.Linear(2, 2), path, ORIGIN)
    whole, network = path.read_bytes(), nn.Linear(2, 2)
    (length,) = struct.unpack("<Q", whole[:8])
    for place in range(8 + length):
        path.write_bytes(flip_bit(whole, place, place % 8))
        with pytest.raises((StoreError, NetworkError), match=r"w\.safetensors"):
            weights_lineage(path, ORIGIN)
            load_weights(network, path)


def test_an_origin_that_was_changed_in_a_file_of_weights_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(tiny(), path, ORIGIN)
    path.write_bytes(path.read_bytes().replace(rb"\"small\"", rb"\"smart\"", 1))
    with pytest.raises(NetworkError, match="checksum"):
        load_network(NETWORK, 10, path)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(NetworkError, match=rf"Got {tmp_path}/no\.pth, which does not exist"):
        load_weights(tiny(), tmp_path / "no.pth")


def test_a_folder_is_no_file_of_weights(tmp_path):
    with pytest.raises(
        NetworkError, match=rf"Got {tmp_path}, which is a folder; name a file in it"
    ):
        load_weights(tiny(), tmp_path)


# Weights that do not fit


def test_weights_that_do_not_fit_are_explained(tmp_path):
    tensors = tiny().state_dict()
    tensors["head.weight"] = torch.zeros(7, 128)
    tensors["extra"] = tensors.pop("first.bias")
    torch.save(tensors, tmp_path / "w.pth")
    network = tiny(9)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(NetworkError) as caught:
        load_weights(network, tmp_path / "w.pth")
    message = str(caught.value)
    assert "need the 9 tensors of the network" in message and "w.pth: 1 missing" in message
    assert "1 missing (first.bias)" in message and "1 not known (extra)" in message
    assert "head.weight is (7, 128) and must be (10, 128)" in message
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_many_misfits_are_counted_and_a_few_shown(tmp_path):
    save_weights(tiny(), tmp_path / "w.safetensors", ORIGIN)
    with pytest.raises(NetworkError) as caught:
        load_network("resnet18", 10, tmp_path / "w.safetensors")
    assert "102 missing (conv1.weight, bn1.weight, bn1.bias, …)" in str(caught.value)


# Weights of ImageNet


def published(name):
    """A state dict as torchvision's file has it: 1,000 classes, every value 2, no counters."""
    network = torchvision.models.get_model(name, weights=None)
    return OrderedDict(
        (key, torch.full_like(value, 2))
        for key, value in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    )


@pytest.mark.parametrize(
    ("architecture", "fresh"),
    [
        ("resnet18", {"conv1.weight", "fc.1.weight", "fc.1.bias"}),
        ("torchvision/squeezenet1_1", {"classifier.1.weight", "classifier.1.bias"}),
        ("torchvision/shufflenet_v2_x0_5", {"fc.weight", "fc.bias"}),
    ],
)
def test_imagenet_s_weights_are_taken_but_for_what_differs(tmp_path, architecture, fresh):
    path = tmp_path / "w.pth"
    torch.save(published(architecture.removeprefix("torchvision/")), path)
    network = initial_network(architecture, "imagenet", str(path), 10, seed=5)
    start = initial_network(architecture, "none", None, 10, seed=5).state_dict()
    for key, value in network.state_dict().items():
        if key in fresh or key.endswith("num_batches_tracked"):
            assert torch.equal(value, start[key]), key
        else:
            assert (value == 2).all(), key


def test_a_thousand_classes_keep_the_head(tmp_path):
    torch.save(published("squeezenet1_1"), tmp_path / "w.pth")
    architecture = "torchvision/squeezenet1_1"
    network = initial_network(architecture, "imagenet", str(tmp_path / "w.pth"), 1000, seed=5)
    assert all((value == 2).all() for value in network.state_dict().values())


def damaged(tensors, damage):
    if damage == "missing":
        del tensors["features.3.squeeze.bias"]
    elif damage == "another shape":
        tensors["features.3.squeeze.bias"] = torch.zeros(17)
    elif damage == "another head":
        tensors["classifier.1.weight"] = torch.zeros(1000, 512, 3, 3)
    return tensors


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("missing", r"1 missing \(features\.3\.squeeze\.bias\)"),
        ("another shape", r"features\.3\.squeeze\.bias is \(17,\) and must be \(16,\)"),
        (
            "another head",
            r"classifier\.1\.weight is \(1000, 512, 3, 3\) and must be \(10, 512, 1, 1",
        ),
    ],
)
def test_imagenet_s_weights_that_differ_elsewhere_are_refused(tmp_path, damage, words):
    torch.save(damaged(published("squeezenet1_1"), damage), tmp_path / "w.pth")
    architecture = "torchvision/squeezenet1_1"
    with pytest.raises(NetworkError, match=words):
        initial_network(architecture, "imagenet", str(tmp_path / "w.pth"), 10, seed=0)


def test_imagenet_s_weights_that_are_of_another_network(tmp_path):
    save_weights(tiny(), tmp_path / "w.safetensors", ORIGIN)
    with pytest.raises(NetworkError, match=r"need the 122 tensors.*w\.safetensors: 99 missing"):
        initial_network("resnet18", "imagenet", str(tmp_path / "w.safetensors"), 10, 0)


def test_imagenet_without_a_connection_or_a_file(monkeypatch, tmp_path):
    def no_connection(*_, **__):
        raise OSError("no connection here")

    monkeypatch.setattr("torch.hub.download_url_to_file", no_connection)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for architecture in ("resnet18", "torchvision/squeezenet1_1"):
        with pytest.raises(
            NetworkError,
            match=r"https://.*no connection here.*name it as the network's weights_file",
        ):
            initial_network(architecture, "imagenet", None, 10, 0)


def test_a_user_s_own_network_has_no_weights_of_imagenet():
    with pytest.raises(
        ConfigurationError, match=r"need an architecture that has such weights.*Got"
    ):
        initial_network(NETWORK, "imagenet", None, 10, 0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_named(tmp_path, value):
    network = torch.nn.Linear(3, 2)
    tensors = {**network.state_dict(), "bias": torch.tensor([0.5, value])}
    torch.save(tensors, tmp_path / "w.pth")
    with pytest.raises(NetworkError, match=r"need finite numbers\. Got 1 in bias of .*w\.pth"):
        load_weights(network, tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (torch.ones(2, 3, dtype=torch.complex64), "complex64"),  # the imaginary part would go
        (torch.ones(2, 3).to_sparse(), "sparse_coo"),
    ],
)
def test_weights_that_are_not_dense_real_numbers_are_refused(tmp_path, tensor, words):
    network = nn.Linear(3, 2)
    torch.save({**network.state_dict(), "weight": tensor}, tmp_path / "w.pth")
    with pytest.raises(NetworkError, match=f"dense tensors of real numbers.*weight of.*{words}"):
        load_weights(network, tmp_path / "w.pth")


def test_a_refusal_is_short_however_much_a_file_holds(tmp_path):
    torch.save({f"{'k' * 1000}{i}": i for i in range(100)}, tmp_path / "keys.pth")
    torch.save(nn.Linear(3, 2).state_dict(), tmp_path / "cut.pth")
    whole = (tmp_path / "cut.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    for name, words in (("keys", "holds a dict of kkk"), ("cut", "damaged, cut short")):
        with pytest.raises(NetworkError, match=words) as caught:
            load_weights(nn.Linear(3, 2), tmp_path / f"{name}.pth")
        message = str(caught.value)
        assert len(message) < 600 and "\n" not in message and "weights_only" not in message
