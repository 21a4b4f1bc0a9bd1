"""Random signs: x + ε s, each s of a pixel and channel -1 or 1, back to [0, 1] where asked for.

It moves pixels as far as an attack along the sign of a gradient does, but knows nothing of the
network: the control of such an attack.
"""

from typing import TYPE_CHECKING

from .projections import budget
from .starts import random_signs

if TYPE_CHECKING:
    import torch

    from .draws import Draws

DECLARATION = {
    "title": "Sign noise",
    "wants_network": False,
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
    "random": [{}],
    "range": [{"options": {"clip": True}, "low": 0.0, "high": 1.0}],
    "options": {
        "properties": {
            "parameterization": {
                "enum": ["fraction", "levels"],
                "description": "of strengths: pixel units, or levels of 1/255",
                "default": "fraction",
            },
            "clip": {
                "type": "boolean",
                "description": "back to [0, 1] after the noise, as an attack is",
                "default": True,
            },
        }
    },
}


def perturb(
    images: "torch.Tensor",
    labels: "torch.Tensor | None",
    strength: float,
    *,
    draws: "Draws",
    network: "torch.nn.Module | None",
    parameterization: str,
    clip: bool,
) -> "torch.Tensor":
    """Return images + ε s; the signs s are the same at any ε.

    Parameters
    ----------
    images : torch.Tensor, float32 (n, channels, height, width)
        Pixels in [0, 1].
    labels, network
        Not used: noise is blind.
    strength : float
        ε, in pixel units or in levels of 1/255.
    draws : Draws
    parameterization : {"fraction", "levels"}
    clip : bool
        Whether pixels are clipped to [0, 1].

    Examples
    --------
    >>> import torch
    >>> from .draws import Draws
    >>> grey = torch.full((1, 3, 4, 4), 0.5)
    >>> options = {"draws": Draws(0, [7]), "network": None, "parameterization": "fraction"}
    >>> perturb(grey, None, 0.25, clip=True, **options).unique().tolist()
    [0.25, 0.75]
    """
    epsilon = budget(strength, parameterization)
    perturbed = images + epsilon * random_signs(draws, "sign noise", images)
    return perturbed.clamp_(0, 1) if clip else perturbed
