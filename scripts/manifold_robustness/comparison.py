"""Differences between the networks of a run, condition by condition, with their intervals."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from .collection import average_replicates
from .conditions import CLEAN
from .errors import DataError
from .files.predictions import Predictions
from .intervals import bootstrap_difference, student_interval, welch_interval
from .seeds import generator

# Of the last layer, where the run has measured it.
MEASURES = [
    "capacity",
    "joint_capacity",
    "radius",
    "dimension",
    "center_correlation",
    "readout_accuracy",
]


def compare_networks(
    geometry: pd.DataFrame,
    predictions: Mapping[tuple[str, str], Predictions],
    indices: dict[str, np.ndarray],
    seed: int,
) -> pd.DataFrame:
    """Return one row per (network_a, network_b, condition, quantity): both values and b - a.

    The accuracy is paired always, since all networks see the same test images under a condition:
    its interval is
    that of :func:`.bootstrap_difference`. The geometry of the last layers is paired over
    replicates where two networks have the very same images (Student's t). Where the images differ,
    the interval is that of independent draws (:func:`.welch_interval`), which is too wide rather
    than too narrow: draws from nearly the same images overlap, and what they share cancels in the
    difference. Then a difference is that of the networks and of what each classifies correctly.

    Parameters
    ----------
    geometry
        The table of :func:`.collect_geometry`; of exemplar manifolds it has no clean rows.
    predictions
        By network and condition: of every network under every condition, in the order of the table.
    indices
        By network, the places in the test set of the images whose geometry was measured
        (n_replicates, n_manifolds, n_points).
    seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        ``value_a``, ``value_b``, ``difference`` with ``difference_low`` and ``difference_high``
        (95 %; NaN for a single replicate), and ``paired``. Values of the geometry are arithmetic
        means over replicates, whatever the summary takes, so that their difference is the mean
        difference. ``n`` counts what was averaged, images or replicates.

    Raises
    ------
    DataError
        For networks that were tested on other images.
    """
    replicates = _last_layers(average_replicates(geometry))
    places = replicates[["condition", "family", "strength"]].drop_duplicates().to_dict("records")
    if CLEAN not in {place["condition"] for place in places}:  # exemplar manifolds
        places = [{"condition": CLEAN, "family": CLEAN, "strength": 0.0}, *places]
    rows = []
    for pair in combinations(dict.fromkeys(network for network, _ in predictions), 2):
        for place in places:
            condition = place["condition"]
            answers = [predictions[network, condition] for network in pair]
            measured = [
                replicates[
                    (replicates["network"] == network) & (replicates["condition"] == condition)
                ].sort_values("replicate")
                for network in pair
            ]
            names = dict(zip(("network_a", "network_b"), pair, strict=True)) | place
            random = generator(seed, "bootstrap", *pair, condition)
            rows.append(names | _compare_accuracy(*answers, names, random))
            paired = np.array_equal(*(indices[network] for network in pair))
            rows += [
                names | _compare_measure(name, *measured, paired)
                for name in MEASURES
                if name in replicates and not measured[0].empty
            ]
    return pd.DataFrame(rows)


def require_same_test_set(first: Predictions, second: Predictions, names: dict) -> None:
    """Raise :class:`DataError` where two networks were tested on other images, or other classes."""
    if not (
        np.array_equal(first.indices, second.indices)
        and np.array_equal(first.labels, second.labels)
    ):
        raise DataError(
            f"Need networks that were tested on the same test images. Got {len(first.labels)} of "
            f"{names['network_a']} and {len(second.labels)} of {names['network_b']} under "
            f"{names['condition']}, at other places or with other labels. Evaluate both on one "
            "data set."
        )


def _last_layers(replicates):
    """The rows of each network's last layer."""
    last = replicates.groupby("network")["layer_index"].transform("max")
    return replicates[replicates["layer_index"] == last]


def _compare_accuracy(first, second, names, random):
    require_same_test_set(first, second, names)
    correct_a, correct_b, n_images = first.correct, second.correct, len(first.labels)
    lost, gained = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    difference = bootstrap_difference(lost, gained, n_images, random)
    values = correct_a.mean(), correct_b.mean()
    return _row("accuracy", ("", ""), values, difference, paired=True, n=n_images)


def _compare_measure(name, rows_a, rows_b, paired):
    layers = rows_a["layer"].iloc[0], rows_b["layer"].iloc[0]
    values_a, values_b = rows_a[name].to_numpy(float), rows_b[name].to_numpy(float)
    if paired:
        difference = student_interval(values_b - values_a)
    else:
        difference = welch_interval(values_a, values_b)
    values = values_a.mean(), values_b.mean()
    return _row(name, layers, values, difference, paired=paired, n=len(values_a))


def _row(quantity, layers, values, difference, paired, n):
    names = ("difference", "difference_low", "difference_high")
    return {
        "quantity": quantity,
        **dict(zip(("layer_a", "layer_b"), layers, strict=True)),
        **dict(zip(("value_a", "value_b"), values, strict=True)),
        **dict(zip(names, difference, strict=True)),
        "paired": paired,
        "n": n,
    }
