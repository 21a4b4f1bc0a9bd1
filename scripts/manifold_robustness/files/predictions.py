"""Files of predictions: what a network says of every test image under one condition."""

import numpy as np

from .hdf5 import create_file, open_file


def write_predictions(path, predictions, labels, attributes):
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


def read_predictions(path):
    """Return predictions, labels and classes, as :func:`write_predictions` wrote them."""
    with open_file(path) as file:
        return file["prediction"][...], file["label"][...], list(file.attrs["classes"])
