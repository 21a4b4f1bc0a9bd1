"""Which images are measured: P classes x M test images, or P images, in disjoint draws; and which
are evaluated.
"""

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
    manifolds: str = "class",
    order: str = "random",
) -> np.ndarray:
    """Return the test-set indices of the selected images.

    From each of the first `n_manifolds` classes, `replicates` disjoint random draws of `n_points`
    usable images. A class's draw depends on the seed, the class and which of its images are usable,
    on no other class. For exemplar manifolds, `replicates` disjoint random draws of `n_manifolds`
    usable images of any class, each of which stands for all points of its manifold.

    Parameters
    ----------
    usable : bool (n_images,)
        Images that may be drawn: those that are classified correctly, as published, or all.
    labels : int (n_images,)
    n_manifolds, n_points, replicates, seed
    classes
        Names of the classes, in the order of their labels.
    manifolds : {"class", "exemplar"}
        What a manifold is: a class's images, or one image under draws of a perturbation (Dapello et
        al., NeurIPS 2021).
    order : {"random", "first"}
        Whether images are drawn at random, or are the first of the test set that may be.

    Returns
    -------
    ndarray of int (replicates, n_manifolds, n_points), of exemplars (replicates, n_manifolds, 1)

    Raises
    ------
    DataError
        With the class, how many usable images there are and how many are needed.

    Examples
    --------
    >>> usable, labels = np.array([True, True, True, False]), np.array([0, 0, 1, 1])
    >>> select_indices(usable, labels, 2, 1, 1, seed=0, classes=["ant", "bee"]).shape
    (1, 2, 1)
    >>> select_indices(usable, labels, 2, 9, 1, 0, ["ant", "bee"], "exemplar", "first").tolist()
    [[[0], [1]]]
    """
    if manifolds == "exemplar":
        there, needed = np.flatnonzero(usable), n_manifolds * replicates
        _require_exemplars(len(there), n_manifolds, replicates)
        drawn = _drawn(there, needed, order, seed)
        return drawn.reshape(replicates, n_manifolds, 1)
    _require_classes(n_manifolds, len(classes))
    needed = n_points * replicates
    drawn = np.empty((replicates, n_manifolds, n_points), dtype=np.int64)
    for label in range(n_manifolds):
        there = np.flatnonzero((labels == label) & usable)
        _require_enough(len(there), needed, classes[label], n_points, replicates)
        drawn[:, label] = _drawn(there, needed, order, seed, label).reshape(replicates, n_points)
    return drawn


def _drawn(there, needed, order, seed, *coordinates):
    """So many of the places that may be drawn: at random, or the first."""
    if order == "random":
        there = generator(seed, "select images", *coordinates).permutation(there)
    return there[:needed]


def name_manifolds(
    indices: np.ndarray, labels: np.ndarray, classes: Sequence[str], manifolds: str = "class"
) -> dict:
    """Return what a store of the selected images says of its manifolds, JSON values.

    Parameters
    ----------
    indices : int (replicates, n_manifolds, n_points)
    labels : int (n_images,)
    classes
        Names of the classes, in the order of their labels.
    manifolds : {"class", "exemplar"}

    Returns
    -------
    dict
        ``classes``; ``manifold_class``, the name of the class that each manifold is of, by
        replicate; of exemplar manifolds ``image_index``, the image's place in the test set.

    Examples
    --------
    >>> said = name_manifolds(np.array([[[2], [0]]]), np.array([0, 0, 1]), ["ant", "bee"])
    >>> said["manifold_class"]
    [['bee', 'ant']]
    """
    places = indices[..., 0]
    names = [[classes[label] for label in row] for row in labels[places].tolist()]
    said = {"classes": list(classes), "manifold_class": names}
    return said | ({"image_index": places.tolist()} if manifolds == "exemplar" else {})


def choose_evaluated(n_there: int, n_images: int | None, seed: int) -> np.ndarray:
    """Return the places of the test images that a network is evaluated on under a perturbation.

    The first of one random order of all test images, sorted. So the images are the same under every
    perturbation and for every network, and a greater number holds those of a smaller one.

    Parameters
    ----------
    n_there
        Test images of the data set.
    n_images
        How many of them; None, or more than there are, for all.
    seed

    Returns
    -------
    ndarray of int, ascending

    Examples
    --------
    >>> choose_evaluated(5, None, seed=0).tolist()
    [0, 1, 2, 3, 4]
    >>> few, more = (set(choose_evaluated(100, n, seed=0)) for n in (10, 20))
    >>> len(few), few < more
    (10, True)
    """
    if n_images is None or n_images >= n_there:
        return np.arange(n_there)
    return np.sort(generator(seed, "evaluated images").permutation(n_there)[:n_images])


def _require_classes(wanted, there):
    if wanted > there:
        raise DataError(
            f"images.n_manifolds is {wanted}, but the data set has {there} classes; lower it"
        )


def _require_exemplars(there, n_manifolds, replicates):
    if there < n_manifolds * replicates:
        raise DataError(
            f"the data set has {there} test images that may be selected (images.correct_for), but "
            f"images.n_manifolds {n_manifolds} x images.replicates {replicates} exemplars need "
            f"{n_manifolds * replicates}; lower one of them, or train a better network"
        )


def _require_enough(there, needed, name, n_points, replicates):
    if there < needed:
        raise DataError(
            f"class {name} has {there} test images that may be selected (images.correct_for), but "
            f"images.n_points {n_points} x images.replicates {replicates} needs {needed}; lower "
            "one of them, or train a better network"
        )
