r"""Minimise the correlation of residual centers over subspaces, from many starts at once.

The cost depends on the span of the directions V only: a point of the Grassmann manifold. Rather
than V, each start turns the centers themselves, so that V is the first K axes and the residual
centers are the remaining coordinates. A step is a matrix of angles between the two blocks of axes,
and the turn that it stands for is orthogonal by construction. Turned along with the axes, steps and
gradients of earlier iterations stay comparable, so that plain quasi-Newton methods apply.

Each start sets out with L-BFGS, whose memory is short. Where the angles are few, BFGS goes on from
there with all that it has learnt, and needs fewer steps.
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
# L-BFGS goes on as BFGS after so many steps, where there are no more angles than these. Sooner,
# more starts would end in another minimum; with more angles, a matrix costs what it saves.
SHORT_ITERATIONS = 8
GREATEST_MATRIX = 24
# A start is taken to turn by no more than so many times its next step. No bound: on a flat stretch
# it may turn farther. Of 125 searches one lost its most stable minimum so, and two with 10. To drop
# also what is far less stable than a minimum that was found saves a fifth of the steps and lost 2
# of 60: such a start spirals towards the annihilation of a center, and may leave the spiral.
REACH = 100.0


def correlation_cost(
    turned: np.ndarray, n_directions: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Cost of centers whose first ``n_directions`` coordinates are dropped, and its gradient.

    Half the sum of :math:`\cos^2` over all ordered pairs of residual centers; the gradient
    (..., size - K, K) is that over the angles which turn the dropped axes towards the kept ones.
    ``turned``: (..., n_manifolds, size). Third, the norms of the residual centers
    (..., n_manifolds).
    """
    kept = turned[..., n_directions:]
    norms = np.sqrt(np.vecdot(kept, kept))
    scaled = turned / norms[..., None]
    dropped, units = scaled[..., :n_directions], scaled[..., n_directions:]
    pull = units @ (units.mT @ units)
    own = np.vecdot(pull, units)
    pull -= own[..., None] * units
    return own.sum(-1) / 2, pull.mT @ (-2 * dropped), norms


