"""Linear dimensionality of all points of a replicate together."""

from typing import TYPE_CHECKING

import numpy as np

from ..geometry import total_dimensionality
from ..limits import has_spectrum

if TYPE_CHECKING:
    from ..files.stores import StoredArray

DECLARATION = {
    "variables": {
        "participation_ratio": {
            "axes": "replicate",
            "long_name": "participation ratio of all points; NaN where points and features are "
            "both more than 5000",
            "equation": "(sum of λ)^2 / sum of λ^2, λ of the covariance",
            "optional": True,
            "summarised": "arithmetic",
        },
        "n_components": {
            "axes": "replicate",
            "long_name": "principal components for 90 % of the variance; NaN as "
            "participation_ratio",
            "equation": "least n with that share",
            "optional": True,
            "summarised": "arithmetic",
        },
    }
}
VARIANCE_SHARE = 0.9


def measure(points: "np.ndarray | StoredArray", settings: dict, seed: int, replicate: int) -> dict:
    """Return the dimensions of all points together, or NaN where their spectrum costs too much."""
    if not has_spectrum(*points.shape):
        return dict.fromkeys(DECLARATION["variables"], np.nan)
    spread = total_dimensionality(points, VARIANCE_SHARE)
    return {
        "participation_ratio": spread.participation_ratio,
        "n_components": spread.n_components,
    }
