"""Selected images: P classes x M correctly classified test images, in disjoint draws."""

import numpy as np

from .errors import DataError
from .perturbations import perturb_images
from .seeds import generator
from .stores import ArraySpec, create_store, read_array

IMAGE_DIMENSIONS = ("replicate", "manifold", "point", "channel", "height", "width")


def select_indices(predictions, labels, n_manifolds, n_points, replicates, seed, classes):
    """Return the test-set indices of the selected images.

    From each of the first `n_manifolds` classes, `replicates` disjoint random draws of `n_points`
    images that the network classifies correctly. A class's draw depends on the seed, the class
    and what is classified correctly, on no other class.

    Parameters
    ----------
    predictions, labels : ndarray of int (n_images,)
    n_manifolds, n_points, replicates, seed : int
    classes : list of str

    Returns
    -------
    ndarray of int (replicates, n_manifolds, n_points)

    Raises
    ------
    DataError
        With the class, how many images there are and how many are needed.
    """
    if n_manifolds > len(classes):
        raise DataError(
            f"images.n_manifolds is {n_manifolds}, but the data set has {len(classes)} classes"
        )
    needed = n_points * replicates
    drawn = np.empty((replicates, n_manifolds, n_points), dtype=np.int64)
    for label in range(n_manifolds):
        correct = np.flatnonzero((labels == label) & (predictions == label))
        if len(correct) < needed:
            raise DataError(
                f"class {classes[label]} has {len(correct)} correctly classified test images, but "
                f"images.n_points {n_points} x images.replicates {replicates} needs {needed}; "
                "lower one of them, or train a better network"
            )
        order = generator(seed, "select images", label).permutation(correct)[:needed]
        drawn[:, label] = order.reshape(replicates, n_points)
    return drawn


def perturb_selection(images, indices, condition, seed, model=None):
    """Return selected images under a condition (``family``, ``strength``, ``options``)."""
    n_manifolds = images.shape[1]
    labels = np.broadcast_to(np.arange(n_manifolds)[:, None], indices.shape)
    perturbed = perturb_images(
        condition["family"],
        images.reshape(-1, *images.shape[3:]),
        labels.ravel(),
        indices.ravel(),
        condition["strength"],
        seed=seed,
        model=model,
        **condition["options"],
    )
    return perturbed.reshape(images.shape)


def write_images(path, images, indices, attributes):
    """Write images with their places in the test set; manifold i holds the images of class i.

    Parameters
    ----------
    path : path
        ``*.zarr.zip``.
    images : ndarray, float32 (replicates, n_manifolds, n_points, channels, height, width)
        Pixel units, [0, 1] unless a perturbation does not clip.
    indices : ndarray of int (replicates, n_manifolds, n_points)
    attributes : dict
        Provenance.
    """
    specs = {
        "images": ArraySpec(
            images.shape, "float32", IMAGE_DIMENSIONS, (1, *images.shape[1:]), "pixel, 0 to 1"
        ),
        "indices": ArraySpec(indices.shape, "int64", IMAGE_DIMENSIONS[:3]),
    }
    with create_store(path, specs, attributes) as arrays:
        for replicate, batch in enumerate(images):  # a chunk at a time: stores.create_store
            arrays["images"][replicate] = batch
        arrays["indices"][...] = indices


def read_images(path):
    """Return images and their places in the test set, as :func:`write_images` wrote them."""
    return read_array(path, "images"), read_array(path, "indices")


def read_image(path, number):
    """Return one selected image (channels, height, width) and its place in the test set.

    `number` counts the images in the order replicate, manifold, point.
    """
    images, indices = read_images(path)
    return images.reshape(-1, *images.shape[-3:])[number], int(indices.ravel()[number])
