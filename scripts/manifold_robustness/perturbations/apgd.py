"""Auto-PGD: projected ascent with momentum that chooses its step sizes itself.

z = P(x_t + η ∇L / ‖∇L‖), x_{t+1} = P(x_t + a (z - x_t) + (1 - a)(x_t - x_{t-1})) with a = 0.75, P
the projection onto the ball of ε around the image and onto [0, 1]; for L∞ the step is along the
sign of the gradient (Croce & Hein, ICML 2020, algorithm 1). The step η is 2 ε at first. At each
checkpoint it is halved, and the ascent goes on from the best point so far, where

1. fewer than 0.75 of the steps since the last checkpoint have raised the loss, or
2. neither the step nor the greatest loss has changed since the last checkpoint.

Checkpoints come after ⌈p_j steps⌉ steps, p_0 = 0, p_1 = 0.22 and p_{j+1} = p_j +
max(p_j - p_{j-1} - 0.03, 0.06). The point of greatest loss is the result. The start is uniform in
the ball (the authors' program starts on the ball's surface).
"""

from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from .gradients import loss_gradient
from .projections import budget, project, steepest
from .starts import random_start

if TYPE_CHECKING:
    from .draws import Draws

DECLARATION = {
    "title": "APGD",
    "wants_network": True,
    "scope": "image",
    "strength": [
        {
            "options": {"norm": "linf", "parameterization": "fraction"},
            "name": "epsilon",
            "symbol": "ε",
            "description": "largest change of a pixel, pixel units in [0, 1]",
            "norm": "linf",
            "maximum": 1,
        },
        {
            "options": {"norm": "linf", "parameterization": "levels"},
            "name": "epsilon",
            "symbol": "ε",
            "description": "largest change of a pixel, in levels of 1/255",
            "norm": "linf",
            "divisor": 255,
            "maximum": 255,
        },
        {
            "options": {"norm": "l2", "parameterization": "fraction"},
            "name": "epsilon",
            "symbol": "ε",
            "description": "L2 norm of the largest perturbation, pixel units",
            "norm": "l2",
        },
    ],
    "random": [{}],
    "range": [{"low": 0.0, "high": 1.0}],
    "expected": {
        "no_weaker_than": ["pgd", "bim", "fgsm", "sign_noise", "uniform"],
        "falls": True,
        "vanishes": True,
    },
    "options": {
        "properties": {
            "norm": {"enum": ["linf", "l2"], "default": "linf"},
            "parameterization": {
                "enum": ["fraction", "levels"],
                "description": "of strengths: pixel units or, for linf, levels of 1/255",
                "default": "fraction",
            },
            "steps": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 100},
            "restarts": {
                "type": "integer",
                "description": "random starts, of which an image keeps the one of greatest loss",
                "minimum": 1,
                "maximum": 100000,
                "default": 1,
            },
            "loss": {"enum": ["cross_entropy", "dlr"], "default": "cross_entropy"},
        }
    },
}
MOMENTUM = 0.75  # a, the share of the new step
RAISED = 0.75  # ρ, the share of steps that must raise the loss
FIRST, SHORTER, SHORTEST = 22, 3, 6  # intervals between checkpoints, in hundredths of the steps


def perturb(
    images: torch.Tensor,
    labels: torch.Tensor,
    strength: float,
    *,
    draws: "Draws",
    network: torch.nn.Module,
    norm: str,
    parameterization: str,
    steps: int,
    restarts: int,
    loss: str,
) -> torch.Tensor:
    """Return the images' points of greatest loss, within ε of them and within [0, 1].

    An image gets the best of the points that its ascents came by, whether it fools the network or
    not; never the image itself, unless an ascent passes there.

    Parameters
    ----------
    images : float32 (n, channels, height, width)
        Pixels in [0, 1].
    labels : int64 (n,)
        Their classes, which the steps lead away from.
    strength : float
        ε, in pixel units or in levels of 1/255.
    draws : Draws
    network
        In evaluation mode with frozen parameters.
    norm : {"linf", "l2"}
        Of the ball, and of a step.
    parameterization : {"fraction", "levels"}
    steps : int
        Of each restart.
    restarts : int
    loss : {"cross_entropy", "dlr"}

    Raises
    ------
    NetworkError
        For the loss dlr with fewer than three classes.

    Examples
    --------
    >>> from .draws import Draws
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> linear[1].weight.data = torch.tensor([[1.0, -1.0], [0.0, 0.0]])
    >>> grey, label = torch.full((1, 1, 1, 2), 0.5), torch.tensor([0])
    >>> options = {"norm": "linf", "parameterization": "fraction", "steps": 10, "restarts": 1}
    >>> options |= {"loss": "cross_entropy", "draws": Draws(0, [7]), "network": linear}
    >>> perturb(grey, label, 0.25, **options).tolist()
    [[[[0.25, 0.75]]]]
    """
    epsilon = budget(strength, parameterization)
    best = None
    for restart in range(restarts):
        start = random_start(images, epsilon, norm, draws, "apgd start", restart)
        ascent = Ascent(images, labels, network, epsilon, norm, loss, start)
        since = checkpoints(steps)
        for before, checkpoint in pairwise([*since, steps]):
            for _ in range(checkpoint - before):
                ascent.step()
            if checkpoint < steps:
                ascent.check(checkpoint - before)
        best = ascent.best if best is None else best.better_of(ascent.best)
    return best.pixels


