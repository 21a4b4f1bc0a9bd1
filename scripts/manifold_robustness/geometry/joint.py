"""Capacity, radius and dimension of manifolds taken together, with all their correlations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..conventions import FEWEST_BALANCED
from ..errors import GeometryError
from .frame import RANK_TOLERANCE, ROUNDING, gram_schmidt
from .inputs import check_count, check_manifolds, check_seed, check_tolerance
from .joint_programs import draws_in_step, solve_joint_programs
from .joint_statistics import JointAnchors, joint_statistics
from .simulation import TOUCHING, is_separable
from .threads import single_threaded

LABELS = ("balanced", "random")
# Points in their order make the frame while each is at least this independent of those before it.
INDEPENDENT = 1e-4
# A v shorter than this, in units of t, is 0.
VANISHING = 1e-8
# Of a point's product with v, relative to both: it lies in the plane across v.
IN_PLANE = 1e-9
# Units in the last place: how far a point may be off where it constrains, of what is added up in a
# layer; and how far, for a direction in which it reaches no farther not to be spanned.
BLUR_UNITS, UNITS = 8, 64
# Of a least-squares fit of labels, in squared norms of points: keeps its system regular.
FIT_RIDGE = 1e-6


@dataclass(frozen=True)
class JointGeometry:
    """The geometry of manifolds taken together. ``*_error`` are Monte Carlo standard errors over
    the draws, by the delta method: each draw's influence on the mean anchors is in them.

    Attributes
    ----------
    capacity : float
        Manifolds per dimension.
    radius, dimension, utility : float
        With capacity = utility (1 + 1 / radius**2) / dimension, exactly. The radius is infinite
        where the anchors' deviations span so much that their mean adds nothing.
    center_alignment, axis_alignment, center_axis_alignment : float
        Mean cosine over pairs of manifolds: of mean anchors, of the anchors' deviations from them
        in a draw, of the one and the other.
    zero_share : float
        Draws whose v is 0: the capacity is then the floor's.
    inseparable_share : float
        Draws whose dichotomy no hyperplane separates.
    capacity_floor : float
        n_manifolds / rank, below which no capacity can be.
    primal_residual, dual_residual, gap_residual : float
        Greatest scaled KKT residuals over all programs, of points scaled to norm 1, see
        :func:`solvers.kkt_residuals`.
    n_second_solutions : int
        Programs that the second solver had to solve again.
    rank : int
        Dimensions that all points span.
    n_points : (n_manifolds,)
        Too few points inflate the capacity: never state one without them.
    n_features, n_draws : int
    labels : str
    center : bool
    """

    capacity: float
    capacity_error: float
    radius: float
    radius_error: float
    dimension: float
    dimension_error: float
    utility: float
    utility_error: float
    center_alignment: float
    center_alignment_error: float
    axis_alignment: float
    axis_alignment_error: float
    center_axis_alignment: float
    center_axis_alignment_error: float
    zero_share: float
    inseparable_share: float
    capacity_floor: float
    primal_residual: float
    dual_residual: float
    gap_residual: float
    n_second_solutions: int
    rank: int
    n_points: np.ndarray
    n_features: int
    n_draws: int
    labels: str
    center: bool


@single_threaded
def analyze_jointly(
    points: ArrayLike | Sequence[ArrayLike],
    n_draws: int = 300,
    labels: str = "balanced",
    seed: int | Sequence[int] = 0,
    center: bool = True,
    tolerance: float = 1e-10,
    precision: float | None = None,
) -> JointGeometry:
    r"""Capacity and geometry of manifolds from one program over all their points. [1]_

    For a Gaussian vector :math:`t` and labels :math:`y`, and the points :math:`x_{\mu i}`,

    .. math::

        v = \arg\min_v |v - t|^2 \;\text{ subject to }\; y_\mu v\cdot x_{\mu i} \ge 0,
        \qquad v = t + \textstyle\sum_{\mu i} \lambda_{\mu i} y_\mu x_{\mu i},
        \qquad P / \alpha = \langle |t|^2 - |v|^2 \rangle.

    The anchor of a manifold is :math:`s_\mu = \sum_i \lambda_{\mu i} x_{\mu i} /
    \sum_i \lambda_{\mu i}`; :func:`joint_statistics` has what follows from the anchors.
    Correlations of the manifolds, of their centers or of their axes, are in the program: no center
    structure is sought or projected out.

    Published accounts leave some choices open. Here:

    - The mean of all points is subtracted, since hyperplanes go through the origin and balanced
      labels have none to prefer then. ``center=False`` takes the origin as it is: the capacity then
      depends on where the data lie, and a common shift, as behind a ReLU, enters the alignments.
    - Labels are balanced: as many +1 as -1 (one more of either, at random, where the number is
      odd). ``"random"`` draws each label by itself, as theories of many manifolds do. For few
      manifolds the two differ: 10 points in general position have 2.13, the mean subtracted, with
      balanced labels, and 2 with random ones about an origin of their own.
    - Anchors carry no label. With it, their mean would vanish.
    - A manifold that no constraint touches in a draw (all its multipliers are 0) has as anchor the
      point of greatest :math:`-y_\mu v\cdot x_{\mu i}`, that closest to touching, in the radius,
      the dimension and the alignments. This is the choice of :func:`find_anchor_points` where the
      manifolds' spans are orthogonal, and gives balls their own dimension and nearly their radius
      (.98 for 1). The origin instead would count the center itself as a deviation: 2.3 for the
      dimension of that disc. Where v is 0, t stands for v. In the capacity's own projection such
      manifolds have no part.
    - Alignments are means of signed cosines, of each pair in each draw. Unsigned and unnormalised
      products, the other choice, grow with the norms of the points, and tell aligned from opposed
      axes no more; signed and unnormalised, that of centers and axes is 0 by construction.

    Parameters
    ----------
    points : (n_manifolds, n_points, n_features), or a sequence of (n_points_i, n_features)
        As for :func:`analyze_manifolds`, but all points are in memory at once, and a Gram matrix.
    n_draws
        Gaussian vectors, each with labels of its own. Errors fall with their square root. The
        first of many draws are those of few.
    labels
        ``"balanced"`` or ``"random"``.
    seed
        An integer or a sequence of integers >= 0.
    center
        Whether to subtract the mean of all points.
    tolerance
        Greatest scaled KKT residual that passes. A program that misses it is solved again by
        SciPy's non-negative least squares.
    precision
        Rounding of the points, in units of the farthest one's distance from the origin; by default
        64 units in the last place of their type. A direction in which no point reaches farther is
        not spanned. Points in double precision that were worked out in single precision need that
        of the latter: their rounding spans many dimensions, each of which would count in full.

    Returns
    -------
    JointGeometry
        Where v is 0 the multipliers are not unique, nor are the anchors: with a ``zero_share`` that
        isn't small, only the capacity does not depend on the solver.

    Raises
    ------
    GeometryError
        For input that the geometry isn't defined for: the requirement, the value, the manifold.
    SolverError
        For a program that no solver brings within the tolerance: the draw.

    References
    ----------
    .. [1] Wakhloo, Sussman & Chung, Phys. Rev. Lett. 131, 027301 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> clouds = np.random.default_rng(0).standard_normal((10, 30, 500))
    >>> geometry = analyze_jointly(clouds)
    >>> 0.06 < geometry.capacity < 0.07
    True
    """
    clouds = check_manifolds(points)
    sizes = clouds.measured(_extent)
    _require_extent(sizes)
    require_labels(labels, len(clouds))
    n_draws, seed = check_count(n_draws, "draw"), check_seed(seed)
    tolerance = check_tolerance(tolerance)
    if n_draws < 2:
        raise GeometryError("Need at least two draws, for anchors to deviate. Got 1.")

    everything = np.concatenate([np.asarray(cloud, dtype=float) for cloud in clouds])
    n_features = everything.shape[1]
    if precision is None:
        precision = max(own for *_, own in sizes)
    rounding = precision * max(size for _, size, *_ in sizes)
    if center:
        everything -= everything.mean(0)
    coordinates = joint_frame(everything, rounding)
    del everything
    n_points = np.array([count for _, _, count, _ in sizes])
    vectors, signs = draw_jointly(coordinates.shape[1], len(sizes), n_draws, labels, seed)
    programs = solve_all(coordinates, n_points, vectors, signs, tolerance, rounding)
    starts = np.cumsum(n_points) - n_points
    found = joint_statistics(
        coordinates, starts, vectors, programs["projections"], programs["anchors"]
    )
    primal, dual, gap = programs["residuals"].max(1).tolist()
    return JointGeometry(
        **found,
        zero_share=float(programs["zero"].mean()),
        inseparable_share=float(programs["inseparable"].mean()),
        capacity_floor=len(sizes) / coordinates.shape[1],
        primal_residual=primal,
        dual_residual=dual,
        gap_residual=gap,
        n_second_solutions=int(programs["second"].sum()),
        rank=coordinates.shape[1],
        n_points=n_points,
        n_features=n_features,
        n_draws=n_draws,
        labels=labels,
        center=bool(center),
    )


def joint_frame(points: np.ndarray, rounding: float = 0.0) -> np.ndarray:
    """Coordinates (n_points, rank) of points in an orthonormal frame of their span.

    Its axes are points, by Gram-Schmidt, the leading coordinate of each positive: in their order
    where each is well independent of those before it, up to the rank, which a QR finds out in a
    moment; otherwise with pivoting, as :func:`manifold_frame`. Which of the two depends on inner
    products only, so a rotation or further features of 0 leave the coordinates as they are.
    """
    n_points, n_features = points.shape
    if n_features > n_points:
        reduced = np.linalg.qr(points.T, mode="r").T
    else:
        reduced = points @ np.linalg.qr(points[:n_features].T)[0]
    norms = np.linalg.norm(reduced, axis=1)
    floor = max(rounding, RANK_TOLERANCE * norms.max())
    leading = np.diag(reduced)
    enough = np.abs(leading) > np.maximum(INDEPENDENT * norms[: len(leading)], floor)
    rank = len(leading) if enough.all() else int(enough.argmin())
    if rank and np.linalg.norm(reduced[:, rank:], axis=1).max() <= floor:
        return reduced[:, :rank] * np.sign(leading[:rank])
    return gram_schmidt(reduced, rounding)[0]


def require_labels(labels: str, n_manifolds: int) -> None:
    """Refuse labels that there are not, or that so few manifolds can't balance."""
    if labels not in LABELS:
        raise GeometryError(f"Need labels out of {', '.join(LABELS)}. Got {labels!r}.")
    if labels == "balanced" and n_manifolds < FEWEST_BALANCED:
        raise GeometryError(
            f"Need at least {FEWEST_BALANCED} manifolds for balanced labels. Got {n_manifolds}; "
            "give more of them, or labels='random'."
        )


