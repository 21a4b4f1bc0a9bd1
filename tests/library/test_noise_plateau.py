"""Noise without end: every class is the same cloud, whose geometry is known."""

import numpy as np
import pytest
import torch

from helpers import read_config
from manifold_robustness.conditions import Condition
from manifold_robustness.measures import solve_replicates
from manifold_robustness.network.activations import span_coordinates
from manifold_robustness.perturbations.apply import perturb_batch

SHAPE = (4, 10, 30)  # replicates, P, M
# The field's reference implementation on Gaussian noise: P = 10, M = 30, N = 3072, n_t = 300.
PLATEAU = {"capacity": 0.0622, "radius": 1.547, "dimension": 22.1, "center_correlation": 1 / 9}


@pytest.fixture(scope="module")
def noise():
    """The geometry of ten very different classes of images at σ = 100, clipped."""
    random = np.random.default_rng(0)
    classes = random.random((1, 10, 1, 3, 32, 32), dtype=np.float32)
    images = 0.7 * classes + 0.3 * random.random((*SHAPE, 3, 32, 32), dtype=np.float32)
    options = {"parameterization": "standard_deviation", "clip": True}
    condition = Condition("gaussian/sigma-100", "gaussian", "gaussian", 100.0, options)
    count = int(np.prod(SHAPE))
    noisy = perturb_batch(
        condition,
        torch.from_numpy(images.reshape(count, 3, 32, 32)),
        torch.zeros(count, dtype=torch.int64),
        np.arange(count),
        None,
        seed=1,
        device=torch.device("cpu"),
        batch_size=50,
    )
    noisy = noisy.numpy().reshape(images.shape)
    assert np.isin(noisy, (0, 1)).mean() > 0.99
    points = [span_coordinates(torch.from_numpy(one.reshape(300, -1))).numpy() for one in noisy]
    settings = {k: v for k, v in read_config()["geometry"].items() if k != "layers"}
    settings["tolerance"] = float(settings["tolerance"])
    return solve_replicates(np.reshape(points, (*SHAPE, -1)), settings, seed=1)


@pytest.mark.parametrize("measure", PLATEAU)
def test_the_geometry_of_pure_noise_is_the_plateau(noise, measure):
    values = [result[measure] for result in noise]
    if measure == "capacity":
        values = [1 / np.mean(1 / value) for value in values]
    assert np.mean(values) == pytest.approx(PLATEAU[measure], rel=0.03)


def test_pure_noise_shares_one_direction_of_centers(noise):
    assert [result["center_rank"] for result in noise] == [1] * len(noise)
