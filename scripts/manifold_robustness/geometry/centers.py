"""The low-rank structure that the centers of the manifolds share, to be projected out."""

from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ..conventions import MOST_IN_STEP, greatest_center_rank
from ..errors import GeometryError
from .center_rank import mean_isotropic_gain, supported_rank
from .center_search import find_minima
from .frame import ROUNDING, gram_schmidt
from .inputs import check_count, in_moderate_units
from .threads import single_threaded

SELECTIONS = ("stable", "least_cost")
# Ranks that the search finds.
SEARCHED = ("auto", "supported")
# By default so many starts over the number of manifolds: few centers have many poor minima, and
# cost little. Never fewer than the second figure.
RESTARTS_TIMES_MANIFOLDS = 400
FEWEST_RESTARTS = 10
# Starts from anywhere, for each that begins at the directions of K - 1.
FREE_STARTS = 4
# A start that leaves less than this share of some center's norm has annihilated the center.
LEAST_STABILITY = 1e-3
# Starts this close in cost or stability are the same.
TIE = 1e-6
# Relative decrease of the cost that ends a start. What is chosen by its stability must be a minimum
# already: from a flat stretch of the cost the polish runs on to another, less stable one.
FINAL_PRECISION = 1e-15
SEARCH_PRECISION = {"stable": FINAL_PRECISION, "least_cost": 1e-9}
# The search over K ends after so many rises of the residual correlation in a row.
RISES = 3


@dataclass(frozen=True)
class CenterStructure:
    """Directions that the centers share.

    Attributes
    ----------
    rank : int
        K, the number of directions.
    directions : (n_features, K)
        Their orthonormal basis.
    residual_correlation : array
        Mean absolute cosine over pairs of centers once K = 0, 1, ... directions are projected out,
        for each K that was tried. The first is the center correlation.
    stability : float
        Least share of a center's norm (about the mean center) that survives the projection.
    cost : float
        Half the sum of squared cosines over all ordered pairs (a center with itself included).
    """

    rank: int
    directions: np.ndarray
    residual_correlation: np.ndarray
    stability: float
    cost: float


def find_center_structure(
    centers: np.ndarray,
    rank: int | str = "auto",
    selection: str = "stable",
    restarts: int | None = None,
    seed: int | Sequence[int] = 0,
) -> CenterStructure:
    r"""Find the K directions whose removal decorrelates the centers. [1]_

    With X the centers about their mean, V the K orthonormal directions, and :math:`z_\mu` the
    residual of center :math:`\mu`, V minimises

    .. math::

        \tfrac12 \sum_{\mu\nu} \cos^2(z_\mu, z_\nu)
        = \tfrac12 \sum_{\mu\nu} \frac{(C_{\mu\nu} - c_\mu\cdot c_\nu)^2}{r_\mu r_\nu},
        \qquad z = X (1 - V V^T),

    where :math:`C = X X^T, c = X V, r_\mu = C_{\mu\mu} - |c_\mu|^2`. The cost depends on V through
    its span only. K is at most n_manifolds - 3, so that two dimensions remain.

    Parameters
    ----------
    centers : (n_manifolds, n_features)
    rank
        K; 0 leaves the centers alone. ``"auto"``, as published, is where the mean
        :math:`|\cos(z_\mu, z_\nu)|` over pairs is least, at least 1: it finds structure where there
        is none. ``"supported"`` is the least K, 0 included, beyond which the search gains no more
        than on isotropic centers, see :func:`.supported_rank`; with fewer than ten features for
        each manifold it searches such centers too, which takes two to six times as long again.
    selection
        Which of the minima: ``"stable"``, as the field's reference, the one of greatest stability
        among those reached from the directions of K - 1 and a random one; ``"least_cost"``, the
        most stable within 1e-6 of the least cost, with four times as many starts from anywhere.
        Either discards minima of stability below 1e-3.
    restarts
        Starts for each K; by default 400 / n_manifolds, at least 10.
    seed
        Of the random starts. :func:`analyze_manifolds` leaves it alone, whatever its own seed: the
        structure is a property of the centers, and does not scatter with the Gaussian vectors.

    Returns
    -------
    CenterStructure

    Raises
    ------
    GeometryError
        Where the rank leaves fewer than two dimensions, or no minimum is stable; where a center is
        the mean of all.

    References
    ----------
    .. [1] Cohen, Chung, Lee & Sompolinsky, Nat. Commun. 11, 746 (2020), methods.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> shared = rng.standard_normal((20, 1)) * rng.standard_normal(200)
    >>> find_center_structure(rng.standard_normal((20, 200)) + 3 * shared).rank
    1
    """
    return find_center_structures([centers], rank, selection, restarts, seed)[0]


