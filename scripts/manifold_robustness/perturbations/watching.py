"""What a person should hear of an attack that runs: once per job, with the numbers."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch

from ..conventions import MOST_ZERO

logger = logging.getLogger(__name__)
ROUNDING = 1e-4  # of a sum of probabilities


@dataclass
class Watch:
    """What was seen since the watch began.

    Attributes
    ----------
    name : str
        Of the condition, for the warnings.
    n_gradients, n_zero : int or tensor of one number
        Gradients that were asked for of images that are still to be fooled, and those of them that
        were zero in every pixel; counted where they are, without waiting for a GPU.
    n_counted : int or None
        Of the images of a chunk, those that fill it up come last and do not count; None: all do.
    has_seen_outputs : bool
    lowest_pixel, highest_pixel : float
        Of all perturbed images.
    largest_norm : float or None
        Of all perturbations, in the norm of their budget; None where there is no budget.
    """

    name: str
    n_gradients: torch.Tensor | int = 0
    n_zero: torch.Tensor | int = 0
    n_counted: int | None = None
    has_seen_outputs: bool = False
    lowest_pixel: float = math.inf
    highest_pixel: float = -math.inf
    largest_norm: float | None = None

    def record(self) -> dict[str, float | int]:
        """Return what was seen as plain numbers, by the names that a file of predictions knows."""
        found = {
            "lowest_pixel": self.lowest_pixel,
            "highest_pixel": self.highest_pixel,
            "n_gradients": int(self.n_gradients),
            "n_zero_gradients": int(self.n_zero),
        }
        return found if self.largest_norm is None else {**found, "largest_norm": self.largest_norm}


CURRENT: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(name: str) -> Iterator[Watch]:
    """Watch the attacks that run meanwhile; the outermost of several tells what it saw.

    Parameters
    ----------
    name
        Of the condition.

    Examples
    --------
    >>> with watched("pgd/epsilon-0.1") as watch:
    ...     see_gradients(torch.zeros(3, 1, 2, 2), torch.tensor([True, True, False]))
    >>> int(watch.n_gradients), int(watch.n_zero)
    (2, 2)
    """
    outer = CURRENT.get()
    if outer is not None:
        yield outer
        return
    watch = Watch(name)
    token = CURRENT.set(watch)
    try:
        yield watch
    finally:
        CURRENT.reset(token)
    n_zero, n_gradients = int(watch.n_zero), int(watch.n_gradients)
    if n_zero > MOST_ZERO * n_gradients:
        logger.warning(
            "%s: %d of %d gradients of the loss (%.1f %%) are zero in every pixel, where the "
            "attack stands still: its accuracies may say more of the network's gradients than of "
            "its robustness.",
            watch.name,
            n_zero,
            n_gradients,
            100 * n_zero / n_gradients,
        )


def see_gradients(gradients: torch.Tensor, attacked: torch.Tensor) -> None:
    """Count gradients (n, channels, height, width) of the images that are `attacked`, bool (n,)."""
    watch = CURRENT.get()
    if watch is not None:
        attacked, gradients = attacked[: watch.n_counted], gradients[: watch.n_counted]
        watch.n_gradients = watch.n_gradients + attacked.sum()
        watch.n_zero = watch.n_zero + ((gradients == 0).flatten(1).all(1) & attacked).sum()


def see_images(lowest: float, highest: float, largest_norm: float | None) -> None:
    """Keep the extremes of perturbed images, and of their perturbations' norms where known."""
    watch = CURRENT.get()
    if watch is not None:
        watch.lowest_pixel = min(watch.lowest_pixel, lowest)
        watch.highest_pixel = max(watch.highest_pixel, highest)
        if largest_norm is not None:
            watch.largest_norm = max(watch.largest_norm or 0.0, largest_norm)


def see_outputs(outputs: torch.Tensor) -> None:
    """Warn where the first outputs (n, n_classes) look like probabilities, not logits."""
    watch = CURRENT.get()
    if watch is None or watch.has_seen_outputs:
        return
    watch.has_seen_outputs = True
    sums = outputs.detach().double().sum(1)
    if bool((outputs >= 0).all()) and bool(((sums - 1).abs() < ROUNDING).all()):
        logger.warning(
            "%s: the network's outputs are positive and sum to 1 for each image, as probabilities "
            "do. Attacks want logits: leave out the network's last softmax.",
            watch.name,
        )
