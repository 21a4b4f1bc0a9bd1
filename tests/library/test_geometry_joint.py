"""The joint program: known answers, invariances, and named refusals."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.optimize import linprog

from library.geometry_clouds import (
    gaussian_clouds,
    random_rotation,
    relu_clouds,
)
from library.joint_clouds import CLOUDS, MEASURES, nearly_dependent, solved
from manifold_robustness.errors import GeometryError
from manifold_robustness.geometry import (
    ManifoldFrame,
    analyze_jointly,
    find_anchor_points,
)
from manifold_robustness.geometry import joint_programs as programs
from manifold_robustness.geometry.joint import (
    draw_jointly,
    fitted_separable,
    solve_all,
)
from manifold_robustness.geometry.joint_statistics import joint_statistics
from manifold_robustness.geometry.simulation import is_separable

# Monte Carlo: standard errors that a result may be from the truth.
SIGMAS = 4.5


def near_points(n_manifolds, n_features, seed=0):
    """Manifolds of two points that all but coincide."""
    return gaussian_clouds(n_manifolds, 2, n_features, seed, radius=1e-6)


def dense(anchors, n_points):
    """Weights (n_draws, n_points) of the anchors, those that are 0 included."""
    weights = np.zeros((anchors.n_draws, n_points.sum()))
    weights[anchors.draw, anchors.point] = anchors.weight
    return weights


def anchor_points(coordinates, n_points, anchors):
    """The anchors (n_draws, n_manifolds, rank)."""
    starts = np.cumsum(n_points) - n_points
    weighted = dense(anchors, n_points)[:, :, None] * coordinates
    return np.add.reduceat(weighted, starts, axis=1)


def active(coordinates, n_points, vectors, labels):
    """Which manifolds (n_draws, n_manifolds) hold a multiplier that is not 0."""
    units = coordinates / np.linalg.norm(coordinates, axis=1, keepdims=True)
    manifold_of = np.repeat(np.arange(len(n_points)), n_points)
    fields_ = -(vectors @ units.T)
    found = programs.solve(units @ units.T, fields_, labels, manifold_of, units.shape[1])
    return np.maximum.reduceat(np.abs(found), np.cumsum(n_points) - n_points, axis=1) > 0


# Known answers.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_manifolds", "n_features", "labels", "center", "capacity", "share"),
    [
        (10, 20, "random", False, 2.0, 0.5),
        (10, 10, "random", False, 2.0, 0.5),
        (10, 20, "balanced", True, 2.13, 0.467),
        (20, 10, "balanced", True, 2.20, None),
    ],
)
def test_points_in_general_position(n_manifolds, n_features, labels, center, capacity, share):
    inverse, errors, shares = [], [], []
    for seed in range(4):
        clouds = near_points(n_manifolds, n_features, seed)
        found = analyze_jointly(clouds, 1000, labels, seed, center)
        inverse.append(1 / found.capacity)
        errors.append(found.capacity_error / found.capacity**2)
        coordinates, n_points, vectors, signs, _ = solved(clouds, 250, labels, center, seed)
        shares.append(active(coordinates, n_points, vectors, signs).mean())
        if not center:
            assert found.utility < 1e-7 and found.radius < 1e-3
    error = np.linalg.norm(errors) / 4
    # Of what is known to two digits behind the point only, 0.005.
    slack = 0.0 if capacity == 2 else 0.005 / capacity**2
    assert abs(np.mean(inverse) - 1 / capacity) < SIGMAS * error + slack
    assert share is None or abs(np.mean(shares) - share) < 0.02


def test_points_themselves_have_no_radius_dimension_or_utility():
    """To the last bit: what rounding leaves of a deviation is no direction."""
    points = np.random.default_rng(0).standard_normal((6, 8)) * 1e3
    vectors, labels = draw_jointly(8, 6, 50, "random", 0)
    found = solve_all(points, np.ones(6, dtype=int), vectors, labels)
    noise = np.random.default_rng(1).choice([-1, 0, 1], 300) * np.finfo(float).eps
    anchors = replace(found["anchors"], weight=found["anchors"].weight + noise)
    statistics = joint_statistics(points, np.arange(6), vectors, found["projections"], anchors)
    assert [statistics[name] for name in ("dimension", "radius", "utility")] == [0.0, 0.0, 0.0]
    assert statistics["capacity"] == pytest.approx(6 / found["projections"].mean(), rel=1e-14)
    assert statistics["axis_alignment"] == statistics["center_axis_alignment"] == 0.0


def orthogonal_manifolds(offsets, lengths):
    """Manifolds (n_points, D) of offsets in blocks of D + 1 axes each, the center's axis last."""
    n_manifolds = len(offsets)
    width = offsets[0].shape[1] + 1
    clouds = []
    for index, (own, length) in enumerate(zip(offsets, lengths, strict=True)):
        cloud = np.zeros((len(own), n_manifolds * width))
        cloud[:, index * width : (index + 1) * width] = length * np.column_stack(
            [own, np.ones(len(own))]
        )
        clouds.append(cloud)
    return clouds


