"""What the inverse capacity is given: each refusal says what is needed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from library.geometry_clouds import gaussian_clouds
from manifold_robustness.errors import GeometryError, SolverError
from manifold_robustness.network import inverse_capacity as module
from manifold_robustness.network.capacity_inputs import draw_probes
from manifold_robustness.network.inverse_capacity import inverse_capacity

MEAN_FIELD, JOINT = OBJECTIVES = ("capacity", "joint_capacity")


# Refusals.


def altered(place, value):
    clouds = gaussian_clouds(5, 6, 40)
    clouds[place] = value
    return clouds


def moved(*steps):
    """Points of manifold 2, as many as there are steps, moved."""
    clouds = gaussian_clouds(5, 6, 40)
    clouds[2, : len(steps)] += np.array(steps).reshape(len(steps), -1)
    return clouds


FINE = gaussian_clouds(5, 6, 40)
PROBES = draw_probes(MEAN_FIELD, 5, 40, 3)
SIGNED = draw_probes(JOINT, 5, 40, 3)
REFUSED = [
    (MEAN_FIELD, altered((1, 2, 3), np.nan), {}, "Manifold 1 holds nan at point 2, feature 3"),
    (JOINT, altered((1, 2, 3), np.inf), {}, "Manifold 1 holds inf"),
    (MEAN_FIELD, FINE[:1], {}, "at least two manifolds. Got 1"),
    (MEAN_FIELD, FINE[:, :1], {}, "at least two points in each manifold. Got 1"),
    (JOINT, FINE[0], {}, r"\(n_manifolds, n_points, \*features\).*Got \(6, 40\)"),
    (JOINT, FINE[..., :0], {}, r"Got \(5, 6, 0\)"),
    (JOINT, FINE.astype(int), {}, "floating point. Got torch.int64"),
    (JOINT, FINE * 1e-120, {}, "within 1e-100 to 1e"),
    (JOINT, FINE[:3], {}, "at least 4 manifolds for balanced labels. Got 3"),
    (JOINT, FINE, {"labels": "even"}, "labels out of balanced, random. Got 'even'"),
    (MEAN_FIELD, altered(3, 1.0), {}, "Manifold 3: Need at least two distinct points"),
    (JOINT, altered(3, 1.0), {}, "Manifold 3: Need at least two distinct points"),
    (MEAN_FIELD, np.zeros((5, 6, 40)), {}, "Manifold 0: Need a center of norm"),
    (
        MEAN_FIELD,
        moved(*[FINE[[0, 1, 3, 4]].mean((0, 1)) - FINE[2].mean(0)] * 6),
        {},
        "Manifold 2: Need a center of norm",
    ),
    (MEAN_FIELD, moved(1e12, -1e12), {}, "Manifold 2: Need points within 1e"),
    (JOINT, (1e7 + FINE).astype(np.float32), {}, "Need points farther than .* rounding of their"),
    (MEAN_FIELD, FINE, {"margin": -1.0}, "margin >= 0. Got -1.0"),
    ("volume", FINE, {}, "objective out of capacity, joint_capacity. Got 'volume'"),
    (JOINT, FINE, {"margin": 0.5}, "Need margin for the objective capacity only"),
    (JOINT, FINE, {"center_rank": 1}, "Need center_rank for the objective capacity only"),
    (JOINT, FINE, {"center_directions": np.eye(40, 1)}, "Need center_directions for the"),
    (MEAN_FIELD, FINE, {"labels": "random"}, "Need labels for the objective joint_capacity only"),
    (MEAN_FIELD, FINE, {"center": False}, "Need center for the objective joint_capacity only"),
    (MEAN_FIELD, FINE, {"center_directions": np.eye(39, 1)}, r"shape \(40, K\). Got \(39, 1\)"),
    (MEAN_FIELD, FINE, {"center_directions": np.ones((40, 2))}, "orthonormal"),
    (MEAN_FIELD, FINE, {"center_rank": 1, "center_directions": np.eye(40, 1)}, "Got both"),
    (MEAN_FIELD, FINE, {"seed": -1}, "integers >= 0. Got -1"),
    (MEAN_FIELD, FINE, {"n_gaussian_vectors": 0}, "at least one Gaussian vector. Got 0"),
    (MEAN_FIELD, FINE, {"probes": SIGNED}, "with center_coordinates for the objective capacity"),
    (JOINT, FINE, {"probes": PROBES}, "with labels for the objective joint_capacity"),
    (JOINT, FINE, {"probes": replace(SIGNED, labels=SIGNED.labels * 2)}, "labels of 1 and -1"),
    (JOINT, FINE[:4], {"probes": SIGNED}, r"labels of shape \(3, 4\).*Got \(3, 5\)"),
    (JOINT, FINE[..., 1:], {"probes": SIGNED}, r"\(n_gaussian_vectors, 39\).*Got \(3, 40\)"),
    (JOINT, FINE, {"probes": replace(SIGNED, vectors=SIGNED.vectors * np.nan)}, "finite Gaussian"),
    (JOINT, FINE, {"probes": SIGNED.vectors}, "as CapacityProbes. Got ndarray"),
]


@pytest.mark.parametrize(("objective", "clouds", "options", "message"), REFUSED)
def test_refusals_say_what_is_needed(objective, clouds, options, message):
    with pytest.raises(GeometryError, match=message):
        inverse_capacity(torch.tensor(clouds), objective, **options)


def test_what_is_no_tensor_is_refused():
    with pytest.raises(GeometryError, match="floating point"):
        inverse_capacity(FINE)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_program_that_is_not_solved_is_an_error(objective, monkeypatch):
    monkeypatch.setattr(module, "TOLERANCE", 1e-30)
    with pytest.raises(SolverError, match="Need scaled KKT residuals"):
        inverse_capacity(torch.tensor(FINE), objective)
