"""Devices: the same weights give the same activations wherever, and however laid out."""

import numpy as np
import pytest
import torch

from helpers import DIGITS, NETWORK, read_config
from manifold_robustness.network.activations import extract_activations
from manifold_robustness.network.data_sets import SPLITS, load_split
from manifold_robustness.network.devices import place, prepare_device
from manifold_robustness.network.evaluation import perturb_and_predict
from manifold_robustness.network.model import initial_model
from manifold_robustness.network.training import train
from manifold_robustness.stores import read_array

CPU = torch.device("cpu")
LAYERS = ["input", "first", "pool", "head"]
IMAGES = np.random.default_rng(0).random((1, 5, 6, 3, 8, 8), dtype=np.float32)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")


def network():
    settings = {"architecture": NETWORK, "weights": "none", "weights_file": None}
    return initial_model(settings, 10, seed=1).eval()


def inner_products(model, device, folder):
    folder.mkdir()
    paths = {layer: folder / layer for layer in LAYERS}
    extract_activations(model, IMAGES, paths, "auto", {}, device)
    points = [read_array(path, "activations").reshape(30, -1) for path in paths.values()]
    return [x.astype(float) @ x.T.astype(float) for x in points]


def assert_close(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert np.allclose(one, other, rtol=0, atol=3e-6 * np.abs(other).max())


def test_channels_last_changes_no_feature_s_place(tmp_path):
    plain = inner_products(network(), CPU, tmp_path / "plain")
    turned = network().to(memory_format=torch.channels_last)
    assert_close(inner_products(turned, CPU, tmp_path / "turned"), plain)
    features = {}
    for name, model in (("plain", network()), ("turned", turned)):
        path = tmp_path / f"{name}-first"
        extract_activations(model, IMAGES, {"first": path}, "features", {}, CPU)
        features[name] = read_array(path, "activations")
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
    assert place(network(), CPU).first.weight.is_contiguous()


@needs_cuda
def test_cuda_gives_the_activations_of_the_cpu(tmp_path):
    cuda = torch.device("cuda")
    model = place(network(), cuda)
    assert model.first.weight.is_contiguous(memory_format=torch.channels_last)
    ours = inner_products(model, cuda, tmp_path / "cuda")
    assert_close(ours, inner_products(network(), CPU, tmp_path / "cpu"))


@needs_cuda
@pytest.mark.parametrize("autocast", ["none", "bfloat16"])
def test_cuda_trains_and_predicts(autocast):
    cuda, splits = torch.device("cuda"), {split: load_split(DIGITS, split) for split in SPLITS}
    recipe = {**read_config("tests/configs/tiny.yaml")["training"], "autocast": autocast}
    model = network()
    history = train(model, splits, {**recipe, "epochs": 4}, 0, cuda)
    assert history[-1]["test_accuracy"] > 0.7
    predictions, labels = perturb_and_predict(
        model.eval(), splits["test"], {"strength": 0}, 100, 0, cuda
    )
    kept = next(row for row in history if row["best"])
    assert np.mean(predictions == labels) == pytest.approx(kept["test_accuracy"], abs=0.002)
