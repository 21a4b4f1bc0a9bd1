r"""Minimise the correlation of residual centers over subspaces, from many starts at once.

The cost depends on the span of the directions V only: a point of the Grassmann manifold. Rather
than V, each start turns the centers themselves, so that V is the first K axes and the residual
centers are the remaining coordinates. A step is a matrix of angles between the two blocks of axes,
and the turn that it stands for is orthogonal by construction. Turned along with the axes, steps and
gradients of earlier iterations stay comparable, so that plain quasi-Newton (L-BFGS) applies.
"""

import numpy as np

MEMORY = 6
GREATEST_ITERATIONS = 200
SUFFICIENT_DECREASE = 1e-4
# Rounding of the cost, relative: a step that changes it by less is as good as any.
COST_ROUNDING = 4e-15
GREATEST_TURN = 0.7
LEAST_LENGTH = 1e-9
LEAST_CURVATURE = 1e-10


def correlation_cost(turned: np.ndarray, n_directions: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Cost of centers whose first ``n_directions`` coordinates are dropped, and its gradient.

    Half the sum of :math:`\cos^2` over all ordered pairs of residual centers; the gradient
    (..., size - K, K) is that over the angles which turn the dropped axes towards the kept ones.
    ``turned``: (..., n_manifolds, size).
    """
    dropped, kept = turned[..., :n_directions], turned[..., n_directions:]
    norms = np.sqrt(np.einsum("...md,...md->...m", kept, kept))[..., None]
    units = kept / norms
    pull = units @ (np.swapaxes(units, -1, -2) @ units)
    own = np.einsum("...md,...md->...m", pull, units)
    force = (pull - own[..., None] * units) / norms
    return own.sum(-1) / 2, -2 * np.swapaxes(force, -1, -2) @ dropped


def turn(frames: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Turn the first K axes of frames (..., rows, size) towards the others, by (size - K, K).

    The Cayley transform of the skew matrix with the angles as its blocks: an exact rotation.
    """
    n_directions = angles.shape[-1]
    first, others = frames[..., :n_directions], frames[..., n_directions:]
    transposed = np.swapaxes(angles, -1, -2)
    core = np.linalg.inv(np.eye(n_directions) + transposed @ angles / 4)
    middle = (2 * first + others @ angles) @ core
    return np.concatenate([middle - first, others - middle @ transposed / 2], axis=-1)


def find_minima(
    coordinates: np.ndarray, starts: np.ndarray, precision: float, least_stability: float = 0.0
) -> np.ndarray:
    """Minimise from every start (n_starts, size, K); directions (n_starts, size, K).

    A start ends once the decrease that its next step promises is below ``precision``, relative to
    the cost, or once less than ``least_stability`` of some center is left.
    """
    n_manifolds, n_directions = len(coordinates), starts.shape[2]
    axes = np.linalg.qr(starts, mode="complete")[0]
    # The rows of a frame are the centers, then the axes, in the turned coordinates.
    search = _Search(np.concatenate([coordinates @ axes, axes], axis=1), n_manifolds, n_directions)
    least = (least_stability * np.linalg.norm(coordinates, axis=1)) ** 2
    minima = np.empty(starts.shape)
    running = np.arange(len(starts))
    for iteration in range(GREATEST_ITERATIONS):
        kept = search.frames[:, :n_manifolds, n_directions:]
        lost = (np.einsum("bmd,bmd->bm", kept, kept) < least).any(1)
        ended = lost | search.advance(precision) | (iteration == GREATEST_ITERATIONS - 1)
        if ended.any():
            minima[running[ended]] = search.frames[ended, n_manifolds:, :n_directions]
            running = running[~ended]
            search.keep(~ended)
        if not len(running):
            break
    return minima


class _Search:
    """L-BFGS with a backtracking line search, in step for all starts."""

    def __init__(self, frames, n_manifolds, n_directions):
        count, _, size = frames.shape
        self.n_manifolds, self.n_directions = n_manifolds, n_directions
        self.frames = frames
        self.cost, self.gradient = self._evaluate(frames)
        shape = (count, MEMORY, (size - n_directions) * n_directions)
        self.steps, self.changes = np.zeros(shape), np.zeros(shape)
        self.scale = np.full(count, 0.1)
        self.length = np.ones(count)
        self.direction = self._descent()

    def _evaluate(self, frames):
        cost, gradient = correlation_cost(frames[:, : self.n_manifolds], self.n_directions)
        return cost, gradient.reshape(len(gradient), -1)

    def keep(self, which):
        """Go on with these starts only."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(self, name, value[which])

    def advance(self, precision):
        """Try one step of each start. True for those that have nothing to gain."""
        slope = np.einsum("bn,bn->b", self.gradient, self.direction)
        step = self.length[:, None] * self.direction
        frames = turn(self.frames, step.reshape(len(step), -1, self.n_directions))
        cost, gradient = self._evaluate(frames)
        bound = self.cost + SUFFICIENT_DECREASE * self.length * slope
        accepted = cost <= bound + COST_ROUNDING * self.cost
        ended = (-slope <= precision * self.cost) | (self.length < LEAST_LENGTH)
        self.length = np.where(accepted, 1.0, self.length / 2)
        if accepted.any():
            self._accept(accepted, frames, cost, gradient, step)
        return ended

    def _accept(self, accepted, frames, cost, gradient, step):
        change = gradient - self.gradient
        curvature = np.einsum("bn,bn->b", step, change)
        size = np.einsum("bn,bn->b", change, change)
        learnt = accepted & (curvature > LEAST_CURVATURE * size)
        if learnt.all():
            self.scale = curvature / size
            self.steps = np.concatenate([self.steps[:, 1:], step[:, None]], axis=1)
            self.changes = np.concatenate([self.changes[:, 1:], change[:, None]], axis=1)
        else:
            self.scale[learnt] = (curvature / size)[learnt]
            for history, new in ((self.steps, step), (self.changes, change)):
                history[learnt] = np.concatenate([history[learnt, 1:], new[learnt, None]], axis=1)
        if accepted.all():
            self.frames, self.cost, self.gradient = frames, cost, gradient
        else:
            self.frames = np.where(accepted[:, None, None], frames, self.frames)
            self.cost = np.where(accepted, cost, self.cost)
            self.gradient = np.where(accepted[:, None], gradient, self.gradient)
        self.direction = self._descent()

    def _descent(self):
        """Minus the inverse Hessian times the gradient, the former in its compact form.

        Byrd, Nocedal & Schnabel, Math. Program. 63, 129 (1994), eq. 3.1. Slots of the memory that
        are not filled yet hold zeros, and a 1 on the diagonal leaves them out.
        """
        steps, changes, gradient = self.steps, self.changes, self.gradient[:, :, None]
        scale = self.scale[:, None, None]
        triangle = np.triu(steps @ np.swapaxes(changes, 1, 2))
        entries = np.einsum("bii->bi", triangle)
        diagonal = entries.copy()[:, :, None]
        entries[entries == 0] = 1.0
        inverse = np.linalg.inv(triangle)
        inner = inverse @ (steps @ gradient)
        mixed = np.swapaxes(changes, 1, 2) @ inner
        outer = diagonal * inner + scale * (changes @ (mixed - gradient))
        outer = np.swapaxes(inverse, 1, 2) @ outer
        direction = -(scale * (gradient - mixed) + np.swapaxes(steps, 1, 2) @ outer)[:, :, 0]
        longest = np.sqrt(np.einsum("bn,bn->b", direction, direction))
        return direction * (GREATEST_TURN / np.maximum(longest, GREATEST_TURN))[:, None]
