"""Attacks beside each other: what must hold of them, and what hints at gradients that lead nowhere.

A family declares what is to be expected of it. What follows from its definition must hold. What an
attack that finds its way would do is a hint only, which a network with odd gradients may break: its
accuracy under attack then says more of the gradients than of its robustness (Athalye, Carlini &
Wagner, ICML 2018, section 3.1).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from .conditions import CLEAN
from .conventions import MOST_ZERO, SLACK
from .errors import DataError
from .files.predictions import Predictions
from .intervals import wilson_interval

HOLDS, WARNS, BROKEN = "holds", "warns", "broken"
# A hint is given where more images than chance would give speak for it, and more than a point.
SIGNIFICANCE, MARGIN = 0.01, 0.01
NEAR_ZERO = 0.05  # accuracy
# Of images, for which another machine's rounding may have led a path elsewhere.
ALLOWED_SHARE = 0.01
COLUMNS = ["network", "family", "check", "condition", "reference", "n"]
COLUMNS += ["value", "reference_value", "gained", "lost", "p_value", "verdict", "statement"]
Images = Callable[[str, str], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class AttackLevel:
    """One strength of a family: its condition's name and, where it is a budget, that."""

    condition: str
    norm: str | None
    budget: float


@dataclass(frozen=True)
class ExpectedFamily:
    """A family, with what is to be expected of it.

    Attributes
    ----------
    name, perturbation, symbol : str
        As the run names it; its file; of its strength.
    levels : sequence of AttackLevel
        By strength, without clean.
    no_weaker_than : sequence of str
        Perturbations that leave no less accuracy at the same budget in the same norm.
    falls : bool
        Whether no more accuracy is left at a greater strength.
    vanishes : bool
        Whether none is left at a strength that is large enough.
    nested : bool
        Whether a greater strength goes on from where a smaller one ended: it changes no value back,
        and leaves images as they are that are wrong already. That follows from a definition, so a
        run in which it does not hold is broken, and so is one where the accuracy rises then.
    """

    name: str
    perturbation: str
    symbol: str
    levels: Sequence[AttackLevel]
    no_weaker_than: Sequence[str] = ()
    falls: bool = False
    vanishes: bool = False
    nested: bool = False


def compare_attacks(
    predictions: Mapping[tuple[str, str], Predictions],
    families: Sequence[ExpectedFamily],
    images: Images,
) -> pd.DataFrame:
    r"""Return one row per (network, family, check) with its verdict and a statement.

    The checks are

    - *no weaker*: a family leaves no more images right than another one at the same budget;
    - *falls*: it leaves no more right at a greater strength (of all pairs of levels, clean among
      them, the one where it rises most clearly is told, its probability times their number);
    - *vanishes*: it leaves none right at its greatest strength, or at most 5 %;
    - *gradients*: at most 1 % of the gradients that it asks for are zero in every pixel (at the
      strength where most are);
    - *nested*: a greater strength goes on from where a smaller one ended.

    *No weaker* and *falls* compare two conditions on the images that both have. Of :math:`b` images
    that only the first condition leaves right and :math:`c` that only the second one does, the
    first is a hint where it leaves more right by at least one point, and where

    .. math::

        P(B \ge b) < 0.01, \qquad B \sim \text{Binomial}(b + c, 1/2),

    the exact test of McNemar, one-sided: chance alone seldom speaks so. *Vanishes* gives its hint
    where the whole 95 % interval of the accuracy (Wilson) lies above 5 %.

    *Nested*, and *falls* of a family that is nested, must hold in all images but one in a hundred:
    jobs may have run on machines that round differently, and a path may fork there.

    Parameters
    ----------
    predictions
        By network and condition: of every network under every condition.
    families
        Those to look at, and those that they are compared with.
    images
        Gives the selected images of a network under a condition, (..., channels, height, width),
        and which of them it has right, bool (...). Asked for families that are nested only.

    Raises
    ------
    DataError
        For two conditions of one network that have no image in common.

    Returns
    -------
    pandas.DataFrame
        ``condition`` and ``reference``, the two that are compared (without a second one, empty);
        ``n``, images or gradients; ``value`` and ``reference_value``, accuracies, or of *gradients*
        and *nested* the share; ``gained`` and ``lost``, b and c, with the ``p_value``; ``verdict``:
        *holds*, *warns* (a hint) or *broken*; ``statement``, the same in words.
    """
    rows = []
    for network in dict.fromkeys(network for network, _ in predictions):
        answers = {name: found for (one, name), found in predictions.items() if one == network}
        for family in families:
            place = {"network": network, "family": family.name}
            found = [
                *_no_weaker(family, families, answers),
                *_falls(family, answers),
                *_vanishes(family, answers),
                *_gradients(family, answers),
                *_nested(family, partial(images, network)),
            ]
            rows += [place | row for row in found]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"gained": "Int64", "lost": "Int64"})


def _no_weaker(family, families, answers):
    others = [one for one in families if one.perturbation in family.no_weaker_than]
    for level in family.levels:
        for other in (one for family in others for one in family.levels):
            if other.norm != level.norm or not np.isclose(other.budget, level.budget, rtol=1e-9):
                continue
            row = _compared("no weaker", level.condition, other.condition, answers)
            yield row | {"statement": f"{_accuracies(row)}; it is expected to be no weaker"}


