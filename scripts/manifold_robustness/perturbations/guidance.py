"""The gradient that guides by geometry: of the inverse capacity of a set with respect to pixels.

A set is P x M images, too many for one pass with its graph where images are large. So a gradient
takes two passes in parts of a fixed size: one without a graph, for the activations of the whole
set, from which the capacity and its gradient to every activation follow; and one with the graph of
a part at a time, which takes that gradient back to the pixels (a vector-Jacobian product).
"""

from collections.abc import Sequence

import torch
from torch import nn

from ..errors import NetworkError
from ..network.capacity_inputs import draw_probes
from ..network.inverse_capacity import inverse_capacity
from ..network.layers import INPUT, analysed_names, keep_outputs, list_layers
from .gradients import gradient, logits

PART = 50  # images of a pass; at another size of it kernels round in another way


def guiding_layers(
    network: nn.Module, layers: Sequence[str] | None, image_shape: Sequence[int]
) -> list[str]:
    """Return the layers that guide: those asked for or, for None, the last before the head.

    That is the second to last of the layers that are analysed where no others are asked for: the
    last one's activations are the answers themselves.

    Raises
    ------
    NetworkError
        For a layer that the network does not have, and for None where it has a head only.

    Examples
    --------
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> guiding_layers(network, None, (1, 2, 2))
    ['1']
    """
    known = list_layers(network, image_shape)
    if layers is None:
        analysed = [name for name in analysed_names(network, known) if name != INPUT]
        if len(analysed) < 2:
            raise NetworkError(
                "Need a layer before the head to guide an attack. Got a network with "
                f"{', '.join(analysed) or 'none'} only; name the option layers."
            )
        return [analysed[-2]]
    names = [layer.name for layer in known]
    for layer in layers:
        if layer not in names:
            raise NetworkError(
                f"Need layers of the network to guide an attack. Got {layer}, and the network has "
                f"{', '.join(names)}."
            )
    return list(layers)


def guidance(
    network: nn.Module,
    pixels: torch.Tensor,
    labels: torch.Tensor,
    layers: Sequence[str],
    *,
    objective: str,
    n_gaussian_vectors: int,
    seed: Sequence[int],
    cross_entropy_weight: float = 0.0,
) -> torch.Tensor:
    """Return n times the gradient of F of :mod:`~.guided` with respect to the pixels of a set.

    Parameters
    ----------
    network
        In evaluation mode with frozen parameters, on the device of `pixels`.
    pixels : float32 (n_manifolds, n_points, channels, height, width)
    labels : int64 (n_manifolds, n_points)
    layers
        Module paths, or ``input``.
    objective : {"capacity", "joint_capacity"}
    n_gaussian_vectors
        Probes of each layer.
    seed
        Of the probes, which are drawn anew for another seed.
    cross_entropy_weight
        w.

    Returns
    -------
    float32, shaped as `pixels`
        Times the number of images, so that its size does not fall with that.
    """
    shape, flat = pixels.shape[:2], pixels.flatten(0, 1)
    directions = _directions(network, flat, shape, layers, objective, n_gaussian_vectors, seed)
    parts = zip(flat.split(PART), labels.flatten().split(PART), strict=True)
    found, start = [], 0
    for images, truth in parts:
        images = images.detach().requires_grad_()
        outputs, answers = _pass(network, images, layers)
        here = slice(start, start + len(images))
        total = sum(
            (outputs[layer].flatten(1) * direction[here]).sum()
            for layer, direction in directions.items()
        )
        if cross_entropy_weight:
            losses = nn.functional.cross_entropy(answers, truth, reduction="sum")
            total = total + cross_entropy_weight * losses
        # An image that no probe touches has no gradient at this step, and it is no warning.
        found.append(gradient(total, images, torch.zeros_like(truth, dtype=torch.bool)))
        start = here.stop
    return torch.cat(found).unflatten(0, shape)


def _directions(network, flat, shape, layers, objective, n_gaussian_vectors, seed):
    """The gradient of n / L Σ_l 1/α_l to the activations of each layer, (n, n_features)."""
    parts = {layer: [] for layer in layers}
    with torch.no_grad():
        for images in flat.split(PART):
            outputs, _ = _pass(network, images, layers)
            for layer in layers:
                parts[layer].append(outputs[layer])
    directions = {}
    for number, layer in enumerate(layers):
        # In their own precision, by which the geometry knows what is rounding.
        activations = torch.cat(parts.pop(layer)).detach().flatten(1)
        activations = activations.unflatten(0, shape).requires_grad_()
        n_features = activations.shape[2]
        probes = draw_probes(
            objective, shape[0], n_features, n_gaussian_vectors, seed=(*seed, number)
        )
        value = inverse_capacity(activations, objective, probes=probes, within_span=True)
        (found,) = torch.autograd.grad(value, activations)
        directions[layer] = (found.flatten(0, 1) * (len(flat) / len(layers))).to(flat.dtype)
    return directions


def _pass(network, images, layers):
    """What the layers return and the network answers; copies, since a ReLU may work in place."""
    outputs = {INPUT: images}

    def keep(layer, output):
        outputs[layer] = output.clone()

    with keep_outputs(network, layers, keep):
        answers = logits(network, images)
    return outputs, answers
