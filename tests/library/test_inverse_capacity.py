"""The inverse capacity that torch differentiates: values, gradients, invariances."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import nnls
from torch import nn

from library.geometry_clouds import (
    clouds_with_duplicates,
    gaussian_clouds,
    low_rank_centers,
    random_rotation,
    relu_clouds,
)
from manifold_robustness.geometry import (
    analyze_jointly,
    analyze_manifolds,
    find_center_structure,
    remove_directions,
)
from manifold_robustness.geometry.joint import joint_frame, solve_all
from manifold_robustness.network import inverse_capacity as module
from manifold_robustness.network.capacity_inputs import draw_probes
from manifold_robustness.network.inverse_capacity import inverse_capacity

MEAN_FIELD, JOINT = OBJECTIVES = ("capacity", "joint_capacity")
SIGMAS = 4.5
CLOUDS = {
    "fewer points than features": gaussian_clouds(6, 12, 100),
    "more points than features": gaussian_clouds(6, 30, 20),
    "all points span the features": gaussian_clouds(6, 8, 16),
    "sparse": relu_clouds(5, 20, 80),
    "duplicate points": clouds_with_duplicates(6, 12, 60),
    "far from the origin": 1000.0 + gaussian_clouds(4, 12, 50),
    "low rank centers": low_rank_centers(8, 40, 2)[:, None] + gaussian_clouds(8, 6, 40),
}
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")


def value_and_gradient(clouds, objective, **options):
    points = torch.tensor(clouds, requires_grad=True)
    value = inverse_capacity(points, objective, **options)
    value.backward()
    return value.item(), points.grad.numpy()


def probes_of(objective, clouds, count=20, seed=0, **options):
    n_manifolds, n_features = len(clouds), math.prod(clouds.shape[2:])
    return draw_probes(objective, n_manifolds, n_features, count, seed=seed, **options)


# Values.


def scaled_offsets(clouds, directions):
    """Points about their centers, the directions projected out, in center norms."""
    means = clouds.mean(1)
    centers = remove_directions(means - means.mean(0), directions)
    offsets = remove_directions(clouds - means[:, None], directions)
    return offsets / np.linalg.norm(centers, axis=1)[:, None, None]


@pytest.mark.parametrize(
    ("name", "margin", "rank"),
    [(name, margin, 0) for name in CLOUDS for margin in (0.0, 0.7)]
    + [("low rank centers", 0.3, 1), ("sparse", 0.0, 2)],
)
def test_the_mean_field_is_that_of_the_geometry(name, margin, rank):
    clouds = CLOUDS[name]
    directions = find_center_structure(clouds.mean(1), rank).directions
    probes = probes_of(MEAN_FIELD, clouds)
    vectors = []
    for own, along in zip(
        scaled_offsets(clouds, directions), probes.center_coordinates.T, strict=True
    ):
        n_points, n_features = own.shape
        axes = np.linalg.qr(own.T)[0] if n_features > n_points else np.eye(n_features)
        vectors.append(np.vstack([(probes.vectors @ axes).T, along]))
    expected = analyze_manifolds(
        clouds, margin, gaussian_vectors=vectors, center_rank=rank, warn_if_transposed=False
    )
    value, _ = value_and_gradient(
        clouds, MEAN_FIELD, probes=probes, margin=margin, center_rank=rank
    )
    assert value == pytest.approx(1 / expected.mean_capacity, rel=1e-10)


@pytest.mark.parametrize("name", CLOUDS)
@pytest.mark.parametrize(("labels", "center"), [("balanced", True), ("random", False)])
def test_the_joint_program_is_that_of_the_geometry(name, labels, center):
    clouds = CLOUDS[name]
    n_manifolds, n_points, n_features = clouds.shape
    everything = clouds.reshape(-1, n_features)
    everything = everything - everything.mean(0) * center
    probes = probes_of(JOINT, clouds, labels=labels)
    rounding = 1e-13 * np.abs(clouds).max()
    expected = solve_all(
        everything,
        np.full(n_manifolds, n_points),
        probes.vectors,
        probes.labels,
        rounding=rounding,
    )["projections"]
    value, _ = value_and_gradient(clouds, JOINT, probes=probes, center=center)
    assert value == pytest.approx(expected.mean() / n_manifolds, rel=1e-10)

    # In their own frame as features, the same seed gives the same draws to both.
    own = joint_frame(everything, rounding)
    own = own.reshape(n_manifolds, n_points, -1)
    geometry = analyze_jointly(own, 12, labels, seed=(3, 1), center=center)
    options = {"n_gaussian_vectors": 12, "labels": labels, "seed": (3, 1), "center": center}
    value, _ = value_and_gradient(own, JOINT, **options)
    assert value == pytest.approx(1 / geometry.capacity, rel=1e-10)


@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_the_mean_field_is_the_projection_on_a_cone(margin):
    clouds = CLOUDS["all points span the features"]
    probes = probes_of(MEAN_FIELD, clouds, 5)
    squares = []
    for own, axis in zip(
        scaled_offsets(clouds, np.zeros((16, 0))), probes.center_coordinates.T, strict=True
    ):
        cone = np.column_stack([own, np.ones(len(own))]).T
        for vector, along in zip(probes.vectors, axis, strict=True):
            multipliers = nnls(cone, np.append(vector, along + margin))[0]
            squares.append(((cone @ multipliers) ** 2).sum())
    value, _ = value_and_gradient(clouds, MEAN_FIELD, probes=probes, margin=margin)
    assert value == pytest.approx(np.mean(squares), rel=1e-10)


@pytest.mark.parametrize("half_length", [0.3, 1.0])
def test_a_segment_s_value_and_derivative_are_known(half_length):
    """1 / capacity = 1/2 + (2 / pi) arctan r."""
    length = torch.tensor(half_length, dtype=torch.float64, requires_grad=True)
    center = torch.tensor([0.0, 2.0, 0.0], dtype=torch.float64)
    axis = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64)
    ends = torch.stack([length * axis, -length * axis]) * 2.0
    values, slopes = [], []
    for seed in range(16):
        value = inverse_capacity(
            torch.stack([center + ends, ends - center]), n_gaussian_vectors=500, seed=(5, seed)
        )
        values.append(value.item())
        slopes.append(torch.autograd.grad(value, length, retain_graph=True)[0].item())
    truths = (0.5 + 2 / math.pi * math.atan(half_length), 2 / math.pi / (1 + half_length**2))
    for found, truth in zip((values, slopes), truths, strict=True):
        assert abs(np.mean(found) - truth) < SIGMAS * np.std(found, ddof=1) / math.sqrt(16)
        assert np.std(found) < 0.15 * truth


# Gradients.


def assert_finite_differences(function, start, gradient, seed=0, step=1e-6):
    """Along three random directions, to 1e-6 of the gradient's length along such a direction."""
    generator = np.random.default_rng(seed)
    for _ in range(3):
        direction = generator.standard_normal(start.shape)
        direction *= np.sqrt(start.size) / np.linalg.norm(direction)
        along = [function(start + sign * step * direction) for sign in (1, -1)]
        slope = (along[0] - along[1]) / (2 * step)
        assert slope == pytest.approx((gradient * direction).sum(), rel=1e-6)


