"""Known answers. Tolerances are Monte Carlo errors: 4.5 standard errors."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from library.geometry_clouds import gaussian_clouds, random_rotation
from manifold_robustness.errors import GeometryError
from manifold_robustness.geometry import (
    AnchorPoints,
    ManifoldFrame,
    analyze_jointly,
    analyze_manifolds,
    anchor_statistics,
    find_anchor_points,
    manifold_frame,
    simulate_capacity,
    simulation,
)

SIGMAS = 4.5


def close(value, error, truth):
    return abs(value - truth) <= SIGMAS * error


def gaussian(size, n_vectors=20_000, seed=0):
    return np.random.default_rng(seed).standard_normal((size, n_vectors))


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.5])
def test_points_have_the_capacity_of_gardner(margin):
    frame = manifold_frame(1e-7 * np.random.default_rng(0).standard_normal((3, 5)))
    vectors = gaussian(4)
    found = anchor_statistics(frame, vectors, find_anchor_points(frame, vectors, margin), margin)
    inverse = integrate.quad(lambda x: (x + margin) ** 2 * stats.norm.pdf(x), -margin, np.inf)[0]
    assert close(found.capacity, found.capacity_error, 1 / inverse)
    assert found.radius < 1e-6


@pytest.mark.parametrize(
    ("length", "capacity"), [(0.1, 1.7748), (0.3, 1.4587), (0.6, 1.1848), (1.0, 1.0)]
)
def test_segments_are_exact(length, capacity):
    assert capacity == pytest.approx(1 / (0.5 + 2 / np.pi * np.arctan(length)), abs=5e-5)
    frame = manifold_frame(np.array([[length, 0, 0], [-length, 0, 0]]))
    vectors = gaussian(3, seed=int(10 * length))
    found = anchor_statistics(frame, vectors, find_anchor_points(frame, vectors))
    assert close(found.capacity, found.capacity_error, capacity)
    assert frame.rank == 1
    assert found.rank_dimension == pytest.approx(1.0, abs=1e-12)
    assert close(found.dimension, found.dimension_error, 2 * (2 / np.pi) ** 2)


def test_statistics_are_the_published_formulas():
    generator = np.random.default_rng(0)
    frame = manifold_frame(generator.standard_normal((4, 3)))
    anchors, vectors, margin = generator.standard_normal((50, 4)), gaussian(4, 50), 0.3
    anchors[:, -1] = 1.0
    found = anchor_statistics(frame, vectors, AnchorPoints(anchors, None, 0, 0, 0, 0), margin)
    inverse, squares, cosines = [], [], []
    mean = sum(anchors[:, :3]) / 50
    for anchor, vector in zip(anchors, vectors.T, strict=True):
        inverse.append(max(vector @ anchor + margin, 0) ** 2 / (anchor @ anchor))
        squares.append(sum((anchor[:3] - mean) ** 2))
        lengths = np.linalg.norm(vector[:3]) * np.linalg.norm(anchor[:3])
        cosines.append(vector[:3] @ anchor[:3] / lengths)
    assert found.capacity == pytest.approx(50 / sum(inverse), rel=1e-12)
    assert found.radius == pytest.approx(np.sqrt(sum(squares) / 50), rel=1e-12)
    assert found.dimension == pytest.approx(3 * (sum(cosines) / 50) ** 2, rel=1e-12)


def ball_anchors(vectors, radius, margin):
    """Projections on the second-order cone radius * |v_1..D| + v_0 <= -margin, in closed form."""
    sizes, center = np.linalg.norm(vectors[:-1], axis=0), vectors[-1]
    pull = np.maximum((radius * sizes + center + margin) / (radius**2 + 1), 0.0)
    tip = sizes - pull * radius < 0
    pull = np.where(tip, center + margin, pull)
    offsets = np.where(tip, 1 / np.where(tip, pull, 1.0), radius / sizes) * vectors[:-1]
    points = np.vstack([offsets, np.ones_like(sizes)]).T
    return AnchorPoints(points, np.empty(0), 0.0, 0.0, 0.0, 0), pull


def ball_integrals(size, radius, margin):
    """Inverse capacity and squared radius of a ball by quadrature over |t_1..D| and t_0."""

    def average(function):
        def density(center, length):
            weight = stats.chi.pdf(length, size) * stats.norm.pdf(center)
            return weight * function(length, center)

        kinks = [lambda a: -margin - radius * a, lambda a: a / radius - margin]
        total, low = 0.0, lambda a: -9.0
        for high in [*kinks, lambda a: 9.0]:
            total += integrate.dblquad(
                density,
                0,
                np.sqrt(size) + 9,
                lambda a, f=low: max(f(a), -9.0),
                lambda a, f=high: min(f(a), 9.0),
                epsabs=1e-8,
                epsrel=1e-6,
            )[0]
            low = high
        return total

    def squared_pull(length, center):
        if radius * length + center + margin <= 0:
            return 0.0
        if center + margin > length / radius:
            return length**2 + (center + margin) ** 2
        return (radius * length + center + margin) ** 2 / (radius**2 + 1)

    def squared_radius(length, center):
        if center + margin > length / radius:
            return length**2 / (center + margin) ** 2
        return radius**2

    return average(squared_pull), average(squared_radius)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "radius", "margin"), [(2, 0.5, 0.0), (2, 2.0, 0.5), (5, 1.0, 0.0), (20, 0.4, 0.3)]
)
def test_balls_after_the_solver(size, radius, margin):
    vectors = gaussian(size + 1, 40_000, seed=size)
    anchors, _ = ball_anchors(vectors, radius, margin)
    frame = ManifoldFrame(np.zeros((1, size)), size, np.eye(size))
    found = anchor_statistics(frame, vectors, anchors, margin)
    inverse, squared = ball_integrals(size, radius, margin)
    assert close(found.capacity, found.capacity_error, 1 / inverse)
    # The mean anchor is subtracted: a share of 1 / n_vectors of the square.
    assert abs(found.radius - np.sqrt(squared)) <= SIGMAS * found.radius_error + radius / 40_000
    assert found.dimension == pytest.approx(size, rel=1e-9)
    assert found.rank_dimension == pytest.approx(size, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("margin", [0.0, 0.4])
def test_solver_on_a_sampled_disc(margin):
    radius, angles = 0.8, np.linspace(0, 2 * np.pi, 600, endpoint=False)
    frame = manifold_frame(radius * np.column_stack([np.cos(angles), np.sin(angles)]))
    vectors = gaussian(3, 300)
    polygon = find_anchor_points(frame, vectors, margin)
    disc, _ = ball_anchors(vectors, radius, margin)
    # A polygon of 600 corners: anchors lie within half an edge of those of the disc.
    assert np.abs(polygon.points - disc.points).max() < radius * np.pi / 600 * 1.01
    ours = anchor_statistics(frame, vectors, polygon, margin).capacity
    assert ours == pytest.approx(anchor_statistics(frame, vectors, disc, margin).capacity, rel=1e-4)


def test_moreau():
    frame = manifold_frame(gaussian_clouds(1, 30, 100, seed=3)[0] / 10)
    vectors = gaussian(31, 200)
    multipliers = find_anchor_points(frame, vectors).multipliers
    points = np.column_stack([frame.coordinates, np.ones(30)])
    cone = multipliers @ points
    polar = vectors.T - cone
    squares = (vectors**2).sum(0)
    assert np.abs((cone**2).sum(1) + (polar**2).sum(1) - squares).max() < 1e-12 * squares.max()
    assert (polar @ points.T).max() < 1e-12 * np.sqrt(squares.max())


def test_gaussian_noise_plateau():
    found = [
        analyze_manifolds(np.random.default_rng(seed).standard_normal((10, 30, 3072)), seed=seed)
        for seed in range(5)
    ]

    def mean(name):
        return np.mean([getattr(one, name) for one in found])

    assert mean("mean_capacity") == pytest.approx(0.0622, rel=0.02)
    assert mean("mean_radius") == pytest.approx(1.547, rel=0.02)
    assert mean("mean_dimension") == pytest.approx(22.1, rel=0.02)
    assert mean("center_correlation") == pytest.approx(0.111, rel=0.02)
    assert [one.center_rank for one in found] == [1] * 5


@pytest.mark.parametrize(("n_points", "radius"), [(6, 0.5), (4, 1.0)])
def test_simulation_agrees_with_theory(n_points, radius):
    clouds = gaussian_clouds(40, n_points, 500, radius=radius)
    theory = analyze_manifolds(clouds, center_rank=0)
    simulated = simulate_capacity(clouds, n_dichotomies=101)
    error = np.hypot(simulated.capacity_error, theory.mean_capacity_error)
    # Two percent for 40 manifolds, not infinitely many.
    assert abs(simulated.capacity - theory.mean_capacity) < 3 * error + 0.02 * theory.mean_capacity
    assert simulated.reason == ""


def test_simulation_of_points_is_covers_theorem():
    clouds = gaussian_clouds(60, 2, 200, radius=1e-6)
    simulated = simulate_capacity(clouds, n_dichotomies=101)
    assert abs(simulated.capacity - 2) < 3 * simulated.capacity_error + 0.04


@pytest.mark.parametrize("n_manifolds", [6, 7, 10, 13])
def test_half_of_covers_dichotomies_are_separable_in_half_as_many_dimensions(n_manifolds):
    """The least n less 1 is binomial; here each value stands as often as it is likely."""
    ways = special.comb(n_manifolds - 1, np.arange(n_manifolds), exact=False).astype(int)
    needed = np.repeat(np.arange(1.0, n_manifolds + 1), ways)
    shuffled = np.random.default_rng(0).permuted(np.tile(needed, (3, 1)), axis=1)
    found = simulation.half_separable(shuffled, n_manifolds)
    np.testing.assert_allclose(found, n_manifolds / 2, rtol=1e-14)


def test_half_separable_between_whole_numbers():
    never = np.inf
    cases = [
        ([3, 3, 3], 2.5),  # none in 2, all in 3
        ([2, 4, 9], 3.5),  # 1/3 in 3, 2/3 in 4
        ([2, 4, 4, 4], 3 + 1 / 3),
        ([2, 2, 7, 7], 4.0),  # half from 2 to 6
        ([2, 2, never, never], 6.0),  # half from 2 on, in up to 10
        ([2, never, never], never),
    ]
    for needed, expected in cases:
        assert simulation.half_separable(np.array(needed), 10) == pytest.approx(expected)


def test_error_and_interval_of_a_simulation_are_those_of_its_scatter():
    """Dichotomies of 10 points, as Cover has them: the capacity is 2."""
    generator = np.random.default_rng(0)
    found = [
        simulation._capacity(
            10, 10, 1.0 + generator.binomial(9, 0.5, 51), np.random.SeedSequence(i)
        )
        for i in range(200)
    ]
    capacities = np.array([one.capacity for one in found])
    scatter = capacities.std(ddof=1)
    assert abs(capacities.mean() - 2) < 4 * scatter / 200**0.5
    assert np.mean([one.capacity_error for one in found]) == pytest.approx(scatter, rel=0.2)
    covered = [one.capacity_low <= 2 <= one.capacity_high for one in found]
    assert 0.89 < np.mean(covered) < 0.99


def test_nothing_bounds_a_capacity_from_below_that_may_have_no_answer():
    needed = np.array([8.0] * 13 + [9.0] * 14 + [np.inf] * 24)
    found = simulation._capacity(10, 10, needed, np.random.SeedSequence(0))
    # 13 of 51 in 8 dimensions, 27 in 9.
    assert found.capacity == pytest.approx(10 / (8 + 12.5 / 14))
    assert found.capacity_low == 0 and found.capacity < found.capacity_high <= 10 / 7
    # A resample without an answer counts as the floor of 1, the most it can be.
    assert 0 < found.capacity_error < found.capacity_high - 1


@pytest.mark.parametrize(("n_features", "radius"), [(30, 0.5), (8, 0.8)])
def test_the_mean_least_n_is_the_joint_capacity(n_features, radius):
    """Exactly, by the intrinsic volumes of a cone: no limit of many manifolds, nor of dimensions.

    In 8 dimensions some dichotomies are inseparable: they stand at the rank and one half.
    """
    clouds = gaussian_clouds(8, 4, n_features, radius=radius)
    clouds += 2.0 * clouds[:, :1, ::-1]  # centers and axes correlated
    simulated = simulate_capacity(clouds, n_dichotomies=1000)
    joint = analyze_jointly(clouds, n_draws=2000)
    least = simulated.separable_from
    assert np.isinf(least).any() == (n_features == 8)
    least = np.where(np.isinf(least), joint.rank + 0.5, least)
    inverse_error = 8 / joint.capacity**2 * joint.capacity_error
    error = np.hypot(least.std() / 1000**0.5, inverse_error)
    assert abs(least.mean() - 0.5 - 8 / joint.capacity) < 3 * error
    assert error < 0.12


def test_the_search_finds_the_least_n_from_anywhere():
    coordinates = simulation._common_frame(gaussian_clouds(6, 3, 40, radius=0.8))
    manifold_of = np.repeat(np.arange(6), 3)
    for entropy in range(5):
        sequence = np.random.SeedSequence(entropy)
        generator = np.random.default_rng(sequence)
        labels = generator.permutation([1.0, -1.0] * 3)[manifold_of]
        projected = labels[:, None] * (coordinates @ generator.standard_normal((17, 17)).T)
        least = next(n for n in range(1, 18) if simulation.is_separable(projected[:, :n]))
        for guess, step in [(1, 1), (17, 1), (4, 2), (np.inf, 3)]:
            found = simulation._least_dimensions(coordinates, manifold_of, sequence, guess, step)
            assert found == least


def test_one_dichotomy_has_no_interval():
    with pytest.raises(GeometryError, match="at least two dichotomies, for an interval"):
        simulate_capacity(gaussian_clouds(4, 3, 9), n_dichotomies=1)


def test_simulation_survives_a_shift_and_a_rotation():
    clouds = gaussian_clouds(12, 3, 30)
    expected = simulate_capacity(clouds, 9).separable_from
    for moved in (clouds + 50.0, clouds @ random_rotation(30)):
        np.testing.assert_array_equal(simulate_capacity(moved, 9).separable_from, expected)


def test_simulation_says_why_there_is_no_capacity():
    clouds = gaussian_clouds(30, 10, 10, radius=1.5)
    assert analyze_manifolds(clouds, center_rank=0, n_gaussian_vectors=50).mean_capacity < 3
    simulated = simulate_capacity(clouds, n_dichotomies=11)
    assert np.isnan(simulated.capacity) and np.isnan(simulated.n_dimensions)
    assert np.isnan([simulated.capacity_low, simulated.capacity_high]).all()
    assert "below 3" in simulated.reason