@pytest.mark.parametrize("radius", [0.2, 1.0, 3.0])
def test_orthogonal_manifolds_are_those_of_the_mean_field_draw_by_draw(radius):
    generator = np.random.default_rng(3)
    offsets = [radius * generator.standard_normal((n, 4)) for n in (7, 3, 20, 12, 5)]
    lengths = np.array([1.0, 0.1, 30.0, 2.0, 1.0])
    clouds = orthogonal_manifolds(offsets, lengths)
    points, n_points = np.concatenate(clouds), np.array([len(cloud) for cloud in clouds])
    vectors, labels = draw_jointly(points.shape[1], len(clouds), 200, "random", 5)
    found = solve_all(points, n_points, vectors, labels)
    anchors = anchor_points(points, n_points, found["anchors"])
    expected, n_inside = np.zeros(200), 0
    for index, own in enumerate(offsets):
        block = slice(5 * index, 5 * index + 5)
        own_vectors = (-labels[:, [index]] * vectors[:, block]).T
        frame = ManifoldFrame(own, 4, np.eye(4))
        mean_field = find_anchor_points(frame, own_vectors)
        inside = mean_field.multipliers.max(1) == 0
        n_inside += inside.sum()
        pull = np.maximum(np.einsum("dt,td->t", own_vectors, mean_field.points), 0.0)
        expected += pull**2 / (mean_field.points**2).sum(1)
        np.testing.assert_allclose(
            anchors[:, index, block], lengths[index] * mean_field.points,
            rtol=0, atol=1e-9 * lengths[index] * max(radius, 1),
        )  # fmt: skip
    assert n_inside > 0
    np.testing.assert_allclose(found["projections"], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.slow
def test_orthogonal_discs_have_their_own_radius_and_dimension():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    disc = 0.3 * np.column_stack([np.cos(angles), np.sin(angles)])
    clouds = orthogonal_manifolds([disc] * 4, [1.0, 2.0, 0.5, 1.0])
    found = analyze_jointly(clouds, 1500, labels="random", center=False)
    assert abs(found.dimension - 2) < SIGMAS * found.dimension_error
    assert found.dimension_error < 0.05
    assert found.radius == pytest.approx(0.3, rel=0.01)
    # Their axes lie in spans of their own, and all have a center of their own.
    for name in ("center_alignment", "axis_alignment", "center_axis_alignment"):
        assert abs(getattr(found, name)) < 1e-12


@pytest.mark.parametrize("case", CLOUDS)
def test_formulas_draw_by_draw(case):
    """By pseudo-inverses, one draw at a time: F = a, and all that is reported."""
    labels = "random" if len(CLOUDS[case]) == 5 else "balanced"
    coordinates, n_points, vectors, signs, found = solved(CLOUDS[case], 40, labels)
    anchors = anchor_points(coordinates, n_points, found["anchors"])
    is_active = active(coordinates, n_points, vectors, signs)
    means = anchors.mean(0)
    scale = np.sqrt(
        (means**2).sum(1, keepdims=True) + ((anchors - means) ** 2).sum(2).mean(0)[:, None]
    )
    a, b, c, cosines, mixed = [], [], [], [], []
    others = ~np.eye(len(n_points), dtype=bool)
    unit_means = means / np.linalg.norm(means, axis=1, keepdims=True)
    for own, t, rows in zip(anchors, vectors, is_active, strict=True):
        s = (own / scale)[rows]
        a.append(s @ t @ np.linalg.pinv(s @ s.T, rcond=1e-13) @ (s @ t))
        s0, s1 = means / scale, (own - means) / scale
        u = s1 @ t
        b.append(((np.linalg.pinv(s1, rcond=1e-9) @ s1 @ t) ** 2).sum())
        w = np.column_stack([s0, s1])
        c.append(((np.linalg.pinv(w, rcond=1e-9) @ u) ** 2).sum())
        axes = s1 / np.linalg.norm(s1, axis=1, keepdims=True)
        cosines.append((axes @ axes.T)[others].mean())
        mixed.append((unit_means @ axes.T)[others].mean())
    np.testing.assert_allclose(found["projections"], a, rtol=1e-9)
    a, b, c = np.mean(a), np.mean(b), np.mean(c)
    starts = np.cumsum(n_points) - n_points
    got = joint_statistics(coordinates, starts, vectors, found["projections"], found["anchors"])
    expected = {
        "capacity": len(n_points) / a,
        "dimension": b / len(n_points),
        "radius": np.sqrt(c / (b - c)),
        "utility": c / a,
        "center_alignment": (unit_means @ unit_means.T)[others].mean(),
        "axis_alignment": np.mean(cosines),
        "center_axis_alignment": np.mean(mixed),
    }
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, rel=1e-6, abs=1e-10), name
    identity = got["utility"] * (1 + got["radius"] ** -2) / got["dimension"]
    assert identity == pytest.approx(got["capacity"], rel=1e-12)


