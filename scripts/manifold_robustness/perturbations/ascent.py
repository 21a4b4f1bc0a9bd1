"""Projected ascent: what one step, several steps, and steps from a random start have in common."""

import torch
from torch import nn

from .gradients import loss_gradient
from .projections import project, steepest


def ascend(
    pixels: torch.Tensor,
    images: torch.Tensor,
    labels: torch.Tensor,
    network: nn.Module,
    *,
    epsilon: float,
    steps: int,
    relative_step: float,
    norm: str = "linf",
    loss: str = "cross_entropy",
) -> torch.Tensor:
    """Return the last of x_{t+1} = P(x_t + r ε d_t), which climb the loss from `pixels`.

    d_t is the steepest direction of norm 1 (:func:`~.projections.steepest`) at x_t, and P the
    projection onto the ball of radius ε around the images and onto [0, 1].

    Parameters
    ----------
    pixels : float32 (n, channels, height, width)
        The start x_0, in the ball.
    images : float32, of the same shape
        The ball's centers, in [0, 1].
    labels : int64 (n,)
    network
        In evaluation mode with frozen parameters, on the device of the images.
    epsilon : float
        In pixel units.
    steps : int
    relative_step : float
        r, the length of a step as a share of ε.
    norm : {"linf", "l2"}
    loss
        A name out of :data:`~.gradients.LOSSES`.
    """
    for _ in range(steps):
        _, gradients = loss_gradient(network, pixels, labels, loss)
        moved = pixels + relative_step * epsilon * steepest(gradients, norm)
        pixels = project(moved, images, epsilon, norm)
    return pixels
