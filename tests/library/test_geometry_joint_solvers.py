"""The joint program's solver beside independent ones, also where points are nearly dependent."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from library.geometry_clouds import gaussian_clouds
from library.joint_clouds import CLOUDS, MEASURES, nearly_dependent, solved
from manifold_robustness.errors import SolverError
from manifold_robustness.geometry import analyze_jointly, kkt_residuals, simulate_capacity
from manifold_robustness.geometry import joint_programs as programs
from manifold_robustness.geometry.joint import rounding_of


@pytest.mark.slow
def test_agrees_with_cvxopt():
    pytest.importorskip("cvxopt")
    from manifold_robustness.geometry.solvers.cvxopt_solver import solve_with_status

    n_optimal = 0
    for case in ("fewer points than features", "output layer", "sparse", "duplicate points"):
        coordinates, n_points, vectors, signs, found = solved(CLOUDS[case], 50)
        labelled = -np.repeat(signs, n_points, axis=1)[:, :, None] * coordinates
        for points, t, expected in zip(labelled, vectors, found["projections"], strict=True):
            multipliers, optimal = solve_with_status(points, t[None], 0.0)
            v = t - multipliers[0] @ points
            if optimal[0]:
                n_optimal += 1
                assert t @ t - v @ v == pytest.approx(expected, rel=1e-8, abs=1e-8)
    # Those that cvxopt gives up on are its own; most must be left to compare.
    assert n_optimal > 150


@pytest.mark.parametrize("case", CLOUDS)
def test_agrees_with_nnls(case, monkeypatch):
    labels = "random" if len(CLOUDS[case]) == 5 else "balanced"
    *_, ours = solved(CLOUDS[case], 60, labels)
    monkeypatch.setattr(programs, "solve", lambda gram, fields, *_: np.full_like(fields, np.nan))
    monkeypatch.setattr(
        programs, "_lawson_hanson", lambda program, signs, free: np.zeros_like(signs)
    )
    *_, theirs = solved(CLOUDS[case], 60, labels)
    assert theirs["second"].all()
    np.testing.assert_allclose(ours["projections"], theirs["projections"], rtol=1e-10)


@pytest.mark.parametrize("case", CLOUDS)
def test_neither_the_guess_nor_the_exchanges_are_needed(case, monkeypatch):
    labels = "random" if len(CLOUDS[case]) == 5 else "balanced"
    *_, expected = solved(CLOUDS[case], 30, labels)
    monkeypatch.setattr(programs, "coordinate_descent", lambda gram, f, *_: np.zeros_like(f))
    *_, unguessed = solved(CLOUDS[case], 30, labels)
    monkeypatch.setattr(
        programs, "_exchange", lambda gram, f, *_: (np.zeros_like(f), range(len(f)))
    )
    *_, stepped = solved(CLOUDS[case], 30, labels)
    for found in (unguessed, stepped):
        assert not found["second"].any()
        np.testing.assert_allclose(found["projections"], expected["projections"], rtol=1e-10)


def test_programs_of_nearly_dependent_points_are_worked_out_from_the_points(monkeypatch):
    """The Gram matrix has half of the digits, and leaves residuals of 1e-9."""
    clouds = nearly_dependent(1e-5)
    found = analyze_jointly(clouds, 60)
    assert found.n_second_solutions == 0 and found.rank == 199
    residuals = found.primal_residual, found.dual_residual, found.gap_residual
    assert max(residuals) < 5e-11, residuals
    monkeypatch.setattr(programs, "REFINED_SHARE", np.inf)
    assert analyze_jointly(clouds, 60).n_second_solutions > 0


def test_rounding_in_single_precision_is_no_direction():
    exact = nearly_dependent(0)
    single = exact.astype(np.float32)
    expected = analyze_jointly(exact, 60)
    assert expected.rank == 24
    found = analyze_jointly(single, 60)
    assert found.rank == 24 and found.capacity == pytest.approx(expected.capacity, rel=1e-4)
    precision = rounding_of(np.dtype("float32"))
    wide = analyze_jointly(single.astype(float), 60, precision=precision)
    assert wide.capacity == found.capacity
    assert analyze_jointly(single.astype(float), 60, tolerance=1e-6).rank == 199


def test_a_violation_within_a_point_s_rounding_is_none():
    points, vectors = np.eye(3), np.array([[1.0, -2.0, 3.0]])
    signs, multipliers = np.ones((1, 3)), np.array([[0.0, 2.0, 0.0]])
    points[0] = [1.0, 0.0, -0.4]
    v, (primal, _, _) = programs.certify(points, vectors, signs, multipliers)
    assert v[0] @ points[0] == pytest.approx(-0.2) and primal[0] > 0.01
    allowed = 0.2 / np.linalg.norm(v[0])
    assert programs.certify(points, vectors, signs, multipliers, allowed * 1.001)[1][0, 0] == 0
    assert programs.certify(points, vectors, signs, multipliers, allowed * 0.9)[1][0, 0] > 0.001
    # A point that has a multiplier stays where it is.
    spoilt = np.array([[0.0, 1.9, 0.0]])
    assert programs.certify(points, vectors, signs, spoilt, 1.0)[1][0, 0] > 0.01


def test_what_rounding_leaves_of_large_multipliers_is_no_residual():
    """Of multipliers of 1e7, which the last bit of one moves by 1e-9."""
    points = np.array([[1.0, 0.0], [-1.0, 1e-7]])
    vectors, signs = np.array([[0.0, -1.0]]), np.ones((1, 2))
    for off, least, most in ((1e-15, 0, 0), (1e-12, 1e-6, 1e-4)):
        multipliers = np.array([[1e7 * (1 + off), 1e7]])
        assert np.abs(vectors + multipliers @ points).max() > 1e-9
        v, residuals = programs.certify(points, vectors, signs, multipliers)
        assert least <= residuals.max() <= most and (v == 0).all() == (most == 0)
    # One correction must do for all points: here v lies between two nearly opposite ones, and a
    # third holds it back that has too much.
    points = np.array([[1.0, 0, 0], [-1.0, 1e-7, 0], [0, 0, 1.0]])
    points /= np.linalg.norm(points, axis=1)[:, None]
    short = 0.15
    large = (1 - short) / 1e-7
    multipliers = np.array([[large, large * np.sqrt(1 + 1e-14), np.sqrt(short * (1 - short))]])
    _, residuals = programs.certify(points, np.array([[0, -1.0, 0]]), np.ones((1, 3)), multipliers)
    assert residuals.max() > 1e-9
    # Multipliers of ordinary size are held to the last digits.
    points = np.array([[1.0, 0.0], [-1.0, 1.0]])
    residuals = programs.certify(points, vectors, signs, np.array([[1 + 1e-12, 1.0]]))[1]
    assert 1e-13 < residuals.max() < 1e-11


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_layer_of_few_independent_directions_is_solved(seed):
    """Of digits of 8 x 8 pixels in single precision: 60 directions, the last ones very short."""
    digits, generator = load_digits(), np.random.default_rng(seed)
    own = [
        generator.permutation(np.flatnonzero(digits.target == label))[:30] for label in range(10)
    ]
    pixels = (digits.images[np.stack(own)].reshape(300, 64) / 16).astype(np.float32)
    features = pixels @ generator.standard_normal((64, 400)).astype(np.float32)
    found = analyze_jointly(features.reshape(10, 30, 400), 300, seed=seed)
    residuals = found.primal_residual, found.dual_residual, found.gap_residual
    assert max(residuals) <= 1e-10 and 50 < found.rank <= 60 and found.zero_share < 0.3


def test_residuals_are_those_of_the_mean_field_programs():
    generator = np.random.default_rng(0)
    points = generator.standard_normal((12, 7))
    vectors, signs = generator.standard_normal((9, 7)), generator.choice([-1.0, 1.0], (9, 12))
    multipliers = generator.standard_normal((9, 12))
    v, found = programs.certify(points, vectors, signs, multipliers)
    np.testing.assert_allclose(v, vectors + multipliers @ points)
    for draw in range(9):
        labelled = -signs[draw, :, None] * points
        expected = kkt_residuals(labelled, vectors[[draw]], 0.0, (signs * multipliers)[[draw]])[
            :, 0
        ]
        np.testing.assert_allclose(found[:, draw], expected, rtol=1e-12)
    multipliers[3, 2] = np.nan
    assert np.isinf(programs.certify(points, vectors, signs, multipliers)[1][:, 3]).any()


def spoil(monkeypatch, draws, value):
    solve = programs.solve

    def spoilt(*args):
        found = solve(*args)
        found[draws] = value
        return found

    monkeypatch.setattr(programs, "solve", spoilt)
    # Nor is it mended from the points.
    monkeypatch.setattr(
        programs, "_lawson_hanson", lambda program, signs, free: np.zeros_like(signs)
    )


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_second_solver_repairs_what_the_first_missed(monkeypatch, value):
    clouds = CLOUDS["fewer points than features"]
    expected = analyze_jointly(clouds, 20)
    spoil(monkeypatch, [1, 4], value)
    found = analyze_jointly(clouds, 20)
    assert found.n_second_solutions == 2
    for name in MEASURES:
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9), name


def test_program_that_no_solver_solves_is_named(monkeypatch):
    spoil(monkeypatch, [3], 0.0)
    monkeypatch.setattr(programs, "_second_solver", lambda points, vector: np.zeros(len(points)))
    with pytest.raises(SolverError, match=r"<= 1e-10.* draw 3 .*primal .*nnls"):
        analyze_jointly(CLOUDS["fewer points than features"], 20)


@pytest.mark.slow
@pytest.mark.parametrize("n_manifolds", [10, 20, 40])
def test_agrees_with_direct_simulation(n_manifolds):
    clouds = gaussian_clouds(n_manifolds, 10, 200, seed=n_manifolds)
    simulated = simulate_capacity(clouds, n_dichotomies=51)
    found = analyze_jointly(clouds)
    error = np.hypot(simulated.capacity_error, found.capacity_error)
    assert abs(found.capacity - simulated.capacity) < max(1.96 * error, 0.08 * simulated.capacity)
