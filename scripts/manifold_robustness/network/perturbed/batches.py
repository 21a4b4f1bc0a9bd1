"""Training on images that are perturbed on the fly, against the weights as they stand.

Noise trains what randomised smoothing needs (Cohen et al., ICML 2019), PGD is adversarial training
(Madry et al., ICLR 2018), FGSM from a random start with steps of 1.25 ε fast adversarial training
(Wong et al., ICLR 2020), and a family of scope ``set`` perturbs whole batches as manifolds.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, Sampler

from ...conditions import Condition, list_families
from ...errors import DataError
from ...perturbations.apply import perturb_batch
from ...perturbations.watching import watched
from ...seeds import generator
from ..data_sets import gather_images, labels_of

MOST_ATTACKED = 500  # validation images that an epoch's accuracy under the attack is of
PROBE_STEPS = 10
RECENT = 3  # epochs within which a collapse happens
LEAST_ROBUST = 0.2  # accuracy under the attack from which a fall to half of it is a collapse


class Numbered(Dataset):
    """A data set that gives each image's place along: (image, label, place)."""

    def __init__(self, data: Dataset):
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int, int]:
        image, label = self.data[index]
        return image, label, index


class SetBatches(Sampler):
    """Batches that are sets of manifolds: as many images of every class, drawn anew each epoch.

    An epoch has as many batches as the smallest class allows; what is left of the others waits for
    another epoch.

    Parameters
    ----------
    labels : int (n_images,)
    batch_size
        The most images of a batch, shared evenly among the classes: at least two of each, at most
        as many as the smallest class has.
    random
        Its draws.

    Raises
    ------
    DataError
        For a class of fewer than two images.

    Examples
    --------
    >>> batches = list(SetBatches(np.array([0, 1, 0, 1, 1]), 4, torch.Generator().manual_seed(0)))
    >>> sorted(batches[0][:2]), len(batches)
    ([0, 2], 1)
    """

    def __init__(self, labels: np.ndarray, batch_size: int, random: torch.Generator):
        self.members = [
            torch.from_numpy(np.flatnonzero(labels == one)) for one in np.unique(labels)
        ]
        fewest = min(len(own) for own in self.members)
        if fewest < 2:
            raise DataError(
                "Need at least two training images of each class, to train on sets of classes. Got "
                f"{fewest} of one; leave the class out, or train with another family."
            )
        self.n_points = min(max(2, batch_size // len(self.members)), fewest)
        self.random = random

    def __len__(self) -> int:
        return min(len(own) for own in self.members) // self.n_points

    def __iter__(self) -> Iterator[list[int]]:
        shuffled = [own[torch.randperm(len(own), generator=self.random)] for own in self.members]
        for start in range(0, len(self) * self.n_points, self.n_points):
            yield torch.cat([own[start : start + self.n_points] for own in shuffled]).tolist()


class TrainingPerturbation:
    """What is done to the images of a training.

    Parameters
    ----------
    settings : dict
        ``condition``, the fields of a condition; ``share`` of the images of each batch that are
        perturbed, of a set of each manifold's; ``warm_up``, the epochs over which the strength
        rises in equal steps.
    seed
        Of the draws, which depend on the image and the epoch too.
    device
    """

    def __init__(self, settings: dict, seed: int, device: torch.device):
        self.condition = Condition(**settings["condition"])
        self.share, self.warm_up = settings["share"], settings["warm_up"]
        self.seed, self.device = seed, device

    @property
    def is_of_sets(self) -> bool:
        """Whether batches are sets of manifolds."""
        return self.condition.scope == "set"

    def watched(self) -> AbstractContextManager:
        """Return what tells once in an epoch what a person should hear of the attack."""
        return watched(f"training on {self.condition.name}")

    def numbered(self, data: Dataset) -> Dataset:
        """Return the training images with their places, by which each has draws of its own."""
        return Numbered(data)

    def set_batches(self, data: Dataset, batch_size: int, random: torch.Generator) -> Sampler:
        """Return the batches of a training on sets; see :class:`SetBatches`."""
        return SetBatches(labels_of(data), batch_size, random)

    @property
    def probe(self) -> Condition:
        """What the accuracy after an epoch is measured under.

        PGD of the same budget where the training attacks the network with one, since under its own
        attack a network that has learnt to mislead a single step looks robust. Where there is no
        attack, or no budget in a norm, the same as in training.
        """
        own = self.condition
        if not own.wants_network or own.norm is None:
            return own
        entry = {"family": "pgd", "norm": own.norm, "steps": PROBE_STEPS, "strengths": [own.budget]}
        ((probe,),) = (family.conditions for family in list_families([entry]))
        return probe

    def at(self, epoch: int) -> Condition:
        """Return the condition of an epoch (from 1): weaker while the training warms up."""
        factor = min(1.0, epoch / (self.warm_up + 1))
        return replace(self.condition, strength=factor * self.condition.strength)

    def perturb(
        self,
        network: nn.Module,
        images: torch.Tensor,
        labels: torch.Tensor,
        places: torch.Tensor,
        epoch: int,
    ) -> torch.Tensor:
        """Return the images of a batch, a share of them perturbed.

        Parameters
        ----------
        network
            With its weights as they stand; perturbed against in evaluation mode.
        images, labels, places
            A batch of the training images, their classes, and where they stand in the data set, on
            the CPU. Of sets, a batch of :class:`SetBatches`.
        epoch
            From 1.
        """
        shape = (len(images),)
        if self.is_of_sets:
            shape = (len(labels.unique_consecutive()), -1)
        images, labels, places = (
            part.reshape(*shape, *part.shape[1:]) for part in (images, labels, places)
        )
        axis = len(shape) - 1
        count = max(1 + axis, round(self.share * images.shape[axis]))
        chosen = (slice(None),) * axis + (slice(count),)
        perturbed = images.clone()
        perturbed[chosen] = perturb_batch(
            self.at(epoch),
            images[chosen],
            labels[chosen],
            places[chosen].numpy(),
            network,
            seed=self.seed,
            device=self.device,
            batch_size=count,
            coordinates=(epoch,),
        )
        return perturbed.flatten(0, axis) if axis else perturbed

    def accuracy(self, network: nn.Module, data: Dataset, batch_size: int) -> float:
        """Return the accuracy under :attr:`probe` on up to 500 images, the same in each epoch."""
        labels = labels_of(data)
        places = generator(self.seed, "attacked images").permutation(len(labels))[:MOST_ATTACKED]
        images, truth = torch.from_numpy(gather_images(data, places)), labels[places]
        perturbed = perturb_batch(
            self.probe,
            images,
            torch.from_numpy(truth),
            places,
            network,
            seed=self.seed,
            device=self.device,
            batch_size=batch_size,
        )
        network.eval()
        with torch.inference_mode():
            parts = perturbed.split(batch_size)
            answers = torch.cat([network(part.to(self.device)).argmax(1).cpu() for part in parts])
        return float(np.mean(answers.numpy() == truth))

    def has_collapsed(self, history: list[dict]) -> bool:
        """Say whether robustness collapsed in the last epoch, for the first time.

        Training on single steps can end in *catastrophic overfitting* (Wong et al., ICLR 2020):
        within an epoch or two the network learns to mislead the step, and its accuracy under PGD
        falls while that under the step rises. Here: it falls below half of the greatest of the
        last three epochs, which was 0.2 or more, while the accuracy on the training images, as
        they are given to the network, does not fall. A slow loss over many epochs is another thing.

        Parameters
        ----------
        history
            One row per epoch with ``attacked_accuracy`` and ``train_accuracy``.
        """
        *before, last = history
        if not self.condition.wants_network or not before:
            return False
        if any(row.get("collapsed") for row in before):
            return False
        best = max(row["attacked_accuracy"] for row in before[-RECENT:])
        fell = best >= LEAST_ROBUST and last["attacked_accuracy"] < best / 2
        return fell and last["train_accuracy"] >= before[-1]["train_accuracy"]
