"""What attacks ask a network for: logits, losses, and their gradients with respect to pixels.

A loss is summed over images, never averaged: the gradient of an image then knows nothing of its
neighbours. Logits are cast to double precision first.
"""

import torch
from torch import nn

from ..errors import NetworkError
from .watching import see_gradients, see_outputs

SMALLEST = 1e-12  # distance of the largest and the third largest logit, where they are equal


def logits(network: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    """Return a network's outputs in double precision.

    Parameters
    ----------
    network
        In evaluation mode, on the device of `pixels`.
    pixels : float32 (n, channels, height, width)

    Returns
    -------
    float64 (n, n_classes)

    Raises
    ------
    NetworkError
        Where they are no rows of at least two numbers, one row per image, or not finite.
    """
    outputs = network(pixels)
    _require_logits(outputs, len(pixels))
    see_outputs(outputs)
    return outputs.double()


def gradient(
    total: torch.Tensor,
    pixels: torch.Tensor,
    attacked: torch.Tensor,
    *,
    retain_graph: bool = False,
) -> torch.Tensor:
    """Return the gradient of a number with respect to pixels, and to nothing else.

    Parameters
    ----------
    total : ()
        A sum over images.
    pixels : float32 (n, channels, height, width)
        With ``requires_grad``, those that the network was given.
    attacked : bool (n,)
        The images that still have to be fooled: where the gradients of these are zero, an attack
        stands still, and the watch counts them.
    retain_graph
        Whether another gradient of the same outputs is to follow.

    Raises
    ------
    NetworkError
        Where the network has no gradient, or one that is not finite.

    Examples
    --------
    >>> pixels = torch.full((1, 1, 1, 2), 3.0, requires_grad=True)
    >>> gradient((pixels**2).sum(), pixels, torch.tensor([True])).flatten().tolist()
    [6.0, 6.0]
    """
    found = None
    if total.requires_grad:
        (found,) = torch.autograd.grad(total, pixels, retain_graph=retain_graph, allow_unused=True)
    if found is None:
        raise NetworkError(
            "Need a network whose outputs have a gradient with respect to its images, for an "
            "attack. Got one without: look for a detach, an argmax, a rounding, a conversion to "
            "another type, or torch.no_grad in its forward."
        )
    _require_finite(found)
    see_gradients(found, attacked)
    return found


def loss_gradient(
    network: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, loss: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss of each image, and its gradient with respect to the image's pixels.

    Parameters
    ----------
    network
        In evaluation mode with frozen parameters, on the device of `pixels`.
    pixels : float32 (n, channels, height, width)
    labels : int64 (n,)
    loss
        A name out of :data:`LOSSES`.

    Returns
    -------
    losses : float64 (n,)
    gradients : float32, shaped as `pixels`
    """
    pixels = pixels.detach().requires_grad_()
    outputs = logits(network, pixels)
    losses = LOSSES[loss](outputs, labels)
    return losses.detach(), gradient(losses.sum(), pixels, outputs.argmax(1) == labels)


def losses_of(
    network: nn.Module, pixels: torch.Tensor, labels: torch.Tensor, loss: str
) -> torch.Tensor:
    """Return the loss of each image, float64 (n,); see :func:`loss_gradient`."""
    with torch.no_grad():
        return LOSSES[loss](logits(network, pixels), labels)


def log_odds(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return m = log Σ_{j ≠ y} exp z_j - z_y, in place of the cross-entropy log(1 + exp m).

    It rises where the cross-entropy does, so images rank alike, and its gradient has the same
    direction: that of the cross-entropy is smaller by the factor 1 / (1 + exp(-m)), one number
    per image. Steps along the sign or the normalised gradient are the same, therefore. But where a
    network is confident (m of -100, say) this factor is zero in single precision, and an attack on
    the cross-entropy would stand still.

    Parameters
    ----------
    logits : float64 (n, n_classes)
    labels : int64 (n,)

    Returns
    -------
    float64 (n,)

    Examples
    --------
    >>> logits, label = torch.tensor([[2.0, 1.0, -1.0]], dtype=torch.float64), torch.tensor([0])
    >>> loss = nn.functional.softplus(log_odds(logits, label))
    >>> torch.allclose(loss, nn.functional.cross_entropy(logits, label))
    True
    """
    return without_label(logits, labels).logsumexp(1) - of_label(logits, labels)


def dlr(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the difference of logits ratio, -(z_y - max_{j ≠ y} z_j) / (z_π1 - z_π3).

    z_π1 and z_π3 are the largest and the third largest logit, so it does not depend on the scale
    of logits (Croce & Hein, ICML 2020, eq. 6).

    Parameters and result are those of :func:`log_odds`.

    Raises
    ------
    NetworkError
        For fewer than three classes.

    Examples
    --------
    >>> logits = torch.tensor([[5.0, 3.0, 1.0]], dtype=torch.float64)
    >>> float(dlr(logits, torch.tensor([0]))), float(dlr(logits, torch.tensor([1])))
    (-0.5, 0.5)
    """
    if logits.shape[1] < 3:
        raise NetworkError(
            "Need at least three classes for the loss dlr, which divides by the distance to the "
            f"third largest logit. Got {logits.shape[1]}; set loss: cross_entropy."
        )
    largest = logits.topk(3, dim=1).values
    margins = of_label(logits, labels) - without_label(logits, labels).amax(1)
    return -margins / (largest[:, 0] - largest[:, 2]).clamp_min(SMALLEST)


# By the name that a configuration gives them.
LOSSES = {"cross_entropy": log_odds, "dlr": dlr}


def of_label(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the logit of each image's label, (n,)."""
    return logits.gather(1, labels[:, None]).squeeze(1)


def without_label(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return logits (n, n_classes) with minus infinity in the place of each image's label."""
    return logits.scatter(1, labels[:, None], -torch.inf)


def _require_logits(outputs, n_images):
    shape = tuple(outputs.shape)
    if len(shape) != 2 or shape[0] != n_images or shape[1] < 2:
        raise NetworkError(
            "Need one row of logits per image, of at least two classes, from a network that is "
            f"attacked. Got outputs of shape {shape} for {n_images} images."
        )
    bad = int((~torch.isfinite(outputs).all(1)).sum())
    if bad:
        raise NetworkError(
            f"Need finite logits of a network that is attacked. Got {bad} of {n_images} images "
            "whose logits are not; look for an overflow or a division by zero in it."
        )


def _require_finite(gradients):
    bad = int((~torch.isfinite(gradients).flatten(1).all(1)).sum())
    if bad:
        raise NetworkError(
            "Need finite gradients of a network with respect to its images, for an attack. Got "
            f"{bad} of {len(gradients)} images with others; look for the root of a zero, or a "
            "division by one, in it."
        )
