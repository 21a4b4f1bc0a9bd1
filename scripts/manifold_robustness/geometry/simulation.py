"""The capacity by brute force: random dichotomies in random projections, and no theory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SolverError
from .frame import ROUNDING, gram_schmidt
from .inputs import check_count, check_manifolds, check_seed, in_moderate_units
from .threads import single_threaded

# The labelled hull, of points scaled to norm 1, contains the origin if it comes this close.
TOUCHING = 1e-7


@dataclass(frozen=True)
class SimulatedCapacity:
    """Capacity from random dichotomies.

    Attributes
    ----------
    capacity : float
        n_manifolds / n_dimensions; NaN where no number of dimensions answers.
    capacity_error : float
        Half the width of its 68 % confidence interval, from the order statistics of the median; at
        least half of what one dimension makes.
    n_dimensions : float
        Least number of dimensions in which half of the dichotomies are separable; NaN without.
    separable_from : (n_dichotomies,)
        For each dichotomy the least number of dimensions that separates it; infinite without.
    reason : str
        Why there is no capacity; empty where there is.
    """

    capacity: float
    capacity_error: float
    n_dimensions: float
    separable_from: np.ndarray
    reason: str


@single_threaded
def simulate_capacity(
    points: ArrayLike | Sequence[ArrayLike],
    n_dichotomies: int = 51,
    seed: int | Sequence[int] = 0,
) -> SimulatedCapacity:
    r"""Measure the capacity directly, as a check of the theory on the data at hand. [1]_

    Every manifold gets a random label, half of them +1, all points are projected on n random
    dimensions, and a hyperplane through the origin (the global mean; it takes balanced labels to
    put none at a disadvantage) is sought that separates the labels. The capacity is
    n_manifolds / n at the n where half of the dichotomies are separable. A dichotomy keeps its
    labels and its axes as n grows, so that what is once separable stays so, and the least n is
    found by bisection.

    No hyperplane exists if and only if the origin lies in the hull of the labelled points, which a
    non-negative least squares problem decides. Theory and simulation agree for many manifolds whose
    centers share no structure; project that out first, :func:`remove_directions`.

    Parameters
    ----------
    points : (n_manifolds, n_points, n_features), or a sequence of (n_points_i, n_features)
    n_dichotomies
        Random labellings, each with its own projection.
    seed
        An integer or a sequence of integers >= 0.

    Returns
    -------
    SimulatedCapacity

    Raises
    ------
    GeometryError
        For input that the geometry isn't defined for.
    SolverError
        Where a separability problem runs out of iterations.

    References
    ----------
    .. [1] Cohen, Chung, Lee & Sompolinsky, Nat. Commun. 11, 746 (2020), methods.

    Examples
    --------
    Cover's theorem: half of the dichotomies of P points are separable in P / 2 dimensions.

    >>> import numpy as np
    >>> tiny = 1e-6 * np.random.default_rng(1).standard_normal((30, 2, 100))
    >>> centers = np.random.default_rng(0).standard_normal((30, 1, 100))
    >>> 1.7 < simulate_capacity(centers + tiny).capacity < 2.3
    True
    """
    clouds = check_manifolds(points)
    n_dichotomies, seed = check_count(n_dichotomies, "dichotomy"), check_seed(seed)
    coordinates = _common_frame(clouds)
    manifold_of = np.repeat(np.arange(len(clouds)), [len(cloud) for cloud in clouds])
    sequences = np.random.SeedSequence(seed).spawn(n_dichotomies)
    needed = np.array([_least_dimensions(coordinates, manifold_of, one) for one in sequences])
    return _capacity(len(clouds), coordinates.shape[1], needed)


def _common_frame(clouds):
    """Points about their global mean in their own span, each scaled to norm 1.

    A Gaussian projection doesn't care about the axes, nor a hyperplane through the origin about the
    length of a point.
    """
    everything = np.concatenate([np.asarray(cloud, dtype=float) for cloud in clouds])
    everything = in_moderate_units(everything)
    size = np.linalg.norm(everything, axis=1).max()
    everything -= everything.mean(0)
    if everything.shape[1] > everything.shape[0]:
        everything = np.linalg.qr(everything.T, mode="r").T
    coordinates, _ = gram_schmidt(everything, ROUNDING * size)
    norms = np.linalg.norm(coordinates, axis=1, keepdims=True)
    return coordinates / np.where(norms > 0, norms, 1.0)


def _least_dimensions(coordinates, manifold_of, sequence):
    generator = np.random.default_rng(sequence)
    n_manifolds = manifold_of[-1] + 1
    labels = generator.permutation(np.where(np.arange(n_manifolds) % 2, 1.0, -1.0))[manifold_of]
    n_dimensions = coordinates.shape[1]
    axes = generator.standard_normal((n_dimensions, n_dimensions))
    projected = labels[:, None] * (coordinates @ axes)
    if not is_separable(projected):
        return np.inf
    low, high = 0, n_dimensions
    while high - low > 1:
        middle = (low + high) // 2
        if is_separable(projected[:, :middle]):
            high = middle
        else:
            low = middle
    return high


def is_separable(labelled: np.ndarray) -> bool:
    """Whether some w has w.x > 0 for all rows x of (n_points, n): the origin is not in their hull.

    The distance of the origin from the hull is |A mu| at best over mu >= 0 of sum 1, with the x as
    the columns of A. Non-negative least squares takes the sum as one further equation.
    """
    from scipy.optimize import nnls

    norms = np.linalg.norm(labelled, axis=1)
    if norms.min() <= 0:
        return False
    columns = np.vstack([labelled.T / norms, np.ones(len(labelled))])
    target = np.zeros(len(columns))
    target[-1] = 1.0
    try:
        _, distance = nnls(columns, target)
    except RuntimeError as error:
        raise SolverError(
            f"Need a decision on {labelled.shape[0]} points in {labelled.shape[1]} dimensions. "
            f"Non-negative least squares gave none: {error}."
        ) from error
    return bool(distance > TOUCHING)


def _capacity(n_manifolds, n_dimensions, needed):
    ordered = np.sort(needed)
    count = len(ordered)
    median = ordered[(count - 1) // 2]
    if not np.isfinite(median):
        share = np.isfinite(needed).mean()
        reason = (
            f"Only {share:.0%} of {count} dichotomies are separable even in all {n_dimensions} "
            f"dimensions of the points: the capacity is below {n_manifolds / n_dimensions:.3g}, "
            "and no projection can show it."
        )
        return SimulatedCapacity(np.nan, np.nan, np.nan, needed, reason)
    spread = int(np.ceil(np.sqrt(count) / 2))
    middle = (count - 1) // 2
    upper, lower = ordered[max(middle - spread, 0)], ordered[min(middle + spread, count - 1)]
    capacity = n_manifolds / median
    error = max((n_manifolds / upper - n_manifolds / lower) / 2, capacity / median / 2)
    return SimulatedCapacity(float(capacity), float(error), float(median), needed, "")
