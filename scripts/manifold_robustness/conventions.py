"""What several parts of the library must agree on, each said once.

Imported by the workflow itself, so it needs nothing but the standard library.
"""

import math
from typing import TypeVar

ARITHMETIC, HARMONIC = "arithmetic", "harmonic"
MEANS = (ARITHMETIC, HARMONIC)
FEWEST_BALANCED = 4  # manifolds whose labels the joint program can balance
NEGLIGIBLE = 0.05  # share of a value within which a change of it is none
# Where fewer draws than these have v = 0, the floor of the joint capacity hardly counts.
FLOOR_SHARE = 0.05
SLACK = 1e-6  # pixel units: (x + δ) - x can round above a budget
MOST_IN_STEP = 30  # manifolds of replicates whose center searches go in step: more gain nothing
MOST_ZERO = 0.01  # share of an attack's gradients that may be zero in every pixel
Values = TypeVar("Values")


def greatest_center_rank(n_manifolds: int) -> int:
    """Return the greatest number K of directions that may be projected out of the centers.

    The centers of P manifolds about their mean span P - 1 dimensions, and two must remain, so that
    K is at most P - 3; it is 0 where there are three manifolds or fewer.

    >>> greatest_center_rank(10), greatest_center_rank(2)
    (7, 0)
    """
    return max(n_manifolds - 3, 0)


def fewest_certifying_draws(alpha: float) -> int:
    r"""Return the least number of draws that can certify anything by randomized smoothing.

    All of n draws bound a probability from below by :math:`\alpha^{1/n}`, which must exceed ½.

    >>> fewest_certifying_draws(0.001), 0.001 ** (1 / 9) < 0.5 < 0.001 ** (1 / 10)
    (10, True)
    """
    return math.floor(math.log(alpha) / math.log(0.5)) + 1


def to_averaging_scale(values: Values, mean: str) -> Values:
    """Return values x on the scale on which their mean is taken arithmetically.

    That is x itself for an arithmetic mean, and 1/x for a harmonic one. Both scales are their own
    inverse, so the same function leads back.

    Parameters
    ----------
    values
        A number, an array or a column of a table.
    mean : {"arithmetic", "harmonic"}

    Examples
    --------
    >>> import numpy as np
    >>> inverse = to_averaging_scale(np.array([1.0, 3.0]), "harmonic")
    >>> float(to_averaging_scale(inverse.mean(), "harmonic"))
    1.5
    """
    return 1 / values if mean == HARMONIC else values


def from_averaging_scale(
    mean: float, low: float, high: float, how: str
) -> tuple[float, float, float]:
    """Return a mean and its interval, of the scale of :func:`to_averaging_scale`, as they are read.

    Those of 1/x are turned over; where the interval of 1/x reaches 0, x has no upper bound.

    >>> from_averaging_scale(2.0, -0.5, 4.0, "harmonic")
    (0.5, 0.25, inf)
    """
    if how != HARMONIC:
        return mean, low, high
    return 1 / mean, 1 / high, 1 / low if not low <= 0 else math.inf