@pytest.mark.parametrize("case", CLOUDS)
def test_capacity_is_above_its_floor_and_every_program_proven(case):
    labels = "random" if len(CLOUDS[case]) == 5 else "balanced"
    found = analyze_jointly(CLOUDS[case], 100, labels=labels)
    assert max(found.primal_residual, found.dual_residual, found.gap_residual) <= 1e-10
    assert found.n_second_solutions == 0
    coordinates, n_points, vectors, _, parts = solved(CLOUDS[case], 100, labels)
    assert found.rank == coordinates.shape[1]
    assert found.capacity_floor == len(n_points) / found.rank
    squares = (vectors**2).sum(1)
    assert (parts["projections"] <= squares * (1 + 1e-12)).all()
    at_most = len(n_points) / squares.mean()
    assert found.capacity >= at_most * (1 - 1e-12)
    if case == "nothing separable":
        assert found.zero_share == found.inseparable_share == 1
        assert found.capacity == pytest.approx(at_most, rel=1e-12)
        assert abs(found.capacity - found.capacity_floor) < SIGMAS * found.capacity_error
    else:
        assert found.capacity > at_most * (1 + 1e-9)


# The two shares.


def is_separable_by_linear_program(labelled):
    found = linprog(
        np.zeros(labelled.shape[1]), -labelled, -np.ones(len(labelled)), bounds=(None, None)
    )
    return found.status == 0


@pytest.mark.slow
@pytest.mark.parametrize("radius", [0.2, 0.5, 0.8])
def test_shares_against_a_linear_program(radius):
    clouds = gaussian_clouds(10, 15, 10, radius=radius)
    coordinates, n_points, _, signs, found = solved(clouds, 100)
    labelled = np.repeat(signs, n_points, axis=1)[:, :, None] * coordinates
    expected = ~np.array([is_separable_by_linear_program(one) for one in labelled])
    np.testing.assert_array_equal(found["inseparable"], expected)
    # A draw whose dichotomy nothing separates has v = 0; one whose t lies deep has it too.
    assert (found["zero"] | ~expected).all()
    assert 0 < expected.mean() < 1 and found["zero"].mean() > expected.mean()
    geometry = analyze_jointly(clouds, 100)
    assert geometry.zero_share == found["zero"].mean()
    assert geometry.inseparable_share == expected.mean()


