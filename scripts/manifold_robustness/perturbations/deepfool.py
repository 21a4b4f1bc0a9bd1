"""DeepFool: the nearest of the class boundaries, taken as planes, again and again.

At a point x_t of class y, the boundary to class k is at the distance |F_k - F_y| / ‖w_k‖, where F
are logits and w_k = ∇F_k - ∇F_y. The step leads to the nearest one, l: r_t = (|F_l - F_y| / ‖w_l‖
+ 0.0001) w_l / ‖w_l‖, and x_{t+1} = x + (1 + η) Σ r_t within [0, 1], until the class is another one
(Moosavi-Dezfooli, Fawzi & Frossard, CVPR 2016, algorithm 2). The overshoot η is in every iterate,
and each step goes 0.0001 farther, as in the authors' program: steps that come near a boundary get
short, and 2 % of the last one would be less than what rounding moves the boundary by.

The attack itself knows no budget: it finds how far a boundary is. A budget ε cuts its perturbation
r short, x + r min(1, ε / ‖r‖).
"""

from typing import TYPE_CHECKING

import torch

from .gradients import gradient, logits, of_label, without_label
from .projections import norms

if TYPE_CHECKING:
    from .draws import Draws

DECLARATION = {
    "title": "DeepFool",
    "wants_network": True,
    "scope": "image",
    "strength": [
        {
            "name": "epsilon",
            "symbol": "ε",
            "description": "L2 norm of the largest perturbation, pixel units",
            "norm": "l2",
        }
    ],
    "range": [{"low": 0.0, "high": 1.0}],
    "expected": {"falls": True, "vanishes": True},
    "options": {
        "properties": {
            "steps": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 50},
            "overshoot": {
                "type": "number",
                "description": "share by which the perturbation goes beyond the boundary",
                "minimum": 0,
                "default": 0.02,
            },
            "candidates": {
                "type": "integer",
                "description": "classes of the image's greatest logits, its label's included, "
                "whose boundaries are looked at",
                "minimum": 2,
                "maximum": 100000,
                "default": 10,
            },
        }
    },
}


BEYOND = 1e-4  # pixel units


def perturb(
    images: torch.Tensor,
    labels: torch.Tensor,
    strength: float,
    *,
    draws: "Draws",
    network: torch.nn.Module,
    steps: int,
    overshoot: float,
    candidates: int,
) -> torch.Tensor:
    """Return images moved across a near boundary or, where that is farther than ε, towards it.

    An image that the network classifies wrongly stays as it is.

    Parameters
    ----------
    images : float32 (n, channels, height, width)
        Pixels in [0, 1].
    labels : int64 (n,)
        Their classes, which the steps lead out of.
    strength : float
        ε, the greatest L2 norm of a perturbation, in pixel units.
    draws
        Not used: nothing is random here.
    network
        In evaluation mode with frozen parameters.
    steps : int
        At most.
    overshoot : float
        η.
    candidates : int
        Classes of the image's greatest logits, its label's included.

    Examples
    --------
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> linear[1].weight.data = torch.tensor([[4.0, -2.0], [1.0, 2.0]])
    >>> image, label = torch.tensor([[[[0.5, 0.25]]]]), torch.tensor([0])
    >>> options = {"draws": None, "network": linear, "steps": 50, "candidates": 10}
    >>> found = perturb(image, label, 10.0, overshoot=0.02, **options)
    >>> round(float((found - image).norm()), 6)  # (3 x 0.5 - 4 x 0.25) / 5 and a bit more
    0.102102
    """
    whole = perturbations(
        images, labels, network, steps=steps, overshoot=overshoot, candidates=candidates
    )
    factors = strength / norms(whole, "l2").clamp_min(strength)
    return moved(images, factors[:, None, None, None] * whole)


def perturbations(
    images: torch.Tensor,
    labels: torch.Tensor,
    network: torch.nn.Module,
    *,
    steps: int,
    overshoot: float,
    candidates: int,
) -> torch.Tensor:
    """Return the whole perturbation r = (1 + η) Σ r_t of each image, 0 where its class is wrong.

    Added to an image and clipped to [0, 1], it gives the last iterate. It is in double precision,
    (n, channels, height, width); parameters are those of :func:`perturb`.
    """
    total = torch.zeros_like(images, dtype=torch.float64)
    others = None
    for _ in range(steps):
        pixels = moved(images, total).requires_grad_()
        outputs = logits(network, pixels)
        is_right = outputs.argmax(1) == labels
        if not is_right.any():
            break
        if others is None:  # at the image itself
            n_others = min(candidates, outputs.shape[1]) - 1
            others = without_label(outputs, labels).topk(n_others, dim=1).indices
        step = _to_the_nearest_boundary(outputs, labels, others, pixels, is_right)
        total += (1 + overshoot) * step.where(is_right[:, None, None, None], 0)
    return total


def moved(images: torch.Tensor, perturbations: torch.Tensor) -> torch.Tensor:
    """Return images plus perturbations (float64), within [0, 1] and in single precision."""
    return (images + perturbations).to(images.dtype).clamp_(0, 1)


def _to_the_nearest_boundary(outputs, labels, others, pixels, is_right):
    """The steps r, float64; one backward pass for each place among the other classes."""
    nearest = torch.full((len(pixels),), torch.inf, dtype=torch.float64, device=pixels.device)
    step = torch.zeros_like(pixels, dtype=torch.float64)
    for place in range(others.shape[1]):
        behind = of_label(outputs, others[:, place]) - of_label(outputs, labels)
        is_last = place == others.shape[1] - 1
        slope = gradient(behind.sum(), pixels, is_right, retain_graph=not is_last).double()
        length = norms(slope, "l2")
        # A boundary that no step leads to is nowhere.
        distance = torch.where(length > 0, behind.detach().abs() / length, torch.inf)
        closer = (distance < nearest)[:, None, None, None]
        nearest = torch.minimum(distance, nearest)
        scale = ((distance + BEYOND) / length).where(length > 0, 0)
        step = (scale[:, None, None, None] * slope).where(closer, step)
    return step
