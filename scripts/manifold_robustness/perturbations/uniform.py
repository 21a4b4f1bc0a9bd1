"""Uniform noise: x + ε u, each u of a pixel and channel uniform in [-1, 1], clipped to [0, 1]."""

from typing import TYPE_CHECKING

from .projections import budget
from .starts import uniform_cube

if TYPE_CHECKING:
    import torch

    from .draws import Draws

DECLARATION = {
    "title": "Uniform noise",
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
    "range": [{"low": 0.0, "high": 1.0}],
    "options": {
        "properties": {
            "parameterization": {
                "enum": ["fraction", "levels"],
                "description": "of strengths: pixel units, or levels of 1/255",
                "default": "fraction",
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
) -> "torch.Tensor":
    """Return images + ε u, clipped to [0, 1]; the noise u is the same at any ε.

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

    Examples
    --------
    >>> import torch
    >>> from .draws import Draws
    >>> grey = torch.full((1, 3, 4, 4), 0.5)
    >>> options = {"draws": Draws(0, [7]), "network": None, "parameterization": "fraction"}
    >>> noisy = perturb(grey, None, 0.25, **options)
    >>> bool(((noisy >= 0.25) & (noisy <= 0.75)).all())
    True
    """
    epsilon = budget(strength, parameterization)
    return (images + epsilon * uniform_cube(draws, "uniform noise", images)).clamp_(0, 1)
