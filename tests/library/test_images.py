"""The stores of images."""

import resource
import time

import numpy as np
import pytest

from manifold_robustness.errors import StoreError
from manifold_robustness.files.images import read_answers, read_images, read_indices, write_images
from manifold_robustness.lineage import Origin

RNG = np.random.default_rng(0)
ORIGIN = Origin("small", "clean", lineage={"small": {}})
CLASSES = ["cat", "dog", "hen", "ox"]


def test_stores_of_images(tmp_path):
    path = tmp_path / "clean.zarr.zip"
    indices = np.arange(12).reshape(2, 3, 2) * 7
    images = RNG.random((2, 3, 2, 3, 4, 4), dtype=np.float32)
    predictions = indices % 4
    write_images(path, images, indices, predictions, ORIGIN, {"classes": CLASSES})
    read, places, attributes = read_images(path, ORIGIN)
    assert read.dtype == np.float32 and places.dtype == np.int64
    assert np.array_equal(read, images) and np.array_equal(places, indices)
    assert attributes["classes"] == CLASSES
    places, same = read_indices(path, ORIGIN)
    assert np.array_equal(places, indices) and same == attributes
    read, answers, same = read_answers(path, ORIGIN)
    assert np.array_equal(read, images) and same == attributes
    assert np.array_equal(answers, predictions) and answers.dtype == np.int64


@pytest.mark.parametrize("read", [read_images, read_indices, read_answers])
def test_images_of_another_condition_are_refused(tmp_path, read):
    path = tmp_path / "clean.zarr.zip"
    images, indices = np.zeros((1, 1, 1, 3, 4, 4), np.float32), np.zeros((1, 1, 1), int)
    write_images(path, images, indices, indices, ORIGIN, {"classes": CLASSES})
    with pytest.raises(StoreError, match="of the condition clean; remove it"):
        read(path, ORIGIN.at(condition="gaussian/sigma-1"))


def test_a_full_disk_leaves_nothing_of_several_replicates(tmp_path):
    """Zarr would write further chunks, into a file of its own making, after one has failed."""
    images = RNG.random((6, 5, 20, 3, 8, 8), dtype=np.float32)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(StoreError, match="no room to write"):
            write_images(tmp_path / "x", images, *[np.zeros((6, 5, 20), int)] * 2, ORIGIN, {})
        time.sleep(0.5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
