"""The same measures with points dealt out to the manifolds at random: no structure at all."""

from typing import TYPE_CHECKING

import numpy as np

from ..seeds import generator
from . import joint, mean_field, readout

if TYPE_CHECKING:
    from ..files.stores import StoredArray

DECLARATION = {
    "setting": "shuffle",
    "variables": {
        "shuffled_capacity": {
            "axes": "replicate",
            "long_name": "manifold capacity α_M of shuffled classes, harmonic mean over manifolds",
            "equation": "as capacity",
            "summarised": "harmonic",
        },
        "shuffled_dimension": {
            "axes": "replicate",
            "long_name": "manifold dimension D_M of shuffled classes, mean over manifolds",
            "equation": "as dimension",
            "summarised": "arithmetic",
        },
        "shuffled_radius": {
            "axes": "replicate",
            "long_name": "manifold radius R_M of shuffled classes, mean over manifolds",
            "equation": "as radius",
            "units": "norm of the manifold's center",
            "summarised": "arithmetic",
        },
        "shuffled_center_correlation": {
            "axes": "replicate",
            "long_name": "center correlation ρ of shuffled classes",
            "equation": "as center_correlation",
            "summarised": "arithmetic",
        },
        "shuffled_joint_capacity": {
            "axes": "replicate",
            "long_name": "joint capacity of shuffled classes",
            "equation": "as joint_capacity",
            "summarised": "harmonic",
            "setting": "joint",
        },
        "shuffled_readout_accuracy": {
            "axes": "replicate",
            "long_name": "accuracy of a linear readout of shuffled classes",
            "equation": "as readout_accuracy",
            "summarised": "arithmetic",
            "setting": "readout",
        },
    },
}


def measure(points: "np.ndarray | StoredArray", settings: dict, seed: int, replicate: int) -> dict:
    """Return the measures of manifolds of as many points each, drawn from all of them, by name.

    The draw depends on the seed and the replicate only: in every layer and under every condition
    the same images stand in for a class.
    """
    cloud = np.array(list(points))
    n_manifolds, n_points, n_features = cloud.shape
    order = generator(seed, "shuffle", replicate).permutation(n_manifolds * n_points)
    shuffled = cloud.reshape(-1, n_features)[order].reshape(cloud.shape)
    found = mean_field.means(shuffled, settings, seed, replicate)
    if settings["joint"]:
        found |= joint.measure(shuffled, settings, seed, replicate)
    if settings["readout"]:
        found |= readout.measure(shuffled, settings, seed, replicate)
    wanted = {name: name.removeprefix("shuffled_") for name in DECLARATION["variables"]}
    return {name: found[kept] for name, kept in wanted.items() if kept in found}
