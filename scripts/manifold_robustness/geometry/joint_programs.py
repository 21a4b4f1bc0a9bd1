"""The programs of the joint capacity: one for each draw, over the points of all manifolds.

With unit points :math:`x_i`, the label :math:`y_i` of each point's manifold and a Gaussian vector
:math:`t`, the multipliers minimise :math:`|t + \\sum_i \\lambda_i y_i x_i|^2` over
:math:`\\lambda \\ge 0`. Here they are *signed*, :math:`m_i = y_i \\lambda_i`: of the labels only
the signs of m are left, and the Gram matrix of the points serves every draw as it is.

A few sweeps of coordinate descent, in step for many draws, guess which multipliers are not 0 (the
free ones). Then all that are wrong are exchanged at once (block principal pivoting): few are free,
so a round is a small Cholesky factor for each draw and one product for all. Where the exchanges
don't settle, as they may where the points are dependent, Lawson & Hanson's steps end it: the cost
falls with each, so no set comes twice. A Gram matrix has half of the points' digits: where free
points are nearly dependent, the last steps are worked out from the points themselves. Whatever
comes out is certified, never trusted.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

from ..errors import SolverError
from .lapack import dposv, dpstrf

SWEEPS = 5
BLOCK = 128
# Draws whose programs go in step: so many numbers at most, but so many draws at least.
NUMBERS_IN_STEP, FEWEST_IN_STEP = 2**19, 32
# Guessed free, at most this share of the rank: too many cost more than too few.
DEPENDENT_SHARE = 0.7
# Rounds of exchange in which the number of wrong multipliers may fail to fall.
PATIENCE = 3
# Freed together: constraints violated by at least this share of the worst.
FREED_SHARE = 0.8
# Rounding, in units of the terms that cancel.
ROUNDING = 1e-13
# A point this close to the span of the free ones, of all points of norm 1, is dependent on them.
DEPENDENT = 1e-6
# Steps of Lawson & Hanson for each dimension of the points; the second solver is next.
STEPS_PER_DIMENSION = 10
# Worked out from the points again: what misses this share of the tolerance.
REFINED_SHARE = 0.01
# Rounding of what is worked out from points, in units of the terms that cancel.
POINT_ROUNDING = 1e-15
# Rounding of v, in units of t: below the first it decides nothing, beyond the second too much.
BLURRED, MOST_BLURRED = 1e-11, 1e-5


@dataclass(frozen=True)
class JointSolution:
    """Signed multipliers (n_draws, n_points) of programs, and what proves them.

    Attributes
    ----------
    multipliers : (n_draws, n_points)
        Label times multiplier.
    solutions : (n_draws, rank)
        The v = t + sum of multipliers times points.
    residuals : (3, n_draws)
        Scaled KKT residuals, see :func:`solvers.kkt_residuals`.
    second : (n_draws,)
        Whether the second solver had to solve it again.
    """

    multipliers: np.ndarray
    solutions: np.ndarray
    residuals: np.ndarray
    second: np.ndarray


def draws_in_step(n_points: int, n_draws: int) -> int:
    """How many draws to solve at once, the last of them about as many as the first.

    >>> draws_in_step(300, 300), draws_in_step(5000, 300)
    (300, 100)
    """
    most = max(NUMBERS_IN_STEP // n_points, FEWEST_IN_STEP)
    return ceil(n_draws / ceil(n_draws / most))


def solve_joint_programs(
    points: np.ndarray,
    gram: np.ndarray,
    vectors: np.ndarray,
    labels: np.ndarray,
    manifold_of: np.ndarray,
    tolerance: float,
    first: int = 0,
    rounding: np.ndarray | float = 0.0,
) -> JointSolution:
    """Solve all programs, certify them, and let the second solver repair what fails.

    Parameters
    ----------
    points : (n_points, rank)
        Points of norm 1 (or 0: such a point constrains nothing).
    gram : (n_points, n_points)
    vectors : (n_draws, rank)
    labels : (n_draws, n_manifolds)
        1.0 or -1.0.
    manifold_of : (n_points,)
    tolerance
        Greatest scaled KKT residual that passes.
    first
        The number of the first draw, for the error that names one.
    rounding : (n_points,), or a number
        How far each point may be from what it should be: see :func:`certify`.

    Raises
    ------
    SolverError
        Where neither the active set nor SciPy's nnls meets the tolerance.
    """
    signs = labels[:, manifold_of]
    multipliers = solve(gram, -(vectors @ points.T), labels, manifold_of, points.shape[1])
    solutions, residuals = certify(points, vectors, signs, multipliers, rounding)
    coarse = np.flatnonzero(residuals.max(0) > REFINED_SHARE * tolerance)
    if len(coarse):
        refined = np.array(
            [
                _lawson_hanson(
                    _OnPoints(points, gram, vectors[draw], rounding),
                    signs[draw],
                    np.flatnonzero(multipliers[draw]),
                )
                for draw in coarse
            ]
        )
        found, left = certify(points, vectors[coarse], signs[coarse], refined, rounding)
        better = left.max(0) < residuals[:, coarse].max(0)
        coarse = coarse[better]
        multipliers[coarse], solutions[coarse] = refined[better], found[better]
        residuals[:, coarse] = left[:, better]
    second = residuals.max(0) > tolerance
    for draw in np.flatnonzero(second):
        labelled = -signs[draw, :, None] * points
        again = signs[draw] * _second_solver(labelled, vectors[draw])
        one = slice(draw, draw + 1)
        found, left = certify(points, vectors[one], signs[one], again[None], rounding)
        multipliers[draw], solutions[one], residuals[:, one] = again, found, left
        if left.max() > tolerance:
            primal, dual, gap = left[:, 0]
            raise SolverError(
                f"Need scaled KKT residuals <= {tolerance:g}. The joint program of draw "
                f"{first + draw} has primal {primal:.1e}, dual {dual:.1e}, gap {gap:.1e} after the "
                "active set and nnls."
            )
    return JointSolution(multipliers, solutions, residuals, second)


def certify(
    points: np.ndarray,
    vectors: np.ndarray,
    signs: np.ndarray,
    multipliers: np.ndarray,
    rounding: np.ndarray | float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The v of each program (n_draws, rank), and the residuals (3, n_draws) of its multipliers.

    The residuals are those of :func:`solvers.kkt_residuals` for the labelled points, -y x. A point
    with no multiplier may be moved by its `rounding`: v then solves, exactly, the program of points
    that are as good as the given ones. Without that, points that depend on others but for their
    rounding would decide by the sign of it.

    Where multipliers are large, as of nearly dependent points, no numbers in double precision make
    v, a sum of terms that cancel, meet its constraints: their last digits move it by `blurred`. If
    a correction no longer than that makes v orthogonal to all points with a multiplier, as it
    should be, it is made. Then v and the multipliers solve, exactly, the program of a t that is
    moved by as much; and as the projection onto a cone enlarges no distance, v is off by no more.
    """
    solutions = vectors + multipliers @ points
    sizes = np.linalg.norm(vectors, axis=1)
    reach = np.linalg.norm(points, axis=1).max()
    slack = -(solutions @ points.T)
    gap = np.abs(np.einsum("ti,ti->t", multipliers, slack)) / sizes**2
    blurred = POINT_ROUNDING * (sizes + np.abs(multipliers).sum(1) * reach)
    for draw in np.flatnonzero((blurred > BLURRED * sizes) & (blurred < MOST_BLURRED * sizes)):
        free = points[multipliers[draw] != 0]
        axes = np.linalg.qr(free.T)[0]
        correction = axes @ (axes.T @ solutions[draw])
        if np.linalg.norm(correction) <= blurred[draw]:
            solutions[draw] -= correction
            slack[draw] = -(points @ solutions[draw])
            gap[draw] = np.abs(free @ solutions[draw]).max() / (reach * sizes[draw])
    slack *= signs
    slack -= np.where(multipliers == 0, np.linalg.norm(solutions, axis=1)[:, None] * rounding, 0.0)
    primal = np.maximum(slack.max(1), 0.0) / (reach * sizes)
    dual = np.maximum(-(multipliers * signs).min(1), 0.0) * reach / sizes
    residuals = np.array([primal, dual, gap])
    return solutions, np.where(np.isfinite(residuals), residuals, np.inf)


