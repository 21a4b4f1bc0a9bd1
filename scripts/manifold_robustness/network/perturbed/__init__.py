"""Trainings whose images are perturbed on the fly; loaded by name, where a recipe asks for it.

So a training without one depends on nothing of it: an edit here makes no other network stale.
"""

from importlib import import_module
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .batches import TrainingPerturbation


def load_perturbation(
    settings: dict | None, seed: int, device: torch.device
) -> "TrainingPerturbation | None":
    """Return what is done to the images of a training (:mod:`.batches`); None for nothing."""
    if settings is None:
        return None
    return import_module(".batches", __package__).TrainingPerturbation(settings, seed, device)
