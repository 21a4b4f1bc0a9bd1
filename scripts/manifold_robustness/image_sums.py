"""The test images of a run are the same in all of its jobs: known by checksums, compared.

A data set may change between two jobs: files that are replaced keep their names, and perhaps their
dates. What was evaluated, selected and perturbed must be the very same images.
"""

import hashlib
from pathlib import Path

import numpy as np

from .errors import DataError


def image_sums(images: np.ndarray) -> np.ndarray:
    """Return the SHA-256 of each image, uint8 (n_images, 32).

    >>> image_sums(np.zeros((2, 3, 4, 4), np.float32)).shape
    (2, 32)
    """
    sums = [hashlib.sha256(np.ascontiguousarray(image)).digest() for image in images]
    return np.frombuffer(b"".join(sums), np.uint8).reshape(len(sums), 32)


def sum_of_set(sums: np.ndarray, labels: np.ndarray) -> str:
    """Return the SHA-256 of a test set, of its images' sums and of its labels."""
    return hashlib.sha256(sums.tobytes() + np.asarray(labels, dtype="<i8").tobytes()).hexdigest()


def require_same_images(found: np.ndarray, known: np.ndarray, answers: str | Path) -> None:
    """Raise :class:`DataError` where images are not those that a network was evaluated on.

    Parameters
    ----------
    found, known : ndarray of uint8 (n_images, 32)
        The images' SHA-256 now, and as the file of answers has them.
    answers
        That file, which knows the images as they were.
    """
    if found.shape == known.shape and np.array_equal(found, known):
        return
    other = len(found) if found.shape != known.shape else int((found != known).any(1).sum())
    raise _changed(f"{other} others in the data set", answers)


def require_known_images(
    images: np.ndarray, places: np.ndarray, known: np.ndarray, answers: str | Path
) -> None:
    """Raise :class:`DataError` where images at some places of the data set are not as they were.

    Parameters
    ----------
    images : ndarray (n_images, channels, height, width)
    places : ndarray of int (n_images,)
    known : ndarray of uint8 (n_there, 32)
        The SHA-256 of all images of the data set, as the file of answers has them.
    answers
        That file.
    """
    require_same_images(image_sums(images), known[places], answers)


def require_same_number(found: int, known: int, answers: str | Path) -> None:
    """Raise :class:`DataError` where the data set has other numbers of images than it had."""
    if found != known:
        raise _changed(f"{found} images in the data set instead of {known}", answers)


def _changed(what, answers):
    return DataError(
        f"Need the test images that the network was evaluated on for {answers}. Got {what}, which "
        "has changed since. Put it back as it was or, to use it as it is "
        f"now, remove that file with: rm -f '{answers}', then give the same command again: "
        "everything after the training is made anew."
    )