def _second_solver(labelled, vector):
    from .solvers.nnls_solver import solve as nnls

    return nnls(labelled, vector[None], 0.0)[0]


def solve(
    gram: np.ndarray,
    fields: np.ndarray,
    labels: np.ndarray,
    manifold_of: np.ndarray,
    rank: int,
) -> np.ndarray:
    """Signed multipliers (n_draws, n_points) for fields -t.x; unproven."""
    signs = labels[:, manifold_of]
    guess = coordinate_descent(gram, fields, labels, manifold_of, SWEEPS)
    free = _most_likely(guess, rank)
    multipliers, unsettled = _exchange(gram, fields, signs, free, rank)
    for draw in unsettled:
        likely = np.flatnonzero(_most_likely(guess[[draw]], rank)[0])
        program = _OnGram(gram, fields[draw], rank)
        multipliers[draw] = _lawson_hanson(program, signs[draw], likely)
    return multipliers


def coordinate_descent(
    gram: np.ndarray,
    fields: np.ndarray,
    labels: np.ndarray,
    manifold_of: np.ndarray,
    sweeps: int,
) -> np.ndarray:
    """Approximate signed multipliers (n_draws, n_points): Gauss-Seidel, cut off at 0."""
    slack = np.ascontiguousarray(fields.T)
    multipliers = np.zeros_like(slack)
    lower = np.where(labels.T > 0, 0.0, -np.inf)
    upper = np.where(labels.T > 0, np.inf, 0.0)
    for _ in range(sweeps):
        for start in range(0, len(gram), BLOCK):
            block = slice(start, min(start + BLOCK, len(gram)))
            couplings, own, current = gram[block, block], slack[block], multipliers[block]
            changes = np.empty_like(own)
            for i, manifold in enumerate(manifold_of[block]):
                new = own[i] + current[i]
                if i:
                    new -= couplings[i, :i] @ changes[:i]
                np.maximum(new, lower[manifold], out=new)
                np.minimum(new, upper[manifold], out=new)
                np.subtract(new, current[i], out=changes[i])
                current[i] = new
            slack -= gram[:, block] @ changes
    return multipliers.T.copy()


