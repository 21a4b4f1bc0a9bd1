"""Families of perturbations at equal accuracy: does noise do to the classes what attacks do?

A strength of one family says nothing beside that of another. What can be compared is what they do
to the geometry where they cost the network as much accuracy.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from .collection import average_replicates
from .conventions import HARMONIC, NEGLIGIBLE, from_averaging_scale, to_averaging_scale
from .files.csv import of_family
from .files.geometry import VARIABLES
from .intervals import CONFIDENCE, student_interval

# Where the run has measured them.
MEASURES = (
    "capacity",
    "dimension",
    "radius",
    "center_correlation",
    "joint_capacity",
    "joint_dimension",
    "joint_radius",
    "readout_accuracy",
)
DIFFERS, SAME, UNDECIDED = "differs", "same", "undecided"
COLUMNS = ["network", "family", "accuracy", "reason", "below", "above", "weight"]
COLUMNS += ["layer", "layer_index", "quantity", "value", "value_low", "value_high"]
COLUMNS += ["reference", "reference_value"]
COLUMNS += ["change_percent", "change_percent_low", "change_percent_high"]
COLUMNS += ["verdict", "n_replicates"]


def match_families(
    geometry: pd.DataFrame,
    accuracy: pd.DataFrame,
    families: Sequence[str],
    reference: str,
    share: float,
) -> pd.DataFrame:
    r"""Return the geometry of every family where the same accuracy is left.

    The target is `share` of the network's clean accuracy. With :math:`a_i \ge a > a_{i+1}` the
    first neighbouring levels of a family, clean among them, between which the accuracy falls below
    the target a, a measure m is interpolated in the accuracy, replicate by replicate,

    .. math::

        m = (1 - w)\, m_i + w\, m_{i+1}, \qquad w = \frac{a_i - a}{a_i - a_{i+1}},

    capacities as their inverse, which is what adds up. Nothing is extrapolated.

    The interval has two parts, added in squares: Student's t over replicates, and the accuracy's
    own error, :math:`\sqrt{a (1 - a) / n}` for n test images, times the slope of the measure
    between the two levels. Without the second, families would seem to differ that only crossed the
    target by chance at other images. Differences from the reference are paired over replicates,
    which have the same images; the errors of both accuracies are added as if they were independent,
    which makes the interval rather too wide.

    Parameters
    ----------
    geometry, accuracy
        The tables of :mod:`manifold_robustness.collection`.
    families
        Names of the families, in their order.
    reference
        The one that the others are compared with.
    share
        Between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row per (network, family, layer, quantity): ``accuracy``, the target; ``below`` and
        ``above``, the strengths of the two levels, and ``weight``, w; ``value`` with ``value_low``
        and ``value_high``, of capacities the inverse of the interpolated inverse; ``reference``,
        ``reference_value``; the difference, family less reference, in percent of the latter,
        ``change_percent`` with ``change_percent_low`` and ``change_percent_high``; ``verdict``:
        *differs* where the interval of the change excludes 0, *same* where it lies within 5 % of
        the reference, *undecided* otherwise; ``n_replicates``. A family that never crosses the
        target has one row per network, with a ``reason`` and nothing else; where that is the
        reference, nothing is compared.
    """
    rows = []
    for network in dict.fromkeys(accuracy["network"]):
        answers = accuracy[accuracy["network"] == network]
        measured = geometry[geometry["network"] == network]
        found = {
            family: _match(
                of_family(measured, family), of_family(answers, family), share, network, family
            )
            for family in families
        }
        base = found.get(reference)
        for matched in found.values():
            rows += _compared(matched, base, reference)
    return pd.DataFrame(rows, columns=COLUMNS)


def crossing(accuracies: np.ndarray, target: float) -> int | None:
    """Return the first place i with ``accuracies[i] >= target > accuracies[i + 1]``, or None.

    >>> crossing(np.array([0.9, 0.6, 0.4, 0.5]), 0.45), crossing(np.array([0.9, 0.8]), 0.45)
    (1, None)
    """
    falls = (accuracies[:-1] >= target) & (target > accuracies[1:])
    return int(falls.argmax()) if falls.any() else None


def _match(geometry, answers, share, network, family):
    """Values over replicates at the target, by (layer, quantity), or why there are none."""
    clean, levels = answers["accuracy"].iloc[0], answers["accuracy"].to_numpy(float)
    target = share * clean
    found = {"network": network, "family": family, "accuracy": target, "values": {}}
    place = crossing(levels, target)
    if place is None:
        least = levels[1:].min() if len(levels) > 1 else clean
        return found | {
            "reason": f"accuracy stays at or above {100 * least:.3g} %, "
            f"and {100 * target:.3g} % is to be crossed"
            if least >= target
            else f"clean accuracy is below {100 * target:.3g} %"
        }
    weight = (levels[place] - target) / (levels[place] - levels[place + 1])
    below, above = answers["strength"].iloc[[place, place + 1]]
    n_images = answers["n_images"].iloc[place + 1]
    error = np.sqrt(target * (1 - target) / n_images) / (levels[place] - levels[place + 1])
    found |= {"below": below, "above": above, "weight": weight, "error": error, "reason": ""}
    replicates = average_replicates(geometry)
    there = set(replicates["strength"])
    if not {below, above} <= there:
        missing = below if below not in there else above
        return found | {"reason": f"no geometry at strength {missing:g}"}
    names = [name for name in MEASURES if name in replicates]
    ends = [
        replicates[replicates["strength"] == strength].set_index(["layer_index", "replicate"])
        for strength in (below, above)
    ]
    for (index, layer), _ in ends[0].groupby(["layer_index", "layer"]):
        for name in names:
            first, second = (
                to_averaging_scale(
                    end.loc[index][name].sort_index().to_numpy(float), VARIABLES[name].summarised
                )
                for end in ends
            )
            values = (1 - weight) * first + weight * second
            slope = float(np.mean(second - first))
            found["values"][index, layer, name] = values, slope * error
    return found


def _compared(matched, base, reference):
    """The rows of a family: its values, and how they differ from the reference's."""
    named = {key: matched[key] for key in ("network", "family", "accuracy")}
    if matched["reason"]:
        return [named | {"reason": matched["reason"]}]
    named |= {key: matched[key] for key in ("below", "above", "weight")}
    rows = []
    for (index, layer, quantity), (values, error) in matched["values"].items():
        how = VARIABLES[quantity].summarised
        row = named | {"layer": layer, "layer_index": index, "quantity": quantity, "reason": ""}
        ends = from_averaging_scale(*_interval(values, error), how)
        row |= dict(zip(("value", "value_low", "value_high"), ends, strict=True))
        other = base["values"].get((index, layer, quantity)) if base else None
        if other is not None and matched["family"] != reference:
            row |= _difference(values, error, *other, how) | {"reference": reference}
        rows.append(row | {"n_replicates": len(values)})
    return rows


def _difference(values, error, others, other_error, how):
    """The change from the reference in percent of it, and a verdict."""
    base = float(np.mean(others))
    change, low, high = (
        end / base for end in _interval(values - others, np.hypot(error, other_error))
    )
    if how == HARMONIC:  # of the inverse: x / base is 1 / (1 + d)
        change, low, high = (
            1 / (1 + end) - 1 if end > -1 else np.inf for end in (change, high, low)
        )
    verdict = UNDECIDED
    if low > 0 or high < 0:
        verdict = DIFFERS
    elif low >= -NEGLIGIBLE and high <= NEGLIGIBLE:
        verdict = SAME
    percent = dict(
        zip(
            ("change_percent", "change_percent_low", "change_percent_high"),
            (100 * end for end in (change, low, high)),
            strict=True,
        )
    )
    return percent | {"reference_value": float(to_averaging_scale(base, how)), "verdict": verdict}


def _interval(values, error):
    """Mean, low and high: Student's t over replicates, and an error of its own, in squares."""
    mean, low, high = student_interval(values)
    half = float(np.hypot((high - low) / 2, ndtri((1 + CONFIDENCE) / 2) * error))
    return mean, mean - half, mean + half
