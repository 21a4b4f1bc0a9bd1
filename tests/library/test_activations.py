"""Activations: one store per layer, exact in either basis, in memory that is that of one layer.

With 30 points every layer but the head (10 features) is rotated where `auto` decides.
"""

import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
import torch

from helpers import NETWORK, ROOT
from manifold_robustness.errors import GeometryError
from manifold_robustness.files.stores import read_points
from manifold_robustness.lineage import Origin
from manifold_robustness.measures import solve_replicates
from manifold_robustness.network.activations import extract_activations, span_coordinates
from manifold_robustness.network.weights import initial_network

CPU = torch.device("cpu")
LAYERS = ["input", "first", "pool", "head"]
FEATURES = {"input": 192, "first": 512, "pool": 128, "head": 10}
SHAPE = (2, 5, 6)  # replicates, manifolds, points
ORIGIN = Origin("small", "clean", lineage={"small": {}})
IMAGES = np.random.default_rng(0).random((*SHAPE, 3, 8, 8), dtype=np.float32)


@pytest.fixture(scope="module")
def network():
    return initial_network(NETWORK, "none", None, 10, seed=1).eval()


@pytest.fixture(scope="module")
def stores(network, tmp_path_factory):
    """The paths of the stores, by basis and layer."""
    folder = tmp_path_factory.mktemp("activations")
    paths = {
        basis: {layer: folder / f"{basis}-{layer}.zarr.zip" for layer in LAYERS}
        for basis in ("auto", "features")
    }
    for basis, by_layer in paths.items():
        extract_activations(network, IMAGES, by_layer, basis, ORIGIN, {}, CPU)
    return paths


def read_file(path, layer):
    """Return the points of a store, and its attributes."""
    return read_points(path, ORIGIN.at(layer=layer))


def read(stores, basis, layer):
    return read_file(stores[basis][layer], layer)[0]


def test_features_are_the_layers_outputs(stores, network):
    images = torch.from_numpy(IMAGES.reshape(-1, 3, 8, 8))
    with torch.inference_mode():
        first = network.first(images)
        outputs = {
            "input": images,
            "first": first,
            "pool": network.pool(network.relu(network.norm(first))),
            "head": network(images),
        }
    for layer, output in outputs.items():
        values = read(stores, "features", layer)
        assert values.dtype == np.float32 and values.shape == (*SHAPE, FEATURES[layer])
        assert np.allclose(values, output.reshape(*SHAPE, -1), rtol=1e-5, atol=1e-6), layer


def test_the_span_keeps_every_inner_product(stores):
    for layer in LAYERS:
        features = read(stores, "features", layer).astype(np.float64).reshape(2, 30, -1)
        span = read(stores, "auto", layer).reshape(2, 30, -1)
        assert span.shape[-1] == min(30, FEATURES[layer])
        assert span.dtype == (np.float32 if layer == "head" else np.float64)
        ours, theirs = (x @ x.transpose(0, 2, 1) for x in (span.astype(float), features))
        assert np.allclose(ours, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max()), layer


@pytest.mark.parametrize("layer", ["first", "head"])
def test_both_bases_have_the_same_geometry(stores, layer):
    settings = {
        "margin": 0.0,
        "n_gaussian_vectors": 30,
        "center_rank": "auto",
        "center_selection": "stable",
        "tolerance": 1e-10,
        "solver": "active_set",
        "simulate": False,
        "joint": False,
        "readout": False,
        "shuffle": False,
        "subsets": [],
    }
    span, features = (
        solve_replicates(read(stores, basis, layer), settings, seed=1)
        for basis in ("auto", "features")
    )
    for one, other in zip(span, features, strict=True):
        for name, value in one.items():
            if "residual" not in name or name == "residual_correlation":
                assert np.allclose(value, other[name], 1e-9, 1e-12, equal_nan=True), name


def test_attributes_say_where_a_store_comes_from(stores):
    described = {
        (basis, layer): read_file(stores[basis][layer], layer)[1]
        for basis in stores
        for layer in LAYERS
    }
    attributes = described["auto", "first"]
    assert attributes["network"] == "small" and attributes["lineage"] == {"small": {}}
    assert attributes["condition"] == "clean" and attributes["layer"] == "first"
    assert attributes["layer_label"] == "layer_1_Conv2d"
    assert (attributes["basis"], attributes["n_features"]) == ("span", 512)
    assert described["auto", "head"]["basis"] == "features"
    assert described["features", "first"]["basis"] == "features"


