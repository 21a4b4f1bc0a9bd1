"""The stores of images: P manifolds x M points under a condition, in disjoint draws."""

from pathlib import Path

import numpy as np

from ..lineage import Origin
from .stores import ArraySpec, create_store, read_store

IMAGE_DIMENSIONS = ("replicate", "manifold", "point", "channel", "height", "width")
# Attributes that are the same under every condition; the last one is of exemplar manifolds only.
MANIFOLDS = ("classes", "manifold_class", "image_index")


def write_images(
    path: str | Path,
    images: np.ndarray,
    indices: np.ndarray,
    predictions: np.ndarray,
    origin: Origin,
    attributes: dict,
) -> None:
    """Write images with their places in the test set, and what the network takes them for.

    Parameters
    ----------
    path : path
        ``*.zarr.zip``.
    images : ndarray, float32 (replicates, n_manifolds, n_points, channels, height, width)
        Pixel units, [0, 1] unless a perturbation does not clip.
    indices, predictions : ndarray of int (replicates, n_manifolds, n_points)
    origin : Origin
        The store's network and condition, and what it was made from.
    attributes : dict
        What else describes it: what :func:`~manifold_robustness.selection.name_manifolds` says of
        the manifolds, and the perturbation in full.
    """
    specs = {
        "images": ArraySpec(
            images.shape, "float32", IMAGE_DIMENSIONS, (1, *images.shape[1:]), "pixel, 0 to 1"
        ),
        "indices": ArraySpec(indices.shape, "int64", IMAGE_DIMENSIONS[:3]),
        "predictions": ArraySpec(predictions.shape, "int64", IMAGE_DIMENSIONS[:3]),
    }
    with create_store(path, specs, origin, attributes) as arrays:
        for replicate, batch in enumerate(images):  # a chunk at a time: stores.create_store
            arrays["images"][replicate] = batch
        arrays["indices"][...] = indices
        arrays["predictions"][...] = predictions


def describe_manifolds(attributes: dict) -> dict:
    """Return of a store's attributes those that say what its manifolds are."""
    return {key: attributes[key] for key in MANIFOLDS if key in attributes}


def read_images(path: str | Path, wanted: Origin) -> tuple[np.ndarray, np.ndarray, dict]:
    """Return images, their places in the test set, and the store's attributes.

    Raises
    ------
    StoreError
        For a store that is missing, damaged, or not of the origin `wanted`; says how to rebuild it.
    """
    (images, indices), attributes = read_store(path, ["images", "indices"], wanted)
    return images, indices, attributes


def read_indices(path: str | Path, wanted: Origin) -> tuple[np.ndarray, dict]:
    """Return the places of the selected images in the test set, and the store's attributes."""
    (indices,), attributes = read_store(path, ["indices"], wanted)
    return indices, attributes


def read_answers(path: str | Path, wanted: Origin) -> tuple[np.ndarray, np.ndarray, dict]:
    """Return images, the classes that the network takes them for, and the store's attributes."""
    (images, predictions), attributes = read_store(path, ["images", "predictions"], wanted)
    return images, predictions, attributes
