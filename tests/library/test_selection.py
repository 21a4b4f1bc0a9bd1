"""Selected images: disjoint draws of usable ones."""

import numpy as np
import pytest

from manifold_robustness.errors import DataError
from manifold_robustness.selection import choose_evaluated, name_manifolds, select_indices

RNG = np.random.default_rng(0)
LABELS = RNG.permutation(np.repeat(np.arange(4), 50))
WRONG = RNG.choice(200, 30, replace=False)
USABLE = ~np.isin(np.arange(200), WRONG)
CLASSES = ["cat", "dog", "hen", "ox"]


def select(usable=USABLE, **changes):
    settings = {"n_manifolds": 3, "n_points": 5, "replicates": 4, "seed": 42, "classes": CLASSES}
    return select_indices(usable, LABELS, **{**settings, **changes})


def test_only_usable_images_of_the_right_class_and_none_twice():
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


def test_the_first_images_of_a_class_are_those_that_stand_first():
    indices = select(order="first")
    for label in range(3):
        there = np.flatnonzero((label == LABELS) & USABLE)
        assert np.array_equal(indices[:, label].ravel(), there[:20])


def test_exemplars_are_images_of_any_class_and_none_twice():
    """In the order of the draw: whatever the number of points."""
    indices = select(manifolds="exemplar", n_manifolds=20, n_points=1000)
    assert indices.shape == (4, 20, 1) and len(set(indices.ravel())) == 80
    assert not set(indices.ravel()) & set(WRONG)
    assert len(set(LABELS[indices[0].ravel()])) == 4
    again = select(manifolds="exemplar", n_manifolds=20, n_points=2)
    assert np.array_equal(indices, again)
    other = select(manifolds="exemplar", n_manifolds=20, seed=43)
    assert not np.array_equal(indices, other)
    first = select(manifolds="exemplar", n_manifolds=20, order="first")
    assert np.array_equal(first.ravel(), np.flatnonzero(USABLE)[:80])
    words = r"has 170 test images that may .* 50 x images\.replicates 4 exemplars need 200"
    with pytest.raises(DataError, match=words):
        select(manifolds="exemplar", n_manifolds=50)


def test_a_store_says_what_its_manifolds_are():
    indices = np.array([[[7], [3]], [[5], [9]]])
    labels = np.array([0, 0, 0, 3, 0, 1, 0, 2, 0, 3])
    said = name_manifolds(indices, labels, CLASSES, "exemplar")
    assert said == {
        "classes": CLASSES,
        "manifold_class": [["hen", "ox"], ["dog", "ox"]],
        "image_index": [[7, 3], [5, 9]],
    }
    assert "image_index" not in name_manifolds(indices, labels, CLASSES)


def test_the_evaluated_images_are_one_random_order_s_first():
    some = [choose_evaluated(200, count, seed=3) for count in (1, 40, 41, 199)]
    for count, fewer, more in zip((1, 40, 41), some, some[1:], strict=False):
        assert len(fewer) == count == len(set(fewer)) and set(fewer) < set(more)
        assert np.array_equal(fewer, np.sort(fewer))
    assert not np.array_equal(some[1], np.arange(40))
    assert not np.array_equal(some[1], choose_evaluated(200, 40, seed=4))
    for count in (None, 200, 201):
        assert np.array_equal(choose_evaluated(200, count, seed=3), np.arange(200))


def test_a_class_depends_on_no_other_class():
    others = np.where(LABELS == 1, USABLE, LABELS == 0)
    assert np.array_equal(select(others, n_manifolds=2)[:, 1], select()[:, 1])
    assert np.array_equal(select(n_manifolds=2), select()[:, :2])


def test_more_replicates_extend_fewer():
    assert np.array_equal(select(replicates=2), select()[:2])


def test_all_usable_images_may_be_used_and_no_more():
    counts = np.bincount(LABELS[USABLE])
    least = int(counts[:3].min())
    assert select(n_points=least, replicates=1).shape == (1, 3, least)
    short = int(np.flatnonzero(counts[:3] == least)[0])
    with pytest.raises(DataError) as caught:
        select(n_points=least + 1, replicates=1)
    message = str(caught.value)
    assert f"class {CLASSES[short]} has {least} test images that may be selected" in message
    assert f"needs {least + 1}" in message and "images.n_points" in message


def test_more_manifolds_than_classes_are_refused():
    with pytest.raises(DataError, match="n_manifolds is 5, but the data set has 4 classes"):
        select(n_manifolds=5)
