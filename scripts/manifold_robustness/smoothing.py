r"""The certificate of randomized smoothing: what is proven from counts of a network's answers.

The smoothed network g answers with the class that the network f gives most often to an image under
Gaussian noise [1]_,

.. math:: g(x) = \arg\max_c P(f(x + \sigma z) = c), \qquad z \sim N(0, 1).

If the class c has a probability of at least :math:`\underline p > 1/2`, no perturbation of an
Euclidean norm below :math:`\sigma \Phi^{-1}(\underline p)` changes the answer. The probability is
not known; draws bound it.

References
----------
.. [1] Cohen, Rosenfeld & Kolter, ICML 2019, theorem 1 and section 3.2.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri

from .errors import DataError

FEWEST_STEPS = 50  # between the radii of a table, from 0 to the greatest


def lower_bound(count: ArrayLike, n: int, alpha: float) -> np.ndarray:
    r"""Return the one-sided Clopper-Pearson bound of a probability, from below.

    The :math:`\alpha` quantile of a beta distribution with the parameters `count` and
    n - `count` + 1; 0 for a count of 0. It is above the probability in at most a share `alpha` of
    repetitions.

    Parameters
    ----------
    count : int, any shape
        Draws with the outcome in question, of `n`.
    n
        At least 1.
    alpha
        In (0, 1).

    Returns
    -------
    ndarray of float, of the shape of `count`

    Raises
    ------
    DataError
        For counts below 0 or above `n`, no draws at all, and an `alpha` out of its range.

    Examples
    --------
    All of 1,000 draws, and what that is worth at :math:`\alpha` = 0.001:

    >>> round(float(lower_bound(1000, 1000, 0.001)), 5) == round(0.001 ** (1 / 1000), 5)
    True
    """
    count = np.asarray(count)
    if n < 1 or not 0 < alpha < 1:
        raise DataError(f"Need at least 1 draw, and an alpha in (0, 1). Got {n} and {alpha}.")
    if count.size and (count.min() < 0 or count.max() > n):
        raise DataError(f"Need counts from 0 to {n}. Got some from {count.min()} to {count.max()}.")
    bound = betaincinv(np.maximum(count, 1), n - np.maximum(count, 1) + 1, alpha)
    return np.where(count > 0, bound, 0.0)


def certified_radius(count: ArrayLike, n: int, alpha: float, sigma: float) -> np.ndarray:
    r"""Return the radius within which no perturbation changes the smoothed answer; NaN: abstained.

    :math:`\sigma \Phi^{-1}(\underline p)`, an Euclidean norm in the units of `sigma`, with the
    bound :math:`\underline p` of :func:`lower_bound`; where that is at most ½, nothing is
    certified.

    Parameters
    ----------
    count : int, any shape
        Of `n` draws, those that give the class which other draws had chosen.
    n, alpha
        As in :func:`lower_bound`: with a probability of at least 1 - `alpha` the radius holds.
    sigma
        Standard deviation of the noise, which is not clipped.

    Returns
    -------
    ndarray of float, of the shape of `count`

    Raises
    ------
    DataError
        As :func:`lower_bound`.

    Examples
    --------
    >>> [round(float(one), 3) for one in certified_radius([1000, 900, 400], 1000, 0.001, 0.25)]
    [0.616, 0.279, nan]
    """
    bound = lower_bound(count, n, alpha)
    radius = sigma * ndtri(np.clip(bound, 0.5, None))
    return np.where(bound > 0.5, radius, np.nan)


def greatest_radius(n: int, alpha: float, sigma: float) -> float:
    r"""Return the radius where all draws agree, :math:`\sigma \Phi^{-1}(\alpha^{1/n})`.

    In the units of `sigma`; 0 where so few draws prove nothing. `n` and `alpha` are those of
    :func:`lower_bound`.

    >>> round(greatest_radius(100_000, 0.001, 1.0), 2), round(greatest_radius(1000, 0.001, 1.0), 2)
    (3.81, 2.46)
    """
    return float(sigma * max(ndtri(alpha ** (1 / n)), 0.0))


def exact_interval(count: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided Clopper-Pearson interval of a share, `count` of `n`.

    >>> [round(float(end), 3) for end in exact_interval(5, 10)]
    [0.187, 0.813]
    """
    tail = (1 - confidence) / 2
    return float(lower_bound(count, n, tail)), 1 - float(lower_bound(n - count, n, tail))


def radii_of_table(n: int, alpha: float, sigma: float) -> np.ndarray:
    """Return 0, one round step, two, ..., and the greatest radius that can be certified.

    The step is the greatest of 1, 2.5 and 5 times a power of ten that goes into the greatest radius
    50 times. `n`, `alpha` and `sigma` are those of :func:`greatest_radius`.

    >>> radii = radii_of_table(1000, 0.001, 0.25)
    >>> radii[:3].tolist(), len(radii), round(float(radii[-1]), 3)
    ([0.0, 0.01, 0.02], 63, 0.616)
    """
    greatest = greatest_radius(n, alpha, sigma)
    if not greatest:
        return np.zeros(1)
    power = 10.0 ** math.floor(math.log10(greatest / FEWEST_STEPS))
    step = max(one * power for one in (1, 2.5, 5) if one * power <= greatest / FEWEST_STEPS)
    return np.append(np.arange(math.ceil(greatest / step)) * step, greatest)
