"""The measures that the figures of layers show, with their symbols and units."""

from dataclasses import dataclass

import numpy as np

from ..conventions import FLOOR_SHARE
from ..errors import ConfigurationError

FRAMES = {
    "reference": ("dimension", "dimension"),
    "rank": ("rank_dimension", "dimension (rank frame)"),
}


@dataclass(frozen=True)
class Measure:
    """A column of the summary table, how to name it, and whether it can span decades.

    `label` holds a formula: it is drawn with ``parse_math=True``.
    """

    column: str
    name: str
    label: str
    spans_decades: bool = False

    @property
    def title(self) -> str:
        """Title of a panel."""
        return self.name[0].upper() + self.name[1:]


CAPACITY = Measure("capacity", "capacity", "$α_M$ (manifolds per dimension)", spans_decades=True)
RADIUS = Measure("radius", "radius", "$R_M$ (in norms of the center)")
CENTER_CORRELATION = Measure(
    "center_correlation", "center correlation", r"$ρ_\mathrm{center}$ (mean |cosine|)"
)
JOINT_CAPACITY = Measure(
    "joint_capacity", "joint capacity", "$α$ (manifolds per dimension)", spans_decades=True
)
READOUT = Measure("readout_accuracy", "accuracy of a linear readout", "accuracy (%)")


def floor_binds(zero_share: np.ndarray) -> np.ndarray:
    """Return where the joint capacity is on its floor P / rank in more than a few draws.

    Many anchor points give v = 0, so that what rests on them is not unique there.

    >>> floor_binds(np.array([0.01, 0.05, 1.0, np.nan])).tolist()
    [False, True, True, False]
    """
    return zero_share >= FLOOR_SHARE


def measures(frame: str = "reference") -> list[Measure]:
    """Return capacity, dimension, radius and center correlation, in the order of their panels.

    The dimension is that in the frame of the field's reference implementation or, with
    `frame="rank"`, in the span of the points.

    >>> [measure.column for measure in measures("rank")]
    ['capacity', 'rank_dimension', 'radius', 'center_correlation']
    """
    if frame not in FRAMES:
        raise ConfigurationError(f"Need a frame out of {', '.join(FRAMES)}. Got {frame!r}.")
    dimension = Measure(*FRAMES[frame], "$D_M$ (number of dimensions)")
    return [CAPACITY, dimension, RADIUS, CENTER_CORRELATION]
