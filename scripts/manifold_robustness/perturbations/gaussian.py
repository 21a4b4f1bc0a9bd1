"""Gaussian noise: x + σ z, z standard normal per pixel and channel, clipped to [0, 1]."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from .draws import Draws

DECLARATION = {
    "title": "Gaussian noise",
    "wants_network": False,
    "scope": "image",
    "strength": [
        {
            "options": {"parameterization": "standard_deviation"},
            "name": "sigma",
            "symbol": "σ",
            "description": "standard deviation of the noise, pixel units in [0, 1]",
        },
        {
            "options": {"parameterization": "variance"},
            "name": "variance",
            "symbol": "σ²",
            "description": "variance of the noise, squared pixel units",
        },
    ],
    "random": [{}],
    "range": [{"options": {"clip": True}, "low": 0.0, "high": 1.0}],
    "options": {
        "properties": {
            "parameterization": {
                "enum": ["standard_deviation", "variance"],
                "default": "standard_deviation",
            },
            "clip": {"type": "boolean", "default": True},
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
    """Return images + σ z.

    The base noise z of an image is drawn for that image and scaled by σ: so levels compare
    pairwise, and batches of any size hold the same images.

    Parameters
    ----------
    images : torch.Tensor, float32 (n, channels, height, width)
        Pixels in [0, 1].
    labels, network
        Not used: noise is blind.
    strength : float
        σ as a standard deviation, or as a variance (the paper's notebook), in pixel units.
    draws : Draws
    parameterization : {"standard_deviation", "variance"}
    clip : bool
        Whether pixels are clipped to [0, 1] afterwards.

    Examples
    --------
    >>> import torch
    >>> from .draws import Draws
    >>> grey, draws = torch.full((1, 3, 4, 4), 0.5), Draws(seed=0, indices=[7])
    >>> options = {"draws": draws, "network": None, "clip": False}
    >>> weak = perturb(grey, None, 0.1, parameterization="standard_deviation", **options)
    >>> same = perturb(grey, None, 0.01, parameterization="variance", **options)
    >>> torch.allclose(weak, same)
    True
    """
    shape = tuple(images.shape[1:])

    def base_noise(random):
        return random.standard_normal(shape, dtype=np.float32)

    noise = draws.sample("gaussian noise", base_noise).to(images.device)
    noise *= float(standard_deviation(strength, parameterization))
    noise += images
    return noise.clamp_(0, 1) if clip else noise


def standard_deviation(strength: float | np.ndarray, parameterization: str) -> float | np.ndarray:
    """Return σ of a strength, or of an array of them, in pixel units.

    >>> float(standard_deviation(0.25, "variance"))
    0.5
    """
    return strength if parameterization == "standard_deviation" else np.sqrt(strength)
