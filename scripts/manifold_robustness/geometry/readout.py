"""Accuracy of a linear readout trained on the points themselves, cross-validated."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError
from .frame import ROUNDING
from .inputs import check_count, check_manifolds, check_seed
from .lapack import dposv
from .threads import single_threaded

# In units of the mean eigenvalue of the training points' Gram matrix. Smaller ones let the readout
# follow variances that are a ten-thousandth of that; greater ones were not seen to choose otherwise
# than the greatest here.
PENALTIES = tuple(10.0**exponent for exponent in range(-4, 3))
LEAST_PENALTY = 1e-8  # below it rounding would decide
# So is the mean square of training points about their mean, in units of the farthest point's.
LEAST_SPREAD = 1e-10


@dataclass(frozen=True)
class ReadoutAccuracy:
    """How well a linear readout tells manifolds apart, on points that it was not trained on.

    Attributes
    ----------
    accuracy : float
        Share of points that are assigned to their own manifold while they are held out. Chance is
        1 / n_manifolds where all have as many points.
    accuracy_per_manifold : (n_manifolds,)
        The same of each manifold's points.
    penalties : (n_folds,)
        The penalty that the training points of each fold chose, of those that were given.
    """

    accuracy: float
    accuracy_per_manifold: np.ndarray
    penalties: np.ndarray


@single_threaded
def readout_accuracy(
    points: ArrayLike | Sequence[ArrayLike],
    n_folds: int = 5,
    penalties: Sequence[float] = PENALTIES,
    seed: int | Sequence[int] = 0,
) -> ReadoutAccuracy:
    r"""Cross-validated accuracy of a linear classifier, by ridge regression. [1]_

    For points :math:`x_i`, with :math:`y_{i\mu} = 1` where point i is of manifold :math:`\mu` and 0
    elsewhere,

    .. math::

        \min_{W, b} \sum_i |y_i - W x_i - b|^2 + k \bar\lambda |W|^2, \qquad
        \bar\lambda = \tfrac1n \sum_i |x_i - \bar x|^2,

    over the n training points, and a point is assigned to the manifold :math:`\mu` of the greatest
    :math:`(W x + b)_\mu`. Each manifold's points are divided into folds at random. Those of a fold
    are held out, and assigned by the readout that all other folds train. These alone choose the
    penalty k too: each of them is held out in turn from a readout that the rest trains, and the k
    with which most points are assigned to their own manifold is taken, the greatest among equals.

    Parameters
    ----------
    points : (n_manifolds, n_points, n_features), or a sequence of (n_points_i, n_features)
        All of them are in memory at once.
    n_folds
        At least three: one to hold out, one to choose the penalty on, one to train on. Where the
        smallest manifold has fewer points, there are as many folds as it has points. With two, no
        fold is left to choose on, and the greatest penalty is taken.
    penalties
        Values of k to choose from, at least 1e-8.
    seed
        An integer or a sequence of integers >= 0.

    Returns
    -------
    ReadoutAccuracy
        Neither a rotation nor a shift of all points changes it, nor further features of 0, nor
        other units.

    Raises
    ------
    GeometryError
        For fewer than two manifolds, or than two points in one; for points that are not finite, or
        that all coincide but for a few; and for folds, penalties or a seed out of range.

    References
    ----------
    .. [1] Hoerl & Kennard, Technometrics 12, 55 (1970).

    Examples
    --------
    >>> import numpy as np
    >>> clouds = np.random.default_rng(0).standard_normal((10, 30, 500))
    >>> readout_accuracy(clouds).accuracy < 0.2
    True
    >>> readout_accuracy(clouds + 9 * np.eye(10, 500)[:, None]).accuracy
    1.0
    """
    clouds = check_manifolds(points)
    n_folds, penalties = _check_folds(n_folds), _check_penalties(penalties)
    seed = check_seed(seed)
    sizes, counts = zip(*clouds.measured(_size), strict=True)
    everything = np.concatenate([np.asarray(cloud, dtype=float) for cloud in clouds])
    everything -= everything.mean(0)
    reach = np.sqrt(np.einsum("in,in->i", everything, everything).max())
    if reach <= ROUNDING * max(sizes):
        raise GeometryError(f"Need at least two distinct points. All {sum(counts)} coincide.")
    everything /= reach

    labels = np.repeat(np.arange(len(counts)), counts)
    fold_of = draw_folds(counts, n_folds, seed)
    predicted, chosen = cross_validate(everything, labels, fold_of, penalties)
    right = predicted == labels
    return ReadoutAccuracy(
        accuracy=float(right.mean()),
        accuracy_per_manifold=np.bincount(labels, right) / counts,
        penalties=chosen,
    )


def draw_folds(counts: Sequence[int], n_folds: int, seed: int | Sequence[int]) -> np.ndarray:
    """The fold of each point: of every manifold as many points in each, or one more in the first.

    There are no more folds than points in the smallest manifold.
    """
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    places = np.concatenate([generator.permutation(count) for count in counts])
    return places % min(n_folds, *counts)


def cross_validate(
    points: np.ndarray, labels: np.ndarray, fold_of: np.ndarray, penalties: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The manifold that each point is assigned to while it is held out, and each fold's penalty.

    Parameters
    ----------
    points : (n_points, n_features)
        About their mean, the farthest of norm 1.
    labels, fold_of : (n_points,)
    penalties
        To choose from, from great to small.
    """
    folds = range(fold_of.max() + 1)
    # Where features are many, only inner products are asked for.
    gram = points @ points.T if points.shape[1] >= len(points) else None
    right = np.zeros((len(folds), len(penalties)), dtype=int)
    for pair in combinations(folds, 2) if len(folds) > 2 else ():
        # Trained without both, a readout says for each fold what it makes of the other's points.
        left_out = np.flatnonzero(np.isin(fold_of, pair))
        found = assign(points, gram, labels, left_out, penalties) == labels[left_out]
        for fold in pair:
            right[fold] += found[:, fold_of[left_out] != fold].sum(1)
    chosen = penalties[right.argmax(1)]
    predicted = np.empty_like(labels)
    for fold in folds:
        left_out = np.flatnonzero(fold_of == fold)
        predicted[left_out] = assign(points, gram, labels, left_out, chosen[fold, None])[0]
    return predicted, chosen


