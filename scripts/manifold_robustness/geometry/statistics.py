"""Capacity, radius and dimension of a manifold from its anchor points."""

from dataclasses import dataclass

import numpy as np

from .anchors import AnchorPoints
from .frame import ManifoldFrame


@dataclass(frozen=True)
class AnchorStatistics:
    """What the anchor points of one manifold say about it; ``*_error`` are standard errors."""

    capacity: float
    capacity_error: float
    radius: float
    radius_error: float
    dimension: float
    dimension_error: float
    rank_dimension: float
    rank_dimension_error: float


def anchor_statistics(
    frame: ManifoldFrame, gaussian_vectors: np.ndarray, anchors: AnchorPoints, margin: float = 0.0
) -> AnchorStatistics:
    r"""Average the anchor points of one manifold over its Gaussian vectors.

    With :math:`\tilde s = (\tilde s_1 \dots \tilde s_D, 1)` the anchor point of the Gaussian
    vector :math:`t`, and :math:`\langle\cdot\rangle` the mean over :math:`t`, [1]_

    .. math::

        1/\alpha &= \langle \max(t\cdot\tilde s + \kappa, 0)^2 / |\tilde s|^2 \rangle
            && \text{(eqs. 16, 17)} \\
        R^2 &= \langle |\tilde s_{1..D} - \langle\tilde s_{1..D}\rangle|^2 \rangle
            && \text{(eq. 28)} \\
        D_M &= D \, \langle \cos(t_{1..D}, \tilde s_{1..D}) \rangle^2
            && \text{(a variant of eq. 29)}

    Eq. 29 has the mean of squares :math:`\langle (t\cdot\hat s)^2\rangle`; the field's reference
    implementation, and so every published figure, has the square of the mean cosine, and
    :math:`D = \min(N, M)`, though the points span fewer dimensions. ``rank_dimension`` is the same
    with the rank :math:`r` of the points for :math:`D`, and the Gaussian vector projected on their
    span.

    Parameters
    ----------
    frame
        The frame of the manifold, from :func:`manifold_frame`.
    gaussian_vectors : (D + 1, n_gaussian_vectors)
        The Gaussian vectors; the last coordinate is that of the center.
    anchors
        Their anchor points, from :func:`find_anchor_points`.
    margin
        The margin :math:`\kappa` of the anchor points, in units of the Gaussian field.

    Returns
    -------
    AnchorStatistics
        Standard errors come from the scatter over the Gaussian vectors (the delta method), and are
        NaN for a single one.

    References
    ----------
    .. [1] Chung, Lee & Sompolinsky, Phys. Rev. X 8, 031003 (2018).

    Examples
    --------
    A segment of half-length 1 has 1/capacity = 1/2 + (2/pi) arctan(1) = 1.

    >>> import numpy as np
    >>> from manifold_robustness.geometry import find_anchor_points, manifold_frame
    >>> frame = manifold_frame(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    >>> t = np.random.default_rng(0).standard_normal((3, 20_000))
    >>> statistics = anchor_statistics(frame, t, find_anchor_points(frame, t))
    >>> abs(statistics.capacity - 1) < 4 * statistics.capacity_error
    True
    """
    field, center_field = gaussian_vectors[:-1].T, gaussian_vectors[-1]
    offsets = anchors.points[:, :-1]
    dimension = offsets.shape[1]
    overlap = np.einsum("td,td->t", field, offsets)
    offset_norms = np.linalg.norm(offsets, axis=1)
    pull = np.maximum(overlap + center_field + margin, 0.0)
    inverse, inverse_error = _mean(pull**2 / (offset_norms**2 + 1))

    squares, squares_error = _mean(((offsets - offsets.mean(0)) ** 2).sum(1))
    radius = np.sqrt(squares)

    # The norms of the Gaussian vectors, whole and within the span of the points.
    lengths = np.linalg.norm(field, axis=1)
    spanned = np.linalg.norm(field @ frame.span, axis=1)
    cosine, cosine_error = _mean(_ratio(overlap, lengths * offset_norms))
    rank_cosine, rank_cosine_error = _mean(_ratio(overlap, spanned * offset_norms))

    with np.errstate(divide="ignore", invalid="ignore"):
        return AnchorStatistics(
            capacity=float(np.divide(1.0, inverse)),
            capacity_error=float(inverse_error / inverse**2),
            radius=float(radius),
            radius_error=float(np.divide(squares_error, 2 * radius)),
            dimension=float(dimension * cosine**2),
            dimension_error=float(2 * dimension * abs(cosine) * cosine_error),
            rank_dimension=float(frame.rank * rank_cosine**2),
            rank_dimension_error=float(2 * frame.rank * abs(rank_cosine) * rank_cosine_error),
        )


def _mean(values):
    """The mean of independent values and its standard error."""
    count = len(values)
    error = values.std(ddof=1) / np.sqrt(count) if count > 1 else np.nan
    return values.mean(), error


def _ratio(overlap, scale):
    """overlap / scale, and 0 where an anchor point is the center itself, which has no direction."""
    return np.divide(overlap, scale, out=np.zeros_like(overlap), where=scale > 0)
