"""Guided by geometry: steps that lower the capacity of a layer, for all images of a set at once.

x_{t+1} = P(x_t + r ε d_t), where d_t is the steepest direction of norm 1 of the gradient of

    F(x) = (1 / L) Σ_l 1 / α_l(x) + w (1 / n) Σ_i CE(x_i, y_i),

α_l the capacity of the manifolds that the n images span in the l-th of L layers
(:func:`~..network.inverse_capacity.inverse_capacity`), CE the cross-entropy of the
network's own answer, and P the projection onto the ball of ε around each image and onto [0, 1]. The
capacity is one number for all images, and the gradient to an image depends on all others.
"""

from typing import TYPE_CHECKING

from .guidance import guidance, guiding_layers
from .projections import budget, project, steepest
from .starts import random_start as start_at_random

if TYPE_CHECKING:
    import torch

    from .draws import Draws

DECLARATION = {
    "title": "Guided by geometry",
    "wants_network": True,
    "scope": "set",
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
    "range": [{"low": 0.0, "high": 1.0}],
    "options": {
        "properties": {
            "layers": {
                "type": ["array", "null"],
                "description": "whose capacity is lowered, module paths; null: the last before the "
                "head",
                "items": {"type": "string"},
                "minItems": 1,
                "uniqueItems": True,
                "default": None,
            },
            "objective": {
                "enum": ["capacity", "joint_capacity"],
                "description": "of the mean-field theory, or of the joint program",
                "default": "capacity",
            },
            "norm": {"enum": ["linf", "l2"], "default": "linf"},
            "parameterization": {
                "enum": ["fraction", "levels"],
                "description": "of strengths: pixel units or, for linf, levels of 1/255",
                "default": "fraction",
            },
            "steps": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 20},
            "relative_step": {
                "type": ["number", "null"],
                "description": "length of a step as a share of ε; null: 2.5 / steps",
                "exclusiveMinimum": 0,
                "default": None,
            },
            "random_start": {"type": "boolean", "default": True},
            "n_gaussian_vectors": {
                "type": "integer",
                "description": "probes of the capacity, drawn anew for each step",
                "minimum": 1,
                "maximum": 100000,
                "default": 50,
            },
            "cross_entropy_weight": {
                "type": "number",
                "description": "of the mean cross-entropy of the network's answers, beside 1/α",
                "minimum": 0,
                "default": 0,
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
    layers: list[str] | None,
    objective: str,
    norm: str,
    parameterization: str,
    steps: int,
    relative_step: float | None,
    random_start: bool,
    n_gaussian_vectors: int,
    cross_entropy_weight: float,
) -> "torch.Tensor":
    """Return the images of a set after all steps, within ε of themselves and within [0, 1].

    Parameters
    ----------
    images : torch.Tensor, float32 (n_manifolds, n_points, channels, height, width)
        Pixels in [0, 1].
    labels : torch.Tensor, int64 (n_manifolds, n_points)
        Their classes, for the cross-entropy.
    strength : float
        ε, in pixel units or in levels of 1/255.
    draws : Draws
    network : torch.nn.Module
        In evaluation mode with frozen parameters.
    layers : list of str or None
        Module paths, or ``input``; None: the last layer before the head.
    objective : {"capacity", "joint_capacity"}
    norm : {"linf", "l2"}
        Of the ball, and of a step.
    parameterization : {"fraction", "levels"}
    steps : int
    relative_step : float or None
        r, the length of a step as a share of ε; None: 2.5 / steps.
    random_start : bool
        Whether the first step starts from a random place of the ball, or from the image.
    n_gaussian_vectors : int
        Probes, drawn anew for each step and layer: a set that fooled the same ones at every step
        would be entangled for these only.
    cross_entropy_weight : float
        w.

    Raises
    ------
    NetworkError
        For a layer that the network does not have.
    GeometryError
        For a set of fewer than two manifolds or points, or activations of no extent.

    Examples
    --------
    Two classes of points in the plane, which a linear network sees as they are. Steps against the
    capacity lead them towards each other.

    >>> import torch
    >>> from .draws import Draws
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2))
    >>> network[1].weight.data, network[1].bias.data = torch.eye(2), torch.zeros(2)
    >>> apart = torch.tensor([[[0.2, 0.4], [0.2, 0.6]], [[0.8, 0.4], [0.8, 0.6]]])
    >>> options = {key: one["default"] for key, one in DECLARATION["options"]["properties"].items()}
    >>> options |= {"layers": ["1"], "random_start": False}
    >>> given = apart[..., None, None], torch.tensor([[0, 0], [1, 1]]), 0.1
    >>> found = perturb(*given, draws=Draws(0, range(4)), network=network, **options)
    >>> distance = found[1, :, 0].mean() - found[0, :, 0].mean()
    >>> bool(distance < 0.5)
    True
    """
    epsilon = budget(strength, parameterization)
    if relative_step is None:
        relative_step = 2.5 / steps
    flat = images.flatten(0, 1)
    layers = guiding_layers(network, layers, flat.shape[1:])
    pixels = flat
    if random_start:
        pixels = start_at_random(flat, epsilon, norm, draws, "guided start")
    for step in range(steps):
        gradients = guidance(
            network,
            pixels.unflatten(0, images.shape[:2]),
            labels,
            layers,
            objective=objective,
            n_gaussian_vectors=n_gaussian_vectors,
            seed=draws.of_set(step),
            cross_entropy_weight=cross_entropy_weight,
        )
        moved = pixels + relative_step * epsilon * steepest(gradients.flatten(0, 1), norm)
        pixels = project(moved, flat, epsilon, norm)
    return pixels.unflatten(0, images.shape[:2])
