"""The four measures that the figures of layers show, with their symbols and units."""

from dataclasses import dataclass

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
