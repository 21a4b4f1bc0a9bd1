"""The attack along the saliency map: pairs of pixels to their limit, each pair the best there is.

A pair (p, q) of features is rated by α = Σ_{i in p, q} ∂F_t/∂x_i and β = Σ_{i in p, q} Σ_{j ≠ t}
∂F_j/∂x_i, where F are logits and t is the target class. Of the pairs with α > 0 > β, the one of
greatest -α β is changed by θ, within [0, 1], and so on until the class is not the label any more
(Papernot et al., EuroS&P 2016, algorithms 2 and 3; for θ < 0 both slopes change their sign). A
feature is one value of the image: a pixel of one channel. One that can't move farther is left out.

The target stays the same: the class of the greatest logit beside the label, at the image itself. A
share γ of the features bounds the number of pairs, ⌊γ n / 2⌋; so what one γ changes, a greater one
changes first.
"""

import math
from typing import TYPE_CHECKING

import torch

from .gradients import gradient, logits, of_label, without_label

if TYPE_CHECKING:
    from .draws import Draws

DECLARATION = {
    "title": "JSMA",
    "wants_network": True,
    "scope": "image",
    "strength": [
        {
            "name": "gamma",
            "symbol": "γ",
            "description": "largest share of the image's values that change",
            "maximum": 1,
        }
    ],
    "range": [{"low": 0.0, "high": 1.0}],
    "expected": {"falls": True, "nested": True},
    "options": {
        "properties": {
            "theta": {
                "type": "number",
                "description": "other than 0: what is added to a chosen pixel",
                "minimum": -1,
                "maximum": 1,
                "not": {"const": 0},
                "default": 1.0,
            }
        }
    },
}
ROUNDING = 1e-9  # of γ n / 2: 0.29 * 200 / 2 is a bit less than 29
BLOCK = 2**22  # pairs that are rated at once


def perturb(
    images: torch.Tensor,
    labels: torch.Tensor,
    strength: float,
    *,
    draws: "Draws",
    network: torch.nn.Module,
    theta: float,
) -> torch.Tensor:
    """Return images of which at most a share γ of the values has changed.

    An image that the network classifies wrongly stays as it is; so does one of fewer than 2 / γ
    values. One for which no pair is left keeps what was changed.

    Parameters
    ----------
    images : float32 (n, channels, height, width)
        Pixels in [0, 1].
    labels : int64 (n,)
        Their classes, which the changes lead out of.
    strength : float
        γ, in (0, 1].
    draws
        Not used: nothing is random here.
    network
        In evaluation mode with frozen parameters.
    theta : float
        θ, what is added to the two features of a pair.

    Examples
    --------
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    >>> linear[1].weight.data = torch.tensor([[1.0, -3.0, 1.0, -1.0], [-1.0, 0.0, 0.0, 2.0]])
    >>> image, label = torch.tensor([0.75, 0.0, 0.25, 0.0]).reshape(1, 1, 2, 2), torch.tensor([0])
    >>> perturb(image, label, 0.5, draws=None, network=linear, theta=1.0).tolist()
    [[[[0.75, 1.0], [0.25, 1.0]]]]
    """
    n_pairs = math.floor(strength * images[0].numel() / 2 + ROUNDING)
    pixels = images.detach().clone()
    is_going = torch.ones_like(labels, dtype=torch.bool)
    targets = None
    for _ in range(n_pairs):
        asked = pixels.clone().requires_grad_()
        outputs = logits(network, asked)
        if targets is None:
            targets = without_label(outputs, labels).argmax(1)
        is_going &= outputs.argmax(1) == labels
        if not is_going.any():
            break
        of_all = gradient(outputs.sum(), asked, is_going, retain_graph=True)
        of_target = gradient(of_label(outputs, targets).sum(), asked, is_going)
        for place in is_going.nonzero().flatten().tolist():
            flat = pixels[place].view(-1)
            gains, losses = saliencies(of_all[place], of_target[place], flat, theta)
            pair = best_pair(gains, losses)
            if pair is None:
                is_going[place] = False
            else:
                flat[list(pair)] = (flat[list(pair)] + theta).clamp(0, 1)
    return pixels


