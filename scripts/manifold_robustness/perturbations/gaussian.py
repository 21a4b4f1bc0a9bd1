"""Gaussian noise: x + σ z, z standard normal per pixel and channel, clipped to [0, 1]."""

import numpy as np

from ..seeds import generator

DECLARATION = {
    "needs_model": False,
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
    "options": {
        "properties": {
            "parameterization": {"enum": ["standard_deviation", "variance"]},
            "clip": {"type": "boolean"},
        }
    },
}


def perturb(images, labels, indices, strength, *, seed, model=None, parameterization, clip):
    """Return images + σ z.

    The base noise z of an image is drawn from (`seed`, its index) and scaled by σ: so levels
    compare pairwise, and batches of any size hold the same images.

    Parameters
    ----------
    images : ndarray, float32 (n, channels, height, width)
        Pixels in [0, 1].
    labels, model
        Not used: noise is blind.
    indices : sequence of int, length n
        Places in the test set.
    strength : float
        σ as a standard deviation, or as a variance (the paper's notebook), in pixel units.
    seed : int
    parameterization : {"standard_deviation", "variance"}
    clip : bool
        Whether pixels are clipped to [0, 1] afterwards.

    Examples
    --------
    >>> grey = np.full((1, 3, 4, 4), 0.5, np.float32)
    >>> options = {"seed": 0, "clip": False}
    >>> weak = perturb(grey, [0], [7], 0.1, parameterization="standard_deviation", **options)
    >>> same = perturb(grey, [0], [7], 0.01, parameterization="variance", **options)
    >>> bool(np.allclose(weak, same))
    True
    """
    sigma = standard_deviation(strength, parameterization)
    noise = np.stack([_base_noise(seed, index, images.shape[1:]) for index in indices])
    noise *= np.float32(sigma)
    noise += images
    return np.clip(noise, 0, 1, out=noise) if clip else noise


def standard_deviation(strength, parameterization):
    """Return σ of a strength, or of an array of them, in pixel units.

    >>> float(standard_deviation(0.25, "variance"))
    0.5
    """
    return strength if parameterization == "standard_deviation" else np.sqrt(strength)


def _base_noise(seed, index, shape):
    return generator(seed, "gaussian noise", index).standard_normal(shape, dtype=np.float32)