def test_dependent_points_may_be_inseparable_though_v_is_not_zero():
    """Two manifolds share a point: nothing separates them where their labels differ."""
    clouds = gaussian_clouds(4, 3, 40, radius=0.2)
    clouds[1, 0] = clouds[0, 0]
    coordinates, n_points, _, signs, found = solved(clouds, 60)
    labelled = np.repeat(signs, n_points, axis=1)[:, :, None] * coordinates
    expected = ~np.array([is_separable_by_linear_program(one) for one in labelled])
    np.testing.assert_array_equal(found["inseparable"], expected)
    assert np.array_equal(expected, signs[:, 0] != signs[:, 1]) and not found["zero"].any()


def test_coarse_pixels_are_asked_where_points_lie_in_the_plane():
    clouds = nearly_dependent(0, n_points=15)
    coordinates, n_points, _, signs, found = solved(clouds, 40)
    labelled = np.repeat(signs, n_points, axis=1)[:, :, None] * coordinates
    expected = ~np.array([is_separable_by_linear_program(one) for one in labelled])
    np.testing.assert_array_equal(found["inseparable"], expected)


@pytest.mark.parametrize("gap", [1e-2, 1e-5, 1e-8, 0.0])
@pytest.mark.parametrize("n_points", [4, 40])
def test_a_fit_proves_separable_only_what_is(n_points, gap):
    """Two classes with a plane between them, that far apart, and others anywhere."""
    random = np.random.default_rng(3)
    points = random.standard_normal((4, n_points, 12))
    points[0, :, 0], points[1, :, 0] = gap / 2, -gap / 2
    points[2:, :, 0] += [[3.0], [-3.0]]
    units = points.reshape(-1, 12)
    units = units / np.linalg.norm(units, axis=1)[:, None]
    labels = np.array([[1.0, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    signs = np.repeat(labels, n_points, axis=1)
    separable = np.array([is_separable(one[:, None] * units) for one in signs])
    fitted = fitted_separable(signs, units)
    assert not (fitted & ~separable).any()
    if n_points == 4 and gap == 1e-2:  # 16 points in 12 dimensions: the fit finds most of them
        assert fitted.any()


def test_shares_grow_with_the_spread():
    found = [analyze_jointly(gaussian_clouds(10, 15, 10, radius=r), 100) for r in (0.1, 0.4, 1.0)]
    for name in ("zero_share", "inseparable_share"):
        values = [getattr(one, name) for one in found]
        assert values[0] < values[1] < values[2], name
    assert all(one.inseparable_share <= one.zero_share for one in found)
    assert analyze_jointly(gaussian_clouds(10, 15, 300), 100).zero_share == 0


# Invariances.


def assert_same(found, expected, tolerance=1e-9, names=MEASURES):
    for name in names:
        value = getattr(expected, name)
        assert getattr(found, name) == pytest.approx(value, rel=tolerance, abs=1e-11), name


@pytest.mark.parametrize("case", CLOUDS)
def test_results_survive_a_rotation_and_further_features(case):
    clouds = list(CLOUDS[case])
    labels = "random" if len(clouds) == 5 else "balanced"
    n_features = clouds[0].shape[1]
    expected = analyze_jointly(clouds, 40, labels=labels)
    # Where two manifolds coincide, what each bears of a constraint is nobody's to say.
    names = ["capacity"] if case == "the same manifold twice" else MEASURES
    # Far from the origin, or tight, rounding of the points is that much greater.
    tolerance = {"far from the origin": 1e-7, "tight": 1e-7}.get(case, 1e-8)
    for seed in range(2):
        rotated = [cloud @ random_rotation(n_features, seed) for cloud in clouds]
        assert_same(analyze_jointly(rotated, 40, labels=labels), expected, tolerance, names)
    for width in (n_features + 7, 400):
        padded = [np.pad(cloud, ((0, 0), (0, width - n_features))) for cloud in clouds]
        turned = [cloud @ random_rotation(width) for cloud in padded]
        for moved in (padded, turned):
            found = analyze_jointly(moved, 40, labels=labels)
            assert_same(found, expected, tolerance, names)
            assert found.rank == expected.rank


def test_labels_and_vectors_turned_over_change_nothing():
    coordinates, n_points, vectors, signs, expected = solved(CLOUDS["sparse"], 50)
    found = solve_all(coordinates, n_points, -vectors, -signs)
    np.testing.assert_allclose(found["projections"], expected["projections"], rtol=1e-12)
    np.testing.assert_allclose(
        dense(found["anchors"], n_points), dense(expected["anchors"], n_points), atol=1e-10
    )


@pytest.mark.parametrize("case", ["fewer points than features", "sparse", "output layer"])
def test_scales(case):
    clouds, generator = CLOUDS[case], np.random.default_rng(0)
    expected = analyze_jointly(clouds, 60, center=False)
    per_point = generator.uniform(0.5, 2, (*clouds.shape[:2], 1))
    found = analyze_jointly(clouds * per_point, 60, center=False)
    assert_same(found, expected, names=["capacity"])
    assert abs(found.utility / expected.utility - 1) > 1e-6
    per_manifold = generator.uniform(0.1, 10, (len(clouds), 1, 1))
    assert_same(analyze_jointly(clouds * per_manifold, 60, center=False), expected)
    centered = analyze_jointly(clouds, 60)
    assert_same(analyze_jointly(3.7 * clouds, 60), centered)
    moved = analyze_jointly(clouds * per_manifold, 60)
    assert abs(moved.capacity / centered.capacity - 1) > 1e-6
    assert_same(analyze_jointly(clouds + 5.0, 60), centered)


@pytest.mark.parametrize("exponent", [-400, -300, 300, 600])
def test_units_change_no_bit(exponent):
    clouds = relu_clouds(6, 10, 40)
    expected = analyze_jointly(clouds, 30)
    found = analyze_jointly(np.ldexp(clouds, exponent), 30)
    for field in fields(expected):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


# Draws.


@pytest.mark.parametrize("n_manifolds", [4, 5, 10, 11])
def test_balanced_labels(n_manifolds):
    _, labels = draw_jointly(3, n_manifolds, 4000, "balanced", 0)
    assert set(np.unique(labels)) == {-1.0, 1.0}
    counts = (labels > 0).sum(1)
    assert set(counts) == {n_manifolds // 2, (n_manifolds + 1) // 2}
    np.testing.assert_allclose((labels > 0).mean(0), 0.5, atol=0.04)
    # Of balanced labels a pair differs more often than not.
    pair = (labels[:, 0] * labels[:, 1]).mean()
    even = n_manifolds // 2 * 2
    expected = -1 / (n_manifolds - 1) if n_manifolds == even else -1 / n_manifolds
    assert abs(pair - expected) < 0.07


def test_random_labels():
    _, labels = draw_jointly(3, 6, 4000, "random", 0)
    np.testing.assert_allclose(labels.mean(0), 0.0, atol=0.08)
    assert abs((labels[:, 0] * labels[:, 1]).mean()) < 0.08
    assert set((labels > 0).sum(1)) == set(range(7))


def test_more_draws_extend_fewer():
    for labels in ("balanced", "random"):
        few, many = (draw_jointly(5, 7, n, labels, (1, 2)) for n in (10, 25))
        for one, other in zip(few, many, strict=True):
            np.testing.assert_array_equal(one, other[:10])
    assert not np.array_equal(few[0], draw_jointly(5, 7, 10, labels, (1, 3))[0])


def test_reproducible_and_points_left_as_they_were():
    clouds = gaussian_clouds(6, 10, 50)
    before = clouds.copy()
    one = analyze_jointly(clouds, 30, seed=(3, 1))
    analyze_jointly(gaussian_clouds(4, 7, 20), 30)
    other = analyze_jointly(list(clouds), 30, seed=[3, 1])
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
    np.testing.assert_array_equal(clouds, before)


def test_draws_in_step_are_those_of_one_at_a_time(monkeypatch):
    clouds = gaussian_clouds(6, 10, 50)
    expected = analyze_jointly(clouds, 30)
    for module, name in (("joint", "draws_in_step"), ("joint_statistics", "NUMBERS_AT_ONCE")):
        monkeypatch.setattr(
            f"manifold_robustness.geometry.{module}.{name}",
            (lambda *_: 4) if module == "joint" else 2000,
        )
    found = analyze_jointly(clouds, 30)
    assert_same(found, expected, 1e-11, [*MEASURES, *(f"{name}_error" for name in MEASURES)])


@pytest.mark.slow
@pytest.mark.parametrize("case", ["fewer points than features", "output layer", "sparse"])
def test_errors_are_those_of_repeated_draws(case):
    found = [analyze_jointly(CLOUDS[case], 100, seed=seed) for seed in range(60)]
    for name in MEASURES:
        scatter = np.std([getattr(one, name) for one in found], ddof=1)
        error = np.mean([getattr(one, f"{name}_error") for one in found])
        # A standard deviation of 60 values is known to a tenth.
        assert error == pytest.approx(scatter, rel=0.4), name


# Refusals.


def spoilt(value):
    clouds = gaussian_clouds(5, 5, 8)
    clouds[1, 2, 3] = value
    return clouds


def coinciding():
    clouds = gaussian_clouds(5, 5, 8)
    clouds[2] = clouds[2, 0]
    return clouds


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (spoilt(np.nan), {}, r"finite points\. Manifold 1 holds nan at point 2, feature 3"),
        (spoilt(np.inf), {}, r"finite points\. Manifold 1 holds inf"),
        (coinciding(), {}, r"Manifold 2: .*two distinct points.*All 5 points coincide"),
        (gaussian_clouds(3, 5, 8), {}, r"at least 4 manifolds for balanced.* Got 3.*random"),
        (gaussian_clouds(1, 5, 8), {}, r"at least two manifolds\. Got 1"),
        ([np.eye(4)] * 4 + [np.ones((3, 5))], {}, r"as many features"),
        (spoilt(0.0), {"labels": "one-versus-rest"}, r"balanced, random\. Got 'one-versus-rest'"),
        (spoilt(0.0), {"n_draws": 0}, r"at least one draw\. Got 0"),
        (spoilt(0.0), {"n_draws": 1}, r"at least two draws"),
        (spoilt(0.0), {"seed": -1}, r"seed of integers >= 0\. Got -1"),
        (spoilt(0.0), {"tolerance": 0}, r"tolerance > 0\. Got 0"),
    ],
)
def test_bad_input(points, options, message):
    with pytest.raises(GeometryError, match=message):
        analyze_jointly(points, **options)


def test_fewer_manifolds_take_random_labels():
    found = analyze_jointly(gaussian_clouds(2, 5, 30), 200, labels="random", center=False)
    assert 0 < found.capacity < 2 and found.labels == "random"


def test_a_point_at_the_origin_constrains_nothing():
    points = gaussian_clouds(5, 6, 30).reshape(30, 30)
    vectors, labels = draw_jointly(30, 5, 50, "random", 0)
    expected = solve_all(points, np.full(5, 6), vectors, labels)
    more = np.vstack([points, np.zeros(30)])
    found = solve_all(more, np.array([6, 6, 6, 6, 7]), vectors, labels)
    np.testing.assert_allclose(found["projections"], expected["projections"], rtol=1e-12)
    assert not found["second"].any()
    clouds = [*gaussian_clouds(5, 6, 30), np.vstack([np.zeros(30), np.ones(30)])]
    assert analyze_jointly(clouds, 50, center=False).n_second_solutions == 0
