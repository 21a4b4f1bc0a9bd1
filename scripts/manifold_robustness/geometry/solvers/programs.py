"""Solve the anchor programs of a manifold, prove each solution, and repair what fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from ...errors import GeometryError, SolverError

# name: the solver that steps in where a program misses its tolerance. Each is a module of this
# package, imported at its first use: start-up counts in jobs of a second.
SOLVERS = {"active_set": "nnls", "nnls": "active_set", "cvxopt": "active_set"}
DEFAULT_SOLVER = "active_set"


@dataclass(frozen=True)
class Solution:
    """Multipliers (n_programs, n_points) of programs, and the greatest residuals among them."""

    multipliers: np.ndarray
    primal_residual: float
    dual_residual: float
    gap_residual: float
    n_second_solutions: int


def kkt_residuals(
    points: np.ndarray, vectors: np.ndarray, margin: float, multipliers: np.ndarray
) -> np.ndarray:
    r"""Scaled residuals (3, n_programs) of multipliers as a solution: primal, dual, gap.

    With :math:`v = t - \sum_i \mu_i s_i` (which is stationarity itself), and
    :math:`\rho = \max_i |s_i|`,

    .. math::

        \text{primal} &= \max_i (v\cdot s_i + \kappa)_+ / (\rho\,|t| + \kappa) \\
        \text{dual}   &= \max_i (-\mu_i)_+ \, \rho / (|t| + \kappa) \\
        \text{gap}    &= |\textstyle\sum_i \mu_i (v\cdot s_i + \kappa)| / (|t| + \kappa)^2

    The gap is that between primal and dual cost. A residual that isn't a number counts as infinite.
    """
    sizes = np.linalg.norm(vectors, axis=1)
    reach = np.linalg.norm(points, axis=1).max()
    slack = (vectors - multipliers @ points) @ points.T + margin
    residuals = np.array(
        [
            np.maximum(slack.max(1), 0.0) / (reach * sizes + margin),
            np.maximum(-multipliers.min(1), 0.0) * reach / (sizes + margin),
            np.abs(np.einsum("ti,ti->t", multipliers, slack)) / (sizes + margin) ** 2,
        ]
    )
    return np.where(np.isfinite(residuals), residuals, np.inf)


def solve_programs(
    points: np.ndarray,
    vectors: np.ndarray,
    margin: float,
    solver: str,
    tolerance: float,
    labels: Sequence[int] | np.ndarray,
) -> Solution:
    """Solve all programs of a manifold; the second solver takes those that miss the tolerance.

    ``labels`` are the numbers of the draws, for the error that names one.
    """
    if len(vectors) == 0:
        return Solution(np.zeros((0, len(points))), 0.0, 0.0, 0.0, 0)
    multipliers = load_solver(solver)(points, vectors, margin)
    residuals = kkt_residuals(points, vectors, margin, multipliers)
    failed = np.flatnonzero(residuals.max(0) > tolerance)
    if len(failed):
        second = SOLVERS[solver]
        repaired = load_solver(second)(points, vectors[failed], margin)
        multipliers[failed] = repaired
        residuals[:, failed] = kkt_residuals(points, vectors[failed], margin, repaired)
        if residuals.max() > tolerance:
            worst = residuals.max(0).argmax()
            primal, dual, gap = residuals[:, worst]
            raise SolverError(
                f"Need scaled KKT residuals <= {tolerance:g}. Gaussian vector {labels[worst]} has "
                f"primal {primal:.1e}, dual {dual:.1e}, gap {gap:.1e} after {solver} and {second}."
            )
    return Solution(multipliers, *residuals.max(1).tolist(), len(failed))


def load_solver(name: str) -> Callable[[np.ndarray, np.ndarray, float], np.ndarray]:
    """The function of a solver, by its name."""
    if name not in SOLVERS:
        raise GeometryError(f"Need a solver out of {', '.join(SOLVERS)}. Got {name!r}.")
    return import_module(f".{name}_solver", __package__).solve
