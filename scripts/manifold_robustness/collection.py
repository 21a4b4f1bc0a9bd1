"""Tables: tidy CSV from the files of the geometry and of the accuracy."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .conditions import CLEAN
from .conventions import HARMONIC, from_averaging_scale, to_averaging_scale
from .files.geometry import VARIABLES, read_geometry
from .files.predictions import SEEN, read_predictions
from .intervals import student_interval, wilson_interval
from .lineage import Origin, require_agreement

PER_MANIFOLD = [name for name, variable in VARIABLES.items() if variable.axes == "manifold"]
PER_REPLICATE = [name for name, variable in VARIABLES.items() if variable.axes == "replicate"]
SUMMARISED = [name for name in PER_MANIFOLD + PER_REPLICATE if VARIABLES[name].summarised]
SUBSET = "subset_"  # of a measure's name where it is taken with fewer points
OF_SUBSETS = [name for name, variable in VARIABLES.items() if variable.axes == "subset"]
PLACE = ["network", "condition", "layer"]
COORDINATES = ["network", "condition", "family", "strength", "layer", "layer_index"]
ENDS = ("", "_low", "_high")
ACCURACY_COLUMNS = [  # of a run without a network that sees images
    *("network", "condition", "family", "strength", "n_classes", "n_images", "n_correct"),
    *(f"accuracy{end}" for end in ENDS),
    *("n_kept", "n_kept_correct"),
    *(f"kept_accuracy{end}" for end in ENDS),
    *SEEN,
]
DESCRIPTION = ["layer_label", "n_manifolds", "n_points", "n_features"]


@dataclass(frozen=True)
class Measured:
    """What a file of the geometry holds, and the coordinates that it stands for."""

    coordinates: dict
    values: dict[str, np.ndarray]
    manifolds: dict[str, np.ndarray]
    attributes: dict


def read_measured(files: Iterable[tuple[dict, dict, str | Path]]) -> list[Measured]:
    """Return what the files of the geometry hold, each read once.

    Parameters
    ----------
    files : iterable of (coordinates, lineage, path)
        `coordinates` holds `COORDINATES`; `lineage` what the file must have been made from
        (:class:`~manifold_robustness.lineage.Origin`).

    Raises
    ------
    StoreError
        For a file of another network, condition or layer, for one that was made from other settings
        or by other code, and for files that were made from other weights or images than the others:
        Snakemake can take one for new that a job wrote after its driver's death, that was copied,
        or that is from a configuration that was edited meanwhile.
    """
    found, lineages = [], []
    for coordinates, lineage, path in files:
        one = Measured(coordinates, *read_geometry(path, _wanted(coordinates, lineage)))
        found.append(one)
        lineages.append((path, one.attributes["lineage"]))
    require_agreement(lineages)
    return found


def collect_geometry(measured: Iterable[Measured]) -> pd.DataFrame:
    """Return one row per (network, condition, layer, replicate, manifold).

    Measures of a whole replicate repeat on its rows. There is a column for each that the run has
    measured.
    """
    return pd.concat([_rows(one) for one in measured], ignore_index=True)


def collect_subsets(measured: Iterable[Measured], table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (network, condition, layer, replicate, n_points): means over manifolds.

    Parameters
    ----------
    measured
        Of a run that measured subsets of the points.
    table
        What :func:`collect_geometry` made of it: the rows of all points come from there.
    """
    names = [name for name in OF_SUBSETS if name != f"{SUBSET}points"]
    described = [*COORDINATES, "layer_label", "n_manifolds", "n_features", "replicate"]
    whole = dict(list(average_replicates(table).groupby(PLACE, sort=False)))
    parts = []
    for one in measured:
        of_all = whole[tuple(one.coordinates[name] for name in PLACE)]
        own = [name for name in names if name in one.values]
        columns = [*described, "n_points", *(name.removeprefix(SUBSET) for name in own)]
        for place, row in enumerate(of_all.to_dict("records")):
            part = {name: row[name] for name in described}
            part["n_points"] = one.values[f"{SUBSET}points"][place].astype(int)
            part |= {name.removeprefix(SUBSET): one.values[name][place] for name in own}
            parts += [pd.DataFrame(part), of_all.iloc[[place]][columns]]
    return pd.concat(parts, ignore_index=True)


