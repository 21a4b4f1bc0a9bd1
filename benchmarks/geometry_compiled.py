"""A compiled active set over the shared Gram matrix (Numba): a candidate, not part of the library.

Coordinate descent guesses which multipliers are positive; a Cholesky factor of their Gram matrix,
grown and shrunk one row at a time, makes the guess exact (Lawson & Hanson).
"""

import numpy as np
from numba import njit

FAST = {"reassoc", "contract", "nsz", "arcp"}
SWEEPS = 16
ROUNDS_PER_POINT = 10


def solve(points, vectors, margin):
    """Multipliers (n_programs, n_points), as a solver of the library."""
    fields = vectors @ points.T + margin
    multipliers = np.zeros_like(fields)
    _solve_all(points @ points.T, fields, multipliers)
    return multipliers


@njit(fastmath=FAST, error_model="numpy", cache=True)
def _append(gram, factor, order, count, index):
    """Add a point to the factor; False where it depends on those in it."""
    row = factor[count]
    rest = gram[index, index]
    for i in range(count):
        value = gram[index, order[i]]
        for j in range(i):
            value -= row[j] * factor[i, j]
        row[i] = value / factor[i, i]
        rest -= row[i] * row[i]
    if rest <= 1e-14 * gram[index, index]:
        return False
    row[count] = np.sqrt(rest)
    order[count] = index
    return True


@njit(fastmath=FAST, error_model="numpy", cache=True)
def _remove(factor, order, count, place):
    """Take a point out of the factor: shift the rows, rotate them back to a triangle."""
    for i in range(place + 1, count):
        order[i - 1] = order[i]
        factor[i - 1, : i + 1] = factor[i, : i + 1]
    for j in range(place, count - 1):
        size = np.hypot(factor[j, j], factor[j, j + 1])
        cosine, sine = factor[j, j] / size, factor[j, j + 1] / size
        factor[j, j] = size
        for i in range(j + 1, count - 1):
            left, right = factor[i, j], factor[i, j + 1]
            factor[i, j] = cosine * left + sine * right
            factor[i, j + 1] = cosine * right - sine * left


@njit(fastmath=FAST, error_model="numpy", cache=True)
def _descend(gram, multipliers, slack):
    for _ in range(SWEEPS):
        changes = 0
        for i in range(len(gram)):
            new = max(multipliers[i] + slack[i] / gram[i, i], 0.0)
            step = new - multipliers[i]
            if step != 0.0:
                changes += (new > 0) != (multipliers[i] > 0)
                multipliers[i] = new
                for j in range(len(gram)):
                    slack[j] -= step * gram[i, j]
        if changes == 0:
            return


@njit(fastmath=FAST, error_model="numpy", cache=True)
def _solve_factor(factor, order, count, field, trial):
    for i in range(count):
        value = field[order[i]]
        for j in range(i):
            value -= factor[i, j] * trial[j]
        trial[i] = value / factor[i, i]
    for i in range(count - 1, -1, -1):
        trial[i] /= factor[i, i]
        for j in range(i):
            trial[j] -= factor[i, j] * trial[i]


@njit(fastmath=FAST, error_model="numpy", cache=True)
def _exact(gram, field, multipliers, slack, factor, order, trial):
    size, count, newest = len(gram), 0, -1
    free, barred = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    for i in range(size):
        if multipliers[i] > 0 and _append(gram, factor, order, count, i):
            free[i] = True
            count += 1
        else:
            multipliers[i] = 0.0
    for _ in range(ROUNDS_PER_POINT * size):
        _solve_factor(factor, order, count, field, trial)
        share, blocking = 1.0, -1
        for i in range(count):
            if trial[i] <= 0.0:
                current = multipliers[order[i]]
                fraction = current / (current - trial[i]) if current > 0 else 0.0
                if blocking < 0 or fraction < share:
                    share, blocking = fraction, i
        if blocking >= 0:
            for i in range(count):
                current = multipliers[order[i]]
                multipliers[order[i]] = max(current + share * (trial[i] - current), 0.0)
            multipliers[order[blocking]] = 0.0
            for i in range(count - 1, -1, -1):
                index = order[i]
                if trial[i] <= 0.0 and multipliers[index] <= 0.0:
                    free[index] = False
                    barred[index] = index == newest
                    _remove(factor, order, count, i)
                    count -= 1
            continue
        total = 0.0
        slack[:] = field
        for i in range(count):
            multipliers[order[i]] = trial[i]
            total += trial[i]
            for j in range(size):
                slack[j] -= trial[i] * gram[order[i], j]
        least = 1e-13 * (np.abs(field).max() + gram[0, 0] * total)
        while True:
            worst, newest = least, -1
            for j in range(size):
                if not free[j] and not barred[j] and slack[j] > worst:
                    worst, newest = slack[j], j
            if newest < 0:
                return
            if _append(gram, factor, order, count, newest):
                break
            barred[newest] = True
        free[newest] = True
        count += 1


@njit(fastmath=FAST, error_model="numpy", cache=True)
def _solve_all(gram, fields, multipliers):
    size = len(gram)
    factor, order = np.zeros((size, size)), np.zeros(size, np.int64)
    slack, trial = np.zeros(size), np.zeros(size)
    for program in range(len(fields)):
        slack[:] = fields[program]
        _descend(gram, multipliers[program], slack)
        _exact(gram, fields[program], multipliers[program], slack, factor, order, trial)
