"""The random numbers of a perturbation: one stream per image, whatever stands beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..seeds import generator

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Draws:
    """Draws for a batch of images.

    They are made by NumPy on the CPU from (seed, label, the image's place in its data set, further
    coordinates), so an image gets the same ones on any device, in any order and any company.

    Attributes
    ----------
    seed : int
        The run's.
    indices : sequence of int
        The images' places in their data set.
    coordinates : tuple of int
        What else tells draws apart for all images: a draw, an epoch.
    """

    seed: int
    indices: Sequence[int]
    coordinates: tuple[int, ...] = ()

    def sample(
        self, label: str, draw: Callable[[np.random.Generator], np.ndarray], *coordinates: int
    ) -> "torch.Tensor":
        """Return ``draw(generator)`` of every image, stacked to a tensor on the CPU.

        Parameters
        ----------
        label
            The family's own name for these draws, as ``"gaussian noise"``.
        draw
            Gets the image's generator, returns an array.
        *coordinates
            What tells several draws of one image apart: a restart, a step.

        Examples
        --------
        >>> draws = Draws(seed=42, indices=[3, 5])
        >>> both = draws.sample("start", lambda random: random.uniform(-1, 1, 4))
        >>> alone = Draws(42, [5]).sample("start", lambda random: random.uniform(-1, 1, 4))
        >>> bool((both[1] == alone[0]).all())
        True
        """
        import torch  # here, so that what reads a family needs no torch

        arrays = [
            draw(generator(self.seed, label, int(index), *self.coordinates, *coordinates))
            for index in self.indices
        ]
        return torch.from_numpy(np.stack(arrays))

    def of_set(self, *coordinates: int) -> tuple[int, ...]:
        """Return the coordinates of a draw that all images of a set share: its first image's.

        >>> Draws(seed=42, indices=[3, 5]).of_set(7)
        (42, 3, 7)
        """
        return (self.seed, int(self.indices[0]), *self.coordinates, *coordinates)