@pytest.mark.parametrize("n_manifolds", [4, 7, 10])
@pytest.mark.parametrize("margin", [0.0, 0.8])
def test_the_mean_field_s_gradient_is_that_of_finite_differences(n_manifolds, margin):
    clouds = gaussian_clouds(n_manifolds, 6, 40, seed=n_manifolds)
    options = {"probes": probes_of(MEAN_FIELD, clouds), "margin": margin}
    _, gradient = value_and_gradient(clouds, MEAN_FIELD, **options)
    assert_finite_differences(
        lambda x: value_and_gradient(x, MEAN_FIELD, **options)[0], clouds, gradient
    )


@pytest.mark.parametrize("n_manifolds", [4, 7, 10])
@pytest.mark.parametrize(("labels", "center"), [("balanced", True), ("random", False)])
def test_the_joint_gradient_is_that_of_finite_differences(n_manifolds, labels, center):
    clouds = gaussian_clouds(n_manifolds, 6, 80, seed=n_manifolds)
    options = {"probes": probes_of(JOINT, clouds, labels=labels), "center": center}
    _, gradient = value_and_gradient(clouds, JOINT, **options)
    assert_finite_differences(
        lambda x: value_and_gradient(x, JOINT, **options)[0], clouds, gradient
    )


def test_directions_of_a_search_are_held_in_the_gradient():
    clouds = CLOUDS["low rank centers"]
    probes = probes_of(MEAN_FIELD, clouds)
    searched = value_and_gradient(clouds, MEAN_FIELD, probes=probes, center_rank=2)
    held = find_center_structure(clouds.mean(1), 2).directions
    options = {"probes": probes, "center_directions": held}
    value, gradient = value_and_gradient(clouds, MEAN_FIELD, **options)
    assert searched[0] == pytest.approx(value, rel=1e-12)
    assert np.abs(searched[1] - gradient).max() < 1e-10 * np.abs(gradient).max()
    assert_finite_differences(
        lambda x: value_and_gradient(x, MEAN_FIELD, **options)[0], clouds, gradient
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_gradient_reaches_the_pixels(objective):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 5, 3), nn.Tanh())
    network.double()
    images = np.random.default_rng(0).random((5, 6, 2, 6, 6))

    def run(pixels):
        pixels = torch.tensor(pixels, requires_grad=True)
        outputs = network(pixels.flatten(0, 1)).unflatten(0, pixels.shape[:2])
        assert outputs.shape == (5, 6, 5, 4, 4)
        value = inverse_capacity(outputs, objective, n_gaussian_vectors=10)
        value.backward()
        return value.item(), pixels.grad.numpy()

    _, gradient = run(images)
    assert_finite_differences(lambda x: run(x)[0], images, gradient)


