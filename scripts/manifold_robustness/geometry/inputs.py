"""What the geometry requires of its input. Every refusal names the requirement and the value."""

from collections.abc import Callable, Iterable, Sequence
from math import frexp
from numbers import Integral, Real
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError

# Largest magnitudes whose squares, and those of their differences, are numbers of full precision.
SMALL, LARGE = 1e-100, 1e100

Measured = TypeVar("Measured")


class Manifolds(Sequence):
    """Manifolds as arrays (n_points_i, n_features) of finite numbers, checked when asked for.

    None is kept: a sequence that reads its items from a file never is in memory as a whole.
    """

    def __init__(self, points: ArrayLike | Sequence[ArrayLike]):
        self._points = points
        self._n_features = None
        self._largest = 0.0
        self._exponent = 0

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, index: int) -> np.ndarray:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        cloud = _as_numbers(self._points[index], index)
        if self._n_features is None:
            self._n_features = cloud.shape[1]
        self._check(cloud, index)
        self._largest = max(self._largest, largest_magnitude(cloud))
        return np.ldexp(cloud.astype(float), -self._exponent) if self._exponent else cloud

    def measured(self, measure: Callable[[np.ndarray], Measured]) -> list[Measured]:
        """Return ``measure(cloud)`` of each manifold; to be called before anything else is.

        Where squares of the points would vanish or overflow, as the first pass finds out, all are
        measured again in other units, and asked for in those from then on.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # what is measured again
            found = [measure(cloud) for cloud in self]
        self._exponent = exponent_of_units(self._largest)
        return [measure(cloud) for cloud in self] if self._exponent else found

    def _check(self, cloud, index):
        if cloud.shape[1] != self._n_features:
            raise GeometryError(
                f"Need as many features in every manifold. Manifold 0 has {self._n_features}, "
                f"manifold {index} has {cloud.shape[1]}."
            )
        if self._n_features == 0:
            raise GeometryError("Need at least one feature. Got 0.")
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


def check_manifolds(points: ArrayLike | Sequence[ArrayLike]) -> Manifolds:
    """Two manifolds or more; each is checked as it is asked for."""
    clouds = Manifolds(_as_sequence(points))
    if len(clouds) < 2:
        raise GeometryError(f"Need at least two manifolds. Got {len(clouds)}.")
    return clouds


def largest_magnitude(values: np.ndarray) -> float:
    """The largest absolute value of an array that is not empty.

    >>> largest_magnitude(np.array([-128, 3], dtype=np.int8))
    128.0
    """
    return max(float(values.max()), -float(values.min()))


def exponent_of_units(largest: float) -> int:
    """The power of two to measure numbers in: 0, so 1, unless their squares are no precise numbers.

    >>> exponent_of_units(1e-30), exponent_of_units(2.0**-600), exponent_of_units(1e300)
    (0, -599, 997)
    """
    return 0 if largest == 0 or SMALL <= largest <= LARGE else frexp(largest)[1]


def in_moderate_units(values: np.ndarray) -> np.ndarray:
    """Finite numbers as they are, or times a power of two that keeps their squares precise.

    The geometry does not depend on the units, and a power of two changes no digit.

    >>> in_moderate_units(np.array([3.0, 4.0])), in_moderate_units(np.array([0.0, 2.0**-600]))
    (array([3., 4.]), array([0. , 0.5]))
    """
    exponent = exponent_of_units(largest_magnitude(values)) if np.isfinite(values).all() else 0
    return np.ldexp(values, -exponent) if exponent else values


def doubt_layout(shapes: Sequence[tuple[int, int]]) -> str | None:
    """A sentence on the first manifold (n_points, n_features) of fewer features than points.

    The field's reference implementation takes features x points; arrays in its layout are valid
    here too, and would give plausible numbers of something else.
    """
    for index, (n_points, n_features) in enumerate(shapes):
        if n_features < n_points:
            return (
                f"Manifold {index} has {n_points} points of {n_features} features. Is it "
                "transposed? Rows are points here; the field's reference implementation has them "
                "in columns. Where there are so few features, pass warn_if_transposed=False."
            )
    return None


def check_margin(margin: float) -> float:
    """A margin as a number >= 0."""
    if isinstance(margin, bool) or not isinstance(margin, Real) or not 0 <= margin < np.inf:
        raise GeometryError(f"Need a finite margin >= 0. Got {margin!r}.")
    return float(margin)


def check_tolerance(tolerance: float) -> float:
    """A tolerance of residuals as a number > 0."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not 0 < tolerance < np.inf:
        raise GeometryError(f"Need a finite tolerance > 0. Got {tolerance!r}.")
    return float(tolerance)


def check_seed(seed: int | Iterable[int]) -> int | list[int]:
    """A seed as an integer >= 0, or a list of them."""
    values = [seed] if isinstance(seed, Integral) else seed
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise GeometryError(f"Need a seed of integers >= 0. Got {seed!r}.")
    values = list(values)
    if any(isinstance(v, bool) or not isinstance(v, Integral) or v < 0 for v in values):
        raise GeometryError(f"Need a seed of integers >= 0. Got {seed!r}.")
    return int(seed) if isinstance(seed, Integral) else [int(value) for value in values]


def check_count(count: int, what: str) -> int:
    """A number of things as an integer >= 1."""
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise GeometryError(f"Need at least one {what}. Got {count!r}.")
    return int(count)


def check_gaussian_vectors(
    vectors: Iterable[ArrayLike], shapes: Sequence[tuple[int, int]]
) -> list[np.ndarray]:
    """One array (D_i + 1, n_t) of finite numbers for each manifold's shape, D_i = min(M_i, N)."""
    vectors = list(vectors)
    if len(vectors) != len(shapes):
        raise GeometryError(
            f"Need one array of Gaussian vectors for each of {len(shapes)} manifolds. "
            f"Got {len(vectors)}."
        )
    checked = []
    for index, (array, shape) in enumerate(zip(vectors, shapes, strict=True)):
        array = _as_array(array)
        rows = min(shape) + 1
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


def _as_array(values):
    """An array of what a person has: a tensor of torch too, with gradients or on a device."""
    if isinstance(values, (list, tuple)) and any(hasattr(item, "detach") for item in values):
        return np.stack([_as_array(item) for item in values])
    if not hasattr(values, "detach"):
        return np.asarray(values)
    values = values.detach().cpu()
    try:
        return values.numpy()
    except TypeError:  # of a type that NumPy has not, as bfloat16: float32 holds its every value
        return values.float().numpy()


def _as_sequence(points):
    if getattr(points, "ndim", 3) != 3 and points.dtype != object:
        raise GeometryError(
            "Need points of shape (n_manifolds, n_points, n_features). "
            f"Got an array of shape {tuple(points.shape)}."
        )
    if hasattr(points, "__len__") and hasattr(points, "__getitem__"):
        return points
    try:
        return list(points)
    except TypeError:
        raise GeometryError(
            f"Need an array or a sequence of manifolds. Got {type(points).__name__}."
        ) from None


def _as_numbers(cloud, index):
    try:
        array = _as_array(cloud)
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
    with np.errstate(over="ignore"):  # what is beyond float64 is infinite then, and refused as that
        return array.astype(float) if array.dtype.itemsize > 8 else array
