"""Non-negative least squares of SciPy (Lawson & Hanson's active set), one program at a time."""

import numpy as np
from scipy.optimize import nnls


def solve(points: np.ndarray, vectors: np.ndarray, margin: float) -> np.ndarray:
    """Multipliers (n_programs, n_points); NaN where the iterations ran out."""
    targets = vectors.copy()
    targets[:, -1] += margin
    multipliers = np.full((len(vectors), len(points)), np.nan)
    for row, target in zip(multipliers, targets, strict=True):
        try:
            row[:] = nnls(points.T, target)[0]
        except RuntimeError:
            continue
    return multipliers
