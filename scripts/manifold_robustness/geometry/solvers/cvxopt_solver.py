"""Interior point on the primal, one program at a time, as the field's reference does it."""

import numpy as np

TOLERANCE = 1e-10


def solve(points: np.ndarray, vectors: np.ndarray, margin: float) -> np.ndarray:
    """Multipliers (n_programs, n_points) of the constraints."""
    return solve_with_status(points, vectors, margin)[0]


def solve_with_status(
    points: np.ndarray, vectors: np.ndarray, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers, and for each program whether cvxopt calls it optimal."""
    # cvxopt is under the GPL: imported by those who ask for it, only.
    from cvxopt import matrix, solvers

    options = {
        "show_progress": False,
        "abstol": TOLERANCE,
        "reltol": TOLERANCE,
        "feastol": TOLERANCE,
    }
    quadratic = matrix(np.eye(points.shape[1]))
    constraints = matrix(points)
    bounds = matrix(np.full(len(points), -float(margin)))
    multipliers = np.empty((len(vectors), len(points)))
    optimal = np.empty(len(vectors), dtype=bool)
    for row, vector in enumerate(vectors):
        result = solvers.qp(quadratic, matrix(-vector), constraints, bounds, options=options)
        multipliers[row] = np.asarray(result["z"])[:, 0]
        optimal[row] = result["status"] == "optimal"
    return multipliers, optimal
