"""What the geometry requires of its input. Every refusal names the requirement and the value."""

from numbers import Integral, Real

import numpy as np

from ..errors import GeometryError


def check_manifolds(points) -> list[np.ndarray]:
    """Manifolds as a list of arrays (n_points_i, n_features) of finite numbers."""
    clouds = [_as_numbers(cloud, index) for index, cloud in enumerate(_as_sequence(points))]
    if len(clouds) < 2:
        raise GeometryError(f"Need at least two manifolds. Got {len(clouds)}.")
    n_features = clouds[0].shape[1]
    for index, cloud in enumerate(clouds):
        if cloud.shape[1] != n_features:
            raise GeometryError(
                f"Need as many features in every manifold. Manifold 0 has {n_features}, "
                f"manifold {index} has {cloud.shape[1]}."
            )
        if len(cloud) < 2:
            raise GeometryError(
                f"Need at least two points in each manifold. Manifold {index} has {len(cloud)}."
            )
        if not np.isfinite(cloud).all():
            point, feature = np.argwhere(~np.isfinite(cloud))[0]
            raise GeometryError(
                f"Need finite points. Manifold {index} holds {cloud[point, feature]} "
                f"at point {point}, feature {feature}."
            )
    if n_features == 0:
        raise GeometryError("Need at least one feature. Got 0.")
    return clouds


def check_margin(margin) -> float:
    """A margin as a number >= 0."""
    if isinstance(margin, bool) or not isinstance(margin, Real) or not 0 <= margin < np.inf:
        raise GeometryError(f"Need a finite margin >= 0. Got {margin!r}.")
    return float(margin)


def check_tolerance(tolerance) -> float:
    """A tolerance of residuals as a number > 0."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not 0 < tolerance < np.inf:
        raise GeometryError(f"Need a finite tolerance > 0. Got {tolerance!r}.")
    return float(tolerance)


def check_seed(seed):
    """A seed as an integer >= 0, or a list of them."""
    values = [seed] if isinstance(seed, Integral) else seed
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise GeometryError(f"Need a seed of integers >= 0. Got {seed!r}.")
    values = list(values)
    if any(isinstance(v, bool) or not isinstance(v, Integral) or v < 0 for v in values):
        raise GeometryError(f"Need a seed of integers >= 0. Got {seed!r}.")
    return int(seed) if isinstance(seed, Integral) else [int(value) for value in values]


def check_count(count, what: str) -> int:
    """A number of things as an integer >= 1."""
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise GeometryError(f"Need at least one {what}. Got {count!r}.")
    return int(count)


def check_gaussian_vectors(vectors, clouds) -> list[np.ndarray]:
    """One array (D_i + 1, n_t) of finite numbers for each manifold, D_i = min(N, M_i)."""
    vectors = list(vectors)
    if len(vectors) != len(clouds):
        raise GeometryError(
            f"Need one array of Gaussian vectors for each of {len(clouds)} manifolds. "
            f"Got {len(vectors)}."
        )
    checked = []
    for index, (array, cloud) in enumerate(zip(vectors, clouds, strict=True)):
        array = np.asarray(array)
        rows = min(cloud.shape) + 1
        n_vectors = checked[0].shape[1] if checked else "n_gaussian_vectors"
        fits = array.ndim == 2 and array.shape[0] == rows and array.shape[1] > 0
        if not fits or (checked and array.shape[1] != n_vectors):
            raise GeometryError(
                f"Need Gaussian vectors of shape ({rows}, {n_vectors}), at least one, for "
                f"manifold {index}. Got {array.shape}."
            )
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise GeometryError(f"Need finite Gaussian vectors. Those of manifold {index} are not.")
        checked.append(array.astype(float))
    return checked


def _as_sequence(points):
    if isinstance(points, np.ndarray) and points.ndim != 3 and points.dtype != object:
        raise GeometryError(
            "Need points of shape (n_manifolds, n_points, n_features). "
            f"Got an array of shape {points.shape}."
        )
    try:
        return list(points)
    except TypeError:
        raise GeometryError(
            f"Need an array or a sequence of manifolds. Got {type(points).__name__}."
        ) from None


def _as_numbers(cloud, index):
    try:
        array = np.asarray(cloud)
    except ValueError:
        raise GeometryError(
            f"Need an array (n_points, n_features) of numbers. Manifold {index} is ragged."
        ) from None
    if array.dtype.kind not in "biuf":
        raise GeometryError(
            f"Need points that are real numbers. Manifold {index} holds {array.dtype}."
        )
    if array.ndim != 2:
        raise GeometryError(
            f"Need an array (n_points, n_features). Manifold {index} has shape {array.shape}."
        )
    return array