@single_threaded
def find_center_structures(
    sets: Sequence[np.ndarray],
    rank: int | str = "auto",
    selection: str = "stable",
    restarts: int | None = None,
    seed: int | Sequence[int] = 0,
) -> list[CenterStructure]:
    """The same for several sets of centers: what each has alone, to the last bit, in less time.

    The searches of sets of one shape take their steps together, see :func:`.find_minima`, but for
    those of more than 30 manifolds, which would gain nothing and take more memory.

    Parameters
    ----------
    sets : sequence of (n_manifolds, n_features)
    rank, selection, restarts, seed
        Of each, as in :func:`find_center_structure`; so are the errors.

    Returns
    -------
    list of CenterStructure

    Examples
    --------
    >>> import numpy as np
    >>> sets = np.random.default_rng(0).standard_normal((3, 10, 200))
    >>> together = find_center_structures(sets)
    >>> [one.cost for one in together] == [find_center_structure(one).cost for one in sets]
    True
    """
    if selection not in SELECTIONS:
        raise GeometryError(
            f"Need a center selection out of {', '.join(SELECTIONS)}. Got {selection!r}."
        )
    together = max(map(len, sets), default=0) <= MOST_IN_STEP
    searches = [_search(centers, rank, selection, restarts, seed) for centers in sets]
    return _in_step(searches) if together else [_in_step([one])[0] for one in searches]


