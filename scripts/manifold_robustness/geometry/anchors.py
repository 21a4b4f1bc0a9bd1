"""Anchor points: the point of a manifold's hull that each Gaussian vector selects."""

from dataclasses import dataclass

import numpy as np

from .frame import ManifoldFrame
from .solvers import DEFAULT_SOLVER, solve_programs
from .threads import single_threaded


@dataclass(frozen=True)
class AnchorPoints:
    """Anchor points of one manifold, with the certificate of the programs that gave them.

    Attributes
    ----------
    points : (n_gaussian_vectors, D + 1)
        The anchor points; the last coordinate, that of the center, is 1.
    multipliers : (n_gaussian_vectors, n_points)
        The multipliers of the constraints; 0 where the Gaussian vector meets them all.
    primal_residual, dual_residual, gap_residual : float
        Greatest scaled residuals over the programs, see :func:`solvers.kkt_residuals`.
    n_second_solutions : int
        Programs that the second solver had to solve again.
    """

    points: np.ndarray
    multipliers: np.ndarray
    primal_residual: float
    dual_residual: float
    gap_residual: float
    n_second_solutions: int


@single_threaded
def find_anchor_points(
    frame: ManifoldFrame,
    gaussian_vectors: np.ndarray,
    margin: float = 0.0,
    solver: str = DEFAULT_SOLVER,
    tolerance: float = 1e-10,
) -> AnchorPoints:
    r"""The anchor point of each Gaussian vector. [1]_

    For a Gaussian vector :math:`t` in D + 1 dimensions, and the points :math:`s_i = (\dots, 1)` of
    the manifold, the anchor point lies along the correction that makes :math:`t` a solution,

    .. math::

        v = \arg\min_v \tfrac12 |v - t|^2 \;\text{ subject to }\; v\cdot s_i \le -\kappa,
        \qquad t - v = \lambda \tilde s, \quad \lambda = \textstyle\sum_i \mu_i,

    with :math:`\mu \ge 0` the multipliers. All last coordinates are 1, so :math:`\mu` solves the
    non-negative least squares problem :math:`\min_{\mu\ge0} |\sum_i \mu_i s_i - (t + \kappa e)|^2`,
    e the axis of the center. Where :math:`t` itself meets all constraints, the anchor point is the
    point of greatest :math:`t\cdot s_i`.

    Parameters
    ----------
    frame
        The frame of the manifold.
    gaussian_vectors : (D + 1, n_gaussian_vectors)
        The Gaussian vectors; the last coordinate is that of the center.
    margin
        :math:`\kappa \ge 0`, in units of the Gaussian field.
    solver
        Name of a solver, see :mod:`solvers`.
    tolerance
        Greatest scaled KKT residual that passes.

    Returns
    -------
    AnchorPoints

    Raises
    ------
    SolverError
        Where neither the solver nor the second one meets the tolerance.

    References
    ----------
    .. [1] Chung, Lee & Sompolinsky, Phys. Rev. X 8, 031003 (2018), section III A.

    Examples
    --------
    >>> import numpy as np
    >>> from manifold_robustness.geometry import manifold_frame
    >>> frame = manifold_frame(np.array([[1.0], [-1.0]]))
    >>> find_anchor_points(frame, np.array([[3.0], [1.0]])).points
    array([[1., 1.]])
    """
    vectors = np.ascontiguousarray(gaussian_vectors.T, dtype=float)
    points = np.column_stack([frame.coordinates, np.ones(len(frame.coordinates))])
    fields = vectors @ points.T + margin
    multipliers = np.zeros_like(fields)
    touched = np.flatnonzero(fields.max(1) >= 0)
    solution = solve_programs(points, vectors[touched], margin, solver, tolerance, touched)
    multipliers[touched] = solution.multipliers

    weights = multipliers.sum(1)
    inside = weights <= 0
    anchors = (multipliers @ points) / np.where(inside, 1.0, weights)[:, None]
    anchors[inside] = points[fields[inside].argmax(1)]
    anchors[:, -1] = 1.0
    return AnchorPoints(
        points=anchors,
        multipliers=multipliers,
        primal_residual=solution.primal_residual,
        dual_residual=solution.dual_residual,
        gap_residual=solution.gap_residual,
        n_second_solutions=solution.n_second_solutions,
    )
