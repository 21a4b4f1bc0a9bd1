"""Bit for bit: over runs, thread counts, and whatever was solved before."""

import os
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from library.geometry_clouds import gaussian_clouds
from manifold_robustness.geometry import (
    analyze_manifolds,
    anchor_statistics,
    draw_gaussian_vectors,
    find_anchor_points,
    manifold_frame,
    simulate_capacity,
)

DIGEST = """
import hashlib
import numpy as np
from manifold_robustness.geometry import (
    analyze_jointly, analyze_manifolds, readout_accuracy, simulate_capacity, total_dimensionality,
)
clouds = np.random.default_rng(0).standard_normal((4, 150, 3000))
geometry = analyze_manifolds(clouds, n_gaussian_vectors=20)
total = total_dimensionality(clouds)
print(hashlib.sha256(repr((
    geometry.capacity.tolist(), geometry.radius.tolist(), geometry.dimension.tolist(),
    geometry.residual_correlation.tolist(), geometry.primal_residual, geometry.gap_residual, total,
    simulate_capacity(clouds[:, :3], 5).separable_from.tolist(),
    analyze_jointly(clouds, 20).capacity, readout_accuracy(clouds).accuracy,
)).encode()).hexdigest())
"""


def assert_identical(one, other):
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_over_runs():
    clouds = gaussian_clouds(6, 10, 50)
    one = analyze_manifolds(clouds, seed=(3, 1), n_gaussian_vectors=20)
    analyze_manifolds(gaussian_clouds(4, 7, 20), seed=5, n_gaussian_vectors=20)
    np.random.default_rng().standard_normal(10)
    assert_identical(one, analyze_manifolds(clouds, seed=(3, 1), n_gaussian_vectors=20))
    assert_identical(simulate_capacity(clouds, 5), simulate_capacity(clouds, 5))


@pytest.mark.slow
def test_over_thread_counts():
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(sys.path)}
            | dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), threads),
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in ("1", "2", "4")
    }
    assert len(digests) == 1


def test_draws_depend_on_seed_and_index_only():
    """The stages, by hand and in any order, give what the whole gives; the origin is the mean of
    all points, not that of the centers."""
    clouds = [gaussian_clouds(1, n_points, 50, n_points)[0] for n_points in (4, 10, 25, 7)]
    expected = analyze_manifolds(clouds, seed=7, center_rank=0, n_gaussian_vectors=30)
    origin = np.concatenate(clouds).mean(0)
    for index in (2, 0, 3):
        mean = clouds[index].mean(0)
        frame = manifold_frame((clouds[index] - mean) / np.linalg.norm(mean - origin))
        vectors = draw_gaussian_vectors(frame.n_dimensions, 30, 7, index)
        found = anchor_statistics(frame, vectors, find_anchor_points(frame, vectors))
        for name in ("capacity", "radius", "dimension", "rank_dimension"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name)[index], rel=1e-10)
    assert expected.mean_capacity == pytest.approx(1 / np.mean(1 / expected.capacity), rel=1e-12)
    assert expected.mean_radius == pytest.approx(expected.radius.mean(), rel=1e-12)


def test_more_gaussian_vectors_extend_fewer():
    few, many = (draw_gaussian_vectors(5, n, (1, 2), 3) for n in (10, 25))
    np.testing.assert_array_equal(few, many[:, :10])
    assert not np.array_equal(few, draw_gaussian_vectors(5, 10, (1, 2), 4))


def test_points_are_left_as_they_were():
    clouds = gaussian_clouds(4, 6, 10)
    before = clouds.copy()
    analyze_manifolds(clouds, n_gaussian_vectors=5)
    simulate_capacity(clouds, 2)
    np.testing.assert_array_equal(clouds, before)


def test_errors_are_those_of_repeated_draws():
    clouds = gaussian_clouds(3, 10, 40)
    found = [analyze_manifolds(clouds, seed=s, n_gaussian_vectors=100) for s in range(60)]
    names = ("capacity", "radius", "dimension", "rank_dimension")
    for name in (*names, *(f"mean_{name}" for name in names)):
        scatter = np.std([getattr(one, name) for one in found], axis=0, ddof=1)
        error = np.mean([getattr(one, f"{name}_error") for one in found], axis=0)
        # A standard deviation of 60 values is known to a tenth.
        np.testing.assert_allclose(scatter, error, rtol=0.4, err_msg=name)


def test_import_is_light():
    program = (
        "import sys, manifold_robustness.geometry\n"
        "heavy = {'scipy', 'torch', 'cvxopt', 'numba', 'snakemake', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]"
