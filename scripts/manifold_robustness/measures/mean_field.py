"""Mean-field theoretic manifold analysis: capacity, radius, dimension, and center structure."""

from typing import TYPE_CHECKING

from ..geometry import analyze_replicates
from ..seeds import entropy

if TYPE_CHECKING:
    import numpy as np

    from ..files.stores import StoredArray

DECLARATION = {
    "variables": {
        "capacity": {
            "axes": "manifold",
            "long_name": "manifold capacity α_M",
            "equation": "Chung, Lee & Sompolinsky, PRX 8, 031003 (2018), eqs. 16-17",
            "summarised": "harmonic",
        },
        "radius": {
            "axes": "manifold",
            "long_name": "manifold radius R_M",
            "equation": "Chung, Lee & Sompolinsky, PRX 8, 031003 (2018), eq. 28",
            "units": "norm of the manifold's center",
            "summarised": "arithmetic",
        },
        "dimension": {
            "axes": "manifold",
            "long_name": "manifold dimension D_M, reference's frame of min(N, M) coordinates",
            "equation": "D <cos(t, s)>^2, the reference implementation's variant of "
            "Chung, Lee & Sompolinsky, PRX 8, 031003 (2018), eq. 29",
            "summarised": "arithmetic",
        },
        "rank_dimension": {
            "axes": "manifold",
            "long_name": "manifold dimension D_M, frame of the manifold's rank",
            "equation": "r <cos(t, s)>^2 over the rank's r coordinates, variant of "
            "Chung, Lee & Sompolinsky, PRX 8, 031003 (2018), eq. 29",
            "summarised": "arithmetic",
        },
        "capacity_error": {
            "axes": "manifold",
            "long_name": "standard error of capacity",
            "equation": "Monte Carlo standard error over the Gaussian vectors, first order",
        },
        "radius_error": {
            "axes": "manifold",
            "long_name": "standard error of radius",
            "equation": "Monte Carlo standard error over the Gaussian vectors, first order",
            "units": "norm of the manifold's center",
        },
        "dimension_error": {
            "axes": "manifold",
            "long_name": "standard error of dimension",
            "equation": "Monte Carlo standard error over the Gaussian vectors, first order",
        },
        "rank_dimension_error": {
            "axes": "manifold",
            "long_name": "standard error of rank_dimension",
            "equation": "Monte Carlo standard error over the Gaussian vectors, first order",
        },
        "rank": {
            "axes": "manifold",
            "long_name": "rank of the centered points",
            "equation": "number of independent directions",
        },
        "center_correlation": {
            "axes": "replicate",
            "long_name": "center correlation ρ",
            "equation": "mean |cos| over pairs of centers, global mean subtracted",
            "summarised": "arithmetic",
        },
        "center_rank": {
            "axes": "replicate",
            "long_name": "rank K of the low-rank center structure projected out",
            "equation": "Cohen, Chung, Lee & Sompolinsky, Nat. Commun. 11, 746 (2020), Methods",
            "summarised": "arithmetic",
        },
        "center_stability": {
            "axes": "replicate",
            "long_name": "least share of a center's norm that the projection leaves",
            "equation": "min over μ of |c_μ - V V'c_μ| / |c_μ|",
        },
        "primal_residual": {
            "axes": "replicate",
            "long_name": "greatest scaled primal residual of any program",
            "equation": "KKT conditions",
        },
        "dual_residual": {
            "axes": "replicate",
            "long_name": "greatest scaled dual residual of any program",
            "equation": "KKT conditions",
        },
        "gap_residual": {
            "axes": "replicate",
            "long_name": "greatest scaled duality gap of any program",
            "equation": "KKT conditions",
        },
        "n_second_solutions": {
            "axes": "replicate",
            "long_name": "programs that the second solver solved again",
            "equation": "count",
        },
        "residual_correlation": {
            "axes": "projected",
            "long_name": "mean |cos| of the centers after K directions are projected out; "
            "NaN where K was not tried",
            "equation": "Cohen, Chung, Lee & Sompolinsky, Nat. Commun. 11, 746 (2020), Methods",
        },
    }
}
# The arguments of analyze_replicates that are settings; what else is set does not concern it.
ARGUMENTS = (
    "margin",
    "n_gaussian_vectors",
    "center_rank",
    "center_selection",
    "solver",
    "tolerance",
)


def measure(points: "np.ndarray | StoredArray", settings: dict, seed: int, replicate: int) -> dict:
    """Return the mean-field geometry of a replicate's clouds, by name."""
    return measure_replicates({replicate: points}, settings, seed)[0]


def measure_replicates(
    clouds: "dict[int, np.ndarray | StoredArray]", settings: dict, seed: int
) -> list[dict]:
    """Return the mean-field geometry of replicates, whose center searches go in step.

    The Gaussian vectors depend on the seed, the replicate and the manifold only, so that they are
    the same in every layer, under every condition and of every network.
    """
    return [
        {name: getattr(geometry, name) for name in DECLARATION["variables"]}
        for geometry in _analyze(clouds, settings, seed)
    ]


def means(points: "np.ndarray | StoredArray", settings: dict, seed: int, replicate: int) -> dict:
    """Return the means over manifolds of what `measure` gives, and the center correlation."""
    (geometry,) = _analyze({replicate: points}, settings, seed)
    found = {
        name: getattr(geometry, f"mean_{name}")
        for name in ("capacity", "radius", "dimension", "rank_dimension")
    }
    return found | {"center_correlation": geometry.center_correlation}


def _analyze(clouds, settings, seed):
    return analyze_replicates(
        list(clouds.values()),
        seeds=[entropy(seed, "gaussian vectors", replicate) for replicate in clouds],
        **{name: settings[name] for name in ARGUMENTS},
    )
