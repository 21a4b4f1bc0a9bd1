"""What the anchor points of a joint program say, with standard errors by the delta method."""

from dataclasses import dataclass

import numpy as np

# An axis shorter than this, in units of its manifold's farthest point, is rounding.
SHORTEST = 1e-12
# Eigenvalues of a Gram matrix of unit vectors, per vector, that are rounding.
EIGENVALUE_ROUNDING = 4 * np.finfo(float).eps
# Numbers of the anchor points that are held at once.
NUMBERS_AT_ONCE = 2**21


@dataclass(frozen=True)
class JointAnchors:
    """Anchor points of all draws, by their weights on the points: those that are not 0.

    Attributes
    ----------
    draw, point, weight : (n_weights,)
        The weights of a manifold's points sum to 1 in each draw.
    n_draws : int
    """

    draw: np.ndarray
    point: np.ndarray
    weight: np.ndarray
    n_draws: int

    def averages(self, values: np.ndarray) -> np.ndarray:
        """For each draw the sum of weight times a value of the point."""
        return np.bincount(self.draw, self.weight * values[self.point], self.n_draws)


def joint_statistics(
    points: np.ndarray,
    starts: np.ndarray,
    vectors: np.ndarray,
    projections: np.ndarray,
    anchors: JointAnchors,
) -> dict[str, float]:
    r"""Capacity, radius, dimension, utility and alignments, and the standard error of each.

    With S the anchor points (n_manifolds, rank) of a draw, :math:`S_0` their mean over draws,
    :math:`S_1 = S - S_0`, the lengths squared of projections of t

    .. math::

        b = (S_1 t)^T (S_1 S_1^T)^\dagger (S_1 t), \qquad
        c = (S_1 t)^T (S_0 S_0^T + S_1 S_1^T)^\dagger (S_1 t),

    and a that on the anchor points of the active manifolds, which is the F of the program.

    A standard error is the scatter over draws of each draw's influence on the result, through its
    own a, b and c and through :math:`S_0`, which holds a share of every draw.

    Parameters
    ----------
    points : (n_points, rank)
    starts : (n_manifolds,)
        The first point of each manifold.
    vectors : (n_draws, rank)
    projections : (n_draws,)
        The a of each draw.
    anchors
    """
    n_manifolds, n_draws = len(starts), anchors.n_draws
    mean_weights = np.bincount(anchors.point, anchors.weight, len(points)) / n_draws
    means = np.add.reduceat(mean_weights[:, None] * points, starts)
    reach = np.sqrt(np.maximum.reduceat(np.einsum("nr,nr->n", points, points), starts))

    sums = _Sums(means, reach, n_draws)
    step = max(NUMBERS_AT_ONCE // means.size, 1)
    manifolds = np.split(np.arange(len(points)), starts[1:])
    for first in range(0, n_draws, step):
        draws = slice(first, min(first + step, n_draws))
        chosen = slice(*np.searchsorted(anchors.draw, [draws.start, draws.stop]))
        weights = np.zeros((draws.stop - draws.start, len(points)))
        weights[anchors.draw[chosen] - first, anchors.point[chosen]] = anchors.weight[chosen]
        axes = np.empty((len(weights), *means.shape))
        for index, own in enumerate(manifolds):
            own = slice(own[0], own[-1] + 1)
            np.matmul(weights[:, own], points[own], out=axes[:, index])
        axes -= means
        sums.add(draws, axes, vectors[draws])

    manifold_of = np.repeat(np.arange(n_manifolds), [len(own) for own in manifolds])

    def influences(name):
        values, gradient = sums.values[name], sums.gradients[name] / sums.counts[name]
        moved = anchors.averages(np.einsum("nr,nr->n", points, gradient[manifold_of]))
        return values - values.mean() + moved - moved.mean()

    a, b, c = projections.mean(), sums.values["b"].mean(), sums.values["c"].mean()
    of_a, of_b, of_c = projections - a, influences("b"), influences("c")
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = max(b - c, 0.0)
        radius = np.sqrt(np.divide(c, spread)) if b > 0 else 0.0
        results = {
            "capacity": (n_manifolds / a, n_manifolds * of_a / a**2),
            "dimension": (b / n_manifolds, of_b / n_manifolds),
            "radius": (radius, radius / 2 * (of_c / c - (of_b - of_c) / spread) if c > 0 else of_c),
            "utility": (c / a, (of_c - of_a * c / a) / a),
        }
    for name in ("center_alignment", "axis_alignment", "center_axis_alignment"):
        results[name] = (sums.values[name].mean(), influences(name))
    found = {}
    for name, (value, of_draws) in results.items():
        found[name] = float(value)
        found[f"{name}_error"] = float(of_draws.std(ddof=1) / np.sqrt(n_draws))
    return found


class _Sums:
    """Values of each draw, and their derivatives by the mean anchors, summed over draws."""

    def __init__(self, means, reach, n_draws):
        self._means, self._reach = means, reach
        self._lengths = _row_norms(means)
        # A mean that is rounding has no direction either.
        self._unit_means = _divide(means, self._lengths, SHORTEST * reach)
        self._overlaps = means @ means.T
        n_manifolds = len(means)
        self._pairs = n_manifolds * (n_manifolds - 1)
        names = ("b", "c", "center_alignment", "axis_alignment", "center_axis_alignment")
        self.values = {name: np.zeros(n_draws) for name in names}
        self.gradients = {name: np.zeros_like(means) for name in names}
        self.counts = dict.fromkeys(names, n_draws)
        self._align_centers()

    def _align_centers(self):
        units, name = self._unit_means, "center_alignment"
        cosines = units @ units.T
        np.fill_diagonal(cosines, 0.0)
        self.values[name][:] = cosines.sum() / self._pairs
        gradient = units.sum(0) - units - cosines.sum(1)[:, None] * units
        scale = _divide(np.ones_like(units), self._lengths, SHORTEST * self._reach)
        self.gradients[name] += 2 / self._pairs * scale * gradient
        self.counts[name] = 1

    def add(self, draws, axes, vectors):
        fields = np.einsum("tpr,tr->tp", axes, vectors, optimize=True)
        gram = axes @ axes.transpose(0, 2, 1)
        lengths = np.sqrt(np.einsum("tpp->tp", gram))
        known = lengths > SHORTEST * self._reach
        inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=known)

        value, weights = _project(gram, fields, inverse)
        self.values["b"][draws] = value
        rest = vectors - _combine(weights, axes)
        self.gradients["b"] -= 2 * weights.T @ rest

        both = gram + self._overlaps
        lengths = np.sqrt(np.einsum("tpp->tp", both))
        scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        value, weights = _project(both, np.where(known, fields, 0.0), scale)
        self.values["c"][draws] = value
        rest = vectors - _combine(weights, axes) + weights @ self._means
        self.gradients["c"] -= 2 * weights.T @ rest

        # Cosines of axes with one another: derivatives by the axes, which move against the means.
        name = "axis_alignment"
        cosines = gram * inverse[:, :, None] * inverse[:, None, :]
        np.einsum("tpp->tp", cosines)[:] = 0.0
        self.values[name][draws] = cosines.sum((1, 2)) / self._pairs
        own = cosines.sum(2) * inverse**2
        total = _combine(inverse, axes)
        gradient = inverse.T @ total - np.einsum(
            "tp,tpr->pr", inverse**2 + own, axes, optimize=True
        )
        self.gradients[name] -= 2 / self._pairs * gradient

        # Cosines of means (first) and axes (second) of other manifolds.
        name = "center_axis_alignment"
        cosines = (self._unit_means @ axes.transpose(0, 2, 1)) * inverse[:, None, :]
        np.einsum("tpp->tp", cosines)[:] = 0.0
        self.values[name][draws] = cosines.sum((1, 2)) / self._pairs
        units, per_axis = self._unit_means, cosines.sum(1)
        by_axis = inverse.sum(0)[:, None] * (units.sum(0) - units)
        by_axis -= np.einsum("tp,tpr->pr", per_axis * inverse**2, axes, optimize=True)
        by_mean = _combine(inverse, axes).sum(0)
        by_mean = by_mean - np.einsum("tp,tpr->pr", inverse, axes, optimize=True)
        by_mean -= cosines.sum((0, 2))[:, None] * units
        by_mean = _divide(by_mean, self._lengths, SHORTEST * self._reach)
        self.gradients[name] += (by_mean - by_axis) / self._pairs


def _combine(weights, axes):
    """For each draw the sum of weight times axis."""
    return np.matmul(weights[:, None, :], axes)[:, 0]


def _row_norms(rows):
    return np.sqrt(np.einsum("pr,pr->p", rows, rows))


def _divide(rows, norms, floor):
    """Rows over their norms, and 0 where the norm is no more than the floor."""
    known = (norms > floor)[:, None]
    return np.divide(rows, norms[:, None], out=np.zeros_like(rows), where=known)


def _project(gram, fields, scale):
    """f.(gram)^+.f and (gram)^+.f for each draw, its rows scaled to norm 1: see the cut-off."""
    values, vectors = np.linalg.eigh(gram * scale[:, :, None] * scale[:, None, :])
    along = np.matmul(vectors.transpose(0, 2, 1), (fields * scale)[:, :, None])[:, :, 0]
    floor = EIGENVALUE_ROUNDING * len(values[0])
    over = np.divide(along, values, out=np.zeros_like(along), where=values > floor)
    weights = np.matmul(vectors, over[:, :, None])[:, :, 0] * scale
    return (along * over).sum(1), weights
