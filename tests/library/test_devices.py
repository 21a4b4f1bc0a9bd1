"""Devices: the same weights give the same activations wherever, and however laid out."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from helpers import DIGITS, NETWORK, read_config
from manifold_robustness.conditions import Condition
from manifold_robustness.files.stores import read_points
from manifold_robustness.lineage import Origin
from manifold_robustness.network.activations import extract_activations
from manifold_robustness.network.data_sets import SPLITS, load_split
from manifold_robustness.network.devices import place, prepare_device
from manifold_robustness.network.evaluation import perturb_and_predict, predict
from manifold_robustness.network.training import train
from manifold_robustness.network.weights import initial_network

CPU = torch.device("cpu")
LAYERS = ["input", "first", "pool", "head"]
ORIGIN = Origin("small", "clean", lineage={"small": {}})
IMAGES = np.random.default_rng(0).random((1, 5, 6, 3, 8, 8), dtype=np.float32)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")


def fresh():
    return initial_network(NETWORK, "none", None, 10, seed=1).eval()


def inner_products(network, device, folder):
    folder.mkdir()
    paths = {layer: folder / layer for layer in LAYERS}
    extract_activations(network, IMAGES, paths, "auto", ORIGIN, {}, device)
    points = [
        read_points(path, ORIGIN.at(layer=layer))[0].reshape(30, -1)
        for layer, path in paths.items()
    ]
    return [x.astype(float) @ x.T.astype(float) for x in points]


def assert_close(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert np.allclose(one, other, rtol=0, atol=3e-6 * np.abs(other).max())


def test_channels_last_changes_no_feature_s_place(tmp_path):
    plain = inner_products(fresh(), CPU, tmp_path / "plain")
    turned = fresh().to(memory_format=torch.channels_last)
    assert_close(inner_products(turned, CPU, tmp_path / "turned"), plain)
    features = {}
    for name, network in (("plain", fresh()), ("turned", turned)):
        path = tmp_path / f"{name}-first"
        extract_activations(network, IMAGES, {"first": path}, "features", ORIGIN, {}, CPU)
        features[name], _ = read_points(path, ORIGIN.at(layer="first"))
    assert np.allclose(features["turned"], features["plain"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("given", ["", "0"])
def test_a_gpu_that_was_given_and_can_t_be_used_is_said(monkeypatch, caplog, given):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    with caplog.at_level("INFO"):
        assert prepare_device(1) == CPU
    assert ("was given a GPU" in caplog.text) == bool(given)
    assert "runs on cpu" in caplog.text


def test_on_the_cpu_a_network_is_laid_out_as_it_was():
    assert place(fresh(), CPU).first.weight.is_contiguous()


@needs_cuda
def test_cuda_gives_the_activations_of_the_cpu(tmp_path):
    cuda = torch.device("cuda")
    network = place(fresh(), cuda)
    assert network.first.weight.is_contiguous(memory_format=torch.channels_last)
    ours = inner_products(network, cuda, tmp_path / "cuda")
    assert_close(ours, inner_products(fresh(), CPU, tmp_path / "cpu"))


@needs_cuda
@pytest.mark.parametrize("autocast", ["none", "bfloat16"])
def test_cuda_trains_and_predicts(autocast):
    cuda, splits = torch.device("cuda"), {split: load_split(DIGITS, split) for split in SPLITS}
    recipe = {**read_config("tests/configs/tiny.yaml")["training"], "autocast": autocast}
    network = fresh()
    history = train(network, splits, {**recipe, "epochs": 4}, 0, cuda)
    assert history[-1]["test_accuracy"] > 0.7
    found = predict(network.eval(), splits["test"], 100, cuda)
    kept = next(row for row in history if row["best"])
    accuracy = np.mean(found.predictions == found.labels)
    assert accuracy == pytest.approx(kept["test_accuracy"], abs=0.002)


def step(images, labels, strength, *, draws, network):
    """One step along the sign of the loss's gradient from a random start."""
    start = draws.sample("start", lambda random: random.uniform(-1, 1, images.shape[1:]))
    start = (images + 0.1 * strength * start.to(images)).clamp(0, 1).requires_grad_()
    loss = torch.nn.functional.cross_entropy(network(start), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, start)
    return (images + strength * gradient.sign()).clamp(0, 1)


@needs_cuda
def test_an_attack_is_the_same_on_cuda_but_for_rounding(monkeypatch):
    """The family is unchanged there; a gradient whose sign is rounding may turn a pixel over."""
    module = ModuleType("manifold_robustness.perturbations.made")
    module.perturb = step
    monkeypatch.setitem(sys.modules, module.__name__, module)
    condition = Condition("made/e", "made", "made", 0.1, {}, True, "image", "linf", 0.0, 1.0)
    data, kept = load_split(DIGITS, "test"), np.arange(300).reshape(1, 10, 30)
    everything = np.arange(len(data))
    found = {}
    for device in (CPU, torch.device("cuda")):
        settings = {"seed": 1, "device": device, "perturbation_batch": 50, "batch_size": 250}
        network = place(fresh(), device)
        given = network, data, condition, kept, everything
        found[device.type] = perturb_and_predict(*given, **settings)
        again = perturb_and_predict(*given, **settings)
        assert np.array_equal(again.kept.images, found[device.type].kept.images)
    ours, theirs = found["cuda"], found["cpu"]
    assert np.mean(np.abs(ours.kept.images - theirs.kept.images) > 1e-6) < 0.01
    assert np.mean(ours.predictions == theirs.predictions) > 0.99