def draw_jointly(
    rank: int, n_manifolds: int, n_draws: int, labels: str, seed: int | Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian vectors (n_draws, rank) and labels (n_draws, n_manifolds) of 1.0 and -1.0.

    More of them extend fewer.
    """
    of_vectors, of_labels = (
        np.random.default_rng(one) for one in np.random.SeedSequence(entropy=seed).spawn(2)
    )
    vectors = of_vectors.standard_normal((n_draws, rank))
    numbers = of_labels.random((n_draws, n_manifolds + 1))
    if labels == "random":
        return vectors, np.where(numbers[:, 1:] < 0.5, -1.0, 1.0)
    order = numbers[:, 1:].argsort(1).argsort(1)
    majority = np.where(numbers[:, :1] < 0.5, -1.0, 1.0)
    return vectors, np.where(order < n_manifolds // 2, -1.0, 1.0) * majority


def unit_points(
    coordinates: np.ndarray, rounding: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The points of the programs (n_points, rank), which have norm 1; what scales them; their blur.

    A point no farther from the origin than `rounding` constrains nothing: it and its scale are 0.
    The blur (n_points,) is how far each may be from what it should be, see :func:`.certify`.
    """
    norms = np.linalg.norm(coordinates, axis=1)
    scales = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > rounding)
    return coordinates * scales[:, None], scales, BLUR_UNITS / UNITS * rounding * scales