def test_opposite_labels_and_vectors_are_the_same_program():
    clouds = CLOUDS["fewer points than features"]
    probes = probes_of(JOINT, clouds)
    value, gradient = value_and_gradient(clouds, JOINT, probes=probes)
    turned = replace(probes, vectors=-probes.vectors, labels=-probes.labels)
    other_value, other_gradient = value_and_gradient(clouds, JOINT, probes=turned)
    assert other_value == pytest.approx(value, rel=1e-13)
    assert np.abs(other_gradient - gradient).max() < 1e-12 * np.abs(gradient).max()


def test_the_gradient_is_0_along_what_leaves_the_capacity_as_it_is():
    clouds = 3.0 + CLOUDS["fewer points than features"]
    _, joint = value_and_gradient(clouds, JOINT, center=False)
    scale = np.linalg.norm(clouds, axis=2) * np.linalg.norm(joint, axis=2).max()
    assert (np.abs((joint * clouds).sum(2)) < 1e-12 * scale).all()  # of each point
    for objective in OBJECTIVES:
        _, gradient = value_and_gradient(clouds, objective)
        along_points = (gradient * clouds).sum(2)
        assert np.abs(along_points).max() > 1e-3
        assert abs(along_points.sum()) < 1e-12 * np.abs(along_points).sum()  # of all points
        assert np.abs(gradient.sum((0, 1))).max() < 1e-12 * np.abs(gradient).sum()  # a shift


def test_on_its_floor_the_joint_capacity_has_no_gradient():
    clouds = gaussian_clouds(10, 20, 6, radius=1.5)
    probes = probes_of(JOINT, clouds)
    value, gradient = value_and_gradient(clouds, JOINT, probes=probes)
    assert value == pytest.approx((probes.vectors**2).sum(1).mean() / 10, rel=1e-12)
    assert np.abs(gradient).max() < 1e-12


def test_draws_solved_in_several_steps_give_the_same(monkeypatch):
    clouds = CLOUDS["all points span the features"]
    value, gradient = value_and_gradient(clouds, JOINT)
    monkeypatch.setattr(module, "draws_in_step", lambda n_points, n_draws: 7)
    others = value_and_gradient(clouds, JOINT)
    assert others[0] == pytest.approx(value, rel=1e-12)
    assert np.abs(others[1] - gradient).max() < 1e-10 * np.abs(gradient).max()


def test_a_point_at_the_origin_constrains_nothing():
    clouds = gaussian_clouds(4, 6, 40)
    clouds[:, 5] = 0.0
    options = {"probes": probes_of(JOINT, clouds), "center": False}
    value, gradient = value_and_gradient(clouds, JOINT, **options)
    without, others = value_and_gradient(clouds[:, :5], JOINT, **options)
    assert value == pytest.approx(without, rel=1e-12)
    assert np.abs(gradient[:, :5] - others).max() < 1e-12 and (gradient[:, 5] == 0).all()


def test_a_rotation_of_points_and_vectors_rotates_the_gradient():
    clouds, rotation = CLOUDS["sparse"], random_rotation(80)
    for objective in OBJECTIVES:
        probes = probes_of(objective, clouds)
        value, gradient = value_and_gradient(clouds, objective, probes=probes)
        turned = replace(probes, vectors=probes.vectors @ rotation)
        other = value_and_gradient(clouds @ rotation, objective, probes=turned)
        assert other[0] == pytest.approx(value, rel=1e-10)
        assert np.abs(other[1] - gradient @ rotation).max() < 1e-9 * np.abs(gradient).max()


# What leads out of the span.


def test_within_the_span_the_joint_gradient_is_the_exact_one_s_mean():
    clouds = CLOUDS["fewer points than features"]
    clouds = clouds[:, :9]
    probes = probes_of(JOINT, clouds)
    everything = clouds.reshape(-1, 100) - clouds.mean((0, 1))
    axes = np.linalg.svd(everything)[2][:53]
    reflected = replace(probes, vectors=2 * (probes.vectors @ axes.T) @ axes - probes.vectors)
    value, gradient = value_and_gradient(clouds, JOINT, probes=probes)
    mirrored = value_and_gradient(clouds, JOINT, probes=reflected)
    within = value_and_gradient(clouds, JOINT, probes=probes, within_span=True)
    assert mirrored[0] == pytest.approx(value, rel=1e-12)
    assert within[0] == pytest.approx(value, rel=1e-12)
    mean = (gradient + mirrored[1]) / 2
    assert np.abs(within[1] - mean).max() < 1e-12 * np.abs(mean).max()
    assert np.linalg.norm(gradient - within[1]) > 0.3 * np.linalg.norm(within[1])


