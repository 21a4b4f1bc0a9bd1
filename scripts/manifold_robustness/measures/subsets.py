"""The same measures with fewer points of each manifold: what more of them would change."""

from typing import TYPE_CHECKING

import numpy as np

from ..seeds import generator
from . import joint, mean_field

if TYPE_CHECKING:
    from ..files.stores import StoredArray

DECLARATION = {
    "setting": "subsets",
    "variables": {
        "subset_points": {
            "axes": "subset",
            "long_name": "points of each manifold that the subset's measures are taken with",
            "equation": "as configured; nested draws of each manifold's points",
        },
        "subset_capacity": {
            "axes": "subset",
            "long_name": "manifold capacity α_M with fewer points, harmonic mean over manifolds",
            "equation": "as capacity",
        },
        "subset_dimension": {
            "axes": "subset",
            "long_name": "manifold dimension D_M with fewer points, mean over manifolds",
            "equation": "as dimension",
        },
        "subset_radius": {
            "axes": "subset",
            "long_name": "manifold radius R_M with fewer points, mean over manifolds",
            "equation": "as radius",
            "units": "norm of the manifold's center",
        },
        "subset_joint_capacity": {
            "axes": "subset",
            "long_name": "joint capacity with fewer points",
            "equation": "as joint_capacity",
            "setting": "joint",
        },
    },
}


def measure(points: "np.ndarray | StoredArray", settings: dict, seed: int, replicate: int) -> dict:
    """Return the measures of nested random subsets of each manifold's points, by name.

    The order of a manifold's points depends on the seed, the replicate and the manifold only, so
    that the subsets are of the same images in every layer, under every condition.
    """
    cloud = np.array(list(points))
    for manifold, own in enumerate(cloud):
        own[:] = generator(seed, "subsets", replicate, manifold).permutation(own)
    found = {"subset_points": sorted(settings["subsets"])}
    for count in found["subset_points"]:
        subset = cloud[:, :count]
        means = mean_field.means(subset, settings, seed, replicate)
        if settings["joint"]:
            means |= joint.measure(subset, settings, seed, replicate)
        for name in DECLARATION["variables"]:
            kept = name.removeprefix("subset_")
            if kept in means:
                found.setdefault(name, []).append(means[kept])
    return {name: np.array(values, dtype=float) for name, values in found.items()}