def solve_all(
    coordinates: np.ndarray,
    n_points: np.ndarray,
    vectors: np.ndarray,
    labels: np.ndarray,
    tolerance: float = 1e-10,
    rounding: float = 0.0,
) -> dict:
    """The programs of all draws: F, anchors, residuals, and which have v = 0 or no hyperplane.

    `rounding` is that of the points: 64 units in the last place of the farthest.
    """
    units, scales, blur = unit_points(coordinates, rounding)
    gram = units @ units.T
    manifold_of = np.repeat(np.arange(len(n_points)), n_points)
    n_draws = len(vectors)
    projections, zero = np.empty(n_draws), np.empty(n_draws, dtype=bool)
    doubtful, second = np.empty(n_draws, dtype=bool), np.empty(n_draws, dtype=bool)
    residuals = np.empty((3, n_draws))
    kept = []
    step = draws_in_step(len(units), n_draws)
    for first in range(0, n_draws, step):
        draws = slice(first, min(first + step, n_draws))
        fields = vectors[draws]
        solution = solve_joint_programs(
            units, gram, fields, labels[draws], manifold_of, tolerance, first, blur
        )
        residuals[:, draws], second[draws] = solution.residuals, solution.second
        v = solution.solutions
        projections[draws] = ((fields - v) ** 2).sum(1)
        zero[draws] = np.linalg.norm(v, axis=1) <= VANISHING * np.linalg.norm(fields, axis=1)
        # Where only free points lie in the plane across v, which are independent, a turn of it
        # leaves none there. With others in it, or without a plane, no turn may.
        sizes = np.linalg.norm(v, axis=1)[:, None]
        v = np.where(zero[draws, None], fields, v)
        along = v @ coordinates.T
        in_plane = np.abs(along * scales) <= (IN_PLANE + blur) * sizes
        doubtful[draws] = zero[draws] | (in_plane & (solution.multipliers == 0) & (scales > 0)).any(
            1
        )
        signs = labels[draws][:, manifold_of]
        weights = _anchor_weights(solution.multipliers * signs * scales, -signs * along, n_points)
        rows, columns = np.nonzero(weights)
        kept.append((rows + first, columns, weights[rows, columns]))
    anchors = JointAnchors(*(np.concatenate(column) for column in zip(*kept, strict=True)), n_draws)
    return {
        "projections": projections,
        "anchors": anchors,
        "residuals": residuals,
        "second": second,
        "zero": zero,
        "inseparable": _inseparable(doubtful, labels, manifold_of, units),
    }