def turn(frames: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Turn the first K axes of frames (..., rows, size) towards the others, by (size - K, K).

    The Cayley transform of the skew matrix with the angles as its blocks: an exact rotation. It is
    the reflection about the span of (2, angles) after that about the first axes.
    """
    n_others, n_directions = angles.shape[-2:]
    mirror = np.empty((*angles.shape[:-2], n_directions + n_others, n_directions))
    mirror[..., :n_directions, :] = 2 * np.eye(n_directions)
    mirror[..., n_directions:, :] = angles
    signs = np.ones(n_directions + n_others)
    signs[n_directions:] = -1
    gram = mirror.mT @ mirror
    share = mirror.mT / gram if n_directions == 1 else np.linalg.solve(gram, mirror.mT)
    turned = frames @ mirror @ (share * (2 * signs))
    turned -= frames * signs
    return turned


def find_minima(
    coordinates: np.ndarray,
    starts: np.ndarray,
    precision: float,
    least_stability: float = 0.0,
    most_stable: bool = False,
) -> list[np.ndarray]:
    """Minimise from every start, for several sets of centers; directions (n_minima, size, K) each.

    A start ends once the decrease that its next step promises is below ``precision``, relative to
    the cost. One that leaves less than ``least_stability`` of some center is dropped on the way;
    with ``most_stable`` also one that is hardly going to be as stable as a minimum that was found.
    ``coordinates``: (n_sets, n_manifolds, size); ``starts``: (n_sets, n_starts, size, K). A step of
    a few small matrices costs as much as one of many, which is why the sets take theirs together.
    """
    n_sets, n_starts, size, n_directions = starts.shape
    n_manifolds = coordinates.shape[1]
    norms = np.linalg.norm(coordinates, axis=2)
    axes = np.linalg.qr(starts, mode="complete")[0]
    # The rows of a frame are the centers, then the axes, in the turned coordinates.
    frames = np.concatenate([coordinates[:, None] @ axes, axes], axis=2)
    search = _ShortMemory(frames.reshape(-1, *frames.shape[2:]), n_manifolds, n_directions)
    small = (size - n_directions) * n_directions <= GREATEST_MATRIX
    minima = np.empty((n_sets * n_starts, size, n_directions))
    found = np.zeros(n_sets * n_starts, dtype=bool)
    running = np.arange(n_sets * n_starts)
    greatest = np.zeros(n_sets)  # stability of a minimum of each set
    for iteration in range(GREATEST_ITERATIONS):
        if small and iteration == SHORT_ITERATIONS:
            search = _FullMemory(search)
        own = running // n_starts
        stabilities = (search.kept_norms / norms[own]).min(1)
        dropped = stabilities < least_stability
        if most_stable:
            dropped |= stabilities + search.greatest_gain() < greatest[own]
        ended = search.advance(precision) | (iteration == GREATEST_ITERATIONS - 1)
        ended &= ~dropped
        if ended.any():
            found[running[ended]] = True
            minima[running[ended]] = search.frames[ended, n_manifolds:, :n_directions]
            np.maximum.at(greatest, own[ended], stabilities[ended])
        going = ~(ended | dropped)
        if not going.all():
            running = running[going]
            search.keep(going)
        if not len(running):
            break
    return [
        minima[first : first + n_starts][found[first : first + n_starts]]
        for first in range(0, n_sets * n_starts, n_starts)
    ]


class _Search:
    """A backtracking line search, in step for all starts."""

    def __init__(self, frames, n_manifolds, n_directions):
        self.n_manifolds, self.n_directions = n_manifolds, n_directions
        self.frames = frames
        self.cost, self.gradient, self.kept_norms = self._evaluate(frames)
        self.length = np.ones(len(frames))
        self.direction = self._descent()

    def _evaluate(self, frames):
        cost, gradient, norms = correlation_cost(frames[:, : self.n_manifolds], self.n_directions)
        return cost, gradient.reshape(len(gradient), -1), norms

    def keep(self, which):
        """Go on with these starts only."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(self, name, value[which])

    def greatest_gain(self):
        """How much more stable the starts may become.

        The share of a center that is left is the sine of its angle with V, and changes by less
        than the angle by which V turns.
        """
        return REACH * np.sqrt(np.vecdot(self.direction, self.direction))

    def advance(self, precision):
        """Try one step of each start. True for those that have nothing to gain."""
        slope = np.vecdot(self.gradient, self.direction)
        step = self.length[:, None] * self.direction
        frames = turn(self.frames, step.reshape(len(step), -1, self.n_directions))
        cost, gradient, norms = self._evaluate(frames)
        bound = self.cost + SUFFICIENT_DECREASE * self.length * slope
        accepted = cost <= bound + COST_ROUNDING * self.cost
        ended = (-slope <= precision * self.cost) | (self.length < LEAST_LENGTH)
        self.length = np.where(accepted, 1.0, self.length / 2)
        if accepted.any():
            self._learn(accepted, step, gradient)
            if accepted.all():
                self.frames, self.cost, self.gradient, self.kept_norms = (
                    frames,
                    cost,
                    gradient,
                    norms,
                )
            else:
                self.kept_norms = np.where(accepted[:, None], norms, self.kept_norms)
                self.frames = np.where(accepted[:, None, None], frames, self.frames)
                self.cost = np.where(accepted, cost, self.cost)
                self.gradient = np.where(accepted[:, None], gradient, self.gradient)
            self.direction = self._descent()
        return ended

    def _curvature(self, accepted, step, gradient):
        """Change of the gradient, its product with the step and itself, and whether it's upward."""
        change = gradient - self.gradient
        curvature = np.vecdot(step, change)
        size = np.vecdot(change, change)
        return change, curvature, size, accepted & (curvature > LEAST_CURVATURE * size)


class _ShortMemory(_Search):
    """L-BFGS. Slots of the memory that are not filled yet hold zeros."""

    def __init__(self, frames, n_manifolds, n_directions):
        count, _, size = frames.shape
        shape = (count, MEMORY, (size - n_directions) * n_directions)
        self.steps, self.changes = np.zeros(shape), np.zeros(shape)
        self.triangle = np.zeros((count, MEMORY, MEMORY))
        self.curvatures = np.zeros((count, MEMORY))
        self.scale = np.full(count, 0.1)
        super().__init__(frames, n_manifolds, n_directions)

    def _learn(self, accepted, step, gradient):
        change, curvature, size, learnt = self._curvature(accepted, step, gradient)
        if not learnt.any():
            return
        which = slice(None) if learnt.all() else learnt
        curvature, change, step = curvature[which], change[which], step[which]
        self.scale[which] = curvature / size[which]
        steps = self.steps[which, 1:]
        # The inverse of the triangle of steps.changes, by its newest row and column.
        inverse = np.zeros((len(step), MEMORY, MEMORY))
        inverse[:, :-1, :-1] = self.triangle[which, 1:, 1:]
        column = inverse[:, :-1, :-1] @ (steps @ change[:, :, None])
        inverse[:, :-1, -1] = -column[:, :, 0] / curvature[:, None]
        inverse[:, -1, -1] = 1 / curvature
        self.triangle[which] = inverse
        for history, new in (
            (self.steps, step),
            (self.changes, change),
            (self.curvatures, curvature),
        ):
            history[which, :-1] = history[which, 1:]
            history[which, -1] = new

    def _descent(self):
        """Minus the inverse Hessian times the gradient, the former in its compact form.

        Byrd, Nocedal & Schnabel, Math. Program. 63, 129 (1994), eq. 3.1.
        """
        gradient, scale = self.gradient[:, :, None], self.scale[:, None, None]
        inner = self.triangle @ (self.steps @ gradient)
        rest = scale * (gradient - np.swapaxes(self.changes, 1, 2) @ inner)
        outer = self.curvatures[:, :, None] * inner - self.changes @ rest
        outer = np.swapaxes(self.triangle, 1, 2) @ outer
        return _limited(-(rest + np.swapaxes(self.steps, 1, 2) @ outer)[:, :, 0])

    def inverse_hessian(self):
        """The matrix (n_starts, n, n) that :meth:`_descent` multiplies with."""
        scale = self.scale[:, None, None]
        size = self.steps.shape[2]
        inner = self.triangle @ self.steps
        rest = scale * (np.eye(size) - np.swapaxes(self.changes, 1, 2) @ inner)
        outer = self.curvatures[:, :, None] * inner - self.changes @ rest
        return rest + np.swapaxes(inner, 1, 2) @ outer


class _FullMemory(_Search):
    """BFGS: the inverse Hessian is a matrix, which all steps since have gone into."""

    def __init__(self, search):
        for name in ("n_manifolds", "n_directions", "frames", "cost", "gradient", "kept_norms"):
            setattr(self, name, getattr(search, name))
        self.length, self.direction = search.length, search.direction
        self.inverse = search.inverse_hessian()

    def _learn(self, accepted, step, gradient):
        change, curvature, _, learnt = self._curvature(accepted, step, gradient)
        share = (learnt / np.where(learnt, curvature, 1.0))[:, None]
        mapped = np.matvec(self.inverse, change)
        both = np.vecdot(change, mapped)[:, None]
        pair = np.empty((len(step), 2, step.shape[1]))
        pair[:, 0] = share * ((1 + share * both) / 2 * step - mapped)
        pair[:, 1] = step
        self.inverse += pair.mT @ pair[:, ::-1]

    def _descent(self):
        return _limited(-np.matvec(self.inverse, self.gradient))


def _limited(direction):
    longest = np.sqrt(np.vecdot(direction, direction))
    return direction * (GREATEST_TURN / np.maximum(longest, GREATEST_TURN))[:, None]