def remove_directions(points: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Points (..., n_features) less their part along orthonormal directions (n_features, K).

    >>> import numpy as np
    >>> remove_directions(np.array([[3.0, 4.0]]), np.array([[1.0], [0.0]]))
    array([[0., 4.]])
    """
    return points - (points @ directions) @ directions.T


@dataclass(frozen=True)
class Candidate:
    """Directions in the frame of the centers, and what is left of the centers without them."""

    directions: np.ndarray
    correlation: float
    stability: float
    cost: float

    @classmethod
    def of(cls, directions: np.ndarray, coordinates: np.ndarray) -> "Candidate":
        residual = remove_directions(coordinates, directions)
        norms = np.linalg.norm(residual, axis=1)
        cosines = (residual @ residual.T) / np.outer(norms, norms)
        count = len(cosines)
        correlation = (np.abs(cosines).sum() - count) / (count * (count - 1))
        stability = (norms / np.linalg.norm(coordinates, axis=1)).min()
        return cls(directions, float(correlation), float(stability), float((cosines**2).sum() / 2))


@dataclass(frozen=True)
class _Request:
    """What a search asks to be minimised, see :func:`.find_minima`."""

    coordinates: np.ndarray
    starts: np.ndarray
    precision: float
    most_stable: bool = False

    def kind(self):
        """What must be equal of requests that are answered together."""
        return self.coordinates.shape, self.starts.shape, self.precision, self.most_stable


def _in_step(searches):
    """Results of searches, whose requests of one kind are answered together."""
    results, waiting = [None] * len(searches), {}

    def resume(index, answer):
        try:
            waiting[index] = searches[index].send(answer)
        except StopIteration as end:
            results[index] = end.value

    for index in range(len(searches)):
        resume(index, None)
    while waiting:
        kinds = defaultdict(list)
        for index, request in waiting.items():
            kinds[request.kind()].append(index)
        for (_, _, precision, most_stable), indices in kinds.items():
            requests = [waiting.pop(index) for index in indices]
            answers = find_minima(
                np.stack([request.coordinates for request in requests]),
                np.stack([request.starts for request in requests]),
                precision,
                LEAST_STABILITY / 10,
                most_stable,
            )
            for index, answer in zip(indices, answers, strict=True):
                resume(index, answer)
    return results


def _search(
    centers, rank, selection, restarts, seed
) -> Generator[_Request, np.ndarray, CenterStructure]:
    """One search, which yields what it asks to be minimised and is sent the minima."""
    if restarts is None:
        restarts = max(FEWEST_RESTARTS, RESTARTS_TIMES_MANIFOLDS // len(centers))
    restarts = check_count(restarts, "start of the center search")
    coordinates, basis = _center_frame(in_moderate_units(np.asarray(centers, dtype=float)))
    # Centers that span fewer dimensions have room for fewer directions, as fewer manifolds would.
    greatest_rank = greatest_center_rank(coordinates.shape[1] + 1)
    ranks = _ranks(rank, greatest_rank, len(coordinates))

    generator = np.random.default_rng(np.random.SeedSequence(seed))
    found = [Candidate.of(np.zeros((coordinates.shape[1], 0)), coordinates)]
    for _ in ranks:
        candidate = yield from _best_minimum(
            found[-1].directions, coordinates, selection, restarts, generator
        )
        if candidate is None:
            break
        found.append(candidate)
        if rank in SEARCHED and _rises(found):
            break
    if rank == "supported":
        correlations = [candidate.correlation for candidate in found]
        count, n_features = np.shape(centers)
        chosen = supported_rank(
            correlations,
            n_features,
            count,
            lambda: _isotropic_gain(count, n_features, selection, restarts),
        )
    else:
        chosen = _chosen_rank(found, rank)
    if chosen:
        found[chosen] = yield from _polish(found[chosen], coordinates)
    return CenterStructure(
        rank=chosen,
        directions=basis.T @ found[chosen].directions,
        residual_correlation=np.array([candidate.correlation for candidate in found]),
        stability=found[chosen].stability,
        cost=found[chosen].cost,
    )


def _center_frame(centers):
    """Coordinates (n_manifolds, rank) of the centers about their mean, and basis (rank, N)."""
    about_mean = centers - centers.mean(0)
    norms = np.linalg.norm(about_mean, axis=1)
    rounding = ROUNDING * np.linalg.norm(centers, axis=1).max()
    if norms.min() <= rounding:
        raise GeometryError(
            "Need centers that differ from their mean. "
            f"That of manifold {norms.argmin()} is at {norms.min():.1e} from it."
        )
    basis, triangle = np.linalg.qr(about_mean.T)
    coordinates, axes = gram_schmidt(triangle.T, rounding)
    return coordinates, axes @ basis.T


def _ranks(rank, greatest, n_manifolds):
    """The K to search, in turn."""
    if isinstance(rank, str) and rank in SEARCHED:
        return range(1, greatest + 1)
    if isinstance(rank, bool) or not isinstance(rank, (int, np.integer)) or rank < 0:
        raise GeometryError(
            f'Need a center rank of "auto", "supported" or an integer >= 0. Got {rank!r}.'
        )
    if rank > greatest:
        raise GeometryError(
            f"Need a center rank <= {greatest} for {n_manifolds} manifolds, so that two "
            f"dimensions of centers remain. Got {rank}."
        )
    return range(1, rank + 1)


def _rises(found):
    """Whether the residual correlation rose over the last K, several times in a row."""
    last = [candidate.correlation for candidate in found[-RISES - 1 :]]
    return len(found) > RISES + 1 and all(a < b for a, b in pairwise(last))


def _chosen_rank(found, rank):
    if rank != "auto":
        if len(found) <= rank:
            raise GeometryError(
                f"Need a center structure that leaves {LEAST_STABILITY:g} of each center. "
                f"Found none of rank {len(found)}; asked for {rank}."
            )
        return int(rank)
    if len(found) == 1:
        return 0
    return 1 + int(np.argmin([candidate.correlation for candidate in found[1:]]))


@lru_cache
def _isotropic_gain(n_manifolds, n_features, selection, restarts):
    """Gain on isotropic centers, kept: replicates and layers of one size ask for the same."""

    def search(sets):
        found = find_center_structures(sets, "auto", selection, restarts)
        return [structure.residual_correlation for structure in found]

    return mean_isotropic_gain(n_manifolds, n_features, search)


def _polish(candidate, coordinates):
    request = _Request(coordinates, candidate.directions[None], FINAL_PRECISION)
    minima, _, _ = yield from _stable_minima(request)
    return Candidate.of(minima[0], coordinates) if len(minima) else candidate


def _best_minimum(previous, coordinates, selection, restarts, generator):
    """The minimum of one more direction that the selection keeps, or None."""
    size, known = previous.shape
    starts = np.empty((restarts, size, known + 1))
    starts[:, :, :known] = previous
    starts[:, :, known] = generator.standard_normal((restarts, len(coordinates))) @ coordinates
    if selection == "least_cost":
        anywhere = generator.standard_normal((FREE_STARTS * restarts, size, known + 1))
        starts = np.concatenate([starts, anywhere])
    minima, stabilities, costs = yield from _stable_minima(
        _Request(coordinates, starts, SEARCH_PRECISION[selection], selection == "stable")
    )
    if not len(minima):
        return None
    if selection == "least_cost":
        stabilities = np.where(costs <= costs.min() + TIE, stabilities, 0.0)
    first = np.argmax(stabilities >= stabilities.max() - TIE)
    return Candidate.of(minima[first], coordinates)


def _stable_minima(request):
    """Minima (n, size, K) that leave enough of each center, their stabilities and costs."""
    minima, coordinates = (yield request), request.coordinates
    residuals = coordinates - (coordinates @ minima) @ np.swapaxes(minima, 1, 2)
    norms = np.sqrt(np.einsum("bmd,bmd->bm", residuals, residuals))
    stabilities = (norms / np.linalg.norm(coordinates, axis=1)).min(1)
    units = residuals / norms[:, :, None]
    costs = ((units @ np.swapaxes(units, 1, 2)) ** 2).sum((1, 2)) / 2
    stable = stabilities >= LEAST_STABILITY
    return minima[stable], stabilities[stable], costs[stable]
