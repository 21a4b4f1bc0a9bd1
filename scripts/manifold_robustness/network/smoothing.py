"""A smoothed network's answers: how often a network gives a class to an image under noise."""

import logging
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from ..errors import NetworkError
from ..seeds import generator
from .checkpoints import Checkpoint
from .data_sets import gather_images
from .evaluation import classify, told_progress

logger = logging.getLogger(__name__)
BETWEEN_SAVES = 5  # seconds
SELECTION, ESTIMATION = 0, 1  # coordinates of the draws


def count_answers(
    network: nn.Module,
    data: Dataset,
    places: np.ndarray,
    *,
    sigma: float,
    n_selection: int,
    n_estimation: int,
    n_classes: int,
    seed: int,
    device: torch.device,
    batch_size: int,
    checkpoint: Checkpoint,
    require: Callable[[np.ndarray, np.ndarray], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Return each image's most frequent class under noise, and how often fresh noise gives it.

    The certificate's two steps (Cohen, Rosenfeld & Kolter, ICML 2019, algorithm "Certify"): a few
    draws choose the class, others are counted, so that the count knows nothing of the choice. An
    image's draws are standard normal numbers that depend on the seed, its place in the data set and
    the step only, times sigma; pixels are not clipped.

    Parameters
    ----------
    network
        In evaluation mode, on `device`.
    data
        Of (image, label), pixels in [0, 1].
    places : int (n_images,)
        Of the images in the data set.
    sigma
        Standard deviation of the noise, in pixel units.
    n_selection, n_estimation
        Draws of each image that choose its class, and that are counted.
    n_classes
        Of the network.
    seed, device
    batch_size
        Draws per forward pass.
    checkpoint
        Holds the images that are done, from which a stopped job goes on. It stays.
    require
        Is called with images and their places, and raises where they are not what they were.

    Returns
    -------
    chosen, count : int (n_images,)

    Raises
    ------
    NetworkError
        Where the network's answer is not finite, or is none of the classes.
    """
    found = _resumed(checkpoint, len(places))
    settings = {"network": network, "device": device, "batch_size": batch_size, "sigma": sigma}
    draws = n_selection + n_estimation
    saved = time.monotonic()
    with told_progress(draws * (len(places) - len(found)), "draw") as progress:
        for place in places[len(found) :].tolist():
            gathered = gather_images(data, np.array([place]))
            require(gathered, np.array([place]))
            image = torch.from_numpy(gathered).to(device)
            counts = [
                _count(image, n, generator(seed, "smoothing", place, step), n_classes, **settings)
                for step, n in ((SELECTION, n_selection), (ESTIMATION, n_estimation))
            ]
            chosen = int(counts[SELECTION].argmax())
            found.append((chosen, int(counts[ESTIMATION][chosen])))
            progress(draws)
            if time.monotonic() - saved > BETWEEN_SAVES:
                checkpoint.save({"found": found})
                saved = time.monotonic()
    chosen, count = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return chosen, count


def _resumed(checkpoint, n_images):
    """What a stopped job had found of the first images."""
    state = checkpoint.load()
    if state is None:
        return []
    logger.info("going on after %d of %d images", len(state["found"]), n_images)
    return [tuple(one) for one in state["found"]]


def _count(image, n, random, n_classes, *, network, device, batch_size, sigma):
    """How often the network gives each class to an image under so many draws of noise."""
    counts = np.zeros(n_classes, dtype=np.int64)
    for start in range(0, n, batch_size):
        shape = (min(batch_size, n - start), *image.shape[1:])
        noise = torch.from_numpy(random.standard_normal(shape, dtype=np.float32)).to(device)
        answers = classify(network, noise.mul_(sigma).add_(image), device)
        if answers.max() >= n_classes:
            raise NetworkError(
                f"Need answers out of the {n_classes} classes of the data set. Got the class "
                f"{answers.max()}, counted from 0; build the network with {n_classes} outputs."
            )
        counts += np.bincount(answers, minlength=n_classes)
    return counts