def checkpoints(steps: int) -> list[int]:
    """Return the numbers of steps after which step sizes are looked at, from 0 on.

    >>> checkpoints(100)
    [0, 22, 41, 57, 70, 80, 87, 93, 99]
    """
    found, share, interval = [0], FIRST, FIRST
    while share < 100:
        after = -(-share * steps // 100)  # in whole numbers: 0.07 * 100 is more than 7
        if found[-1] < after < steps:
            found.append(after)
        interval = max(interval - SHORTER, SHORTEST)
        share += interval
    return found


class Points:
    """Points of a batch, with the losses (n,) there and their gradients."""

    def __init__(self, pixels, losses, gradients):
        self.pixels, self.losses, self.gradients = pixels, losses, gradients

    def where(self, chosen: torch.Tensor, others: "Points") -> "Points":
        """Return these where `chosen` (n,), and the others elsewhere."""
        of_pixels = chosen[:, None, None, None]
        return Points(
            self.pixels.where(of_pixels, others.pixels),
            self.losses.where(chosen, others.losses),
            self.gradients.where(of_pixels, others.gradients),
        )

    def better_of(self, others: "Points") -> "Points":
        """Return for each image the one of greater loss; these, where they are equal."""
        return others.where(others.losses > self.losses, self)


class Ascent:
    """An ascent of a batch, each image with its own step size and its own best point."""

    def __init__(self, images, labels, network, epsilon, norm, loss, start):
        self.images, self.labels, self.network = images, labels, network
        self.epsilon, self.norm, self.loss = epsilon, norm, loss
        self.at = self.best = self._points(start)
        self.previous = None
        n = len(images)
        self.step_sizes = torch.full((n, 1, 1, 1), 2 * epsilon, device=images.device)
        self.n_raised = torch.zeros(n, dtype=torch.int64, device=images.device)
        self.was_halved = torch.zeros(n, dtype=torch.bool, device=images.device)
        self.loss_at_check = self.best.losses
        self.last_losses = self.at.losses  # reached by a step, not by going back

    def step(self) -> None:
        """Go one step; the first one is without momentum, since nothing was before."""
        pixels = self.at.pixels
        moved = pixels + self.step_sizes * steepest(self.at.gradients, self.norm)
        moved = self._project(moved)
        if self.previous is not None:
            momentum = (1 - MOMENTUM) * (pixels - self.previous)
            moved = self._project(pixels + MOMENTUM * (moved - pixels) + momentum)
        reached = self._points(moved)
        self.n_raised += reached.losses > self.last_losses
        self.previous, self.at, self.last_losses = pixels, reached, reached.losses
        self.best = self.best.better_of(reached)

    def check(self, n_steps: int) -> None:
        """Halve the steps and go back to the best points where the last steps gained too little."""
        few_raised = self.n_raised < RAISED * n_steps
        stands_still = ~self.was_halved & (self.best.losses == self.loss_at_check)
        halved = few_raised | stands_still
        self.step_sizes = torch.where(halved[:, None, None, None], 0.5, 1.0) * self.step_sizes
        self.at = self.best.where(halved, self.at)
        self.was_halved, self.loss_at_check = halved, self.best.losses
        self.n_raised = torch.zeros_like(self.n_raised)

    def _project(self, pixels):
        return project(pixels, self.images, self.epsilon, self.norm)

    def _points(self, pixels):
        losses, gradients = loss_gradient(self.network, pixels, self.labels, self.loss)
        return Points(pixels, losses, gradients)