def _falls(family, answers):
    if not family.falls or not family.levels:
        return
    names = [CLEAN, *(level.condition for level in family.levels)]
    rows = [_compared("falls", one, other, answers) for other, one in combinations(names, 2)]
    if family.nested:
        row = max(rows, key=lambda row: row["gained"])
        row["verdict"] = BROKEN if row["gained"] > _allowed(row["n"]) else HOLDS
    else:
        # Of rises that count the clearest; it was picked out of all pairs, so Bonferroni's bound.
        row = min(rows, key=lambda row: (not _is_more(row), row["p_value"], _lead(row)))
        row["p_value"] = min(1.0, len(rows) * row["p_value"])
        row["verdict"] = _hint(row)
    yield row | {
        "statement": f"{_accuracies(row)}; the accuracy is expected not to rise with "
        f"{family.symbol}"
    }


def _vanishes(family, answers):
    if not family.vanishes or not family.levels:
        return
    name = family.levels[-1].condition
    correct = answers[name].correct
    share, low, high = wilson_interval(correct)
    yield {
        "check": "vanishes",
        "condition": name,
        "n": len(correct),
        "value": share,
        "verdict": WARNS if low > NEAR_ZERO else HOLDS,
        "statement": f"{name}, the greatest strength, leaves {100 * share:.1f} % right "
        f"({100 * low:.1f} to {100 * high:.1f}); at one that is large enough, nothing should be",
    }


def _gradients(family, answers):
    known = {level.condition: answers[level.condition].seen for level in family.levels}
    asked = {name: seen for name, seen in known.items() if seen.get("n_gradients", 0) > 0}
    if not asked:
        return
    shares = {name: seen["n_zero_gradients"] / seen["n_gradients"] for name, seen in asked.items()}
    name = max(shares, key=shares.get)
    yield {
        "check": "gradients",
        "condition": name,
        "n": asked[name]["n_gradients"],
        "value": shares[name],
        "verdict": WARNS if shares[name] > MOST_ZERO else HOLDS,
        "statement": f"{100 * shares[name]:.2g} % of the gradients that {name} asked for are zero "
        f"in every pixel, where an attack stands still; at most {100 * MOST_ZERO:g} % should be",
    }


def _nested(family, images):
    if not family.nested:
        return
    clean, _ = images(CLEAN)
    stored = ((level.condition, *images(level.condition)) for level in family.levels)
    for (smaller, before, is_right), (greater, after, _) in pairwise(stored):
        changed, further = before - clean, after - before
        axes = tuple(range(is_right.ndim, clean.ndim))
        # A value that was changed goes no way back; an image that is wrong is left alone.
        goes_on = ((changed * further) >= -SLACK).all(axis=axes)
        stays = (np.abs(further) <= SLACK).all(axis=axes)
        holds = goes_on & (stays | is_right)
        n_broken = int((~holds).sum())
        yield {
            "check": "nested",
            "condition": greater,
            "reference": smaller,
            "n": holds.size,
            "value": holds.mean(),
            "verdict": BROKEN if n_broken > _allowed(holds.size) else HOLDS,
            "statement": f"{greater} goes on from where {smaller} ended in "
            f"{holds.size - n_broken} of {holds.size} selected images",
        }


def _compared(check, condition, reference, answers):
    """A condition beside one that should leave no less right, on the images that both have."""
    first, second = answers[condition], answers[reference]
    _, *places = np.intersect1d(first.indices, second.indices, return_indices=True)
    _require_shared(places[0], condition, reference)
    right, right_there = (
        found.correct[own] for found, own in zip((first, second), places, strict=True)
    )
    gained, lost = int((right & ~right_there).sum()), int((right_there & ~right).sum())
    p_value = 1.0
    if gained:
        p_value = float(binomtest(gained, gained + lost, 0.5, "greater").pvalue)
    row = {
        "check": check,
        "condition": condition,
        "reference": reference,
        "n": len(right),
        "value": right.mean(),
        "reference_value": right_there.mean(),
        "gained": gained,
        "lost": lost,
        "p_value": p_value,
    }
    return row | {"verdict": _hint(row)}


def _is_more(row):
    return row["gained"] - row["lost"] >= MARGIN * row["n"]


def _lead(row):
    """By how much less a condition leaves right than its reference."""
    return row["reference_value"] - row["value"]


def _hint(row):
    return WARNS if _is_more(row) and row["p_value"] < SIGNIFICANCE else HOLDS


def _require_shared(places, condition, reference):
    if not len(places):
        raise DataError(
            "Need conditions of one network that were evaluated on common images, to compare them. "
            f"Got {condition} and {reference}, which have none in common."
        )


def _accuracies(row):
    return (
        f"{row['condition']} leaves {100 * row['value']:.1f} % of {row['n']} images right, "
        f"{row['reference']} {100 * row['reference_value']:.1f} % ({row['gained']} right under the "
        f"first alone, {row['lost']} under the second alone, p = {row['p_value']:.2g})"
    )


def _allowed(n_images):
    return max(1, int(ALLOWED_SHARE * n_images))
