"""The capacity by direct simulation of random dichotomies, where the settings ask for it."""

import logging
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import find_center_structure, remove_directions, simulate_capacity
from ..geometry.inputs import in_moderate_units
from ..seeds import entropy

if TYPE_CHECKING:
    from ..files.stores import StoredArray

DECLARATION = {
    "setting": "simulate",
    "variables": {
        "simulated_capacity": {
            "axes": "replicate",
            "long_name": "capacity by direct simulation of random dichotomies; NaN where no "
            "number of dimensions up to the layer's separates half of them",
            "equation": "P / n at the n where half are separable, interpolated between whole n; "
            "Cohen, Chung, Lee & Sompolinsky, Nat. Commun. 11, 746 (2020), Methods",
            "optional": True,
        },
        "simulated_capacity_error": {
            "axes": "replicate",
            "long_name": "standard error of simulated_capacity; NaN as simulated_capacity",
            "equation": "bootstrap over dichotomies",
            "optional": True,
        },
    },
}

logger = logging.getLogger(__name__)


def measure(points: "np.ndarray | StoredArray", settings: dict, seed: int, replicate: int) -> dict:
    """Return the simulated capacity and its error, or NaN where there is none."""
    simulated = simulate_capacity(
        _without_center_structure(points, settings), seed=entropy(seed, "dichotomies", replicate)
    )
    logger.info("replicate %d, simulated: %s", replicate, simulated.reason or "found")
    return {
        "simulated_capacity": simulated.capacity,
        "simulated_capacity_error": simulated.capacity_error,
    }


def _without_center_structure(points, settings):
    """Project out what the theory projects out, so that both speak of the same manifolds."""
    cloud = in_moderate_units(np.array(list(points), dtype=float))
    structure = find_center_structure(
        cloud.mean(axis=1), settings["center_rank"], settings["center_selection"]
    )
    return remove_directions(cloud - cloud.mean(axis=(0, 1)), structure.directions)
