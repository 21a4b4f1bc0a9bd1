"""Solvers of the anchor programs, and the certificate that each solution carries.

A solver is a function ``(points, vectors, margin) -> multipliers``: the points (n_points, D + 1) of
one manifold with the center coordinate 1, the Gaussian vectors (n_programs, D + 1), the margin, and
one row of multipliers (n_programs, n_points) for each program. That is the whole interface.
"""

from .programs import DEFAULT_SOLVER, SOLVERS, Solution, kkt_residuals, solve_programs

__all__ = ["DEFAULT_SOLVER", "SOLVERS", "Solution", "kkt_residuals", "solve_programs"]
