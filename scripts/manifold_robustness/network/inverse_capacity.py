"""The inverse capacity of manifolds as a function that torch can differentiate."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike

from ..errors import GeometryError, SolverError
from ..geometry.centers import find_center_structure
from ..geometry.frame import RANK_TOLERANCE, gram_schmidt
from ..geometry.inputs import check_margin
from ..geometry.joint import INDEPENDENT, UNITS, unit_points
from ..geometry.joint_programs import draws_in_step, solve_joint_programs
from ..geometry.solvers import DEFAULT_SOLVER, solve_programs
from ..geometry.threads import single_threaded
from .capacity_inputs import (
    CapacityProbes,
    check_activations,
    check_directions,
    check_probes,
    draw_probes,
    require_centers,
    require_extent,
    require_objective,
    require_options,
)

# Greatest scaled KKT residual that passes, as in the geometry.
TOLERANCE = 1e-10


def inverse_capacity(
    activations: torch.Tensor,
    objective: str = "capacity",
    *,
    n_gaussian_vectors: int = 50,
    seed: int | Sequence[int] = 0,
    probes: CapacityProbes | None = None,
    margin: float = 0.0,
    center_rank: int | str = 0,
    center_directions: ArrayLike | None = None,
    labels: str = "balanced",
    center: bool = True,
    within_span: bool = False,
) -> torch.Tensor:
    r"""The inverse capacity, with a gradient to the activations.

    Of a manifold in the mean field [1]_, with its points :math:`s_i = ((x_i - \bar x) / |c|, 1)`,
    where c is the center :math:`\bar x` about the mean of all points,

    .. math::

        \frac1\alpha = \Big\langle \max_{\mu\ge0} 2\,b\cdot\mu - \mu^T G \mu \Big\rangle_t,
        \qquad b_i = t\cdot s_i + \kappa, \quad G_{ij} = s_i\cdot s_j,

    averaged over the manifolds, so that the capacity is their harmonic mean. Of all manifolds
    jointly [2]_, with the labels y and the points about the mean of all,

    .. math::

        \frac1\alpha = \frac1P \Big\langle \max_{\lambda\ge0}
        -2 \sum_{\mu i} \lambda_{\mu i} y_\mu\, t\cdot x_{\mu i}
        - \Big|\sum_{\mu i} \lambda_{\mu i} y_\mu x_{\mu i}\Big|^2 \Big\rangle_{t, y}.

    The multipliers are found without a gradient, exactly, by the solvers of the geometry on the
    CPU. By the envelope theorem [3]_ the gradient is that of the expression with the multipliers
    held: the derivative of a maximum is that of what is maximised, at the maximum. It is exact for
    the draws; where the set of points that a draw touches changes, it bends but does not jump. A
    second derivative would hold the multipliers too, and be wrong.

    Parameters
    ----------
    activations : (n_manifolds, n_points, *features)
        Of any type of floating point and on any device. Features are flattened. In the joint
        program a direction in which no point reaches farther than the rounding of their type (at
        most that of single precision) is not spanned, as in :func:`~..geometry.analyze_jointly`.
    objective
        ``"capacity"``, the mean field as in :func:`~..geometry.analyze_manifolds`, or
        ``"joint_capacity"``, as in :func:`~..geometry.analyze_jointly`.
    n_gaussian_vectors
        Draws: in the mean field for each manifold, in the joint program in all.
    seed
        An integer or a sequence of integers >= 0.
    probes
        Instead of draws; `n_gaussian_vectors`, `seed` and `labels` are not used then.
    margin
        :math:`\kappa \ge 0`, in units of the Gaussian field. Mean field only.
    center_rank
        The number of directions that the centers share, to be projected out first, or ``"auto"``.
        They are searched without a gradient and held: they minimise a cost of their own, so no
        envelope theorem holds for them, and the gradient is not that of the capacity with a search.
        Mean field only.
    center_directions : (n_features, K)
        Instead of a search: orthonormal directions to project out. Mean field only.
    labels
        ``"balanced"`` or ``"random"``. Joint program only.
    center
        Whether to subtract the mean of all points. Joint program only.
    within_span
        Whether to leave out of the gradient what leads out of the span of the points (in the mean
        field: of each manifold's, about its mean). The value is the same. In expectation that part
        of the gradient is 0, since the multipliers depend on t within the span only; for few draws
        in many dimensions it is noise that can be longer than the rest. The gradient is then the
        expectation of the exact one over what the draws have outside of the span.

    Returns
    -------
    torch.Tensor
        A scalar in float64 on the device of the activations.

    Raises
    ------
    GeometryError
        For activations, options or probes that the geometry isn't defined for.
    SolverError
        For a program that no solver brings within the tolerance.

    References
    ----------
    .. [1] Chung, Lee & Sompolinsky, Phys. Rev. X 8, 031003 (2018).
    .. [2] Wakhloo, Sussman & Chung, Phys. Rev. Lett. 131, 027301 (2023).
    .. [3] Danskin, SIAM J. Appl. Math. 14, 641 (1966).

    Examples
    --------
    >>> random = torch.Generator().manual_seed(0)
    >>> clouds = torch.randn(6, 10, 100, generator=random, requires_grad=True)
    >>> value = inverse_capacity(clouds, "joint_capacity", n_gaussian_vectors=24)
    >>> value.backward()
    >>> clouds.grad.shape, clouds.grad.dtype
    (torch.Size([6, 10, 100]), torch.float32)
    """
    require_objective(objective)
    require_options(
        objective,
        "capacity",
        margin=(margin, 0.0),
        center_rank=(center_rank, 0),
        center_directions=(center_directions, None),
    )
    require_options(objective, "joint_capacity", labels=(labels, "balanced"), center=(center, True))
    points = check_activations(activations)
    n_manifolds, _, n_features = points.shape
    if probes is None:
        probes = draw_probes(objective, n_manifolds, n_features, n_gaussian_vectors, labels, seed)
    vectors, own_draws = check_probes(probes, objective, n_manifolds, n_features)
    vectors = torch.from_numpy(vectors).to(points.device)
    if objective == "joint_capacity":
        # Half precision would take most of a layer for rounding.
        precision = UNITS * min(torch.finfo(kind).eps for kind in (activations.dtype, torch.float))
        return _joint(points, vectors, own_draws, center, within_span, precision)
    directions = _directions(points, center_rank, center_directions)
    return _mean_field(points, vectors, own_draws, check_margin(margin), directions, within_span)


def _directions(points, rank, given):
    """Directions (n_features, K) to project out, held; None where there are none."""
    if given is None and rank == 0:
        return None
    if given is None:
        means = points.detach().mean(1).cpu().numpy()
        given = find_center_structure(means, rank).directions
    elif rank != 0:
        raise GeometryError(
            f"Need a center_rank to search directions, or center_directions. Got both, {rank!r} "
            "and directions; leave center_rank at 0."
        )
    return torch.from_numpy(check_directions(given, points.shape[2])).to(points.device)


def _mean_field(points, vectors, center_coordinates, margin, directions, within_span):
    """The mean over manifolds and draws of the maximum."""
    means = points.mean(1)
    centers, offsets = means - means.mean(0), points - means[:, None]
    if directions is not None:
        centers = centers - (centers @ directions) @ directions.T
        offsets = offsets - (offsets @ directions) @ directions.T
    require_centers(points, offsets, centers)
    offsets = offsets / torch.linalg.vector_norm(centers, dim=1)[:, None, None]
    total = 0.0
    for index, (own, along) in enumerate(zip(offsets, center_coordinates.T, strict=True)):
        coordinates, fields, projected = _into_span(own.detach(), vectors, within_span, True)
        try:
            multipliers = _solve_mean_field(coordinates, np.column_stack([fields, along]), margin)
        except SolverError as error:
            raise SolverError(f"Manifold {index}: {error}") from error
        weights = multipliers.sum(1)
        total = total + _maximum(own, projected, multipliers)
        total = total + float((weights * (2 * (along + margin) - weights)).sum())
    return total / (len(points) * len(vectors))


def _joint(points, vectors, labels, center, within_span, precision):
    """The mean over draws of the maximum, for each manifold."""
    require_extent(points)
    n_manifolds, n_points, _ = points.shape
    sizes = torch.linalg.vector_norm(points.detach(), dim=2)
    everything = points.flatten(0, 1)
    if center:
        everything = everything - everything.mean(0)
    rounding = precision * float(sizes.max())
    coordinates, fields, projected = _into_span(
        everything.detach(), vectors, within_span, center, rounding
    )
    if coordinates.shape[1] == 0:
        raise GeometryError(
            f"Need points farther than {rounding:.1e}, the rounding of their type, from "
            f"{'their mean' if center else 'the origin'}. Got none; give activations in double "
            "precision, or without what all points share."
        )
    manifold_of = np.repeat(np.arange(n_manifolds), n_points)
    multipliers = _solve_jointly(coordinates, fields, labels, manifold_of, rounding)
    return _maximum(everything, projected, multipliers) / (n_manifolds * len(vectors))


def _maximum(points, vectors, multipliers):
    """The sum over draws of 2 b.mu - mu.G.mu: of the points torch can differentiate it."""
    combined = torch.from_numpy(multipliers).to(points.device) @ points
    return (combined * (2 * vectors - combined)).sum()


def _into_span(points, vectors, within_span, centered, rounding=0.0):
    """Points and vectors in a frame of the span of the points, for NumPy; and what stands for t.

    By Householder's QR, not a factor of the Gram matrix, which would halve the digits. Each axis is
    that of a point; if the points are centered, the last one adds none.
    """
    size = min(points.shape)
    dimension = min(len(points) - centered, points.shape[1])
    reduced, scales = torch.geqrf(points.T)
    reflectors = reduced[:, :size]
    turned = torch.ormqr(reflectors, scales, vectors.T, left=True, transpose=True)
    coordinates = reduced[:size].triu().T[:, :dimension].cpu().numpy()
    coordinates, fields, spanned = _of_rank(
        coordinates, turned[:dimension].T.cpu().numpy(), rounding
    )
    if within_span:
        turned[:dimension] = torch.from_numpy(spanned.T).to(turned.device)
        turned[dimension:] = 0.0
        vectors = torch.ormqr(reflectors, scales, turned, left=True, transpose=False).T
    return coordinates, fields, vectors


@single_threaded
def _of_rank(coordinates, fields, rounding):
    """Without the directions in which points reach no farther than rounding does."""
    norms = np.linalg.norm(coordinates, axis=1)
    leading = np.abs(np.diag(coordinates))
    floor = max(rounding, RANK_TOLERANCE * norms.max())
    if (leading > np.maximum(INDEPENDENT * norms[: len(leading)], floor)).all():
        return coordinates, fields, fields
    _, axes = gram_schmidt(coordinates, rounding)
    fields = fields @ axes.T
    return coordinates @ axes.T, fields, fields @ axes


@single_threaded
def _solve_mean_field(coordinates, vectors, margin):
    """Multipliers (n_gaussian_vectors, n_points) of one manifold."""
    points = np.column_stack([coordinates, np.ones(len(coordinates))])
    numbers = range(len(vectors))
    return solve_programs(points, vectors, margin, DEFAULT_SOLVER, TOLERANCE, numbers).multipliers


@single_threaded
def _solve_jointly(coordinates, vectors, labels, manifold_of, rounding):
    """Minus labels times multipliers (n_draws, n_points)."""
    units, scales, blur = unit_points(coordinates, rounding)
    gram = units @ units.T
    step = draws_in_step(len(units), len(vectors))
    solved = []
    for first in range(0, len(vectors), step):
        draws = slice(first, first + step)
        solved.append(
            solve_joint_programs(
                units, gram, vectors[draws], labels[draws], manifold_of, TOLERANCE, first, blur
            ).multipliers
        )
    return -np.concatenate(solved) * scales
