"""Which images are measured: P classes x M test images, in disjoint draws."""

from collections.abc import Sequence

import numpy as np

from .errors import DataError
from .seeds import generator


def select_indices(
    usable: np.ndarray,
    labels: np.ndarray,
    n_manifolds: int,
    n_points: int,
    replicates: int,
    seed: int,
    classes: Sequence[str],
) -> np.ndarray:
    """Return the test-set indices of the selected images.

    From each of the first `n_manifolds` classes, `replicates` disjoint random draws of `n_points`
    usable images. A class's draw depends on the seed, the class and which of its images are usable,
    on no other class.

    Parameters
    ----------
    usable : bool (n_images,)
        Images that may be drawn: those that are classified correctly, as published, or all.
    labels : int (n_images,)
    n_manifolds, n_points, replicates, seed
    classes
        Names of the classes, in the order of their labels.

    Returns
    -------
    ndarray of int (replicates, n_manifolds, n_points)

    Raises
    ------
    DataError
        With the class, how many usable images there are and how many are needed.

    Examples
    --------
    >>> usable, labels = np.array([True, True, True, False]), np.array([0, 0, 1, 1])
    >>> select_indices(usable, labels, 2, 1, 1, seed=0, classes=["ant", "bee"]).shape
    (1, 2, 1)
    """
    _require_classes(n_manifolds, len(classes))
    needed = n_points * replicates
    drawn = np.empty((replicates, n_manifolds, n_points), dtype=np.int64)
    for label in range(n_manifolds):
        there = np.flatnonzero((labels == label) & usable)
        _require_enough(len(there), needed, classes[label], n_points, replicates)
        order = generator(seed, "select images", label).permutation(there)[:needed]
        drawn[:, label] = order.reshape(replicates, n_points)
    return drawn


def _require_classes(wanted, there):
    if wanted > there:
        raise DataError(
            f"images.n_manifolds is {wanted}, but the data set has {there} classes; lower it"
        )


def _require_enough(there, needed, name, n_points, replicates):
    if there < needed:
        raise DataError(
            f"class {name} has {there} test images that may be selected (images.correct_for), but "
            f"images.n_points {n_points} x images.replicates {replicates} needs {needed}; lower "
            "one of them, or train a better network"
        )
