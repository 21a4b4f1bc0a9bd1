"""Solvers of the anchor programs: milliseconds per program, accuracy, start-up.

    python benchmarks/geometry_solvers.py

All in one process and one thread, in turn. Candidates that are not installed are left out; those
beyond the library's own: pip install cvxopt quadprog daqp proxsuite piqp clarabel numba
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import subprocess
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "scripts"), str(HERE)]

from geometry_clouds import gaussian, relu  # noqa: E402

SHAPES = [(10, 2000), (30, 2000), (30, 10), (50, 5000), (200, 5000), (200, 64), (200, 10),
          (1000, 5000)]  # fmt: skip
SECONDS = 1.0


def library(name):
    return import_module(f"manifold_robustness.geometry.solvers.{name}_solver").solve


def one_by_one(program):
    """A solver of the primal, v = argmin |v - t|^2 / 2 with S v <= -margin, for each t in turn."""

    def solve(points, vectors, margin):
        return np.array([program(points, vector, margin) for vector in vectors])

    solve.gives_v = True
    return solve


def quadprog():
    from quadprog import solve_qp

    def program(points, vector, margin):
        bounds = np.full(len(points), margin)
        return solve_qp(np.eye(len(vector)), vector, -points.T, bounds)[0]

    return one_by_one(program)


def daqp():
    import daqp as package

    def program(points, vector, margin):
        upper = np.full(len(points), -margin)
        return package.solve(
            np.eye(len(vector)), -vector, points, upper, np.full(len(points), -1e30),
            np.zeros(len(points), np.intc), primal_tol=1e-12, dual_tol=1e-12,
        )[0]  # fmt: skip

    return one_by_one(program)


def proxqp():
    from proxsuite import proxqp as package

    def program(points, vector, margin):
        upper = np.full(len(points), -margin)
        return package.dense.solve(
            np.eye(len(vector)), -vector, None, None, points, np.full(len(points), -1e20), upper,
            eps_abs=1e-10, eps_rel=0.0,
        ).x  # fmt: skip

    return one_by_one(program)


def piqp():
    import piqp as package

    def program(points, vector, margin):
        solver = package.DenseSolver()
        solver.settings.eps_abs = solver.settings.eps_rel = 1e-10
        solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = 1e-10
        upper = np.full(len(points), -margin)
        solver.setup(np.eye(len(vector)), -vector, G=points, h_u=upper)
        solver.solve()
        return solver.result.x.copy()

    return one_by_one(program)


def clarabel():
    import clarabel as package
    from scipy import sparse

    settings = package.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10

    def program(points, vector, margin):
        quadratic = sparse.eye_array(len(vector), format="csc")
        cones = [package.NonnegativeConeT(len(points))]
        bounds = np.full(len(points), -margin)
        constraints = sparse.csc_array(points)
        return np.array(
            package.DefaultSolver(
                sparse.csc_matrix(quadratic), -vector, sparse.csc_matrix(constraints), bounds,
                cones, settings,
            ).solve().x
        )  # fmt: skip

    return one_by_one(program)


CANDIDATES = {
    "active set (ours)": lambda: library("active_set"),
    "compiled active set (Numba)": lambda: import_module("geometry_compiled").solve,
    "SciPy nnls": lambda: library("nnls"),
    "quadprog": quadprog,
    "daqp": daqp,
    "ProxQP": proxqp,
    "PIQP": piqp,
    "Clarabel": clarabel,
    "cvxopt": lambda: library("cvxopt"),
}


def solutions(solve, points, vectors):
    """The v of each program, whichever way the solver gives it."""
    result = solve(points, vectors, 0.0)
    return result if hasattr(solve, "gives_v") else vectors - result @ points


def measure(solve, points, vectors, exact):
    """Milliseconds per program and the greatest error of v over |t|."""
    solutions(solve, points, vectors[:2])
    start = time.perf_counter()
    solutions(solve, points, vectors[:2])
    each = (time.perf_counter() - start) / 2
    count = len(vectors) if each * len(vectors) < SECONDS else max(int(SECONDS / each), 2)
    start = time.perf_counter()
    found = solutions(solve, points, vectors[:count])
    elapsed = (time.perf_counter() - start) / count
    errors = np.linalg.norm(found - exact[:count], axis=1) / np.linalg.norm(vectors[:count], axis=1)
    return 1e3 * elapsed, errors.max()


def table(cloud, name, solvers):
    print(f"\nMilliseconds per program, and greatest error of v / |t|: {name}, 300 programs\n")
    headings = [f"M = {m}, N = {n}" for m, n in SHAPES]
    print("| solver | " + " | ".join(headings) + " |")
    print("|---" * (len(SHAPES) + 1) + "|")
    rows = {label: [] for label in solvers}
    for n_points, n_features in SHAPES:
        points = cloud(n_points, n_features)
        count = 300 if n_points < 1000 else 64
        vectors = np.random.default_rng(1).standard_normal((count, points.shape[1]))
        exact = solutions(library("nnls"), points, vectors)
        for label, solve in solvers.items():
            try:
                elapsed, error = measure(solve, points, vectors, exact)
                rows[label].append(f"{elapsed:.3g} ({error:.0e})")
            except Exception as problem:
                rows[label].append(type(problem).__name__)
    for label, cells in rows.items():
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


def start_up():
    print("\nSeconds from the start of Python to the first program solved, least of three\n")
    print("| solver | seconds |\n|---|---|")
    for label in CANDIDATES:
        code = (
            f"import sys; sys.path[:0] = {sys.path[:2]!r}\n"
            "import geometry_solvers, numpy as np\n"
            f"solve = geometry_solvers.CANDIDATES[{label!r}]()\n"
            "solve(np.array([[1.0, 1.0], [-1.0, 1.0]]), np.ones((1, 2)), 0.0)"
        )
        elapsed = []
        for _ in range(3):
            start = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
            elapsed.append(time.perf_counter() - start)
        print(f"| {label} | {f'{min(elapsed):.2f}' if done.returncode == 0 else 'failed'} |")


def main():
    warnings.simplefilter("ignore")
    solvers = {}
    for label, load in CANDIDATES.items():
        try:
            solvers[label] = load()
        except ImportError as problem:
            print(f"left out: {label} ({problem})")
    for name, cloud in (("Gaussian clouds", gaussian), ("ReLU-like clouds", relu)):
        table(cloud, name, solvers)
    start_up()


if __name__ == "__main__":
    main()