def summarise_geometry(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (network, condition, layer): means and 95 % intervals over replicates.

    Over the manifolds of a replicate and over replicates, each measure has the mean that it
    declares: the capacity the harmonic one, with Student's t intervals of 1/α, turned over. With
    one replicate the interval is empty (NaN).
    """
    keys, rows = [*COORDINATES, *DESCRIPTION], []
    for key, group in average_replicates(table).groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True), n_replicates=len(group))
        for measure in summarised(group):
            row.update(_mean_and_interval(measure, group[measure].to_numpy()))
        rows.append(row)
    return pd.DataFrame(rows)


def average_replicates(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (network, condition, layer, replicate): means over the manifolds.

    Each measure has the mean that it declares, the capacity the harmonic one; a NaN stays one.
    """
    keys = [*COORDINATES, *DESCRIPTION, "replicate"]
    scaled = _to_averaging_scales(table).groupby(keys, sort=False)[summarised(table)]
    return _to_averaging_scales(scaled.mean(skipna=False).reset_index())


def summarised(table: pd.DataFrame) -> list[str]:
    """Return the measures of a table of the geometry that a summary has a mean of."""
    return [name for name in SUMMARISED if name in table]


def collect_accuracy(files: Iterable[tuple[dict, dict, str | Path]]) -> pd.DataFrame:
    """Return one row per (network, condition): accuracies and their 95 % Wilson intervals.

    `accuracy` is that on the `n_images` test images that were evaluated; `kept_accuracy` that on
    those of them that the same network classifies correctly when clean, as the paper's notebook
    measures it (NaN where there are none). So a condition's counts, `n_kept` among them, are of the
    same images, and its difference from clean on these is paired. What was seen of the perturbation
    (:data:`.predictions.SEEN`) follows, empty where it is unknown.

    Parameters
    ----------
    files : iterable of (coordinates, lineage, path)
        Clean ones of each network too; `coordinates` has network, condition, family and strength,
        `lineage` is what the file must have been made from.

    Raises
    ------
    StoreError
        For a file of another network or condition, or of another lineage.
    """
    outcomes, lineages, kept = [], [], {}
    for coordinates, lineage, path in files:
        found = read_predictions(path, _wanted(coordinates, lineage))
        lineages.append((path, found.lineage))
        outcomes.append((coordinates, found))
        if coordinates["condition"] == CLEAN:
            kept[coordinates["network"]] = found.correct
    require_agreement(lineages)
    table = pd.DataFrame(
        [
            _accuracies(coordinates, found, kept[coordinates["network"]][found.indices])
            | {name: found.seen.get(name) for name in SEEN}
            for coordinates, found in outcomes
        ],
        columns=None if outcomes else ACCURACY_COLUMNS,
    )
    counts = dict.fromkeys(("n_gradients", "n_zero_gradients"), "Int64")
    return table.astype(dict.fromkeys(SEEN, float) | counts)


def _rows(measured):
    coordinates, values, attributes = measured.coordinates, measured.values, measured.attributes
    replicates, n_manifolds = values["capacity"].shape
    rows = {
        **{name: coordinates[name] for name in COORDINATES},
        "layer_label": attributes["layer_label"],
        "n_manifolds": n_manifolds,
        "n_points": attributes["n_points"],
        "n_features": attributes["n_features"],
        "replicate": np.repeat(np.arange(replicates), n_manifolds),
        **{name: names.ravel() for name, names in measured.manifolds.items()},
        **{name: values[name].ravel() for name in PER_MANIFOLD if name in values},
        **{name: np.repeat(values[name], n_manifolds) for name in PER_REPLICATE if name in values},
    }
    return pd.DataFrame(rows)


def _wanted(coordinates, lineage):
    place = {name: coordinates[name] for name in ("condition", "layer") if name in coordinates}
    return Origin(coordinates["network"], **place, lineage=lineage)


def _accuracies(coordinates, found, kept):
    correct = found.correct
    return {
        **coordinates,
        "n_classes": len(found.classes),
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
            for name in summarised(table)
            if VARIABLES[name].summarised == HARMONIC
        }
    )


def _mean_and_interval(measure, values):
    how = VARIABLES[measure].summarised
    interval = student_interval(to_averaging_scale(values, how))
    return _bounded(measure, from_averaging_scale(*interval, how))


def _bounded(name, interval):
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
