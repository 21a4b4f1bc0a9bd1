"""Linear dimensionality of all points together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError
from .frame import ROUNDING
from .inputs import check_manifolds
from .threads import single_threaded


@dataclass(frozen=True)
class TotalDimensionality:
    """Dimensions of all points together.

    Attributes
    ----------
    participation_ratio : float
        (sum of variances)^2 / sum of squared variances, over the principal components.
    n_components : int
        Fewest principal components that hold the share of the variance.
    """

    participation_ratio: float
    n_components: int


@single_threaded
def total_dimensionality(
    points: ArrayLike | Sequence[ArrayLike], variance_share: float = 0.9
) -> TotalDimensionality:
    r"""Participation ratio and number of principal components of all points together.

    With :math:`\lambda_k` the variances along the principal components of all points about their
    global mean, the participation ratio is
    :math:`(\sum_k \lambda_k)^2 / \sum_k \lambda_k^2`. [1]_

    Parameters
    ----------
    points : (n_manifolds, n_points, n_features), or a sequence of (n_points_i, n_features)
    variance_share
        Share of the variance that the components are to hold, in (0, 1].

    Returns
    -------
    TotalDimensionality

    Raises
    ------
    GeometryError
        For bad points, a share out of range, or points that all coincide.

    References
    ----------
    .. [1] Gao et al., bioRxiv 214262 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> square = np.array([[[1.0, 0.0], [-1.0, 0.0]], [[0.0, 1.0], [0.0, -1.0]]])
    >>> total_dimensionality(square)
    TotalDimensionality(participation_ratio=2.0, n_components=2)
    """
    if not 0 < variance_share <= 1:
        raise GeometryError(f"Need a share of the variance in (0, 1]. Got {variance_share!r}.")
    clouds = check_manifolds(points)
    counts, sums, squares = zip(*clouds.measured(_moments), strict=True)
    mean, rounding = sum(sums) / sum(counts), ROUNDING * np.sqrt(sum(squares))
    spectrum = np.linalg.svd(_reduced(clouds, mean), compute_uv=False)
    if spectrum[0] <= rounding:
        raise GeometryError(f"Need at least two distinct points. All {sum(counts)} coincide.")
    variances = (spectrum / spectrum[0]) ** 2
    shares = np.cumsum(variances) / variances.sum()
    # Rounding must not ask for a further component: 1e-12 of the variance is nobody's.
    n_components = 1 + int(np.searchsorted(shares, variance_share - 1e-12))
    ratio = variances.sum() ** 2 / (variances**2).sum()
    return TotalDimensionality(float(ratio), n_components)


def _moments(cloud):
    return len(cloud), cloud.sum(0, dtype=float), float(np.linalg.norm(cloud.astype(float)) ** 2)


def _reduced(clouds, mean):
    """Rows of the same singular values as all points about the mean: at most three times as many
    as features, or one manifold more."""
    rows, count = [], 0
    for cloud in clouds:
        rows.append(cloud - mean)
        count += len(cloud)
        if count > 2 * len(mean):
            rows = [np.linalg.qr(np.concatenate(rows), mode="r")]
            count = len(rows[0])
    rows = np.concatenate(rows)
    return np.linalg.qr(rows.T, mode="r") if rows.shape[1] > rows.shape[0] else rows
