"""The HDF5 files of the geometry: one per condition and layer, readable as netCDF-4.

What a file holds is what the groups of measures declare. Their declarations are read as text, so
that who reads a file loads no solver.
"""

from pathlib import Path

import h5py
import numpy as np

from ..lineage import Origin, require_origin
from ..variables import OF_A_ROW, declared_variables
from .hdf5 import create_file, open_file, read_attributes

SCHEMA_VERSION = 4
VARIABLES = declared_variables()
OPTIONAL = {name for name, variable in VARIABLES.items() if variable.optional}
# Axes of which a replicate may have fewer than another, and what they count.
COUNTED = {
    "projected": "directions K projected out",
    "subset": "subset of the points, see subset_points",
}


def write_geometry(
    path: str | Path,
    results: list[dict],
    manifolds: dict,
    origin: Origin,
    attributes: dict,
) -> None:
    """Write the geometry of a layer under a condition, one result per replicate.

    Parameters
    ----------
    path : path
        ``*.h5``; readable by ``xarray.open_dataset(path, engine="h5netcdf")``.
    results : list of dict
        One per replicate: the names of `VARIABLES` that were measured, the same in all, to a number
        or an array without its first axis.
    manifolds : dict
        What :func:`~manifold_robustness.selection.name_manifolds` says of them: ``manifold_class``,
        names by replicate; of exemplar manifolds ``image_index``, places in the test set.
    origin : Origin
        The file's network, condition and layer, and what it was made from.
    attributes : dict
        Numbers of points and features, the layer's label and basis; written as they are.
    """
    measured = {name: VARIABLES[name] for name in VARIABLES if name in results[0]}
    counts = {
        axis: max(len(result[name]) for result in results for name in names)
        for axis in COUNTED
        if (names := [name for name, variable in measured.items() if variable.axes == axis])
    }
    classes = np.array(manifolds["manifold_class"], dtype=h5py.string_dtype())
    places = manifolds.get("image_index")
    exemplars = [f"exemplar-{number}" for number in range(classes.shape[1])]
    names = np.array(exemplars, dtype=h5py.string_dtype()) if places else classes[0]
    with create_file(path, origin) as file:
        file.dimensions = {"replicate": len(results), "manifold": len(names), **counts}
        _coordinate(file, "replicate", np.arange(len(results)), "disjoint draw of images")
        for axis, count in counts.items():
            _coordinate(file, axis, np.arange(count), COUNTED[axis])
        _variable(file, "manifold", names, "exemplar of a replicate" if places else "class")
        _variable(file, "manifold_class", classes, "class of the manifold")
        if places:
            where = np.array(places, np.int32)
            _variable(file, "image_index", where, "place of the exemplar in the test set")
        for name, variable in measured.items():
            rows = [np.asarray(result[name]) for result in results]
            counted = variable.axes not in OF_A_ROW
            values = _stack_padded(rows, counts[variable.axes]) if counted else np.stack(rows)
            written = file.create_variable(name, variable.dimensions, data=values)
            for key in ("long_name", "equation", "units"):
                written.attrs[key] = getattr(variable, key)
        for key, value in {**attributes, "schema_version": SCHEMA_VERSION}.items():
            file.attrs[key] = value


def read_geometry(path: str | Path, wanted: Origin) -> tuple[dict, dict[str, np.ndarray], dict]:
    """Return a file's variables as a dict of arrays, its manifolds' names, and its attributes.

    Those that hang on a setting are there where the run had it on. The names are arrays of text
    (n_replicates, n_manifolds): ``manifold``, that of the class or, of an exemplar, ``image-`` and
    the image's place in the test set; and ``class``.

    Raises
    ------
    StoreError
        For a file that is missing, damaged, of another schema, or not of the origin `wanted`; says
        how to rebuild it.
    """
    with open_file(path) as file:
        attributes = read_attributes(file)
        if attributes.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"its schema version is not {SCHEMA_VERSION}")
        values = {
            name: np.asarray(file[name][...])
            for name, variable in VARIABLES.items()
            if not variable.settings or name in file
        }
        classes = np.vectorize(_text, otypes=[object])(file["manifold_class"][...])
        names = classes
        if "image_index" in file:
            names = np.char.add("image-", file["image_index"][...].astype(str)).astype(object)
    require_origin(path, attributes, wanted)
    return values, {"manifold": names, "class": classes}, attributes


def _variable(file, name, values, meaning):
    dimensions = ("replicate", "manifold")[-values.ndim :]
    file.create_variable(name, dimensions, data=values).attrs["long_name"] = meaning


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