def saliencies(
    of_all: torch.Tensor, of_target: torch.Tensor, pixels: torch.Tensor, theta: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a change of each feature gives the target, and what it takes from the others.

    Parameters
    ----------
    of_all, of_target
        Gradients of the sum of all logits, and of the target's, of one image.
    pixels : (n,)
        One that a change along `theta` can't move gets minus infinity.
    theta : float

    Returns
    -------
    gains, losses : float64 (n,)
        ∂F_t/∂x and -Σ_{j ≠ t} ∂F_j/∂x, both times the sign of θ.

    Examples
    --------
    >>> slopes = torch.tensor([-3.0, 5.0]), torch.tensor([1.0, 2.0])
    >>> saliencies(*slopes, torch.tensor([0.5, 1.0]), theta=1.0)
    (tensor([1., -inf], dtype=torch.float64), tensor([4., -inf], dtype=torch.float64))
    """
    sign = math.copysign(1, theta)
    of_all, of_target = sign * of_all.flatten().double(), sign * of_target.flatten().double()
    can_move = pixels < 1 if theta > 0 else pixels > 0
    gains = of_target.where(can_move, -torch.inf)
    losses = (of_target - of_all).where(can_move, -torch.inf)
    return gains, losses


def best_pair(
    gains: torch.Tensor, losses: torch.Tensor, block: int = BLOCK
) -> tuple[int, int] | None:
    """Return the two features of greatest (g_p + g_q)(l_p + l_q), both sums above 0.

    The rating of a pair rises with either number of either feature. Say that a feature beats
    another if it has at least the other's g and l and stands before it in the order of falling g.
    If two features beat one of a pair, one of these two is not its partner, and can take its place
    without lowering the rating. That ends, since each time a feature earlier in the order comes in.
    So some best pair has only features that at most one other beats, and those that nobody beats,
    with those that nobody else beats after these are gone, are enough. Sums and products of
    floating-point numbers rise in the same way, so the rating found is exactly that of a search
    over all pairs. On images a handful of features is left of thousands; where many are, their
    pairs are rated in blocks.

    Parameters
    ----------
    gains, losses : float64 (n,)
        g and l; minus infinity for features that are left out.
    block : int
        Pairs that are rated at once.

    Returns
    -------
    (p, q) or None
        None where there is no such pair.

    Examples
    --------
    >>> gains = torch.tensor([1.0, 3.0, -1.0, 2.0])
    >>> best_pair(gains, torch.tensor([1.0, -1.0, 3.0, 2.0]))
    (3, 0)
    """
    order = gains.argsort(descending=True, stable=True)
    ordered = losses[order]
    unbeaten = _is_record(ordered)
    next_unbeaten = _is_record(ordered.where(~unbeaten, -torch.inf))
    kept = order[unbeaten | next_unbeaten]
    gains, losses = gains[kept], losses[kept]
    best, pair = 0.0, None
    rows = max(1, block // max(1, len(kept)))
    for start in range(0, len(kept), rows):
        gained = gains[start : start + rows, None] + gains
        lost = losses[start : start + rows, None] + losses
        ratings = torch.where((gained > 0) & (lost > 0), gained * lost, 0)
        ratings.diagonal(start).zero_()
        place = int(ratings.argmax())
        rating = float(ratings.view(-1)[place])
        if rating > best:
            best = rating
            row, column = divmod(place, len(kept))
            pair = int(kept[start + row]), int(kept[column])
    return pair


def _is_record(values):
    """Whether each value is greater than all before it; minus infinity never is."""
    before = values.cummax(0).values.roll(1)
    before[:1] = -torch.inf
    return values > before
