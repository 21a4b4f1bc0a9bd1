"""The handwritten digits that scikit-learn carries: 1,797 images of 8 x 8 pixels, ten classes."""

import numpy as np
import torch

from ...seeds import generator
from .arrays import ArrayImages, resized
from .splits import SPLITS

DECLARATION = {
    "title": "scikit-learn's handwritten digits",
    "settings": [],
    "options": {"properties": {}},
    "n_classes": 10,
    "n_test": 100,
}
N_TEST, N_VALIDATION, SEED = 100, 15, 0  # per class; the rest is for training


def class_names(settings: dict) -> list[str]:
    """Return the names of the classes, in the order of their labels."""
    return [str(digit) for digit in range(10)]


def load(settings: dict, split: str) -> ArrayImages:
    """Return one split, the same for every configuration, with three equal channels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    parts = ([], [], [])
    for label in range(10):
        members = np.flatnonzero(bunch.target == label)
        members = generator(SEED, "digits split", label).permutation(members)
        held_out = N_TEST + N_VALIDATION
        for part, chosen in zip(
            parts,
            (members[held_out:], members[N_TEST:held_out], members[:N_TEST]),
            strict=True,
        ):
            part.extend(chosen)
    chosen = np.sort(parts[SPLITS.index(split)])
    images = torch.as_tensor(bunch.images[chosen] / 16, dtype=torch.float32)[:, None]
    return ArrayImages(
        resized(images, settings["image_size"]).repeat(1, 3, 1, 1), bunch.target[chosen]
    )
