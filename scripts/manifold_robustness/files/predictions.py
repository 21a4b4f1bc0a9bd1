"""Files of predictions: what a network says of test images under one condition."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..lineage import Lineage, Origin, require_origin
from .hdf5 import create_file, open_file, read_attributes


@dataclass(frozen=True)
class Predictions:
    """A network's answers to a test set, or to a part of it.

    Attributes
    ----------
    predictions, labels : ndarray of int, shape (n_images,)
    indices : ndarray of int, shape (n_images,)
        The images' places in the test set, ascending.
    classes : list of str
        Names, in the order of the labels.
    image_sums : ndarray of uint8, shape (n_images, 32)
        The SHA-256 of each test image, before any perturbation.
    lineage : dict
        What the file was made from: :class:`~manifold_robustness.lineage.Origin`.
    """

    predictions: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    classes: list[str]
    image_sums: np.ndarray
    lineage: Lineage

    @property
    def correct(self) -> np.ndarray:
        """Which images are classified correctly, bool (n_images,)."""
        return self.predictions == self.labels


def write_predictions(
    path: str | Path,
    predictions: np.ndarray,
    labels: np.ndarray,
    indices: np.ndarray,
    classes: list[str],
    image_sums: np.ndarray,
    origin: Origin,
) -> None:
    """Write predictions and labels of test images as HDF5 (netCDF-4), with the accuracy.

    `indices` holds the images' places in the test set, `classes` the classes' names, `image_sums`
    the SHA-256 of each clean image (:func:`~manifold_robustness.image_sums.image_sums`), `origin`
    where the file belongs and what it was made from.
    """
    with create_file(path, origin) as file:
        file.dimensions = {"image": len(labels), "byte": image_sums.shape[1]}
        for name, values, meaning in (
            ("prediction", predictions, "class that the network predicts"),
            ("label", labels, "true class"),
            ("index", indices, "place in the test set"),
        ):
            variable = file.create_variable(name, ("image",), data=values.astype(np.int32))
            variable.attrs["long_name"] = meaning
        variable = file.create_variable("image_sha256", ("image", "byte"), data=image_sums)
        variable.attrs["long_name"] = "SHA-256 of the image before any perturbation"
        file.attrs["accuracy"] = float(np.mean(predictions == labels))
        file.attrs["classes"] = classes


def read_predictions(path: str | Path, wanted: Origin) -> Predictions:
    """Return what :func:`write_predictions` wrote.

    Raises
    ------
    StoreError
        For a file that is missing, damaged, or not of the origin `wanted`; says how to rebuild it.
    """
    with open_file(path) as file:
        attributes = read_attributes(file)
        classes = np.atleast_1d(attributes["classes"])  # HDF5 gives one name as a text
        found = Predictions(
            file["prediction"][...],
            file["label"][...],
            file["index"][...],
            classes.tolist(),
            file["image_sha256"][...],
            attributes["lineage"],
        )
    require_origin(path, attributes, wanted)
    return found
