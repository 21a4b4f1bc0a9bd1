"""Files of predictions: what a network says of every test image under one condition."""

from pathlib import Path

import numpy as np

from .hdf5 import create_file, open_file


def write_predictions(
    path: str | Path, predictions: np.ndarray, labels: np.ndarray, attributes: dict
) -> None:
    """Write predictions and labels of a test set as HDF5 (netCDF-4), with the accuracy.

    `attributes` holds ``classes``, the classes' names, and provenance.
    """
    with create_file(path) as file:
        file.dimensions = {"image": len(labels)}
        for name, values, meaning in (
            ("prediction", predictions, "class that the network predicts"),
            ("label", labels, "true class"),
        ):
            variable = file.create_variable(name, ("image",), data=values.astype(np.int32))
            variable.attrs["long_name"] = meaning
        file.attrs["accuracy"] = float(np.mean(predictions == labels))
        for key, value in attributes.items():
            file.attrs[key] = value


def read_place(path: str | Path) -> dict[str, str]:
    """Return the network and the condition that a file's predictions are of."""
    with open_file(path) as file:
        return {name: str(file.attrs[name]) for name in ("network", "condition")}


def read_predictions(path: str | Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return predictions, labels and classes, as :func:`write_predictions` wrote them."""
    with open_file(path) as file:
        classes = np.atleast_1d(file.attrs["classes"])  # HDF5 gives one name as a text
        return file["prediction"][...], file["label"][...], classes.tolist()
