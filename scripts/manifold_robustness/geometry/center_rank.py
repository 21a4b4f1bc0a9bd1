r"""How many directions the centers share, beyond those that unrelated centers seem to share.

The correlation of residual centers falls a little with every direction that is fitted to them, also
where nothing is shared: its argmin over K says how far the fit can go, and not what is there. The
rule here stops as soon as the rest of the way is no longer than on isotropic centers. It is in the
spirit of parallel analysis, the comparison of a spectrum with that of noise [1]_, but judges by the
correlation that the theory of manifolds is sensitive to.

References
----------
.. [1] Horn, Psychometrika 30, 179 (1965).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

# A gain below this is not worth a direction. With few manifolds in many dimensions isotropic
# centers gain nothing, and any gain would count.
LEAST_GAIN = 0.1
# So many times the mean gain of isotropic centers: single draws of them scatter that far.
ALLOWANCE = 1.5
# Draws of isotropic centers, over the number of manifolds: few centers scatter more, and cost
# little. Never fewer than the second figure.
DRAWS_TIMES_MANIFOLDS = 60
FEWEST_DRAWS = 2
# From so many features for each manifold isotropic centers gain nothing, and need no draw.
NO_GAIN_FROM = 10
# Marks the random numbers of the isotropic centers.
ISOTROPIC = 20180703


def remaining_gain(correlations: ArrayLike) -> np.ndarray:
    """Relative decrease of the residual correlation that the search still finds beyond each K.

    ``correlations``: (K tried + 1,), the mean absolute cosine for K = 0, 1, ...

    >>> remaining_gain([0.5, 0.25, 0.2])
    array([0.6, 0.2, 0. ])
    """
    correlations = np.asarray(correlations, dtype=float)
    return 1 - correlations.min() / correlations


def supported_rank(
    correlations: ArrayLike, n_features: int, n_manifolds: int, isotropic_gain: Callable[[], float]
) -> int:
    r"""Return the least K beyond which the search gains no more than on isotropic centers.

    With c(K) the mean :math:`|\cos|` over pairs of residual centers, the supported rank is the
    least K with

    .. math:: 1 - \min_{K'} c(K') / c(K) \le \max(0.1,\; 1.5\, g_0),

    where :math:`g_0` is what the same search gains on isotropic centers, as many in as many
    dimensions: the mean of :math:`1 - \min_K c(K) / c(0)` over draws. K = 0 takes part.

    Parameters
    ----------
    correlations : (K tried + 1,)
        Residual correlation for K = 0, 1, ...
    n_features, n_manifolds
    isotropic_gain
        Returns :math:`g_0`. It is called only where it can make K smaller.

    Returns
    -------
    int

    Examples
    --------
    Centers that gain little, and more than isotropic ones only by their first direction:

    >>> supported_rank([0.20, 0.19], 500, 10, lambda: 0.0)
    0
    >>> supported_rank([0.20, 0.10, 0.089, 0.088], 20, 10, lambda: 0.1)
    1
    """
    gain = remaining_gain(correlations)
    rank = int(np.argmax(gain <= LEAST_GAIN))
    if rank == 0 or n_features >= NO_GAIN_FROM * n_manifolds:
        return rank
    return int(np.argmax(gain <= max(LEAST_GAIN, ALLOWANCE * isotropic_gain())))


def mean_isotropic_gain(
    n_manifolds: int,
    n_features: int,
    search: Callable[[list[np.ndarray]], list[np.ndarray]],
) -> float:
    """What a search gains on isotropic centers: the mean over 60 / n_manifolds draws, at least two.

    ``search`` takes sets of centers (n_manifolds, n_features) and returns the residual correlations
    of each. The draws depend on the two numbers only, so that every layer of a size has the same.
    """
    sets = []
    for draw in range(max(DRAWS_TIMES_MANIFOLDS // n_manifolds, FEWEST_DRAWS)):
        generator = np.random.default_rng([ISOTROPIC, n_manifolds, n_features, draw])
        centers = generator.standard_normal((n_manifolds, n_features))
        sets.append(centers / np.linalg.norm(centers, axis=1, keepdims=True))
    gains = [float(remaining_gain(correlations)[0]) for correlations in search(sets)]
    return sum(gains) / len(gains)
