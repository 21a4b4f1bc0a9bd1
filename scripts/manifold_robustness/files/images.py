"""The stores of images: P classes x M test images under a condition, in disjoint draws."""

from pathlib import Path

import numpy as np

from .stores import ArraySpec, create_store, read_array

IMAGE_DIMENSIONS = ("replicate", "manifold", "point", "channel", "height", "width")


def write_images(
    path: str | Path, images: np.ndarray, indices: np.ndarray, attributes: dict
) -> None:
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


def read_images(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Return images and their places in the test set, as :func:`write_images` wrote them."""
    return read_array(path, "images"), read_array(path, "indices")


def read_image(path: str | Path, number: int) -> tuple[np.ndarray, int]:
    """Return one selected image (channels, height, width) and its place in the test set.

    `number` counts the images in the order replicate, manifold, point.
    """
    images, indices = read_images(path)
    return images.reshape(-1, *images.shape[-3:])[number], int(indices.ravel()[number])
