"""The capacity by brute force: random dichotomies in random projections, and no theory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError, SolverError
from .frame import ROUNDING, gram_schmidt
from .inputs import check_count, check_manifolds, check_seed, in_moderate_units
from .threads import single_threaded

# The labelled hull, of points scaled to norm 1, contains the origin if it comes this close.
TOUCHING = 1e-7
# Of the dichotomies, for the interval and the standard error.
RESAMPLES = 2000


@dataclass(frozen=True)
class SimulatedCapacity:
    """Capacity from random dichotomies.

    Attributes
    ----------
    capacity : float
        n_manifolds / n_dimensions; NaN where no number of dimensions answers.
    capacity_error : float
        Its standard error: the standard deviation over dichotomies drawn again with replacement (a
        bootstrap). A draw without an answer counts as n_manifolds / rank, the most it can be.
    capacity_low, capacity_high : float
        The 95 % interval of the same draws, percentiles 2.5 to 97.5. The low end is 0 where more
        than 2.5 % of them have no answer: nothing bounds the capacity from below.
    n_dimensions : float
        Number of dimensions in which half of the dichotomies are separable, interpolated between
        whole numbers; NaN without.
    separable_from : (n_dichotomies,)
        For each dichotomy the least number of dimensions that separates it; infinite without.
    reason : str
        Why there is no capacity; empty where there is.
    """

    capacity: float
    capacity_error: float
    capacity_low: float
    capacity_high: float
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
    labels and its axes as n grows, so that what is once separable stays so, and has a least n of
    its own, which a search by doubled steps and bisection finds.

    The share F(n) of dichotomies that n dimensions separate is known for whole n, and linear
    between them; the answer is where it crosses one half. For P points in general position this is
    P / 2 exactly, whether P is even or odd: the least n less 1 is then binomial, P - 1 tosses of a
    coin [2]_, so that F(n) + F(P - n) = 1. The median itself, a whole number, is half a dimension
    too high on average, and its steps are coarse where n is small. A fitted curve, a probit say,
    would have a fifth less scatter if the least n were normal over dichotomies, but on real data
    they are skewed, some labellings being much harder than others, and it would be off then.

    No hyperplane exists if and only if the origin lies in the hull of the labelled points, which a
    non-negative least squares problem decides.

    Parameters
    ----------
    points : (n_manifolds, n_points, n_features), or a sequence of (n_points_i, n_features)
    n_dichotomies
        Random labellings, each with its own projection. At least two, for an interval over them;
        the first of many are those of few.
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

    Notes
    -----
    The *mean* least n is n_manifolds / capacity + 1/2 for the capacity of :func:`analyze_jointly`,
    exactly: the cone of the labelled points meets a random subspace with probabilities that its
    intrinsic volumes give, and these add up to its statistical dimension plus 1/2 [3]_. In it,
    rank + 1/2 stands for a dichotomy that no hyperplane separates (the rank, where one does but
    for points that lie on it). Here it is the *median* that is
    asked for, as published. So the two capacities differ where the least n is skewed over
    dichotomies, and in nothing else.

    The theory of manifolds taken one by one, :func:`analyze_manifolds`, agrees for many manifolds
    whose centers share no structure; project that out first, :func:`remove_directions`.

    References
    ----------
    .. [1] Cohen, Chung, Lee & Sompolinsky, Nat. Commun. 11, 746 (2020), methods.
    .. [2] Cover, IEEE Trans. Electron. Comput. EC-14, 326 (1965).
    .. [3] Amelunxen, Lotz, McCoy & Tropp, Inf. Inference 3, 224 (2014).

    Examples
    --------
    Cover's theorem: half of the dichotomies of P points are separable in P / 2 dimensions.

    >>> import numpy as np
    >>> tiny = 1e-6 * np.random.default_rng(1).standard_normal((30, 2, 100))
    >>> centers = np.random.default_rng(0).standard_normal((30, 1, 100))
    >>> found = simulate_capacity(centers + tiny)
    >>> found.capacity_low < 2 < found.capacity_high
    True
    """
    clouds = check_manifolds(points)
    n_dichotomies, seed = check_count(n_dichotomies, "dichotomy"), check_seed(seed)
    if n_dichotomies < 2:
        raise GeometryError("Need at least two dichotomies, for an interval over them. Got 1.")
    coordinates = _common_frame(clouds)
    manifold_of = np.repeat(np.arange(len(clouds)), [len(cloud) for cloud in clouds])
    *sequences, of_resamples = np.random.SeedSequence(seed).spawn(n_dichotomies + 1)
    needed = np.empty(n_dichotomies)
    for index, sequence in enumerate(sequences):
        guess, step = _expected(needed[:index])
        needed[index] = _least_dimensions(coordinates, manifold_of, sequence, guess, step)
    return _capacity(len(clouds), coordinates.shape[1], needed, of_resamples)


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


