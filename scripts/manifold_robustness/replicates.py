"""The geometry of a layer under a condition, replicate by replicate."""

import numpy as np

from .geometry import analyze_manifolds, total_dimensionality
from .geometry_files import VARIABLES
from .seeds import entropy


def solve_replicates(points, settings, seed):
    """Return the geometry of every replicate, as :func:`~.geometry_files.write_geometry` takes it.

    Parameters
    ----------
    points : ndarray (replicates, n_manifolds, n_points, n_features)
    settings : dict
        ``margin``, ``n_gaussian_vectors``, ``center_rank``, ``center_selection``, ``tolerance``.
    seed : int
        The probes depend on it, the replicate and the manifold; so they are the same in every
        layer and under every condition.
    """
    results = []
    for replicate, cloud in enumerate(points):
        cloud = np.asarray(cloud, dtype=np.float64)
        geometry = analyze_manifolds(
            cloud, seed=entropy(seed, "gaussian vectors", replicate), **settings
        )
        spread = total_dimensionality(cloud, variance_share=0.9)
        found = {name: getattr(geometry, name) for name in VARIABLES if hasattr(geometry, name)}
        results.append(
            {
                **found,
                "participation_ratio": spread.participation_ratio,
                "n_components": spread.n_components,
            }
        )
    return results
