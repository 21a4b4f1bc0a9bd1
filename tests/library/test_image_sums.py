"""The test images are known by their checksums, and compared."""

import numpy as np
import pytest

from manifold_robustness.errors import DataError
from manifold_robustness.image_sums import (
    image_sums,
    require_same_images,
    require_same_number,
    sum_of_set,
)

IMAGES = np.random.default_rng(0).random((3, 1, 4, 4), dtype=np.float32)


def test_a_sum_is_of_one_image_alone():
    sums = image_sums(IMAGES)
    assert sums.shape == (3, 32) and len(np.unique(sums, axis=0)) == 3
    changed = IMAGES.copy()
    changed[1, 0, 0, 0] = np.nextafter(changed[1, 0, 0, 0], 1)
    assert (image_sums(changed) == sums).all(1).tolist() == [True, False, True]
    assert np.array_equal(image_sums(IMAGES[::-1]), sums[::-1])  # however they lie in memory


def test_the_sum_of_a_set_is_of_images_and_labels_in_order():
    sums = image_sums(IMAGES)
    found = {
        sum_of_set(sums, np.array([0, 1, 2])),
        sum_of_set(sums, np.array([0, 2, 1])),
        sum_of_set(sums[::-1], np.array([0, 1, 2])),
    }
    assert len(found) == 3
    assert sum_of_set(sums, np.array([0, 1, 2], np.int32)) in found


def test_images_that_changed_since_are_refused_with_what_to_do():
    sums = image_sums(IMAGES)
    require_same_images(sums, sums, "clean.h5")
    other = sums.copy()
    other[2, 0] ^= 1
    with pytest.raises(DataError, match=r"Got 1 others in the data set.*rm -f 'clean\.h5'"):
        require_same_images(other, sums, "clean.h5")
    with pytest.raises(DataError, match="Got 2 others"):
        require_same_images(sums[:2], sums, "clean.h5")
    require_same_number(3, 3, "clean.h5")
    with pytest.raises(DataError, match=r"Got 4 images .* instead of 3, which .*rm -f 'clean\.h5'"):
        require_same_number(4, 3, "clean.h5")
