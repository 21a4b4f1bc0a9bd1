"""Every program exact, proven by its residuals, and the same from independent solvers."""

import numpy as np
import pytest

from library.geometry_clouds import clouds_with_duplicates, draws, gaussian_clouds, relu_clouds
from manifold_robustness.errors import GeometryError, SolverError
from manifold_robustness.geometry import (
    analyze_manifolds,
    anchor_statistics,
    find_anchor_points,
    kkt_residuals,
    manifold_frame,
)
from manifold_robustness.geometry.solvers import active_set_solver, programs

CASES = {
    "fewer points than features": gaussian_clouds(3, 20, 100),
    "more points than features": gaussian_clouds(3, 60, 20),
    "output layer": gaussian_clouds(3, 30, 10, radius=0.5),
    "duplicate points": clouds_with_duplicates(3, 20, 100),
    "sparse": relu_clouds(3, 40, 300),
    "tight": gaussian_clouds(3, 30, 200, radius=0.03),
    "points that differ in number": [gaussian_clouds(1, m, 50, m)[0] for m in (2, 17, 70)],
    "two manifolds": gaussian_clouds(2, 20, 40),
    "ten manifolds": relu_clouds(10, 12, 60),
    "a hundred manifolds": gaussian_clouds(100, 5, 150),
}


def normalized(clouds):
    """Offsets in units of the center's norm, the global mean being the origin."""
    origin = np.concatenate(list(clouds)).mean(0)
    means = [cloud.mean(0) for cloud in clouds]
    return [
        (cloud - mean) / np.linalg.norm(mean - origin)
        for cloud, mean in zip(clouds, means, strict=True)
    ]


@pytest.mark.parametrize("margin", [0.0, 0.5])
@pytest.mark.parametrize("case", CASES)
def test_agrees_with_cvxopt(case, margin):
    pytest.importorskip("cvxopt")
    from manifold_robustness.geometry.solvers.cvxopt_solver import solve_with_status

    n_vectors = 8 if len(CASES[case]) == 100 else 60
    n_optimal = n_all = 0
    for index, offsets in enumerate(normalized(CASES[case])):
        frame = manifold_frame(offsets, literal=True)
        vectors = draws(offsets, n_vectors, seed=index)
        points = np.column_stack([frame.coordinates, np.ones(len(offsets))])
        _, optimal = solve_with_status(points, vectors.T.copy(), margin)
        n_optimal, n_all = n_optimal + optimal.sum(), n_all + len(optimal)
        vectors = vectors[:, optimal]
        ours = find_anchor_points(frame, vectors, margin)
        assert max(ours.primal_residual, ours.dual_residual, ours.gap_residual) <= 1e-10
        assert ours.n_second_solutions == 0
        theirs = find_anchor_points(frame, vectors, margin, solver="cvxopt", tolerance=1e-5)
        assert theirs.n_second_solutions == 0
        found = anchor_statistics(frame, vectors, ours, margin)
        expected = anchor_statistics(frame, vectors, theirs, margin)
        assert found.capacity == pytest.approx(expected.capacity, rel=1e-8)
        for name in ("radius", "dimension", "rank_dimension"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-6)
    # Those that cvxopt gives up on are its own; most must be left to compare.
    assert n_optimal > 0.5 * n_all


@pytest.mark.filterwarnings("ignore:Manifold . has .. points of .. features")
@pytest.mark.parametrize("margin", [0.0, 0.5])
@pytest.mark.parametrize("case", CASES)
def test_agrees_with_nnls_and_meets_the_tolerance(case, margin):
    vectors = [draws(cloud, 40, seed=7) for cloud in CASES[case]]
    ours, theirs = (
        analyze_manifolds(
            CASES[case], margin, gaussian_vectors=vectors, solver=solver, center_rank=0
        )
        for solver in ("active_set", "nnls")
    )
    for found in (ours, theirs):
        assert max(found.primal_residual, found.dual_residual, found.gap_residual) <= 1e-10
    assert ours.n_second_solutions == 0
    np.testing.assert_allclose(ours.capacity, theirs.capacity, rtol=1e-10)
    np.testing.assert_allclose(ours.radius, theirs.radius, rtol=1e-8)
    np.testing.assert_allclose(ours.dimension, theirs.dimension, rtol=1e-8)


def test_coordinate_descent_is_a_guess_only():
    """The exchanges alone reach the answer from no guess at all."""
    offsets = normalized(CASES["more points than features"])[0]
    points = np.column_stack([offsets, np.ones(len(offsets))])
    vectors = draws(offsets, 50).T.copy()
    guessed = active_set_solver.solve(points, vectors, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(active_set_solver, "_guess", lambda gram, fields, **_: np.zeros_like(fields))
        bare = active_set_solver.solve(points, vectors, 0.0)
    np.testing.assert_allclose(bare @ points, guessed @ points, atol=1e-9)


def test_residuals_see_each_kind_of_error():
    points = np.array([[1.0, 1.0], [-1.0, 1.0]])
    vectors = np.array([[3.0, 1.0]])
    assert kkt_residuals(points, vectors, 0.0, np.array([[2.0, 0.0]])).max() < 1e-15
    primal, dual, gap = kkt_residuals(points, vectors, 0.0, np.array([[1.0, 0.0]]))[:, 0]
    assert primal > 0.1 and dual == 0 and gap > 0.1
    primal, dual, gap = kkt_residuals(points, vectors, 0.0, np.array([[2.0, -0.1]]))[:, 0]
    assert dual > 0.03
    assert np.isinf(kkt_residuals(points, vectors, 0.0, np.array([[np.nan, 0.0]]))).all()


def test_interior_gaussian_vectors_select_a_vertex():
    frame = manifold_frame(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    anchors = find_anchor_points(frame, np.array([[0.5], [0.0], [-3.0]]), margin=0.2)
    np.testing.assert_array_equal(anchors.points, [[1.0, 0.0, 1.0]])
    np.testing.assert_array_equal(anchors.multipliers, [[0.0, 0.0]])


def failing_at(rows, value=0.0):
    """A solver that spoils these programs."""

    def solve(points, vectors, margin):
        multipliers = active_set_solver.solve(points, vectors, margin)
        multipliers[rows] = value
        return multipliers

    return solve


def use_solvers(monkeypatch, **solvers):
    monkeypatch.setattr(programs, "load_solver", lambda name: solvers[name])


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_second_solver_repairs_what_the_first_missed(monkeypatch, value):
    clouds = gaussian_clouds(3, 10, 30)
    expected = analyze_manifolds(clouds, n_gaussian_vectors=20)
    use_solvers(monkeypatch, active_set=failing_at([1, 4], value), nnls=active_set_solver.solve)
    found = analyze_manifolds(clouds, n_gaussian_vectors=20)
    assert found.n_second_solutions == 6
    np.testing.assert_allclose(found.capacity, expected.capacity, rtol=1e-12)


def test_program_that_no_solver_solves_is_named(monkeypatch):
    use_solvers(monkeypatch, active_set=failing_at([3]), nnls=failing_at([0]))
    cloud = gaussian_clouds(3, 10, 30)
    vectors = [np.vstack([draws(one, 6)[:-1], np.full(6, 4.0)]) for one in cloud]
    with pytest.raises(SolverError, match=r"Manifold 0: .*<= 1e-10\. Gaussian vector 3 has primal"):
        analyze_manifolds(cloud, gaussian_vectors=vectors)


def test_unknown_solver():
    with pytest.raises(GeometryError, match=r"active_set, nnls, cvxopt.*'simplex'"):
        analyze_manifolds(gaussian_clouds(2, 5, 10), solver="simplex")
