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
from .geometry_files import OPTIONAL, VARIABLES
from .limits import has_spectrum
from .seeds import entropy

logger = logging.getLogger(__name__)


def solve_replicates(points, settings, seed):
    """Return the geometry of every replicate, as :func:`~.geometry_files.write_geometry` takes it.

    Parameters
    ----------
    points : ndarray (replicates, n_manifolds, n_points, n_features), or :class:`.StoredArray`
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
        _solve(clouds, settings, seed, replicate, simulate)
        for replicate, clouds in enumerate(points)
    ]


def _solve(clouds, settings, seed, replicate, simulate):
    probes = entropy(seed, "gaussian vectors", replicate)
    geometry = analyze_manifolds(clouds, seed=probes, **settings)
    measures = dict.fromkeys(OPTIONAL, np.nan)
    if has_spectrum(*clouds.shape):
        spread = total_dimensionality(clouds, variance_share=0.9)
        measures["participation_ratio"] = spread.participation_ratio
        measures["n_components"] = spread.n_components
    if simulate:
        dichotomies = entropy(seed, "dichotomies", replicate)
        simulated = simulate_capacity(_without_center_structure(clouds, settings), seed=dichotomies)
        logger.info("replicate %d, simulated: %s", replicate, simulated.reason or "found")
        measures["simulated_capacity"] = simulated.capacity
        measures["simulated_capacity_error"] = simulated.capacity_error
    return {name: getattr(geometry, name, None) for name in VARIABLES} | measures


def _without_center_structure(clouds, settings):
    """Project out what the theory projects out, so that both speak of the same manifolds."""
    cloud = np.array(list(clouds), dtype=float)
    structure = find_center_structure(
        cloud.mean(axis=1), settings["center_rank"], settings["center_selection"]
    )
    return remove_directions(cloud - cloud.mean(axis=(0, 1)), structure.directions)
