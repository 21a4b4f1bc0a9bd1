"""The joint program: capacity and geometry of the manifolds together, with no center structure."""

from typing import TYPE_CHECKING

import numpy as np

from ..geometry import analyze_jointly
from ..geometry.joint import rounding_of
from ..seeds import entropy

if TYPE_CHECKING:
    from ..files.stores import StoredArray

PREFIX = "joint_"
OF_NETWORKS = "float32"  # they compute in single precision, whatever coordinates are kept in
DECLARATION = {
    "setting": "joint",
    "variables": {
        "joint_capacity": {
            "axes": "replicate",
            "long_name": "joint capacity, of all manifolds together",
            "equation": "P / mean F over draws of t and labels; "
            "Wakhloo, Sussman & Chung, PRL 131, 027301 (2023)",
            "summarised": "harmonic",
        },
        "joint_capacity_error": {
            "axes": "replicate",
            "long_name": "standard error of joint_capacity",
            "equation": "Monte Carlo standard error over the draws, by the delta method",
        },
        "joint_dimension": {
            "axes": "replicate",
            "long_name": "effective dimension of the joint anchor points; not unique where v is 0, "
            "see joint_zero_share",
            "equation": "mean b / P; Chou et al., ICML 2025",
            "summarised": "arithmetic",
        },
        "joint_dimension_error": {
            "axes": "replicate",
            "long_name": "standard error of joint_dimension",
            "equation": "Monte Carlo standard error over the draws, by the delta method",
        },
        "joint_radius": {
            "axes": "replicate",
            "long_name": "effective radius of the joint anchor points, infinite where their mean "
            "adds nothing; not unique where v is 0, see joint_zero_share",
            "equation": "sqrt(mean c / mean (b - c)); Chou et al., ICML 2025",
            "optional": True,
            "summarised": "arithmetic",
        },
        "joint_radius_error": {
            "axes": "replicate",
            "long_name": "standard error of joint_radius; NaN where that is not finite",
            "equation": "Monte Carlo standard error over the draws, by the delta method",
            "optional": True,
        },
        "joint_utility": {
            "axes": "replicate",
            "long_name": "effective utility, with capacity = utility (1 + 1 / radius^2) / "
            "dimension; not unique where v is 0, see joint_zero_share",
            "equation": "mean c / mean a; Chou et al., ICML 2025",
            "summarised": "arithmetic",
        },
        "joint_utility_error": {
            "axes": "replicate",
            "long_name": "standard error of joint_utility",
            "equation": "Monte Carlo standard error over the draws, by the delta method",
        },
        "joint_center_alignment": {
            "axes": "replicate",
            "long_name": "mean signed cosine of the manifolds' mean anchor points, over pairs",
            "equation": "mean cos(s0_μ, s0_ν) over μ ≠ ν",
            "summarised": "arithmetic",
        },
        "joint_center_alignment_error": {
            "axes": "replicate",
            "long_name": "standard error of joint_center_alignment",
            "equation": "Monte Carlo standard error over the draws, by the delta method",
        },
        "joint_axis_alignment": {
            "axes": "replicate",
            "long_name": "mean signed cosine of the deviations of anchor points from their means, "
            "over pairs and draws",
            "equation": "mean cos(s1_μ, s1_ν) over μ ≠ ν",
            "summarised": "arithmetic",
        },
        "joint_axis_alignment_error": {
            "axes": "replicate",
            "long_name": "standard error of joint_axis_alignment",
            "equation": "Monte Carlo standard error over the draws, by the delta method",
        },
        "joint_center_axis_alignment": {
            "axes": "replicate",
            "long_name": "mean signed cosine of mean anchor points and deviations of other "
            "manifolds, over pairs and draws",
            "equation": "mean cos(s0_μ, s1_ν) over μ ≠ ν",
            "summarised": "arithmetic",
        },
        "joint_center_axis_alignment_error": {
            "axes": "replicate",
            "long_name": "standard error of joint_center_axis_alignment",
            "equation": "Monte Carlo standard error over the draws, by the delta method",
        },
        "joint_zero_share": {
            "axes": "replicate",
            "long_name": "share of draws whose v is 0: the joint capacity is then on its floor",
            "equation": "share of draws with v = 0",
            "summarised": "arithmetic",
        },
        "joint_inseparable_share": {
            "axes": "replicate",
            "long_name": "share of draws whose dichotomy no hyperplane separates",
            "equation": "share of draws with 0 in the hull of the labelled points",
            "summarised": "arithmetic",
        },
        "joint_capacity_floor": {
            "axes": "replicate",
            "long_name": "least joint capacity that there can be",
            "equation": "P / rank of all points",
            "summarised": "harmonic",
        },
        "joint_rank": {
            "axes": "replicate",
            "long_name": "dimensions that all points span about their mean",
            "equation": "number of independent directions",
        },
        "joint_primal_residual": {
            "axes": "replicate",
            "long_name": "greatest scaled primal residual of any joint program",
            "equation": "KKT conditions",
        },
        "joint_dual_residual": {
            "axes": "replicate",
            "long_name": "greatest scaled dual residual of any joint program",
            "equation": "KKT conditions",
        },
        "joint_gap_residual": {
            "axes": "replicate",
            "long_name": "greatest scaled duality gap of any joint program",
            "equation": "KKT conditions",
        },
        "joint_n_second_solutions": {
            "axes": "replicate",
            "long_name": "joint programs that the second solver solved again",
            "equation": "count",
        },
    },
}


def measure(points: "np.ndarray | StoredArray", settings: dict, seed: int, replicate: int) -> dict:
    """Return the joint geometry of a replicate's clouds, by name.

    As many draws as ``n_gaussian_vectors``, with balanced labels. Draws depend on the seed and the
    replicate only, and on the number of dimensions that the points span.
    """
    geometry = analyze_jointly(
        points,
        n_draws=settings["n_gaussian_vectors"],
        seed=entropy(seed, "joint draws", replicate),
        tolerance=settings["tolerance"],
        precision=rounding_of(np.dtype(settings.get("precision", OF_NETWORKS))),
    )
    return {name: getattr(geometry, name.removeprefix(PREFIX)) for name in DECLARATION["variables"]}
