"""Tables: tidy CSV from the files of the geometry and of the accuracy."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from .conditions import CLEAN
from .conventions import HARMONIC, to_averaging_scale
from .errors import StoreError
from .files.geometry import VARIABLES, read_geometry
from .files.predictions import read_place, read_predictions
from .files.stores import how_to_rebuild
from .intervals import student_interval, wilson_interval

PER_MANIFOLD = [name for name, variable in VARIABLES.items() if variable.axes == "manifold"]
PER_REPLICATE = [name for name, variable in VARIABLES.items() if variable.axes == "replicate"]
SUMMARISED = [name for name in PER_MANIFOLD + PER_REPLICATE if VARIABLES[name].summarised]
COORDINATES = ["network", "condition", "family", "strength", "layer", "layer_index"]
DESCRIPTION = ["layer_label", "n_manifolds", "n_points", "n_features"]


def collect_geometry(files: Iterable[tuple[dict, dict, str | Path]]) -> pd.DataFrame:
    """Return one row per (network, condition, layer, replicate, manifold).

    Parameters
    ----------
    files : iterable of (coordinates, settings, path)
        `coordinates` holds `COORDINATES`; `settings` what the file must have been solved with, as
        attributes to their values. Measures of a whole replicate repeat on its rows.

    Raises
    ------
    StoreError
        For a file of another network, condition or layer, and one that was solved with other
        settings: Snakemake can take one for new that a job
        wrote after its driver's death, or from a configuration that was edited meanwhile.
    """
    rows = [_rows(coordinates, settings, path) for coordinates, settings, path in files]
    return pd.concat(rows, ignore_index=True)


def summarise_geometry(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (network, condition, layer): means and 95 % intervals over replicates.

    Over the manifolds of a replicate and over replicates, each measure has the mean that it
    declares: the capacity the harmonic one, with Student's t intervals of 1/α, turned over. With
    one replicate the interval is empty (NaN).
    """
    keys, rows = [*COORDINATES, *DESCRIPTION], []
    for key, group in average_replicates(table).groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True), n_replicates=len(group))
        for measure in SUMMARISED:
            row.update(_mean_and_interval(measure, group[measure].to_numpy()))
        rows.append(row)
    return pd.DataFrame(rows)


def average_replicates(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (network, condition, layer, replicate): means over the manifolds.

    Each measure has the mean that it declares, the capacity the harmonic one; a NaN stays one.
    """
    keys = [*COORDINATES, *DESCRIPTION, "replicate"]
    scaled = _to_averaging_scales(table).groupby(keys, sort=False)[SUMMARISED]
    return _to_averaging_scales(scaled.mean(skipna=False).reset_index())


def collect_accuracy(files: Iterable[tuple[dict, str | Path]]) -> pd.DataFrame:
    """Return one row per (network, condition): accuracies and their 95 % Wilson intervals.

    `accuracy` is that on all test images; `kept_accuracy` that on the images that the same network
    classifies correctly when clean, as the paper's notebook measures it (NaN where there are
    none).

    Parameters
    ----------
    files : iterable of (coordinates, path)
        Clean ones of each network too; `coordinates` has network, condition, family and strength.

    Raises
    ------
    StoreError
        For a file of another network or condition.
    """
    files = list(files)
    for coordinates, path in files:
        require_place(path, read_place(path), coordinates)
    kept = {
        coordinates["network"]: _read_correct(path)[0]
        for coordinates, path in files
        if coordinates["condition"] == CLEAN
    }
    return pd.DataFrame(
        [
            _accuracies(coordinates, path, kept[coordinates["network"]])
            for coordinates, path in files
        ]
    )


def require_place(path: str | Path, found: dict, wanted: dict) -> None:
    """Raise :class:`StoreError` where a file is not of the place that it was taken for.

    `found` are the file's attributes, `wanted` the coordinates; of these, those that a file bears
    are compared: network, condition and layer.
    """
    for name in ("network", "condition", "layer"):
        if name in wanted and found.get(name) != wanted[name]:
            raise StoreError(
                f"Need a file of the {name} {wanted[name]}. Got {path}, which is of the {name} "
                f"{found.get(name)}; {how_to_rebuild(path)}"
            )


def _rows(coordinates, settings, path):
    values, manifolds, attributes = read_geometry(path)
    require_place(path, attributes, coordinates)
    for name, wanted in settings.items():
        found = attributes.get(name)
        if isinstance(wanted, dict):
            found = json.loads(found)
        if found != wanted:
            raise StoreError(
                f"Need geometry solved with the {name} {wanted}, as the configuration says. Got "
                f"{path}, solved with {found}; {how_to_rebuild(path)}"
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


def _accuracies(coordinates, path, kept):
    correct, n_classes = _read_correct(path)
    return {
        **coordinates,
        "n_classes": n_classes,
        "n_images": len(correct),
        "n_correct": int(correct.sum()),
        **_bounded("accuracy", wilson_interval(correct)),
        "n_kept": int(kept.sum()),
        "n_kept_correct": int(correct[kept].sum()),
        **_bounded("kept_accuracy", wilson_interval(correct[kept])),
    }


def _to_averaging_scales(table):
    """The table on the scales on which its measures' means are arithmetic, or back from there."""
    return table.assign(
        **{
            name: to_averaging_scale(table[name], HARMONIC)
            for name in SUMMARISED
            if VARIABLES[name].summarised == HARMONIC
        }
    )


def _mean_and_interval(measure, values):
    how = VARIABLES[measure].summarised
    mean, low, high = student_interval(to_averaging_scale(values, how))
    if how == HARMONIC:  # turned over; where the interval of 1/x reaches 0, x has no upper bound
        low, high = 1 / high, 1 / low if not low <= 0 else np.inf
    return _bounded(measure, (to_averaging_scale(mean, how), low, high))


def _bounded(name, interval):
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


def _read_correct(path):
    """Return which images are classified correctly, and the number of classes."""
    predictions, labels, classes = read_predictions(path)
    return predictions == labels, len(classes)
