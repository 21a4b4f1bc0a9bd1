"""What the gradient of a capacity is given, activations, probes and directions, and refuses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from ..errors import GeometryError
from ..geometry.frame import FARTHEST, ROUNDING
from ..geometry.inputs import LARGE, SMALL, check_count, check_seed
from ..geometry.joint import draw_jointly, require_labels
from ..seeds import generator

OBJECTIVES = ("capacity", "joint_capacity")
# Directions are orthonormal to this.
ORTHONORMAL = 1e-8


@dataclass(frozen=True)
class CapacityProbes:
    """Draws for :func:`~.inverse_capacity.inverse_capacity`, in the space of the features.

    They know nothing of the points, so that they mean the same while the points move. Give the same
    ones at every step for one function to descend on, or draw fresh ones for each step.

    Attributes
    ----------
    vectors : (n_gaussian_vectors, n_features)
        The Gaussian vectors t.
    center_coordinates : (n_gaussian_vectors, n_manifolds), or None
        The coordinate of each vector along the center axis of each manifold; of the mean field.
    labels : (n_gaussian_vectors, n_manifolds), or None
        1.0 or -1.0; of the joint program.
    """

    vectors: np.ndarray
    center_coordinates: np.ndarray | None = None
    labels: np.ndarray | None = None


def draw_probes(
    objective: str,
    n_manifolds: int,
    n_features: int,
    n_gaussian_vectors: int = 50,
    labels: str = "balanced",
    seed: int | Sequence[int] = 0,
) -> CapacityProbes:
    """Draw the probes of a capacity: by NumPy on the CPU, so they are the same for any device.

    In the mean field all manifolds share the vectors, which are dear in a layer of many features,
    and each has its own coordinates along its center axis. A manifold sees no more of a vector than
    its part in the manifold's span. Where spans overlap, the mean over manifolds scatters somewhat
    more than if each had its own vectors.

    Parameters
    ----------
    objective
        ``"capacity"``, the mean field, or ``"joint_capacity"``.
    n_manifolds, n_features
        Of the points.
    n_gaussian_vectors
        How many. The first of many are those of few.
    labels
        ``"balanced"`` or ``"random"``, see :func:`~..geometry.analyze_jointly`; of the joint
        program only.
    seed
        An integer or a sequence of integers >= 0. For fresh probes at each step let the step be one
        of them.

    Raises
    ------
    GeometryError
        For an objective, labels, a number or a seed that can't be.

    Examples
    --------
    >>> probes = draw_probes("joint_capacity", 10, 512, n_gaussian_vectors=24, seed=(0, 3))
    >>> probes.vectors.shape, probes.labels.shape, probes.center_coordinates
    ((24, 512), (24, 10), None)
    """
    require_objective(objective)
    count, seed = check_count(n_gaussian_vectors, "Gaussian vector"), check_seed(seed)
    if objective == "joint_capacity":
        require_labels(labels, n_manifolds)
        vectors, signs = draw_jointly(n_features, n_manifolds, count, labels, seed)
        return CapacityProbes(vectors, labels=signs)
    coordinates = [seed] if isinstance(seed, int) else seed
    of_vectors, of_centers = (
        generator(*coordinates, f"capacity {what}") for what in ("vectors", "centers")
    )
    return CapacityProbes(
        of_vectors.standard_normal((count, n_features)),
        center_coordinates=of_centers.standard_normal((count, n_manifolds)),
    )


def check_probes(
    probes: CapacityProbes, objective: str, n_manifolds: int, n_features: int
) -> tuple[np.ndarray, np.ndarray]:
    """The vectors, and the center coordinates or labels that the objective wants, as float64."""
    what = "labels" if objective == "joint_capacity" else "center_coordinates"
    if not isinstance(probes, CapacityProbes):
        raise GeometryError(f"Need probes as CapacityProbes. Got {type(probes).__name__}.")
    if getattr(probes, what) is None:
        raise GeometryError(
            f"Need probes with {what} for the objective {objective}. Got none; draw them with "
            f"draw_probes({objective!r}, ...)."
        )
    vectors = _finite(probes.vectors, "Gaussian vectors", ("n_gaussian_vectors", n_features))
    others = _finite(getattr(probes, what), what, (len(vectors), n_manifolds))
    if what == "labels" and not (np.abs(others) == 1).all():
        raise GeometryError("Need labels of 1 and -1 in the probes. Got others.")
    return vectors, others


def check_activations(activations: torch.Tensor) -> torch.Tensor:
    """Activations as float64 (n_manifolds, n_points, n_features), checked; with their graph."""
    if not isinstance(activations, torch.Tensor) or not activations.is_floating_point():
        got = getattr(activations, "dtype", type(activations).__name__)
        raise GeometryError(f"Need activations as a tensor of floating point. Got {got}.")
    if activations.ndim < 3 or 0 in activations.shape:
        raise GeometryError(
            "Need activations of shape (n_manifolds, n_points, *features), none of them 0. Got "
            f"{tuple(activations.shape)}."
        )
    n_manifolds, n_points = activations.shape[:2]
    if n_manifolds < 2:
        raise GeometryError(f"Need at least two manifolds. Got {n_manifolds}.")
    if n_points < 2:
        raise GeometryError(f"Need at least two points in each manifold. Got {n_points}.")
    points = activations.flatten(2).to(torch.float64)
    finite = torch.isfinite(points.detach())
    if not finite.all():
        manifold, point, feature = torch.nonzero(~finite)[0].tolist()
        raise GeometryError(
            f"Need finite activations. Manifold {manifold} holds "
            f"{points[manifold, point, feature].item()} at point {point}, feature {feature}."
        )
    largest = float(points.detach().abs().max())
    if largest and not SMALL <= largest <= LARGE:
        raise GeometryError(
            f"Need activations whose largest is within {SMALL:g} to {LARGE:g}, for their squares "
            f"to be precise. Got {largest:g}; multiply them by a number: the capacity does not "
            "depend on it."
        )
    return points


def check_directions(directions: ArrayLike, n_features: int) -> np.ndarray:
    """Orthonormal directions (n_features, K) as float64."""
    array = np.asarray(directions, dtype=float)
    if array.ndim != 2 or len(array) != n_features:
        raise GeometryError(
            f"Need center_directions of shape ({n_features}, K). Got {array.shape}."
        )
    products = array.T @ array
    if not np.allclose(products, np.eye(len(products)), rtol=0, atol=ORTHONORMAL):
        raise GeometryError(
            "Need center_directions that are orthonormal. Got inner products up to "
            f"{np.abs(products - np.eye(len(products))).max():.1e} from those; give the Q of their "
            "QR decomposition."
        )
    return array


def require_options(objective: str, owner: str, **options: tuple[object, object]) -> None:
    """Refuse options, each a value and its default, that only the objective `owner` has."""
    for name, (value, default) in options.items():
        if objective != owner and (value is not None if default is None else value != default):
            raise GeometryError(
                f"Need {name} for the objective {owner} only. Got {name} for {objective}; leave it "
                "at its default."
            )


def require_extent(points: torch.Tensor) -> None:
    """Refuse a manifold whose points coincide."""
    points = points.detach()
    offsets = points - points.mean(1, keepdim=True)
    reaches, sizes = (_norms(x).amax(1).tolist() for x in (offsets, points))
    for index, (reach, size) in enumerate(zip(reaches, sizes, strict=True)):
        if reach <= ROUNDING * size:
            raise GeometryError(
                f"Manifold {index}: Need at least two distinct points in each manifold, farther "
                f"apart than {ROUNDING:.1e} of their size, which is rounding. All coincide."
            )


def require_centers(points: torch.Tensor, offsets: torch.Tensor, centers: torch.Tensor) -> None:
    """Refuse a manifold without a center to measure by, or whose points coincide or are too far."""
    measured = (_norms(points).amax(1), _norms(offsets).amax(1), _norms(centers))
    for index, (size, reach, norm) in enumerate(zip(*(x.tolist() for x in measured), strict=True)):
        rounding = ROUNDING * size
        if norm <= rounding:
            raise GeometryError(
                f"Manifold {index}: Need a center of norm > {rounding:.1e}, its rounding. Got "
                f"{norm:.1e}."
            )
        if reach > FARTHEST * norm:
            raise GeometryError(
                f"Manifold {index}: Need points within {FARTHEST:g} center norms of their mean, "
                "for rounding not to decide where the center is. The farthest is at "
                f"{reach / norm:.1e}."
            )
        if reach <= max(rounding, ROUNDING * norm):
            raise GeometryError(
                f"Manifold {index}: Need at least two distinct points in each manifold, farther "
                f"apart than {ROUNDING:.1e} center norms, which is rounding. All coincide."
            )


def require_objective(objective: str) -> None:
    """Refuse an objective that there is not."""
    if objective not in OBJECTIVES:
        raise GeometryError(f"Need an objective out of {', '.join(OBJECTIVES)}. Got {objective!r}.")


def _finite(values: ArrayLike, what, shape):
    array = np.asarray(values)
    rows = array.shape[0] if isinstance(shape[0], str) and array.ndim else shape[0]
    if array.shape != (rows, shape[1]) or rows == 0:
        raise GeometryError(
            f"Need {what} of shape ({shape[0]}, {shape[1]}), at least one, in the probes. "
            f"Got {array.shape}."
        )
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise GeometryError(f"Need finite {what} in the probes. Got some that are not.")
    return array.astype(float)


def _norms(vectors):
    return torch.linalg.vector_norm(vectors.detach(), dim=-1)
