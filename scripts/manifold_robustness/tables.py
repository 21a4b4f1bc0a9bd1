"""Tables: tidy CSV from the files of the geometry and of the accuracy."""

import json

import numpy as np
import pandas as pd
from scipy.special import stdtrit
from scipy.stats import binomtest

from .conditions import CLEAN
from .errors import StoreError
from .geometry_files import PER_MANIFOLD_AXES, PER_REPLICATE_AXES, VARIABLES, read_geometry
from .predictions import read_predictions
from .stores import rebuild

PER_MANIFOLD = [name for name, v in VARIABLES.items() if v.dimensions == PER_MANIFOLD_AXES]
PER_REPLICATE = [name for name, v in VARIABLES.items() if v.dimensions == PER_REPLICATE_AXES]
SUMMARISED = [
    "capacity",
    "radius",
    "dimension",
    "rank_dimension",
    "center_correlation",
    "center_rank",
    "participation_ratio",
    "n_components",
]
COORDINATES = ["condition", "family", "strength", "layer", "layer_index"]
DESCRIPTION = ["layer_label", "n_manifolds", "n_points", "n_features"]
CONFIDENCE = 0.95


def collect_geometry(files, settings):
    """Return one row per (condition, layer, replicate, manifold).

    Parameters
    ----------
    files : iterable of (coordinates, path)
        `coordinates` holds `COORDINATES`; measures of a whole replicate repeat on its rows.
    settings : dict
        What every file must have been solved with: attributes to their values.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    StoreError
        For a file that was solved with other settings: Snakemake can take one for new that a job
        wrote after its driver's death, or from a configuration that was edited meanwhile.
    """
    rows = [_rows(coordinates, path, settings) for coordinates, path in files]
    return pd.concat(rows, ignore_index=True)


def summarise_geometry(table):
    """Return one row per (condition, layer): means and 95 % intervals over replicates.

    Over the manifolds of a replicate the capacity is averaged harmonically, the rest
    arithmetically. Over replicates the same, with Student's t intervals (of 1/α for the capacity,
    turned over). With one replicate the interval is empty (NaN).
    """
    keys, rows = [*COORDINATES, *DESCRIPTION], []
    for key, group in average_replicates(table).groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True), n_replicates=len(group))
        for measure in SUMMARISED:
            row.update(_mean_and_interval(measure, group[measure].to_numpy()))
        rows.append(row)
    return pd.DataFrame(rows)


def average_replicates(table):
    """Return one row per (condition, layer, replicate): means over the manifolds.

    The capacity is averaged harmonically, the rest arithmetically; a NaN stays one.
    """
    keys = [*COORDINATES, *DESCRIPTION, "replicate"]
    means = table.assign(capacity=1 / table["capacity"]).groupby(keys, sort=False)[SUMMARISED]
    means = means.mean(skipna=False).reset_index()
    return means.assign(capacity=1 / means["capacity"])


def collect_accuracy(files):
    """Return one row per condition with its accuracies and their 95 % Wilson intervals.

    `accuracy` is that on all test images; `kept_accuracy` that on the images that are classified
    correctly when clean, as the paper's notebook measures it (NaN where there are none).

    `files` holds (coordinates, path), of clean too; `coordinates` has condition, family and
    strength.
    """
    files = list(files)
    (clean,) = (path for coordinates, path in files if coordinates["condition"] == CLEAN)
    kept, _ = _read_correct(clean)
    rows = []
    for coordinates, path in files:
        correct, n_classes = _read_correct(path)
        rows.append(
            {
                **coordinates,
                "n_classes": n_classes,
                "n_images": len(correct),
                "n_correct": int(correct.sum()),
                **_proportion("accuracy", correct),
                "n_kept": int(kept.sum()),
                "n_kept_correct": int(correct[kept].sum()),
                **_proportion("kept_accuracy", correct[kept]),
            }
        )
    return pd.DataFrame(rows)


def student_interval(values):
    """Return mean, low and high of a 95 % Student's t interval; NaN bounds for one value.

    >>> student_interval(np.array([1.0]))
    (1.0, nan, nan)
    >>> mean, low, high = student_interval(np.array([1.0, 2.0, 3.0]))
    >>> round(float(low), 3), round(float(high), 3)
    (-0.484, 4.484)
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = (
        stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2) * np.std(values, ddof=1) / len(values) ** 0.5
    )
    return mean, float(mean - half), float(mean + half)


def _rows(coordinates, path, settings):
    values, manifolds, attributes = read_geometry(path)
    for name, wanted in settings.items():
        found = attributes.get(name)
        if isinstance(wanted, dict):
            found = json.loads(found)
        if found != wanted:
            raise StoreError(
                f"{path} was solved with the {name} {found}, but the configuration says {wanted}; "
                f"{rebuild(path)}"
            )
    replicates, n_manifolds = values["capacity"].shape
    rows = {
        **{name: coordinates[name] for name in COORDINATES},
        "layer_label": attributes["layer_label"],
        "n_manifolds": n_manifolds,
        "n_points": attributes["n_points"],
        "n_features": attributes["n_features"],
        "replicate": np.repeat(np.arange(replicates), n_manifolds),
        "manifold": np.tile(manifolds, replicates),
        **{name: values[name].ravel() for name in PER_MANIFOLD},
        **{name: np.repeat(values[name], n_manifolds) for name in PER_REPLICATE},
    }
    return pd.DataFrame(rows)


def _mean_and_interval(measure, values):
    if measure == "capacity":  # averaged as 1/α
        mean, low, high = student_interval(1 / values)
        mean, low, high = 1 / mean, 1 / high, 1 / low if not low <= 0 else np.inf
    else:
        mean, low, high = student_interval(values)
    return {measure: mean, f"{measure}_low": low, f"{measure}_high": high}


def _read_correct(path):
    """Return which images are classified correctly, and the number of classes."""
    predictions, labels, classes = read_predictions(path)
    return predictions == labels, len(classes)


def _proportion(name, outcomes):
    if not len(outcomes):
        return {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
    interval = binomtest(int(outcomes.sum()), len(outcomes)).proportion_ci(CONFIDENCE, "wilson")
    return {name: outcomes.mean(), f"{name}_low": interval.low, f"{name}_high": interval.high}
