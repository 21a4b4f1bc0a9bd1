"""The stores of images."""

import resource
import time

import numpy as np
import pytest

from manifold_robustness.errors import StoreError
from manifold_robustness.files.images import read_image, read_images, write_images
from manifold_robustness.files.stores import read_attributes

RNG = np.random.default_rng(0)
CLASSES = ["cat", "dog", "hen", "ox"]


def test_stores_of_images(tmp_path):
    path = tmp_path / "clean.zarr.zip"
    indices = np.arange(12).reshape(2, 3, 2) * 7
    images = RNG.random((2, 3, 2, 3, 4, 4), dtype=np.float32)
    write_images(path, images, indices, {"classes": CLASSES})
    read, places = read_images(path)
    assert read.dtype == np.float32 and places.dtype == np.int64
    assert np.array_equal(read, images) and np.array_equal(places, indices)
    assert read_attributes(path)["classes"] == CLASSES
    image, place = read_image(path, 9)  # replicate 1, manifold 1, point 1
    assert np.array_equal(image, images[1, 1, 1]) and place == 63


def test_a_full_disk_leaves_nothing_of_several_replicates(tmp_path):
    """Zarr would write further chunks, into a file of its own making, after one has failed."""
    images = RNG.random((6, 5, 20, 3, 8, 8), dtype=np.float32)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(StoreError, match="no room to write"):
            write_images(tmp_path / "x", images, np.zeros((6, 5, 20), int), {})
        time.sleep(0.5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
