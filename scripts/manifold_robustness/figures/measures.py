"""The four measures that the figures of layers show, with their symbols and units."""

from dataclasses import dataclass

from manifold_robustness.errors import ConfigurationError

FRAMES = {
    "reference": ("dimension", "dimension"),
    "rank": ("rank_dimension", "dimension (rank frame)"),
}


@dataclass(frozen=True)
class Measure:
    """A column of the summary table, how to name it, and whether it can span decades."""

    column: str
    name: str
    label: str
    spans_decades: bool = False

    @property
    def title(self) -> str:
        """Title of a panel."""
        return self.name[0].upper() + self.name[1:]


def measures(frame: str = "reference") -> list[Measure]:
    """Return capacity, dimension, radius and center correlation, in the order of their panels.

    The dimension is that in the frame of the field's reference implementation or, with
    `frame="rank"`, in the span of the points.
    """
    if frame not in FRAMES:
        raise ConfigurationError(f"frame needs to be one of {list(FRAMES)}; it is {frame!r}.")
    return [
        Measure("capacity", "capacity", "$α_M$ (manifolds per dimension)", spans_decades=True),
        Measure(*FRAMES[frame], "$D_M$ (number of dimensions)"),
        Measure("radius", "radius", "$R_M$ (in norms of the center)"),
        Measure("center_correlation", "center correlation", r"$ρ_\mathrm{center}$ (mean |cosine|)"),
    ]