def _most_likely(guess, rank):
    """Which multipliers to free: those that aren't 0, and of dependent points the greatest."""
    if guess.shape[1] <= rank:
        return guess != 0
    sizes = np.abs(guess)
    kept = max(int(DEPENDENT_SHARE * rank), 1)
    threshold = np.partition(sizes, -kept, axis=1)[:, -kept, None]
    return (sizes >= threshold) & (sizes > 0)


def _exchange(gram, fields, signs, free, rank):
    """Exchange all wrong multipliers until none is; the draws that don't settle are returned."""
    multipliers = np.zeros_like(fields)
    running, unsettled = np.arange(len(fields)), []
    fewest = np.full(len(fields), fields.shape[1] + 1)
    patience = np.full(len(fields), PATIENCE)
    while len(running):
        trial = np.zeros((len(running), fields.shape[1]))
        solved = np.ones(len(running), dtype=bool)
        for row, draw in enumerate(running):
            indices = np.flatnonzero(free[draw])
            found = solve_free(gram, fields[draw], indices) if len(indices) <= rank else None
            if found is None:
                solved[row] = False
            else:
                trial[row, indices] = found
        wrong = _wrong(gram, fields[running], signs[running], free[running], trial)
        multipliers[running] = trial
        count = wrong.sum(1)
        better = count < fewest[running]
        fewest[running[better]] = count[better]
        patience[running] = np.where(better, PATIENCE, patience[running] - 1)
        given_up = ~solved | ((count > 0) & (patience[running] == 0))
        unsettled.extend(running[given_up])
        going = (count > 0) & ~given_up
        running = running[going]
        free[running] ^= wrong[going]
    return multipliers, unsettled


def _wrong(gram, fields, signs, free, trial):
    """Which are free and of the wrong sign, or not free and violated."""
    slack = trial @ gram
    np.subtract(fields, slack, out=slack)
    slack *= signs
    # At 0 but for rounding; no number of the Gram matrix is above 1.
    terms = np.abs(fields).max(1) + np.abs(trial).sum(1)
    wrong = slack > ROUNDING * terms[:, None]
    np.less_equal(trial * signs, 0.0, out=wrong, where=free)
    return wrong