def test_within_the_span_the_mean_field_s_gradient_is_the_exact_one_along_it():
    clouds = CLOUDS["fewer points than features"]
    value, gradient = value_and_gradient(clouds, MEAN_FIELD)
    within_value, within = value_and_gradient(clouds, MEAN_FIELD, within_span=True)
    assert within_value == pytest.approx(value, rel=1e-12)
    generator = np.random.default_rng(0)
    moves = generator.standard_normal((6, 12, 12)) @ (clouds - clouds.mean(1, keepdims=True))
    moves += generator.standard_normal((6, 1, 100))
    assert (within * moves).sum() == pytest.approx((gradient * moves).sum(), rel=1e-10)
    elsewhere = generator.standard_normal((6, 12, 100))
    centers = clouds.mean(1) - clouds.mean((0, 1))
    for own, points in zip(elsewhere, clouds, strict=True):
        axes = np.linalg.qr(np.vstack([points[1:] - points[0], centers[1:]]).T)[0]
        own -= own @ axes @ axes.T
    assert abs((gradient * elsewhere).sum()) > 1e-3
    assert abs((within * elsewhere).sum()) < 1e-14


# Types and devices.


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_draws_come_from_the_seed_alone(objective):
    clouds = CLOUDS["all points span the features"]
    once = value_and_gradient(clouds, objective, n_gaussian_vectors=7, seed=(4, 2))
    again = value_and_gradient(clouds, objective, n_gaussian_vectors=7, seed=[4, 2])
    given = value_and_gradient(clouds, objective, probes=probes_of(objective, clouds, 7, (4, 2)))
    for other in (again, given):
        assert other[0] == once[0] and (other[1] == once[1]).all()
    assert value_and_gradient(clouds, objective, n_gaussian_vectors=7, seed=(4, 3))[0] != once[0]
    few, many = (probes_of(objective, clouds, count) for count in (3, 50))
    for name in ("vectors", "center_coordinates", "labels"):
        if getattr(few, name) is not None:
            assert (getattr(many, name)[:3] == getattr(few, name)).all()
            assert abs(getattr(many, name).mean()) < SIGMAS / math.sqrt(50 * 6)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_other_types_are_computed_in_double_precision(objective):
    clouds = CLOUDS["fewer points than features"]
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        points = torch.tensor(clouds, dtype=dtype, requires_grad=True)
        value = inverse_capacity(points, objective)
        value.backward()
        assert value.dtype == torch.float64 and points.grad.dtype == dtype
        exact = value_and_gradient(points.detach().double().numpy(), objective)
        assert value.item() == exact[0]
        assert (points.grad == torch.tensor(exact[1]).to(dtype)).all()


def test_what_single_precision_rounds_spans_nothing():
    axes = random_rotation(100)[:7]
    exact = gaussian_clouds(6, 20, 7, radius=0.3) @ axes
    probes = probes_of(JOINT, exact)
    value, gradient = value_and_gradient(exact, JOINT, probes=probes)
    gradient = gradient @ axes.T @ axes
    rounded = exact.astype(np.float32)
    found, other = value_and_gradient(rounded, JOINT, probes=probes, within_span=True)
    assert found == pytest.approx(value, rel=1e-5) and np.abs(gradient).max() > 1e-3
    assert np.abs(other - gradient).max() < 1e-2 * np.abs(gradient).max()


def test_features_of_any_shape_are_flattened():
    images = np.random.default_rng(0).random((4, 5, 3, 4, 2))
    for objective in OBJECTIVES:
        value, gradient = value_and_gradient(images, objective)
        flat = value_and_gradient(images.reshape(4, 5, 24), objective)
        assert value == flat[0] and (gradient.reshape(4, 5, 24) == flat[1]).all()


@needs_cuda
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("within_span", [False, True])
def test_cuda_gives_what_the_cpu_gives(objective, within_span):
    for clouds in CLOUDS.values():
        expected = value_and_gradient(clouds, objective, within_span=within_span)
        points = torch.tensor(clouds, device="cuda", requires_grad=True)
        value = inverse_capacity(points, objective, within_span=within_span)
        value.backward()
        assert value.device.type == "cuda" and value.item() == pytest.approx(expected[0], rel=1e-10)
        if len(np.unique(clouds, axis=1)) == len(clouds):
            error = np.abs(points.grad.cpu().numpy() - expected[1]).max()
            assert error < 1e-8 * np.abs(expected[1]).max()
