"""Random starts: drawn per image at strength 1 and scaled by ε, so that strengths share them."""

import numpy as np
import torch

from .draws import Draws
from .projections import project


def uniform_cube(draws: Draws, label: str, images: torch.Tensor, *coordinates: int) -> torch.Tensor:
    """Return a number from [-1, 1] for every pixel, uniform: a point of the unit ball of L∞.

    Parameters
    ----------
    draws
        Of these images.
    label
        The family's own name for these draws, as ``"pgd start"``.
    images : (n, channels, height, width)
        Their shape and device are taken.
    *coordinates
        What tells several starts of one image apart: a restart.

    Returns
    -------
    float32, shaped as `images`

    Examples
    --------
    >>> images = torch.zeros(1, 3, 4, 4)
    >>> start = uniform_cube(Draws(seed=0, indices=[7]), "start", images)
    >>> start.shape == images.shape, bool((start.abs() <= 1).all())
    (True, True)
    """
    shape = tuple(images.shape[1:])

    def draw(random):
        return 2 * random.random(shape, dtype=np.float32) - 1

    return draws.sample(label, draw, *coordinates).to(images.device)


def uniform_ball(draws: Draws, label: str, images: torch.Tensor, *coordinates: int) -> torch.Tensor:
    """Return a point of the unit ball of L2 for every image, uniform: a direction times u^(1/n).

    u is uniform in [0, 1], n the number of the image's values. Parameters and result are those of
    :func:`uniform_cube`.

    Examples
    --------
    >>> images = torch.zeros(1, 3, 4, 4)
    >>> start = uniform_ball(Draws(seed=0, indices=[7]), "start", images)
    >>> 0.8 < float(start.norm()) <= 1  # most of a ball of 48 dimensions lies near its surface
    True
    """
    shape = tuple(images.shape[1:])

    def draw(random):
        direction = random.standard_normal(shape)
        radius = random.random() ** (1 / direction.size)
        return (direction * (radius / np.linalg.norm(direction))).astype(np.float32)

    return draws.sample(label, draw, *coordinates).to(images.device)


def random_signs(draws: Draws, label: str, images: torch.Tensor) -> torch.Tensor:
    """Return -1 or 1 for every pixel, each as likely: a corner of the unit ball of L∞.

    Parameters and result are those of :func:`uniform_cube`.

    >>> random_signs(Draws(0, [7]), "signs", torch.zeros(1, 3, 4, 4)).unique().tolist()
    [-1.0, 1.0]
    """
    shape = tuple(images.shape[1:])

    def draw(random):
        return 2 * random.integers(0, 2, shape).astype(np.float32) - 1

    return draws.sample(label, draw).to(images.device)


def random_start(
    images: torch.Tensor, epsilon: float, norm: str, draws: Draws, label: str, *coordinates: int
) -> torch.Tensor:
    """Return images moved to a random place of the ball of radius ε around them, within [0, 1].

    An image's place in the ball is the same at any ε, but for what is clipped.

    Parameters
    ----------
    images : float32 (n, channels, height, width)
        In [0, 1].
    epsilon : float
        In pixel units.
    norm : {"linf", "l2"}
    draws, label, *coordinates
        See :func:`uniform_cube`.

    Examples
    --------
    >>> grey, draws = torch.full((1, 3, 4, 4), 0.5), Draws(seed=0, indices=[7])
    >>> near, far = (random_start(grey, e, "linf", draws, "start") - grey for e in (0.1, 0.2))
    >>> torch.allclose(2 * near, far)
    True
    """
    uniform = uniform_cube if norm == "linf" else uniform_ball
    moved = images + epsilon * uniform(draws, label, images, *coordinates)
    return project(moved, images, epsilon, norm)
