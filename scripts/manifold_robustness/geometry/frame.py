"""The frame of a manifold: coordinates of its points that know nothing of the axes they came in."""

from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError

# A direction counts as spanned while a point reaches this far along it, relative to the farthest.
RANK_TOLERANCE = 1e-10
# Next in the frame is the first point whose residual is at least this share of the greatest.
# Below 1, so that rounding never decides between points at equal distance.
PIVOT_SHARE = 0.7
# Rounding of points, in units of their norm.
ROUNDING = 64 * np.finfo(float).eps
# Points this far off, in units of the center's norm, leave the center below their own rounding: the
# programs are not solved any more, or, farther still, are solved with a center of another place.
FARTHEST = 1e10


@dataclass(frozen=True)
class ManifoldFrame:
    """Centered points of one manifold in a frame of their own.

    Attributes
    ----------
    coordinates : (n_points, D)
        The points, D = min(n_features, n_points).
    rank : int
        Dimensions that the points span, at most n_points - 1 once centered.
    span : (D, rank)
        Orthonormal basis of those dimensions.
    """

    coordinates: np.ndarray
    rank: int
    span: np.ndarray

    @property
    def n_dimensions(self) -> int:
        """D, the dimension of the frame; a Gaussian vector has D + 1 coordinates."""
        return self.coordinates.shape[1]


def manifold_frame(
    offsets: np.ndarray, literal: bool = False, rounding: float = 0.0
) -> ManifoldFrame:
    """Reduce the centered points of a manifold to D = min(n_features, n_points) coordinates.

    Parameters
    ----------
    offsets : (n_points, n_features)
        Points less their mean, in units of the center's norm.
    literal
        False: the invariant frame. Its axes are points, by Gram-Schmidt with pivoting, the leading
        coordinate of a pivot positive; coordinates beyond the rank are 0. A rotation of the data
        leaves it as it is. True: the frame of the field's reference implementation, for Gaussian
        vectors that come from elsewhere: QR where n_features > n_points, otherwise the features
        themselves. Its signs depend on the axes of the data.
    rounding
        Error of the offsets; a direction in which no point reaches farther is not spanned.

    Returns
    -------
    ManifoldFrame

    Raises
    ------
    GeometryError
        Where all points coincide, or some are farther than 1e10.

    Examples
    --------
    >>> import numpy as np
    >>> segment = np.array([[0.0, 0.0, -2.0], [0.0, 0.0, 2.0]])
    >>> manifold_frame(segment).coordinates
    array([[ 2.,  0.],
           [-2.,  0.]])
    """
    n_points, n_features = offsets.shape
    with np.errstate(over="ignore"):
        reach = np.sqrt(np.einsum("mn,mn->m", offsets, offsets).max())
    if reach > FARTHEST:
        raise GeometryError(
            f"Need points within {FARTHEST:g} center norms of their mean, for rounding not to "
            f"decide where the center is. The farthest is at {reach:.1e}."
        )
    reduced = offsets
    if n_features > n_points:
        # Householder, not the Gram matrix, which would halve the digits.
        reduced = np.linalg.qr(offsets.T, mode="r").T
    coordinates, axes = gram_schmidt(reduced, rounding)
    rank = len(axes)
    if rank == 0 or reach <= ROUNDING:
        raise GeometryError(
            "Need at least two distinct points in each manifold, farther apart than "
            f"{ROUNDING:.1e} center norms, which is rounding. All {n_points} points coincide."
        )
    if literal:
        return ManifoldFrame(reduced, rank, axes.T)
    padded = np.zeros_like(reduced)
    padded[:, :rank] = coordinates
    return ManifoldFrame(padded, rank, np.eye(reduced.shape[1], rank))


def gram_schmidt(points: np.ndarray, rounding: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal axes along the points, farthest first within ties, up to their rank.

    Returns the coordinates (n_points, rank) and the axes (rank, n_features).
    """
    residual = np.array(points, dtype=float)
    axes = np.empty((min(residual.shape), residual.shape[1]))
    coordinates = np.zeros((len(residual), len(axes)))
    norms = np.einsum("md,md->m", residual, residual)
    floor = max(rounding, RANK_TOLERANCE * np.sqrt(norms.max())) ** 2
    for rank in range(len(axes)):
        greatest = norms.max()
        if greatest <= floor:
            return coordinates[:, :rank], axes[:rank]
        pivot = np.argmax(norms >= PIVOT_SHARE**2 * greatest)
        known = axes[:rank]
        axis = residual[pivot] / np.sqrt(norms[pivot])
        axis -= (known @ axis) @ known
        axis /= np.sqrt(axis @ axis)
        axes[rank] = axis
        coordinates[:, rank] = residual @ axis
        residual -= coordinates[:, rank, None] * axis
        norms = np.einsum("md,md->m", residual, residual)
    return coordinates, axes
