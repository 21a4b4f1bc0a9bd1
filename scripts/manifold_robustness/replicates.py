"""The geometry of a layer under a condition, replicate by replicate."""

import logging

import numpy as np

from .geometry import (
    analyze_manifolds,
    find_center_structure,
    remove_directions,
    simulate_capacity,
    total_dimensionality,
)
from .geometry_files import VARIABLES
from .seeds import entropy

logger = logging.getLogger(__name__)


def solve_replicates(points, settings, seed):
    """Return the geometry of every replicate, as :func:`~.geometry_files.write_geometry` takes it.

    Parameters
    ----------
    points : ndarray (replicates, n_manifolds, n_points, n_features)
    settings : dict
        ``margin``, ``n_gaussian_vectors``, ``center_rank``, ``center_selection``, ``tolerance``,
        as :func:`~.geometry.analyze_manifolds` takes them, and ``simulate``: whether the capacity
        is simulated too (else NaN).
    seed : int
        The probes depend on it, the replicate and the manifold; so they are the same in every
        layer and under every condition.
    """
    settings = dict(settings)
    simulate = settings.pop("simulate")
    return [
        _solve(np.asarray(cloud, dtype=np.float64), settings, seed, replicate, simulate)
        for replicate, cloud in enumerate(points)
    ]


def _solve(cloud, settings, seed, replicate, simulate):
    probes = entropy(seed, "gaussian vectors", replicate)
    geometry = analyze_manifolds(cloud, seed=probes, **settings)
    spread = total_dimensionality(cloud, variance_share=0.9)
    measures = {
        "participation_ratio": spread.participation_ratio,
        "n_components": spread.n_components,
        "simulated_capacity": np.nan,
        "simulated_capacity_error": np.nan,
    }
    if simulate:
        dichotomies = entropy(seed, "dichotomies", replicate)
        simulated = simulate_capacity(_without_center_structure(cloud, settings), seed=dichotomies)
        logger.info("replicate %d, simulated: %s", replicate, simulated.reason or "found")
        measures["simulated_capacity"] = simulated.capacity
        measures["simulated_capacity_error"] = simulated.capacity_error
    return {name: getattr(geometry, name, None) for name in VARIABLES} | measures


def _without_center_structure(cloud, settings):
    """Project out what the theory projects out, so that both speak of the same manifolds."""
    structure = find_center_structure(
        cloud.mean(axis=1), settings["center_rank"], settings["center_selection"]
    )
    return remove_directions(cloud - cloud.mean(axis=(0, 1)), structure.directions)
