"""The basic iterative method: steps along the sign of the loss's gradient, from the image itself.

x₀ = x, x_{t+1} = P(x_t + r ε sign ∇ₓ L), P the projection onto the L∞ ball of ε around x and onto
[0, 1] (Kurakin, Goodfellow & Bengio, ICLR workshop 2017).
"""

from typing import TYPE_CHECKING

from .ascent import ascend
from .projections import budget

if TYPE_CHECKING:
    import torch

    from .draws import Draws

DECLARATION = {
    "title": "BIM",
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
    "range": [{"low": 0.0, "high": 1.0}],
    "expected": {
        "no_weaker_than": ["fgsm", "sign_noise", "uniform"],
        "falls": True,
        "vanishes": True,
    },
    "options": {
        "properties": {
            "parameterization": {
                "enum": ["fraction", "levels"],
                "description": "of strengths: pixel units, or levels of 1/255",
                "default": "fraction",
            },
            "steps": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 10},
            "relative_step": {
                "type": "number",
                "description": "length of a step as a share of ε",
                "exclusiveMinimum": 0,
                "default": 0.25,
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
    steps: int,
    relative_step: float,
) -> "torch.Tensor":
    """Return images after all steps, within ε of themselves in L∞ and within [0, 1].

    Parameters
    ----------
    images : torch.Tensor, float32 (n, channels, height, width)
        Pixels in [0, 1].
    labels : torch.Tensor, int64 (n,)
        Their classes, which the steps lead away from.
    strength : float
        ε, in pixel units or in levels of 1/255.
    draws
        Not used: nothing is random here.
    network : torch.nn.Module
        In evaluation mode with frozen parameters.
    parameterization : {"fraction", "levels"}
    steps : int
    relative_step : float
        r, the length of a step as a share of ε.

    Examples
    --------
    >>> import torch
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> linear[1].weight.data = torch.tensor([[1.0, -1.0], [0.0, 0.0]])
    >>> grey, label = torch.full((1, 1, 1, 2), 0.5), torch.tensor([0])
    >>> options = {"parameterization": "fraction", "steps": 3, "relative_step": 0.25}
    >>> perturb(grey, label, 0.25, draws=None, network=linear, **options).tolist()
    [[[[0.3125, 0.6875]]]]
    """
    epsilon = budget(strength, parameterization)
    settings = {"epsilon": epsilon, "steps": steps, "relative_step": relative_step}
    return ascend(images, images, labels, network, **settings)
