"""The HDF5 files of the geometry: one per condition and layer, readable as netCDF-4."""

import json
from dataclasses import dataclass

import h5py
import numpy as np

from .hdf5 import create_file, open_file

SCHEMA_VERSION = 1
CHUNG = "Chung, Lee & Sompolinsky, PRX 8, 031003 (2018)"
COHEN = "Cohen, Chung, Lee & Sompolinsky, Nat. Commun. 11, 746 (2020)"


@dataclass(frozen=True)
class Variable:
    """One measure in a file: its axes, unit, meaning, and the equation that defines it."""

    dimensions: tuple
    long_name: str
    equation: str
    units: str = "1"


PER_MANIFOLD_AXES, PER_REPLICATE_AXES = ("replicate", "manifold"), ("replicate",)
ERROR = "Monte Carlo standard error over the Gaussian vectors, first order"
VARIABLES = {
    "capacity": Variable(PER_MANIFOLD_AXES, "manifold capacity α_M", f"{CHUNG}, eqs. 16-17"),
    "radius": Variable(
        PER_MANIFOLD_AXES,
        "manifold radius R_M",
        f"{CHUNG}, eq. 28",
        "norm of the manifold's center",
    ),
    "dimension": Variable(
        PER_MANIFOLD_AXES,
        "manifold dimension D_M, reference's frame of min(N, M) coordinates",
        f"D <cos(t, s)>^2, the reference implementation's variant of {CHUNG}, eq. 29",
    ),
    "rank_dimension": Variable(
        PER_MANIFOLD_AXES,
        "manifold dimension D_M, frame of the manifold's rank",
        f"r <cos(t, s)>^2 over the rank's r coordinates, variant of {CHUNG}, eq. 29",
    ),
    "capacity_error": Variable(PER_MANIFOLD_AXES, "standard error of capacity", ERROR),
    "radius_error": Variable(PER_MANIFOLD_AXES, "standard error of radius", ERROR),
    "dimension_error": Variable(PER_MANIFOLD_AXES, "standard error of dimension", ERROR),
    "rank_dimension_error": Variable(PER_MANIFOLD_AXES, "standard error of rank_dimension", ERROR),
    "rank": Variable(
        PER_MANIFOLD_AXES, "rank of the centered points", "number of independent directions"
    ),
    "center_correlation": Variable(
        PER_REPLICATE_AXES,
        "center correlation ρ",
        "mean |cos| over pairs of centers, global mean subtracted",
    ),
    "center_rank": Variable(
        PER_REPLICATE_AXES,
        "rank K of the low-rank center structure projected out",
        f"{COHEN}, Methods",
    ),
    "center_stability": Variable(
        PER_REPLICATE_AXES,
        "least share of a center's norm that the projection leaves",
        "min over μ of |c_μ - V V'c_μ| / |c_μ|",
    ),
    "simulated_capacity": Variable(
        PER_REPLICATE_AXES,
        "capacity by direct simulation of random dichotomies; NaN where it was not asked for, or "
        "where no number of dimensions up to the layer's separates half of them",
        f"P / n at the n where half are separable; {COHEN}, Methods",
    ),
    "simulated_capacity_error": Variable(
        PER_REPLICATE_AXES,
        "standard error of simulated_capacity",
        "half the 68 % interval of the median over dichotomies",
    ),
    "participation_ratio": Variable(
        PER_REPLICATE_AXES,
        "participation ratio of all points; NaN where points and features are both more than 5000",
        "(sum of λ)^2 / sum of λ^2, λ of the covariance",
    ),
    "n_components": Variable(
        PER_REPLICATE_AXES,
        "principal components for 90 % of the variance; NaN as participation_ratio",
        "least n with that share",
    ),
    "primal_residual": Variable(
        PER_REPLICATE_AXES, "greatest scaled primal residual of any program", "KKT conditions"
    ),
    "dual_residual": Variable(
        PER_REPLICATE_AXES, "greatest scaled dual residual of any program", "KKT conditions"
    ),
    "gap_residual": Variable(
        PER_REPLICATE_AXES, "greatest scaled duality gap of any program", "KKT conditions"
    ),
    "n_resolved": Variable(
        PER_REPLICATE_AXES, "programs that the second solver solved again", "count"
    ),
    "residual_correlation": Variable(
        ("replicate", "projected"),
        "mean |cos| of the centers after K directions are projected out; NaN where K was not tried",
        f"{COHEN}, Methods",
    ),
}

OPTIONAL = {  # may be NaN, for the reason that their names are described with
    "simulated_capacity",
    "simulated_capacity_error",
    "participation_ratio",
    "n_components",
}


def write_geometry(path, results, manifolds, attributes):
    """Write the geometry of a layer under a condition, one result per replicate.

    Parameters
    ----------
    path : path
        ``*.h5``; readable by ``xarray.open_dataset(path, engine="h5netcdf")``.
    results : list of dict
        One per replicate: the names of `VARIABLES` to a number or an array without its first axis.
    manifolds : list of str
        Names of the manifolds: the classes.
    attributes : dict
        Coordinates, numbers of points and features, settings; written as they are, dicts as JSON.
    """
    tried = max(len(result["residual_correlation"]) for result in results)
    with create_file(path) as file:
        file.dimensions = {
            "replicate": len(results),
            "manifold": len(manifolds),
            "projected": tried,
        }
        _coordinate(file, "replicate", np.arange(len(results)), "disjoint draw of images")
        _coordinate(file, "projected", np.arange(tried), "directions K projected out")
        names = np.array(manifolds, dtype=h5py.string_dtype())
        file.create_variable("manifold", ("manifold",), data=names).attrs["long_name"] = "class"
        for name, variable in VARIABLES.items():
            rows = [np.asarray(result[name]) for result in results]
            values = (
                _stack_padded(rows, tried) if "projected" in variable.dimensions else np.stack(rows)
            )
            written = file.create_variable(name, variable.dimensions, data=values)
            for key in ("long_name", "equation", "units"):
                written.attrs[key] = getattr(variable, key)
        for key, value in {**attributes, "schema_version": SCHEMA_VERSION}.items():
            file.attrs[key] = json.dumps(value) if isinstance(value, dict) else value


def read_geometry(path):
    """Return a file's variables as a dict of arrays, its manifolds' names, and its attributes.

    Raises
    ------
    StoreError
        For a file that is missing, damaged or of another schema; says how to rebuild it.
    """
    with open_file(path) as file:
        attributes = {key: file.attrs[key] for key in file.attrs}
        if attributes.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"its schema version is not {SCHEMA_VERSION}")
        values = {name: np.asarray(file[name][...]) for name in VARIABLES}
        manifolds = [_text(name) for name in file["manifold"][...]]
    return values, manifolds, attributes


def _coordinate(file, name, values, meaning):
    variable = file.create_variable(name, (name,), data=values.astype(np.int32))
    variable.attrs["long_name"] = meaning


def _stack_padded(rows, length):
    padded = np.full((len(rows), length), np.nan)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return padded


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)