def _expected(needed):
    """Where to look for the next least number of dimensions, and in steps of what size."""
    if not len(needed):
        return 1, 1
    ordered = np.sort(needed)
    guess, low = ordered[len(needed) // 2], ordered[len(needed) // 4]
    return guess, max(int(guess - low), 1) if np.isfinite(guess) else 1


def _least_dimensions(coordinates, manifold_of, sequence, guess, step):
    """Least number of dimensions that separates one dichotomy; infinite where none does.

    The search starts at a guess, which decides how long it takes and not what it finds.
    """
    generator = np.random.default_rng(sequence)
    n_manifolds, rank = manifold_of[-1] + 1, coordinates.shape[1]
    labels = generator.permutation(np.where(np.arange(n_manifolds) % 2, 1.0, -1.0))[manifold_of]
    labelled = labels[:, None] * coordinates
    projected = np.empty((len(labelled), 0))
    too_few, enough = 0, rank + 1
    n = guess
    while enough - too_few > 1:
        n = int(min(max(n, too_few + 1), enough - 1))
        if n > projected.shape[1]:
            axes = generator.standard_normal((n - projected.shape[1], rank))
            projected = np.hstack([projected, labelled @ axes.T])
        if is_separable(projected[:, :n]):
            enough, n = n, n - step
        else:
            too_few, n = n, n + step
        if too_few > 0 and enough <= rank:
            n = (too_few + enough) // 2
        step *= 2
    return enough if enough <= rank else np.inf


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


def half_separable(needed: np.ndarray, rank: int) -> np.ndarray:
    """Where the share of dichotomies that n dimensions separate crosses one half.

    Parameters
    ----------
    needed : (..., n_dichotomies)
        The least whole number of dimensions that separates each; infinite without.
    rank
        The most dimensions that there are.

    Returns
    -------
    (...)
        The n, between whole numbers by linear interpolation; the middle of all n where the share
        is one half over several; infinite where fewer than half are ever separable.

    Examples
    --------
    Of four, one is separable in 2 dimensions and three in 3; then two from 2 to 5.

    >>> half_separable(np.array([[2, 3, 3, np.inf], [2, 2, 6, np.inf]]), rank=9)
    array([2.5, 3.5])
    """
    ordered = np.sort(needed, axis=-1)
    count = ordered.shape[-1]
    first, last = ordered[..., (count + 1) // 2 - 1], ordered[..., count // 2]
    below = (ordered < first[..., None]).sum(-1)
    at = (ordered == first[..., None]).sum(-1)
    crossing = first - 1 + (count / 2 - below) / at
    # The two middle ones of an even number differ: the share is one half from one to the other.
    return np.where(first < last, (first + np.minimum(last - 1, rank)) / 2, crossing)


def _capacity(n_manifolds, rank, needed, sequence):
    n_dimensions = float(half_separable(needed, rank))
    floor = n_manifolds / rank
    if not np.isfinite(n_dimensions):
        reason = (
            f"Only {np.isfinite(needed).mean():.0%} of {len(needed)} dichotomies are separable "
            f"even in all {rank} dimensions of the points: the capacity is below {floor:.3g}, "
            "and no projection can show it."
        )
        return SimulatedCapacity(*4 * [np.nan], np.nan, needed, reason)
    again = np.random.default_rng(sequence).integers(len(needed), size=(RESAMPLES, len(needed)))
    resampled = n_manifolds / half_separable(needed[again], rank)
    low, high = np.percentile(resampled, [2.5, 97.5], method="nearest")
    return SimulatedCapacity(
        capacity=n_manifolds / n_dimensions,
        capacity_error=float(np.maximum(resampled, floor).std()),
        capacity_low=float(low),
        capacity_high=float(high),
        n_dimensions=n_dimensions,
        separable_from=needed,
        reason="",
    )
