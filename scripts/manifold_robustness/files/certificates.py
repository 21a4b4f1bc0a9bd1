"""Files of certificates: what a smoothed network answers to test images, and how surely."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..lineage import Lineage, Origin, require_origin
from .hdf5 import create_file, open_file, read_attributes

VARIABLES = {
    "index": ("place in the test set", None),
    "label": ("true class", None),
    "chosen": ("class that most draws of the selection gave", None),
    "count": ("draws of the estimation that gave the chosen class", None),
    "radius": (
        "certified radius; NaN where the smoothed network abstains",
        "Euclidean norm of a perturbation, pixels in [0, 1]",
    ),
}
NUMBERS = ("sigma", "n_selection", "n_estimation", "alpha")


@dataclass(frozen=True)
class Certificates:
    """A smoothed network's answers to test images.

    Attributes
    ----------
    index, label, chosen, count : ndarray of int, shape (n_images,)
    radius : ndarray of float, shape (n_images,)
        NaN where it abstains.
    sigma : float
        Standard deviation of the noise.
    n_selection, n_estimation : int
        Draws of each image that choose its class, and that are counted.
    alpha : float
        Probability that the radius of an image does not hold.
    classes : list of str
        Names, in the order of the labels.
    lineage : dict
    """

    index: np.ndarray
    label: np.ndarray
    chosen: np.ndarray
    count: np.ndarray
    radius: np.ndarray
    sigma: float
    n_selection: int
    n_estimation: int
    alpha: float
    classes: list[str]
    lineage: Lineage

    @property
    def abstained(self) -> np.ndarray:
        """For which images nothing is certified, bool (n_images,)."""
        return np.isnan(self.radius)

    @property
    def right_within(self) -> np.ndarray:
        """The radius within which the answer is proven right, float (n_images,); -1: nowhere."""
        return np.where(~self.abstained & (self.chosen == self.label), self.radius, -1.0)


def write_certificates(
    path: str | Path,
    values: dict[str, np.ndarray],
    numbers: dict[str, float | int],
    classes: list[str],
    origin: Origin,
) -> None:
    """Write certificates as HDF5 (netCDF-4): by the names of `VARIABLES` and of `NUMBERS`."""
    with create_file(path, origin) as file:
        file.dimensions = {"image": len(values["index"])}
        for name, (meaning, units) in VARIABLES.items():
            kind = np.float64 if name == "radius" else np.int64
            variable = file.create_variable(name, ("image",), data=values[name].astype(kind))
            variable.attrs["long_name"] = meaning
            if units:
                variable.attrs["units"] = units
        for name in NUMBERS:
            file.attrs[name] = numbers[name]
        file.attrs["classes"] = classes


def read_certificates(path: str | Path, wanted: Origin) -> Certificates:
    """Return what :func:`write_certificates` wrote.

    Raises
    ------
    StoreError
        For a file that is missing, damaged, or not of the origin `wanted`; says how to rebuild it.
    """
    with open_file(path) as file:
        attributes = read_attributes(file)
        found = Certificates(
            **{name: file[name][...] for name in VARIABLES},
            **{name: attributes[name].item() for name in NUMBERS},
            classes=np.atleast_1d(attributes["classes"]).tolist(),
            lineage=attributes["lineage"],
        )
    require_origin(path, attributes, wanted)
    return found
