"""From clouds of points to capacity, radius, dimension and center correlation."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from ..conventions import HARMONIC, MOST_IN_STEP, to_averaging_scale
from ..errors import GeometryError, SolverError
from .anchors import find_anchor_points
from .centers import (
    CenterStructure,
    find_center_structure,
    find_center_structures,
    remove_directions,
)
from .frame import ROUNDING, manifold_frame
from .inputs import (
    check_count,
    check_gaussian_vectors,
    check_manifolds,
    check_margin,
    check_seed,
    check_tolerance,
    doubt_layout,
)
from .solvers import DEFAULT_SOLVER
from .statistics import AnchorStatistics, anchor_statistics
from .threads import single_threaded


@dataclass(frozen=True)
class ManifoldGeometry:
    """The geometry of a set of manifolds. ``*_error`` are Monte Carlo standard errors over the
    Gaussian vectors, the center structure held; arrays (n_manifolds,) unless said.

    Attributes
    ----------
    capacity, radius, dimension
        Of each manifold; the radius in units of the center's norm, the dimension in the frame of
        D = min(n_features, n_points) dimensions, which published figures use.
    rank_dimension
        The dimension, with the rank of the points for D.
    rank : int
        Dimensions that the points of each manifold span.
    mean_capacity, mean_radius, mean_dimension, mean_rank_dimension : float
        Over manifolds: harmonic for the capacity, arithmetic for the others.
    center_correlation : float
        Mean absolute cosine over pairs of centers about their mean.
    center_rank : int
        K, the number of directions of the center structure that were projected out.
    residual_correlation : (K tried + 1,)
        The center correlation that remains after K = 0, 1, ... directions.
    center_stability : float
        Least share of a center's norm that survives the projection.
    primal_residual, dual_residual, gap_residual : float
        Greatest scaled KKT residuals over all programs, see :func:`kkt_residuals`.
    n_second_solutions : int
        Programs that the second solver had to solve again.
    n_points : int
        Of each manifold. Too few points inflate the capacity: never state one without them.
    n_features, n_gaussian_vectors : int
    margin : float
    solver : str
    """

    capacity: np.ndarray
    capacity_error: np.ndarray
    radius: np.ndarray
    radius_error: np.ndarray
    dimension: np.ndarray
    dimension_error: np.ndarray
    rank_dimension: np.ndarray
    rank_dimension_error: np.ndarray
    rank: np.ndarray
    mean_capacity: float
    mean_capacity_error: float
    mean_radius: float
    mean_radius_error: float
    mean_dimension: float
    mean_dimension_error: float
    mean_rank_dimension: float
    mean_rank_dimension_error: float
    center_correlation: float
    center_rank: int
    residual_correlation: np.ndarray
    center_stability: float
    primal_residual: float
    dual_residual: float
    gap_residual: float
    n_second_solutions: int
    n_points: np.ndarray
    n_features: int
    n_gaussian_vectors: int
    margin: float
    solver: str


@single_threaded
def analyze_manifolds(
    points: ArrayLike | Sequence[ArrayLike],
    margin: float = 0.0,
    n_gaussian_vectors: int = 300,
    seed: int | Sequence[int] = 0,
    gaussian_vectors: Iterable[ArrayLike] | None = None,
    center_rank: int | str = "auto",
    center_selection: str = "stable",
    center_restarts: int | None = None,
    solver: str = DEFAULT_SOLVER,
    tolerance: float = 1e-10,
    warn_if_transposed: bool = True,
) -> ManifoldGeometry:
    r"""Mean-field theoretic manifold analysis of clouds of points.

    The largest number of manifolds per dimension, :math:`\alpha`, that a random dichotomy leaves
    linearly separable with margin :math:`\kappa`, and the radius and dimension that set it [1]_,
    after the directions which the centers share are projected out [2]_. Steps:
    :func:`find_center_structure`, :func:`manifold_frame`, :func:`find_anchor_points`,
    :func:`anchor_statistics`.

    Parameters
    ----------
    points : (n_manifolds, n_points, n_features), or a sequence of (n_points_i, n_features)
        Arrays, or tensors of torch as they are. Of a sequence each manifold is asked for twice and
        not kept: one that reads them from a file needs the memory of one manifold and of all
        centers.
    margin
        :math:`\kappa \ge 0`, in units of the Gaussian field: :math:`\sqrt{N}` times the geometric
        margin of unit vectors.
    n_gaussian_vectors
        Draws per manifold. Errors fall with their square root.
    seed
        An integer or a sequence of integers >= 0. The draws of a manifold depend on the seed and
        its index only.
    gaussian_vectors
        Instead of draws: one array (D_i + 1, n_gaussian_vectors) for each manifold,
        D_i = min(n_features, n_points_i), the center's coordinate last. They are used in the frame
        of the field's reference implementation, so that results compare draw by draw.
    center_rank, center_selection, center_restarts
        The center structure, see :func:`find_center_structure`. ``center_rank=0`` leaves the
        centers alone; ``"supported"`` takes K directions only where isotropic centers would not
        have them; ``"auto"`` is the published search.
    solver
        Name of a solver, see :data:`solvers.SOLVERS`.
    tolerance
        Greatest scaled KKT residual that passes. A program that misses it is solved again by the
        second solver.
    warn_if_transposed
        Whether a manifold of fewer features than points gives a `UserWarning`: in the layout of
        the reference implementation, features x points, it would be transposed.

    Returns
    -------
    ManifoldGeometry

    Raises
    ------
    GeometryError
        For input that the geometry isn't defined for: the requirement, the value, the manifold.
    SolverError
        For a program that no solver brings within the tolerance: the manifold, the draw.

    References
    ----------
    .. [1] Chung, Lee & Sompolinsky, Phys. Rev. X 8, 031003 (2018).
    .. [2] Cohen, Chung, Lee & Sompolinsky, Nat. Commun. 11, 746 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> clouds = np.random.default_rng(0).standard_normal((10, 30, 500))
    >>> geometry = analyze_manifolds(clouds)
    >>> geometry.capacity.shape, geometry.center_rank
    ((10,), 1)
    >>> 0.06 < geometry.mean_capacity < 0.07
    True
    """
    clouds, shapes, means = _measured(points)
    if warn_if_transposed and (doubt := doubt_layout(shapes)):
        warnings.warn(doubt, stacklevel=3)  # names the caller's line, beyond the decorator's
    margin, tolerance, seed = check_margin(margin), check_tolerance(tolerance), check_seed(seed)
    vectors = (
        _Draws(check_count(n_gaussian_vectors, "Gaussian vector"), seed)
        if gaussian_vectors is None
        else check_gaussian_vectors(gaussian_vectors, shapes)
    )
    structure = find_center_structure(means, center_rank, center_selection, center_restarts)
    return _analyze(clouds, shapes, means, structure, vectors, margin, solver, tolerance)


@single_threaded
def analyze_replicates(
    replicates: Sequence[ArrayLike | Sequence[ArrayLike]],
    seeds: Sequence[int | Sequence[int]],
    margin: float = 0.0,
    n_gaussian_vectors: int = 300,
    center_rank: int | str = "auto",
    center_selection: str = "stable",
    solver: str = DEFAULT_SOLVER,
    tolerance: float = 1e-10,
) -> list[ManifoldGeometry]:
    """Return the geometry of several sets of manifolds: what each has alone, in less time.

    The searches of their center structures go in step, see :func:`find_center_structures`, where a
    set has at most 30 manifolds; of more, one set is analysed after the other.

    Parameters
    ----------
    replicates
        Each as the points of :func:`analyze_manifolds`.
    seeds
        One for each of them.
    margin, n_gaussian_vectors, center_rank, center_selection, solver, tolerance
        As there. There is no warning of a transposed layout.

    Returns
    -------
    list of ManifoldGeometry

    Raises
    ------
    GeometryError, SolverError
        As there; and where there are more or fewer seeds than replicates.

    Examples
    --------
    >>> import numpy as np
    >>> clouds = np.random.default_rng(0).standard_normal((2, 10, 30, 100))
    >>> together = analyze_replicates(clouds, [3, 4])
    >>> together[1].mean_capacity == analyze_manifolds(clouds[1], seed=4).mean_capacity
    True
    """
    margin, tolerance = check_margin(margin), check_tolerance(tolerance)
    n_gaussian_vectors = check_count(n_gaussian_vectors, "Gaussian vector")
    if len(seeds) != len(replicates):
        raise GeometryError(
            f"Need a seed for each replicate. Got {len(seeds)} seeds, {len(replicates)} replicates."
        )
    draws = [_Draws(n_gaussian_vectors, check_seed(seed)) for seed in seeds]
    if max(map(len, replicates), default=0) > MOST_IN_STEP:
        found = []
        for points, vectors in zip(replicates, draws, strict=True):
            one = _measured(points)
            structure = find_center_structure(one[2], center_rank, center_selection)
            found.append(_analyze(*one, structure, vectors, margin, solver, tolerance))
        return found
    measured = [_measured(points) for points in replicates]
    structures = find_center_structures(
        [means for _, _, means in measured], center_rank, center_selection
    )
    return [
        _analyze(*one, structure, vectors, margin, solver, tolerance)
        for one, structure, vectors in zip(measured, structures, draws, strict=True)
    ]


def _measured(points):
    """The manifolds, their shapes, and their means (n_manifolds, n_features)."""
    clouds = check_manifolds(points)
    shapes, means = zip(
        *clouds.measured(lambda cloud: (cloud.shape, cloud.mean(0, dtype=float))), strict=True
    )
    return clouds, shapes, np.array(means)


@dataclass(frozen=True)
class _Draws:
    """So many Gaussian vectors of each manifold, from a seed."""

    n_vectors: int
    seed: int | tuple[int, ...]


def _analyze(
    clouds,
    shapes,
    means,
    structure: CenterStructure,
    gaussian_vectors: list[np.ndarray] | _Draws,
    margin,
    solver,
    tolerance,
) -> ManifoldGeometry:
    """Geometry of manifolds whose center structure is known."""
    drawn = isinstance(gaussian_vectors, _Draws)
    n_points = np.array([shape[0] for shape in shapes])
    centers = means - n_points @ means / n_points.sum()
    centers = remove_directions(centers, structure.directions)

    statistics, anchors, ranks = [], [], []
    for index, (cloud, mean, center) in enumerate(zip(clouds, means, centers, strict=True)):
        try:
            frame = _frame(cloud, mean, center, structure, literal=not drawn)
            if drawn:
                vectors = draw_gaussian_vectors(
                    frame.n_dimensions, gaussian_vectors.n_vectors, gaussian_vectors.seed, index
                )
            else:
                vectors = gaussian_vectors[index]
            found = find_anchor_points(frame, vectors, margin, solver, tolerance)
        except (GeometryError, SolverError) as error:
            raise type(error)(f"Manifold {index}: {error}") from error
        statistics.append(anchor_statistics(frame, vectors, found, margin))
        anchors.append(found)
        ranks.append(frame.rank)

    return ManifoldGeometry(
        **_collect(statistics),
        rank=np.array(ranks),
        center_correlation=float(structure.residual_correlation[0]),
        center_rank=structure.rank,
        residual_correlation=structure.residual_correlation,
        center_stability=structure.stability,
        primal_residual=max(one.primal_residual for one in anchors),
        dual_residual=max(one.dual_residual for one in anchors),
        gap_residual=max(one.gap_residual for one in anchors),
        n_second_solutions=sum(one.n_second_solutions for one in anchors),
        n_points=n_points,
        n_features=means.shape[1],
        n_gaussian_vectors=vectors.shape[1],
        margin=margin,
        solver=solver,
    )


def draw_gaussian_vectors(
    n_dimensions: int, n_vectors: int, seed: int | Sequence[int], index: int
) -> np.ndarray:
    """Gaussian vectors (D + 1, n_vectors) of manifold ``index``: more of them extend fewer."""
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(index,))
    return np.random.default_rng(sequence).standard_normal((n_vectors, n_dimensions + 1)).T


def _frame(cloud, mean, center, structure, literal):
    """The frame of one manifold, in units of the norm of its center."""
    cloud = np.asarray(cloud, dtype=float)
    offsets = cloud - mean
    rounding = ROUNDING * np.sqrt(np.einsum("mn,mn->m", cloud, cloud).max())
    norm = np.linalg.norm(center)
    if norm <= rounding:
        raise GeometryError(
            f"Need a center of norm > {rounding:.1e}, its rounding. Got {norm:.1e}."
        )
    if structure.rank:
        offsets = remove_directions(offsets, structure.directions)
    offsets /= norm
    return manifold_frame(offsets, literal, rounding / norm)


def _collect(statistics):
    """Arrays over manifolds and their means, by name."""
    columns = {
        field.name: np.array([getattr(one, field.name) for one in statistics])
        for field in fields(AnchorStatistics)
    }
    count = len(statistics)
    means = {}
    for name in ("radius", "dimension", "rank_dimension"):
        means[f"mean_{name}"] = float(columns[name].mean())
        errors = columns[f"{name}_error"]
        means[f"mean_{name}_error"] = float(np.sqrt((errors**2).sum()) / count)
    inverse = to_averaging_scale(columns["capacity"], HARMONIC)
    inverse_errors = columns["capacity_error"] * inverse**2
    mean = float(to_averaging_scale(inverse.mean(), HARMONIC))
    means["mean_capacity"] = mean
    means["mean_capacity_error"] = float(mean**2 * np.sqrt((inverse_errors**2).sum()) / count)
    return columns | means