def assign(
    points: np.ndarray,
    gram: np.ndarray | None,
    labels: np.ndarray,
    left_out: np.ndarray,
    penalties: np.ndarray,
) -> np.ndarray:
    """The manifolds (n_penalties, n_left_out) that a readout of all other points assigns to some.

    With X the training points and Y their targets, each about its mean, W' = X'(XX' + p)^-1 Y
    = (X'X + p)^-1 X'Y: the first where `gram`, all points' inner products, is given.
    """
    trained = np.delete(np.arange(len(labels)), left_out)
    targets = np.eye(labels.max() + 1)[labels[trained]]
    means = targets.mean(0)
    targets -= means
    if gram is None:
        mean = points[trained].mean(0)
        offsets, others = points[trained] - mean, points[left_out] - mean
        matrix, targets = offsets.T @ offsets, offsets.T @ targets
    else:
        matrix, others = gram[np.ix_(trained, trained)], gram[np.ix_(left_out, trained)]
        mean = matrix.mean(0)
        others -= mean  # what is left of the products is the same for all training points: no part
        matrix += mean.mean() - mean - mean[:, None]
    spread = np.trace(matrix) / len(trained)
    if not spread > LEAST_SPREAD:
        raise GeometryError(
            "Need points that differ, for a readout to be trained. Those that train one are within "
            f"{LEAST_SPREAD**0.5:.0e} of each other, relative to the farthest point of all; leave "
            "that one out."
        )
    diagonal = np.diag(matrix).copy()
    found = np.empty((len(penalties), len(left_out)), dtype=int)
    for row, penalty in zip(found, penalties, strict=True):
        np.fill_diagonal(matrix, diagonal + penalty * spread)
        _, weights, info = dposv(matrix.T, targets)  # symmetric, and in LAPACK's order
        if info:
            raise GeometryError(
                "Need a penalty above the rounding of the points' inner products, which are "
                f"positive definite with it. Got {penalty:g}; give greater ones."
            )
        row[:] = (means + others @ weights).argmax(1)
    return found


def _size(cloud):
    cloud = np.asarray(cloud, dtype=float)
    return np.sqrt(np.einsum("in,in->i", cloud, cloud).max()), len(cloud)


def _check_folds(n_folds):
    if check_count(n_folds, "fold") < 3:
        raise GeometryError(
            "Need at least three folds: to hold out, to choose the penalty on, and to train on. "
            f"Got {n_folds}."
        )
    return int(n_folds)


def _check_penalties(penalties):
    found = list(penalties) if hasattr(penalties, "__iter__") else []
    if not found or not all(isinstance(k, Real) and LEAST_PENALTY <= k < np.inf for k in found):
        raise GeometryError(
            f"Need finite penalties of at least {LEAST_PENALTY:g}, one or more. Got {penalties!r}."
        )
    return np.array(sorted(found, reverse=True), dtype=float)
