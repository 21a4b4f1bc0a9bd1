"""Files of predictions: what a network says of test images under one condition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..lineage import Lineage, Origin, require_origin
from .hdf5 import create_file, open_file, read_attributes

# What is known of the perturbed images, of all that were evaluated: the extremes of their pixels;
# the largest norm of a perturbation, where the family has a budget; the gradients that an attack
# asked for of images still to be fooled, and those of them that are zero in every pixel.
SEEN = ("lowest_pixel", "highest_pixel", "largest_norm", "n_gradients", "n_zero_gradients")


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
    seen : dict
        Those of :data:`SEEN` that are known; of clean images none.
    """

    predictions: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    classes: list[str]
    image_sums: np.ndarray
    lineage: Lineage
    seen: dict[str, float | int] = field(default_factory=dict)

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
    seen: Mapping[str, float | int] | None = None,
) -> None:
    """Write predictions and labels of test images as HDF5 (netCDF-4), with the accuracy.

    `indices` holds the images' places in the test set, `classes` the classes' names, `image_sums`
    the SHA-256 of each clean image (:func:`~manifold_robustness.image_sums.image_sums`), `origin`
    where the file belongs and what it was made from, `seen` what was seen of a perturbation, by the
    names of :data:`SEEN`.
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
        for key, value in (seen or {}).items():
            file.attrs[key] = value


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
            {key: attributes[key].item() for key in SEEN if key in attributes},
        )
    require_origin(path, attributes, wanted)
    return found
