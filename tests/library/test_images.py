"""Selected images: disjoint draws of correctly classified ones; their perturbation and stores."""

import resource
import time

import numpy as np
import pytest

from manifold_robustness.errors import DataError, StoreError
from manifold_robustness.images import (
    perturb_selection,
    read_image,
    read_images,
    select_indices,
    write_images,
)
from manifold_robustness.perturbations.gaussian import perturb
from manifold_robustness.stores import read_attributes

RNG = np.random.default_rng(0)
LABELS = RNG.permutation(np.repeat(np.arange(4), 50))
WRONG = RNG.choice(200, 30, replace=False)
PREDICTIONS = np.where(np.isin(np.arange(200), WRONG), (LABELS + 1) % 4, LABELS)
CLASSES = ["cat", "dog", "hen", "ox"]
CONDITION = {
    "family": "gaussian",
    "strength": 0.2,
    "options": {"parameterization": "standard_deviation", "clip": False},
}


def select(predictions=PREDICTIONS, labels=LABELS, **changes):
    settings = {"n_manifolds": 3, "n_points": 5, "replicates": 4, "seed": 42, "classes": CLASSES}
    return select_indices(predictions, labels, **{**settings, **changes})


def test_only_correct_images_of_the_right_class_and_none_twice():
    indices = select()
    assert indices.shape == (4, 3, 5)
    assert len(set(indices.ravel())) == indices.size
    assert not set(indices.ravel()) & set(WRONG)
    for label in range(3):
        assert (LABELS[indices[:, label]] == label).all()


def test_the_draw_is_random_and_follows_the_seed():
    assert np.array_equal(select(), select())
    assert not np.array_equal(select(), select(seed=43))
    first = select()[0, 0]
    assert not np.array_equal(first, np.sort(first))


def test_a_class_depends_on_no_other_class():
    others = np.where(LABELS == 1, PREDICTIONS, (LABELS + 2) % 4 * (LABELS != 0))
    assert np.array_equal(select(others, n_manifolds=2)[:, 1], select()[:, 1])
    assert np.array_equal(select(n_manifolds=2), select()[:, :2])


def test_more_replicates_extend_fewer():
    assert np.array_equal(select(replicates=2), select()[:2])


def test_all_correct_images_may_be_used_and_no_more():
    counts = np.bincount(LABELS[PREDICTIONS == LABELS])
    least = int(counts[:3].min())
    assert select(n_points=least, replicates=1).shape == (1, 3, least)
    short = int(np.flatnonzero(counts[:3] == least)[0])
    with pytest.raises(DataError) as caught:
        select(n_points=least + 1, replicates=1)
    message = str(caught.value)
    assert f"class {CLASSES[short]} has {least} correctly classified" in message
    assert f"needs {least + 1}" in message and "images.n_points" in message


def test_more_manifolds_than_classes_are_refused():
    with pytest.raises(DataError, match="n_manifolds is 5, but the data set has 4 classes"):
        select(n_manifolds=5)


def test_a_selection_is_perturbed_by_each_image_s_own_place():
    indices = select()
    images = RNG.random((*indices.shape, 3, 2, 2), dtype=np.float32)
    perturbed = perturb_selection(images, indices, CONDITION, seed=7)
    assert perturbed.shape == images.shape
    one = perturb(
        images[2, 1, 3][None], [1], [indices[2, 1, 3]], 0.2, seed=7, **CONDITION["options"]
    )
    assert np.array_equal(perturbed[2, 1, 3], one[0])


def test_the_family_is_told_the_class_of_each_image(monkeypatch):
    seen = {}

    def family(name, images, labels, indices, strength, **options):
        seen.update(labels=labels, indices=indices, model=options["model"])
        return images

    monkeypatch.setattr("manifold_robustness.images.perturb_images", family)
    indices = select()
    perturb_selection(np.zeros((*indices.shape, 1, 2, 2)), indices, CONDITION, 7, model="network")
    assert np.array_equal(seen["labels"], LABELS[indices].ravel())
    assert np.array_equal(seen["indices"], indices.ravel()) and seen["model"] == "network"


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
