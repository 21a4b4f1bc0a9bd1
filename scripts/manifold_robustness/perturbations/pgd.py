"""Projected gradient descent: steps that climb the loss, from a random place of the ball.

x_{t+1} = P(x_t + r ε d_t), where d_t is the sign of the loss's gradient (L∞) or the gradient over
its norm (L2), and P the projection onto the ball of ε around the image and onto [0, 1] (Madry et
al., ICLR 2018). For L2 the start is uniform in the ball too: a direction times ε u^(1/n).
"""

from typing import TYPE_CHECKING

from .ascent import ascend
from .gradients import losses_of
from .projections import budget
from .starts import random_start

if TYPE_CHECKING:
    import torch

    from .draws import Draws

DECLARATION = {
    "title": "PGD",
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
        "no_weaker_than": ["fgsm", "sign_noise", "uniform"],
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
            "steps": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 20},
            "relative_step": {
                "type": ["number", "null"],
                "description": "length of a step as a share of ε; null: 0.25, for l2 2.5 / steps",
                "exclusiveMinimum": 0,
                "default": None,
            },
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


def perturb(
    images: "torch.Tensor",
    labels: "torch.Tensor",
    strength: float,
    *,
    draws: "Draws",
    network: "torch.nn.Module",
    norm: str,
    parameterization: str,
    steps: int,
    relative_step: float | None,
    restarts: int,
    loss: str,
) -> "torch.Tensor":
    """Return images after all steps, within ε of themselves and within [0, 1].

    The last iterate is returned, whether it fools the network or not; of several restarts, an
    image keeps the last iterate whose loss is greatest.

    Parameters
    ----------
    images : torch.Tensor, float32 (n, channels, height, width)
        Pixels in [0, 1].
    labels : torch.Tensor, int64 (n,)
        Their classes, which the steps lead away from.
    strength : float
        ε, in pixel units or in levels of 1/255.
    draws : Draws
    network : torch.nn.Module
        In evaluation mode with frozen parameters.
    norm : {"linf", "l2"}
        Of the ball, and of a step.
    parameterization : {"fraction", "levels"}
    steps : int
        Of each restart.
    relative_step : float or None
        r, the length of a step as a share of ε; None: 0.25 for L∞, 2.5 / steps for L2.
    restarts : int
    loss : {"cross_entropy", "dlr"}

    Examples
    --------
    >>> import torch
    >>> from .draws import Draws
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> linear[1].weight.data = torch.tensor([[3.0, -4.0], [0.0, 0.0]])
    >>> grey, label = torch.full((1, 1, 1, 2), 0.5), torch.tensor([0])
    >>> options = {"norm": "l2", "parameterization": "fraction", "steps": 100, "restarts": 1}
    >>> options |= {"relative_step": 0.25, "loss": "cross_entropy"}
    >>> found = perturb(grey, label, 0.25, draws=Draws(0, [7]), network=linear, **options)
    >>> torch.allclose(found, torch.tensor([0.35, 0.7]), atol=1e-3)
    True
    """
    epsilon = budget(strength, parameterization)
    if relative_step is None:
        relative_step = 0.25 if norm == "linf" else 2.5 / steps
    settings = {"epsilon": epsilon, "steps": steps, "relative_step": relative_step}
    found = greatest = None
    for restart in range(restarts):
        start = random_start(images, epsilon, norm, draws, "pgd start", restart)
        pixels = ascend(start, images, labels, network, norm=norm, loss=loss, **settings)
        if restarts == 1:
            return pixels
        losses = losses_of(network, pixels, labels, loss)
        if restart == 0:
            found, greatest = pixels, losses
            continue
        better = losses > greatest
        found = pixels.where(better[:, None, None, None], found)
        greatest = losses.where(better, greatest)
    return found
