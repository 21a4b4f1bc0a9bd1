"""The one function that perturbs, for every stage: evaluation, selected images, training."""

import importlib
from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from ..conditions import Condition
from ..conventions import SLACK
from ..errors import DataError, NetworkError
from .draws import Draws
from .projections import norms
from .watching import see_images, watched


def perturb_batch(
    condition: Condition,
    images: torch.Tensor,
    labels: torch.Tensor,
    indices: np.ndarray,
    network: nn.Module | None,
    *,
    seed: int,
    device: torch.device,
    batch_size: int,
    coordinates: tuple[int, ...] = (),
    progress: Callable[[int], object] | None = None,
) -> torch.Tensor:
    """Return images under a condition: on the CPU, float32, checked.

    Kernels add in another order at another shape of a batch, and an attack turns a last bit into a
    step. So images go to the family in chunks of one fixed size, the last one filled up: then an
    image's perturbation is the same to the last bit in any order and company on one machine.

    Parameters
    ----------
    condition
        Of scope ``image`` or ``set``, not clean.
    images : float32
        (n, channels, height, width); of scope ``set`` one set (n_manifolds, n_points, channels,
        height, width), which the family gets as a whole. Pixels in [0, 1].
    labels : int64
        (n,) or (n_manifolds, n_points).
    indices
        The images' places in their data set, shaped as `labels`.
    network
        On `device`; the family gets it where it wants it, in evaluation mode with frozen
        parameters.
    seed
        The run's.
    device
        Where the family computes.
    batch_size
        Images of a chunk.
    coordinates
        What tells draws apart for all images, see :class:`~.draws.Draws`.
    progress
        Gets the number of images that were perturbed, after each chunk.

    Raises
    ------
    DataError
        For images outside of [0, 1], and where the family returns another shape, a value that is
        not finite, more than its budget, or pixels outside of the range that it declares.
    NetworkError
        Where the family wants a network and there is none, or none that can be attacked.

    Examples
    --------
    >>> noise = Condition("gaussian/sigma-0.1", "gaussian", "gaussian", 0.1,
    ...                   {"parameterization": "standard_deviation", "clip": True})
    >>> grey = torch.full((3, 1, 4, 4), 0.5)
    >>> settings = {"seed": 0, "device": torch.device("cpu"), "batch_size": 2}
    >>> together = perturb_batch(noise, grey, torch.zeros(3), np.arange(3), None, **settings)
    >>> alone = perturb_batch(noise, grey[2:], torch.zeros(1), np.array([2]), None, **settings)
    >>> bool((together[2] == alone[0]).all())
    True
    """
    _require_input(condition, images, network)
    family = importlib.import_module(f"{__package__}.{condition.perturbation}")

    def perturb(images, labels, indices, count):
        watch.n_counted = indices[:count].size
        with _frozen(network) if condition.wants_network else torch.no_grad():
            perturbed = family.perturb(
                images.to(device, copy=True),  # a family may work in place
                labels.to(device),
                condition.strength,
                draws=Draws(seed, indices.ravel(), coordinates),
                network=network if condition.wants_network else None,
                **condition.options,
            )
        perturbed = perturbed[:count].detach().to("cpu", torch.float32)
        if progress is not None:
            progress(indices[:count].size)
        return perturbed

    with watched(condition.name) as watch:
        if condition.scope == "set":
            perturbed = perturb(images, labels, indices, len(images))
        else:
            chunks = _chunks(len(images), batch_size)
            perturbed = torch.cat(
                [perturb(images[at], labels[at], indices[at], count) for at, count in chunks]
            )
        _require_shape(condition, images, perturbed)
        low, high, largest = float(perturbed.min()), float(perturbed.max()), None
        if condition.norm is not None:
            largest = float(norms(perturbed - images, condition.norm).max())
        see_images(low, high, largest)
    _require_sound(condition, perturbed, low, high, largest)
    return perturbed


def _chunks(n_images, batch_size):
    """The places of every chunk's images and how many of them count: the last one is filled up."""
    for start in range(0, n_images, batch_size):
        places = np.arange(start, start + batch_size)
        yield np.where(places < n_images, places, start), min(batch_size, n_images - start)


@contextmanager
def _frozen(network):
    """Have a network in evaluation mode, its parameters frozen, and gradients to the pixels."""
    modes = {module: module.training for module in network.modules()}
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network.eval()
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        with torch.enable_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training
        for parameter in trained:
            parameter.requires_grad_(True)


def _require_input(condition, images, network):
    name = condition.name
    if condition.wants_network and network is None:
        raise NetworkError(
            f"Need a network for the family {condition.perturbation} ({name}), which attacks one. "
            "Got none."
        )
    low, high = float(images.min()), float(images.max())
    if not (low >= -SLACK and high <= 1 + SLACK):
        raise DataError(
            f"Need images with pixels from 0 to 1 to perturb ({name}). Got {low:g} to {high:g}; "
            "what normalises them belongs into the network, not the data set."
        )


def _require_shape(condition, images, perturbed):
    if perturbed.shape != images.shape:
        raise DataError(
            f"Need images of shape {tuple(images.shape)} from the family {condition.perturbation} "
            f"({condition.name}). Got shape {tuple(perturbed.shape)}."
        )


def _require_sound(condition, perturbed, low, high, largest):
    name = condition.name
    bad = int((~torch.isfinite(perturbed)).sum())
    if bad:
        raise DataError(
            f"Need finite images from the family {condition.perturbation} ({name}). Got {bad} "
            "values that are not."
        )
    if condition.low is not None and not (
        condition.low - SLACK <= low and high <= condition.high + SLACK
    ):
        raise DataError(
            f"Need pixels from {condition.low:g} to {condition.high:g} from the family "
            f"{condition.perturbation} ({name}), as it declares. Got {low:g} to {high:g}."
        )
    if largest is not None and largest > condition.budget + SLACK:
        raise DataError(
            f"Need perturbations of {condition.norm} norm at most {condition.budget:g} from "
            f"the family {condition.perturbation} ({name}). Got {largest:g}."
        )