@pytest.mark.parametrize(("basis", "passes"), [("auto", [2, 30, 30]), ("features", [2] + [6] * 10)])
def test_images_pass_together_only_where_a_rotation_needs_them(network, tmp_path, basis, passes):
    sizes = []
    handle = network.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    extract_activations(network, IMAGES, {"first": tmp_path / "x"}, basis, ORIGIN, {}, CPU)
    handle.remove()
    assert sizes == passes


def test_the_hooks_are_removed_whatever_happens(stores, network, tmp_path):
    with pytest.raises(RuntimeError):
        extract_activations(
            network, IMAGES[..., :1, :, :], {"first": tmp_path / "x"}, "auto", ORIGIN, {}, CPU
        )
    assert not any(module._forward_hooks for module in network.modules())
    assert not list(tmp_path.iterdir())


def test_layers_and_replicates_do_not_change_one_another(stores, network, tmp_path):
    path = tmp_path / "first.zarr.zip"
    extract_activations(network, IMAGES[1:], {"first": path}, "auto", ORIGIN, {}, CPU)
    assert np.allclose(read_file(path, "first")[0][0], read(stores, "auto", "first")[1])


@pytest.mark.parametrize("basis", ["auto", "features"])
def test_values_that_are_not_finite_are_kept_and_refused_by_the_geometry(network, tmp_path, basis):
    images = IMAGES.copy()
    images[1, 2, 3, 0, 0, 0] = np.nan
    paths = {layer: tmp_path / layer for layer in ("input", "head")}
    extract_activations(network, images, paths, basis, ORIGIN, {}, CPU)
    for layer, path in paths.items():
        values = read_file(path, layer)[0]
        assert np.isfinite(values[0]).all() and np.isnan(values[1, 2, 3]).any()
    settings = {
        "margin": 0.0,
        "n_gaussian_vectors": 5,
        "center_rank": 0,
        "tolerance": 1e-10,
        "solver": "active_set",
        "simulate": False,
        "joint": False,
        "readout": False,
        "shuffle": False,
        "subsets": [],
    }
    with pytest.raises(GeometryError, match="finite"):
        solve_replicates(values, {**settings, "center_selection": "stable"}, seed=0)


def test_span_coordinates_of_points_that_are_dependent():
    points = torch.randn(3, 40, dtype=torch.float32, generator=torch.Generator().manual_seed(0))
    points = torch.cat([points, points[:1] * 2, torch.zeros(1, 40)])
    span = span_coordinates(points)
    assert span.shape == (5, 5) and span.dtype == torch.float64
    exact = points.double() @ points.double().T
    assert torch.allclose(span @ span.T, exact, rtol=0, atol=1e-13 * float(exact.max()))


PEAKS = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import numpy as np, torch
from manifold_robustness.network.activations import extract_activations
from manifold_robustness.lineage import Origin

torch.set_num_threads(1)
network = torch.nn.Sequential(*[torch.nn.Conv2d(3, 3, 1) for _ in range(12)]).eval()
origin = Origin("small", "clean", lineage={"small": {}})
images = np.zeros((1, 4, 10, 3, 160, 160), np.float32)
for n_layers in (2, 12):
    paths = {str(k): Path(sys.argv[2], str(k)) for k in range(n_layers)}
    extract_activations(network, images, paths, sys.argv[3], origin, {}, torch.device("cpu"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("basis", ["auto", "features"])
def test_memory_does_not_grow_with_the_number_of_layers(tmp_path, basis):
    """A layer is 12 MiB here, twice that in float64: ten more may not take half of that."""
    command = [sys.executable, "-c", PEAKS, str(ROOT / "scripts"), str(tmp_path), basis]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    few, many = map(float, done.stdout.split())
    assert many - few < 10 * 12 / 2


def test_modules_with_dots_in_their_path_are_found(tmp_path):
    block = torch.nn.Sequential(OrderedDict(conv=torch.nn.Conv2d(3, 2, 1)))
    network = torch.nn.Sequential(OrderedDict(block=block)).eval()
    extract_activations(
        network, IMAGES, {"block.conv": tmp_path / "x"}, "features", ORIGIN, {}, CPU
    )
    assert read_file(tmp_path / "x", "block.conv")[1]["n_features"] == 128
