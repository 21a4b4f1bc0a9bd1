"""Budgets: norms of perturbations, the ball of a budget around an image, steps that fill it."""

import torch

LEVELS = 255  # of an image with 8 bits a channel: a level is 1/255 of the range of pixels


def budget(strength: float, parameterization: str) -> float:
    """Return ε in pixel units, of a strength in these (``fraction``) or in ``levels`` of 1/255.

    >>> budget(51, "levels")
    0.2
    """
    return strength / LEVELS if parameterization == "levels" else strength


def norms(perturbations: torch.Tensor, norm: str) -> torch.Tensor:
    """Return the norm of each image's perturbation, in double precision.

    Parameters
    ----------
    perturbations : (..., channels, height, width)
    norm : {"linf", "l2"}

    Returns
    -------
    float64 (n,)
        Of all images in their order.

    Examples
    --------
    >>> both = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)
    >>> float(norms(both, "l2")), float(norms(both, "linf"))
    (5.0, 4.0)
    """
    flat = perturbations.flatten(0, -4).flatten(1).double()
    return flat.abs().amax(1) if norm == "linf" else flat.norm(dim=1)


def project(pixels: torch.Tensor, images: torch.Tensor, epsilon: float, norm: str) -> torch.Tensor:
    """Return the pixels brought back to the ball of radius ε around the images, and to [0, 1].

    Parameters
    ----------
    pixels : float32 (n, channels, height, width)
    images : float32, of the same shape
        In [0, 1]; so clipping to [0, 1] leads nowhere out of the ball.
    epsilon : float
        In pixel units.
    norm : {"linf", "l2"}

    Examples
    --------
    >>> black = torch.zeros(1, 2, 1, 1)
    >>> project(torch.tensor([3.0, -4.0]).reshape(1, 2, 1, 1), black, 0.5, "l2").flatten().tolist()
    [0.30000001192092896, 0.0]
    """
    if norm == "linf":
        return torch.minimum(torch.maximum(pixels, images - epsilon), images + epsilon).clamp_(0, 1)
    perturbations = pixels - images
    # In double precision, since a factor that is rounded could lead out of a large ball.
    factors = epsilon / _per_image(norms(perturbations, norm)).clamp_min(epsilon)
    return (images + factors * perturbations).to(images.dtype).clamp_(0, 1)


def steepest(gradients: torch.Tensor, norm: str) -> torch.Tensor:
    """Return the step of norm 1 that raises a loss most, to first order: 0 where its gradient is 0.

    It is sign(g) for L∞ and g / ‖g‖ for L2.

    Parameters
    ----------
    gradients : float32 (n, channels, height, width)
    norm : {"linf", "l2"}

    Examples
    --------
    >>> gradient = torch.tensor([3e-30, -4e-30]).reshape(1, 2, 1, 1)
    >>> steepest(gradient, "linf").flatten().tolist()
    [1.0, -1.0]
    >>> torch.allclose(steepest(gradient, "l2").flatten(), torch.tensor([0.6, -0.8]))
    True
    """
    if norm == "linf":
        return gradients.sign()
    lengths = _per_image(norms(gradients, norm))  # in float32 small squares would vanish
    return (gradients / lengths.where(lengths > 0, 1)).to(gradients.dtype)


def _per_image(values):
    return values.reshape(-1, 1, 1, 1)