def _inseparable(doubtful, labels, manifold_of, units):
    """Which dichotomies no hyperplane separates: each is asked once, labels turned or not."""
    found = np.zeros(len(labels), dtype=bool)
    if not doubtful.any():
        return found
    turned = labels[doubtful] * labels[doubtful, :1]
    asked, which = np.unique(turned, axis=0, return_inverse=True)
    signs = asked[:, manifold_of]
    answers = ~fitted_separable(signs, units)
    for one in np.flatnonzero(answers):
        answers[one] = not is_separable(signs[one, :, None] * units)
    found[doubtful] = answers[which.ravel()]
    return found


def fitted_separable(signs: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Which dichotomies (n, n_points) a least-squares fit of their labels separates: no search.

    Whatever w the fit gives: all points of norm 1 are on their sides of the plane across it, and
    farther from it than what counts as touching.
    """
    system = units.T @ units + FIT_RIDGE * np.eye(units.shape[1])
    w = np.linalg.solve(system, units.T @ signs.T)
    return (signs.T * (units @ w)).min(0) > TOUCHING * np.linalg.norm(w, axis=0)


def _anchor_weights(multipliers, slack, n_points):
    """Weights (n_draws, n_points) of the anchors, which sum to 1 in each manifold."""
    starts = np.cumsum(n_points) - n_points
    totals = np.add.reduceat(multipliers, starts, axis=1)
    inside = totals <= 0
    weights = multipliers / np.repeat(np.where(inside, 1.0, totals), n_points, axis=1)
    for index, (start, count) in enumerate(zip(starts, n_points, strict=True)):
        rows = np.flatnonzero(inside[:, index])
        weights[rows, start : start + count] = 0.0
        weights[rows, start + slack[rows, start : start + count].argmax(1)] = 1.0
    return weights


def rounding_of(kind: np.dtype) -> float:
    """Rounding of numbers of a type, relative: 64 units in the last place.

    >>> bool(rounding_of(np.dtype("float32")) > 1e-6 > rounding_of(np.dtype("int64")))
    True
    """
    return UNITS * float(np.finfo(kind if kind.kind == "f" else float).eps)


def _extent(cloud):
    """How far points reach from their mean, and from the origin; their number and rounding."""
    precision = rounding_of(np.asarray(cloud).dtype)
    cloud = np.asarray(cloud, dtype=float)
    offsets = cloud - cloud.mean(0)
    reach, size = (np.sqrt(np.einsum("mn,mn->m", x, x).max()) for x in (offsets, cloud))
    return reach, size, len(cloud), precision


def _require_extent(sizes):
    for index, (reach, size, count, _) in enumerate(sizes):
        if reach <= ROUNDING * size:
            raise GeometryError(
                f"Manifold {index}: Need at least two distinct points in each manifold, farther "
                f"apart than {ROUNDING:.1e} of their size, which is rounding. All {count} points "
                "coincide."
            )