def solve_free(gram: np.ndarray, fields: np.ndarray, indices: np.ndarray) -> np.ndarray | None:
    """The free multipliers that make their constraints equalities; None where they're dependent."""
    if len(indices) == 0:
        return np.empty(0)
    # Symmetric, so its transpose is LAPACK's order already; no copy of it is made.
    block = gram.take(indices[:, None] * len(gram) + indices).T
    factor, found, info = dposv(block, fields[indices], overwrite_a=True, overwrite_b=True)
    return None if info or factor.diagonal().min() < DEPENDENT else found


def _independent(gram, indices):
    """Free indices without those that depend on others."""
    _, order, rank, _ = dpstrf(gram[indices[:, None], indices], tol=DEPENDENT**2 * 4)
    return indices[np.sort(order[:rank] - 1)]


class _OnGram:
    """One program, worked out from inner products: quick, to half of the points' digits."""

    def __init__(self, gram, fields, rank):
        self.gram, self.fields, self.rank = gram, fields, rank

    def solve(self, free):
        """The free multipliers that make their constraints equalities, or None."""
        return solve_free(self.gram, self.fields, free)

    def slack(self, free, current):
        """By how much each constraint is violated, times its label; what of that is rounding."""
        terms = np.abs(self.fields).max() + np.abs(current).sum()
        return self.fields - current @ self.gram[free], ROUNDING * terms


class _OnPoints:
    """The same, worked out from the points: its errors are theirs, not those of inner products."""

    def __init__(self, points, gram, vector, blur):
        self.points, self.gram, self.vector, self.blur = points, gram, vector, blur
        self.rank, self.size = points.shape[1], np.linalg.norm(vector)

    def solve(self, free):
        if len(free) == 0:
            return np.empty(0)
        axes, triangle = np.linalg.qr(self.points[free].T)
        if np.abs(np.diag(triangle)).min() < DEPENDENT**2:
            return None
        current = np.zeros(len(free))
        for _ in range(2):  # the second time on what the first has left by rounding
            v = self.vector + current @ self.points[free]
            current = current - np.linalg.solve(triangle, v @ axes)
        return current

    def slack(self, free, current):
        v = self.vector + current @ self.points[free]
        terms = self.size + np.abs(current).sum()
        return -(self.points @ v), POINT_ROUNDING * terms + np.linalg.norm(v) * self.blur


def _lawson_hanson(program, signs, free):
    """Signed multipliers of one program, from those likely free; as they stand where it stalls."""
    free = _independent(program.gram, free)
    current = program.solve(free)
    while current is not None and (current * signs[free] <= 0).any():
        free = free[current * signs[free] > 0]
        current = program.solve(free)
    multipliers = np.zeros(len(signs))
    if current is None:
        return multipliers
    for _ in range(STEPS_PER_DIMENSION * program.rank):
        slack, rounding = program.slack(free, current)
        slack = slack * signs - rounding
        slack[free] = 0.0
        worst = slack.max()
        if worst <= 0:
            break
        # Together where that leaves them independent, else the worst one, which always does.
        several = np.flatnonzero(slack >= FREED_SHARE * worst)
        for added in (several, slack.argmax()[None]):
            trial_free = np.append(free, added)
            trial = program.solve(trial_free) if len(trial_free) <= program.rank else None
            if trial is not None:
                break
        if trial is None:
            break
        free, current = trial_free, np.append(current, np.zeros(np.size(added)))
        while (negative := trial * signs[free] <= 0).any():
            # From current towards trial, as far as no multiplier changes its sign.
            falls = np.where(negative, current - trial, 1.0)
            shares = np.where(negative, current / np.where(falls != 0, falls, 1.0), np.inf)
            share = shares.min()
            current = current + share * (trial - current)
            kept = ~(negative & (shares <= share))
            free, current = free[kept], current[kept]
            trial = program.solve(free)
            if trial is None:
                break
        if trial is None:
            break
        current = trial
    multipliers[free] = current
    return multipliers
