"""The fast gradient sign method: one step of size ε along the sign of the loss's gradient.

x + ε sign ∇ₓ L, within [0, 1] (Goodfellow, Shlens & Szegedy, ICLR 2015). From a random start and
with a step of 1.25 ε, projected onto the ball of ε, it is the attack of fast adversarial training
(Wong, Rice & Kolter, ICLR 2020).
"""

from typing import TYPE_CHECKING

from .ascent import ascend
from .projections import budget
from .starts import random_start as start_at_random

if TYPE_CHECKING:
    import torch

    from .draws import Draws

DECLARATION = {
    "title": "FGSM",
    "wants_network": True,
    "scope": "image",
    "strength": [
        {
            "options": {"parameterization": "fraction"},
            "name": "epsilon",
            "symbol": "ε",
            "description": "largest change of a pixel, pixel units in [0, 1]",
            "norm": "linf",
            "maximum": 1,
        },
        {
            "options": {"parameterization": "levels"},
            "name": "epsilon",
            "symbol": "ε",
            "description": "largest change of a pixel, in levels of 1/255",
            "norm": "linf",
            "divisor": 255,
            "maximum": 255,
        },
    ],
    "random": [{"options": {"random_start": True}}],
    "range": [{"low": 0.0, "high": 1.0}],
    "options": {
        "properties": {
            "parameterization": {
                "enum": ["fraction", "levels"],
                "description": "of strengths: pixel units, or levels of 1/255",
                "default": "fraction",
            },
            "random_start": {
                "type": "boolean",
                "description": "from a random place of the ball, not from the image",
                "default": False,
            },
            "relative_step": {
                "type": "number",
                "description": "length of the step as a share of ε",
                "exclusiveMinimum": 0,
                "default": 1.0,
            },
        }
    },
}


def perturb(
    images: "torch.Tensor",
    labels: "torch.Tensor",
    strength: float,
    *,
    draws: "Draws",
    network: "torch.nn.Module",
    parameterization: str,
    random_start: bool,
    relative_step: float,
) -> "torch.Tensor":
    """Return images one step away, within ε of themselves in L∞ and within [0, 1].

    Parameters
    ----------
    images : torch.Tensor, float32 (n, channels, height, width)
        Pixels in [0, 1].
    labels : torch.Tensor, int64 (n,)
        Their classes, which the step leads away from.
    strength : float
        ε, in pixel units or in levels of 1/255.
    draws : Draws
    network : torch.nn.Module
        In evaluation mode with frozen parameters.
    parameterization : {"fraction", "levels"}
    random_start : bool
        Whether the gradient is taken at a random place of the ball, and the step starts there.
    relative_step : float
        Length of the step as a share of ε; beyond 1 it is projected.

    Examples
    --------
    >>> import torch
    >>> from .draws import Draws
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> linear[1].weight.data = torch.tensor([[1.0, -1.0], [0.0, 0.0]])
    >>> grey, label = torch.full((1, 1, 1, 2), 0.5), torch.tensor([0])
    >>> options = {"parameterization": "fraction", "random_start": False, "relative_step": 1.0}
    >>> perturb(grey, label, 0.25, draws=Draws(0, [7]), network=linear, **options).tolist()
    [[[[0.25, 0.75]]]]
    """
    epsilon = budget(strength, parameterization)
    start = images
    if random_start:
        start = start_at_random(images, epsilon, "linf", draws, "fgsm start")
    step = {"epsilon": epsilon, "steps": 1, "relative_step": relative_step}
    return ascend(start, images, labels, network, **step)
