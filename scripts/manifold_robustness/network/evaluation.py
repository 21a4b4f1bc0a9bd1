"""What a network answers to test images under a condition, and the images that it saw."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..conditions import Condition
from ..errors import DataError, NetworkError
from ..image_sums import image_sums
from ..perturbations.apply import perturb_batch
from ..perturbations.watching import watched
from ..seeds import generator
from .data_sets import gather_images, labels_of

logger = logging.getLogger(__name__)
BETWEEN_REPORTS = 60  # seconds


@dataclass(frozen=True)
class KeptImages:
    """Images as a network saw them, and what it answered.

    Attributes
    ----------
    images : ndarray, float32 (replicates, n_manifolds, n_points, channels, height, width)
        Of several draws, n_points counts these.
    predictions : ndarray of int (replicates, n_manifolds, n_points)
    image_sums : ndarray of uint8, shape (kept.size, 32)
        The SHA-256 of each image as the data set has it.
    """

    images: np.ndarray
    predictions: np.ndarray
    image_sums: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """A network's answers to images of a data set, and those images that were to be kept.

    Attributes
    ----------
    predictions, labels : ndarray of int, shape (n_images,)
    indices : ndarray of int, shape (n_images,)
        The images' places in the data set, ascending.
    image_sums : ndarray of uint8, shape (n_images, 32)
        The SHA-256 of each image as the data set has it.
    kept : KeptImages or None
    seen : dict
        What was seen of a perturbation (:meth:`~..perturbations.watching.Watch.record`).
    """

    predictions: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    image_sums: np.ndarray
    kept: KeptImages | None = None
    seen: dict[str, float | int] = field(default_factory=dict)


def predict(network: nn.Module, data: Dataset, batch_size: int, device: torch.device) -> Evaluation:
    """Return a network's predictions for every image of a data set, as it is.

    Parameters
    ----------
    network
        In evaluation mode, on `device`.
    data
        Of (image, label).
    batch_size
        Images per forward pass.

    Raises
    ------
    NetworkError
        Where the network's answer to an image is not finite.
    """
    answers = [
        (classify(network, images, device), labels.numpy(), image_sums(images.numpy()))
        for images, labels in DataLoader(data, batch_size=batch_size)
    ]
    predictions, labels, sums = map(np.concatenate, zip(*answers, strict=True))
    return Evaluation(predictions, labels, np.arange(len(labels)), sums)


def perturb_and_predict(
    network: nn.Module,
    data: Dataset,
    condition: Condition,
    kept: np.ndarray,
    evaluated: np.ndarray,
    *,
    seed: int,
    device: torch.device,
    perturbation_batch: int,
    batch_size: int,
    draws: int = 1,
    attacked: nn.Module | None = None,
) -> Evaluation:
    """Return a network's predictions for images of a data set under a condition.

    Each image that is evaluated or kept is perturbed once, no other. Of scope ``set``, the
    replicates of the kept images are sets, and the other images are cut into sets by the seed
    (:func:`cut_into_sets`). Of several `draws`, the first is the one that is evaluated, and the
    kept images are perturbed by the others too.

    Parameters
    ----------
    network
        In evaluation mode, on `device`.
    data
        Of (image, label).
    condition
        Not clean.
    kept : int (replicates, n_manifolds, n_points)
        Places of the images to return.
    evaluated : int (n_images,)
        Places of the images that the evaluation is of, ascending.
    seed, device, perturbation_batch
        See :func:`~manifold_robustness.perturbations.apply.perturb_batch`.
    batch_size
        Images per forward pass of the prediction.
    draws
        Of each kept image; beyond 1 for a `kept` with one point per manifold and a family of scope
        ``image``. The draw m >= 1 has the coordinate m, the draw 0 none.
    attacked
        The network that the perturbation gets, where it is another than the one that answers.

    Raises
    ------
    DataError
        Where the perturbation is not what its family declares, and where two draws are the same.
    NetworkError
        Where the network's answer to an image is not finite.
    """
    settings = {"seed": seed, "device": device, "batch_size": perturbation_batch}
    attacked = network if attacked is None else attacked
    labels = labels_of(data)
    predictions = np.full(len(labels), -1)
    sums = np.zeros((len(labels), 32), np.uint8)
    images: dict[int, np.ndarray] = {}
    wanted = set(kept.ravel().tolist())
    batches = list(
        cut_into_sets(labels, kept, seed, evaluated)
        if condition.scope == "set"
        else _batches(np.union1d(evaluated, kept), batch_size)
    )
    n_images = sum(indices.size for indices, _ in batches)  # more than there are, where filled up
    n_images += (draws - 1) * kept.size
    with watched(condition.name) as watch, told_progress(n_images) as progress:
        settings["progress"] = progress
        for indices, counted in batches:
            clean = torch.from_numpy(gather_images(data, indices))
            sums[indices.ravel()] = image_sums(clean.reshape(-1, *clean.shape[-3:]).numpy())
            truth = torch.from_numpy(labels[indices])
            perturbed = perturb_batch(condition, clean, truth, indices, attacked, **settings)
            perturbed = perturbed.reshape(-1, *perturbed.shape[-3:])
            answers = [classify(network, part, device) for part in perturbed.split(batch_size)]
            chosen = counted.ravel()
            places = indices.ravel()[chosen]
            predictions[places] = np.concatenate(answers)[chosen]
            for place, image in zip(places.tolist(), perturbed[chosen].numpy(), strict=True):
                if place in wanted:
                    images[place] = image.copy()
        places = kept.ravel()
        found = [(np.stack([images[place] for place in places.tolist()]), predictions[places])]
        batches = [indices for indices, _ in _batches(places, batch_size)]
        for draw in range(1, draws):
            again = {**settings, "coordinates": (draw,)}
            parts = [
                _perturb_again(network, attacked, data, condition, part, again) for part in batches
            ]
            found.append(tuple(map(np.concatenate, zip(*parts, strict=True))))
    seen, answers = (
        np.stack(part, axis=1).reshape(*kept.shape[:2], -1, *part[0].shape[1:])
        for part in zip(*found, strict=True)
    )
    if draws > 1:
        _require_draws(seen, places, condition)
    return Evaluation(
        predictions[evaluated],
        labels[evaluated],
        evaluated,
        sums[evaluated],
        KeptImages(seen, answers, sums[places]),
        watch.record(),
    )


def cut_into_sets(
    labels: np.ndarray, kept: np.ndarray, seed: int, evaluated: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give sets of manifolds that hold every image that is kept or evaluated once.

    The replicates of `kept` come first. The images left of each class are shuffled by the seed and
    cut into manifolds of n_points, as many classes at a time as `kept` has, in the order of their
    labels; what is missing in the last ones is filled up with images of the same class, and with
    the first classes, whose results don't count.

    Parameters
    ----------
    labels : int (n_images,)
        Of all images of the data set.
    kept : int (replicates, n_manifolds, n_points)
    seed
    evaluated : int (n_evaluated,)
        Places of the images that are evaluated; all of them by default.

    Yields
    ------
    indices : int (n_manifolds, n_points)
    counted : bool (n_manifolds, n_points)

    Examples
    --------
    >>> labels = np.array([0, 0, 0, 1, 1, 1])
    >>> sets = list(cut_into_sets(labels, np.array([[[0, 1], [3, 4]]]), seed=0))
    >>> [(indices.tolist(), int(counted.sum())) for indices, counted in sets][0]
    ([[0, 1], [3, 4]], 4)
    >>> sorted(int(i) for indices, counted in sets for i in indices[counted])
    [0, 1, 2, 3, 4, 5]
    """
    n_manifolds, n_points = kept.shape[1:]
    asked = (
        np.ones(len(labels), bool) if evaluated is None else np.isin(range(len(labels)), evaluated)
    )
    asked[kept] = False
    for replicate in kept:
        yield replicate, np.ones(replicate.shape, dtype=bool)
    members, left = {}, {}
    for label in np.unique(labels).tolist():
        order = generator(seed, "sets", label).permutation(np.flatnonzero(labels == label))
        members[label], left[label] = order, order[asked[order]]
    classes = list(members)
    for first in range(0, len(classes), n_manifolds):
        block = classes[first : first + n_manifolds]
        n_sets = max(-(-len(left[label]) // n_points) for label in block)
        filled = (block + classes * n_manifolds)[:n_manifolds]
        for start in range(0, n_sets * n_points, n_points):
            own = [left[label][start : start + n_points] for label in filled]
            counted = [
                (np.arange(n_points) < len(part)) & (place < len(block))
                for place, part in enumerate(own)
            ]
            indices = [
                _filled_up(part, members[label], n_points)
                for part, label in zip(own, filled, strict=True)
            ]
            yield np.stack(indices), np.stack(counted)


def classify(network: nn.Module, images: torch.Tensor, device: torch.device) -> np.ndarray:
    """Return the classes that a network answers with, int (n_images,).

    Raises
    ------
    NetworkError
        Where an answer is not finite.
    """
    with torch.inference_mode():
        outputs = network(images.to(device))
    _require_finite(outputs)
    return outputs.argmax(1).cpu().numpy()


@contextmanager
def told_progress(total: int, unit: str = "image") -> Iterator[Callable[[int], None]]:
    """Give what counts images, or what else is named: a bar, and a line a minute in the log."""
    start = reported = time.monotonic()
    done = 0
    with tqdm(total=total, unit=unit, disable=None, leave=False) as bar:

        def add(count):
            nonlocal done, reported
            done += count
            bar.update(count)
            now = time.monotonic()
            if now - reported > BETWEEN_REPORTS:
                rate = done / (now - start)
                logger.info("%d of %d %ss, %.1f a second", done, total, unit, rate)
                reported = now

        yield add


def _perturb_again(network, attacked, data, condition, indices, settings):
    """Images at some places under a further draw of their perturbation, and the answers to them."""
    clean, labels = gather_images(data, indices), labels_of(data)[indices]
    given = condition, torch.from_numpy(clean), torch.from_numpy(labels), indices, attacked
    perturbed = perturb_batch(*given, **settings)
    return perturbed.numpy(), classify(network, perturbed, settings["device"])


def _require_draws(seen, places, condition):
    """No two draws of an image may be the same, as where all starts lead to one corner."""
    manifolds = seen.reshape(-1, *seen.shape[2:])
    for place, draws in zip(places.tolist(), manifolds, strict=True):
        distinct = len({draw.tobytes() for draw in draws})
        if distinct < len(draws):
            raise DataError(
                f"Need draws that differ, for an exemplar manifold. Got {distinct} different ones "
                f"of {len(draws)} of the test image {place} under {condition.name}: from all "
                f"starts {condition.perturbation} ends at the same place. Give it fewer or shorter "
                "steps, or leave it out."
            )


def _filled_up(part, members, n_points):
    """So many images of a class, those of `part` first, none twice where the class has enough."""
    others = members[~np.isin(members, part)]
    return np.resize(np.concatenate([part, others]), n_points)


def _batches(places, batch_size):
    for start in range(0, len(places), batch_size):
        indices = places[start : start + batch_size]
        yield indices, np.ones(len(indices), dtype=bool)


def _require_finite(outputs):
    bad = int((~torch.isfinite(outputs).all(1)).sum())
    if bad:
        raise NetworkError(
            f"Need finite outputs of the network. Got {bad} of {len(outputs)} images whose outputs "
            "are not; look for an overflow or a division by zero in it."
        )
