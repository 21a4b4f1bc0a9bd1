"""An exact active set in NumPy, in step for all programs of a manifold.

The multipliers minimise mu.G.mu / 2 - b.mu over mu >= 0, with G the Gram matrix of the points,
which all programs share, and b = t.s_i + margin. A few sweeps of coordinate descent guess which of
them are positive (the free ones); from there the method is Lawson & Hanson's: the free multipliers
solve a linear system; where one turns negative, step as far as 0 and drop it; where a constraint is
violated, free it. The cost falls in every round but those that only drop, so no set comes twice.
"""

import numpy as np

SWEEPS = 3
# For more points than dimensions: no more than D + 1 multipliers are free, which takes more sweeps
# to find out, and a guess that is too large costs more than one that is too small.
DEPENDENT_SWEEPS = 8
DEPENDENT_SHARE = 0.7
BLOCK = 8
# Freed together: constraints violated by at least this share of the worst.
FREED_SHARE = 0.8
# Rounding, in units of the terms that cancel.
ROUNDING = 1e-13
# Keeps the systems of dependent points regular; too small to show in a residual.
RIDGE = 1e-15
# Programs whose linear systems are solved at once, those of like size together.
GROUP = 64
ROUNDS_PER_POINT = 10


def solve(points: np.ndarray, vectors: np.ndarray, margin: float) -> np.ndarray:
    """Multipliers (n_programs, n_points); those of programs that never settle are as they stand."""
    gram = points @ points.T
    fields = vectors @ points.T + margin
    multipliers = _guess(gram, fields, n_dimensions=points.shape[1])
    free = multipliers > 0
    running = np.arange(len(fields))
    for round_ in range(ROUNDS_PER_POINT * len(points)):
        trial, negative, violating = _try(points, gram, fields[running], free[running])
        if round_ == 0:
            # The guess is no better than its positive part.
            multipliers[running] = np.maximum(trial, 0.0)
        else:
            multipliers[running] = _step(multipliers[running], trial, negative)
        free[running] |= violating & ~negative.any(1, keepdims=True)
        free[running] &= ~(negative & (multipliers[running] <= 0))
        running = running[negative.any(1) | violating.any(1)]
        if not len(running):
            break
    return multipliers


def _guess(gram, fields, n_dimensions):
    if len(gram) <= n_dimensions:
        return coordinate_descent(gram, fields, SWEEPS)
    multipliers = coordinate_descent(gram, fields, DEPENDENT_SWEEPS)
    kept = max(int(DEPENDENT_SHARE * n_dimensions), 1)
    threshold = np.partition(multipliers, -kept, axis=1)[:, -kept, None]
    return np.where(multipliers >= threshold, multipliers, 0.0)


def coordinate_descent(gram: np.ndarray, fields: np.ndarray, sweeps: int) -> np.ndarray:
    """Approximate multipliers (n_programs, n_points): Gauss-Seidel, cut off at 0."""
    slack = fields.T.copy()
    multipliers = np.zeros_like(slack)
    inverse = 1 / np.diag(gram)
    for _ in range(sweeps):
        for first in range(0, len(gram), BLOCK):
            block = slice(first, min(first + BLOCK, len(gram)))
            before = multipliers[block].copy()
            # Within a block, its own slack only; the rest of it in one product afterwards.
            own, couplings = slack[block].copy(), gram[block, block]
            for i, index in enumerate(range(block.start, block.stop)):
                change = np.maximum(own[i] * inverse[index], -multipliers[index])
                multipliers[index] += change
                own[i + 1 :] -= couplings[i + 1 :, i, None] * change
            slack -= gram[:, block] @ (multipliers[block] - before)
    return multipliers.T.copy()


def _try(points, gram, fields, free):
    """Solve for the free multipliers: which of them are negative, which constraints to free."""
    trial = solve_free(gram, fields, free)
    slack = fields - (trial @ points) @ points.T
    terms = np.abs(fields).max(1) + gram.max() * np.abs(trial).sum(1)
    slack[free | (slack <= ROUNDING * terms[:, None])] = 0.0
    worst = slack.max(1, keepdims=True)
    return trial, free & (trial <= 0), (slack > 0) & (slack >= FREED_SHARE * worst)


def solve_free(gram: np.ndarray, fields: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The free multipliers that make their constraints equalities, the others 0."""
    counts = free.sum(1)
    size = len(gram)
    width = size + max(counts.max(), 1)
    # A program with fewer free multipliers than others of its group has rows of the identity added.
    padded = np.eye(width)
    padded[:size, :size] = gram
    np.einsum("ii->i", padded)[:size] += RIDGE * size * gram.max()
    targets = np.zeros((len(fields), width))
    targets[:, :size] = fields
    solutions = np.zeros_like(targets)
    by_count = np.argsort(counts, kind="stable")
    for first in range(0, len(by_count), GROUP):
        group = by_count[first : first + GROUP]
        slots = np.arange(max(counts[group[-1]], 1))
        order = np.argsort(~free[group], axis=1, kind="stable")[:, : len(slots)]
        order = np.where(slots < counts[group, None], order, size + slots)
        systems = padded.take(order[:, :, None] * width + order[:, None, :], mode="clip")
        rows = group[:, None]
        solutions[rows, order] = np.linalg.solve(systems, targets[rows, order][:, :, None])[:, :, 0]
    return solutions[:, :size]


def _step(current, trial, negative):
    """From current towards trial, as far as no multiplier turns negative."""
    falls = np.where(negative, current - trial, 1.0)
    shares = np.where(negative, current / np.where(falls > 0, falls, 1.0), 1.0)
    share = shares.min(1, keepdims=True)
    stepped = np.maximum(current + share * (trial - current), 0.0)
    stepped[negative & (shares <= share)] = 0.0
    return stepped
