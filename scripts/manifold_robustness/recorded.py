"""The geometry of clouds of points that others recorded: a table to read, an HDF5 file."""

import hashlib
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .conventions import FEWEST_BALANCED, HARMONIC, from_averaging_scale, to_averaging_scale
from .errors import ConfigurationError, DataError, GeometryError
from .files.geometry import VARIABLES, write_geometry
from .files.recordings import Recording
from .geometry.inputs import check_count, check_margin, check_seed, doubt_layout
from .intervals import student_interval
from .lineage import Origin
from .measures import solve_replicates
from .variables import measured_groups

# The geometry's settings of config.yaml, with nothing beside the mean-field theory.
DEFAULTS = {
    "margin": 0.0,
    "n_gaussian_vectors": 300,
    "center_rank": "auto",
    "center_selection": "stable",
    "tolerance": 1e-10,
    "solver": "active_set",
    "joint": False,
    "readout": False,
    "subsets": [],
    "shuffle": False,
    "simulate": False,
}
FEWEST_OF_SUBSET, FEWEST_PROBES = 2, 2
OF_PROBES = (
    "±: standard error from the finite number of random probes. How values vary from one set of",
    "points to the next it does not say; for that, take disjoint draws: --draw M --replicates 3.",
)
OF_TWO = (
    "Where the two capacities differ, the joint one is nearer to what a direct simulation finds:",
    "it assumes nothing about correlations (docs/measures.md).",
)
OF_DRAWS = (
    "Means over disjoint draws of the points, with 95 % intervals of Student's t over draws.",
)
FIRST = "mean_field"  # of the groups of measures in the table
SHOWN_BY_MANIFOLD = ("capacity", "radius", "dimension")
WIDEST = 64  # letters of a line of a measure's meaning


def analyse(draws: Sequence[Recording], settings: dict, seed: int = 0) -> list[dict]:
    """Return the geometry of each draw of a recording, by the names of :mod:`.measures`.

    Parameters
    ----------
    draws
        Of the same manifolds, each of as many points; a whole recording is one.
    settings
        As :data:`DEFAULTS`.
    seed
        Of the probes and of every draw.

    Raises
    ------
    ConfigurationError, DataError, GeometryError
        For settings that there are not, and points for which the geometry isn't defined.

    Examples
    --------
    >>> clouds = tuple(np.random.default_rng(0).normal(size=(4, 10, 50)))
    >>> (found,) = analyse([Recording(tuple("abcd"), clouds, "made up")], DEFAULTS)
    >>> found["capacity"].shape, bool(0.1 < found["capacity"].min() < 0.3)
    ((4,), True)
    """
    check_seed(seed)
    check_margin(settings["margin"])
    check_count(settings["n_gaussian_vectors"], "probe")
    if settings["n_gaussian_vectors"] < FEWEST_PROBES:
        raise ConfigurationError(
            f"Need at least {FEWEST_PROBES} probes, since errors are known from how they differ. "
            f"Got {settings['n_gaussian_vectors']}."
        )
    points = np.stack([one.stacked() for one in draws])
    _, n_manifolds, n_points, _ = points.shape
    for count in settings["subsets"]:
        if not FEWEST_OF_SUBSET <= count < n_points:
            raise ConfigurationError(
                f"Need subsets of at least {FEWEST_OF_SUBSET} points of each manifold, and fewer "
                f"than the {n_points} that there are. Got {count}."
            )
    if settings["joint"] and n_manifolds < FEWEST_BALANCED:
        raise ConfigurationError(
            f"Need at least {FEWEST_BALANCED} manifolds for the joint program. Got {n_manifolds}."
        )
    if settings["joint"] and settings["margin"]:
        raise ConfigurationError(
            f"Need no margin for the joint program, which has none. Got {settings['margin']}."
        )
    try:
        # The numbers are as precise as they are kept, and not as a network computes.
        return solve_replicates(points, {**settings, "precision": points.dtype.name}, seed)
    except GeometryError as error:
        raise DataError(f"{draws[0].source}: {error}") from error


def report(draws: Sequence[Recording], found: Sequence[dict]) -> str:
    """Return a table of what was found: over all manifolds, then by manifold.

    Of several draws the means over them, with 95 % intervals of Student's t.
    """
    _, *shape = np.stack([one.stacked() for one in draws]).shape
    several = len(draws) > 1
    what = f"{len(draws)} disjoint draws of {shape[1]} points" if several else f"{shape[1]} points"
    head = f"{draws[0].source}: {shape[0]} manifolds of {what} each, {shape[2]} features"
    doubt = doubt_layout([shape[1:]])
    lines = [head, *([f"Warning: {doubt.partition(' Where')[0]}"] if doubt else [])]
    rows = [("measure", "value", "95 % interval" if several else "± probes", "")]
    first = measured_groups(DEFAULTS)[FIRST]
    for name in sorted(VARIABLES, key=lambda one: one not in first):
        if name in found[0] and VARIABLES[name].summarised:
            rows.append((name, *_value(name, found), _told(name)))
    lines += ["", *_aligned(rows)]
    counts = found[0].get("subset_points", [])
    if len(counts):
        names = [name for name in VARIABLES if name.startswith("subset_") and name in found[0]]
        rows = [("points", *(name for name in names if name != "subset_points"))]
        for place, count in enumerate(counts):
            means = [np.mean([one[name][place] for one in found]) for name in rows[0][1:]]
            rows.append((f"{count:.0f}", *map(number, means)))
        lines += ["", "With fewer points of each manifold:", *_aligned(rows)]
    rows = [("manifold", *SHOWN_BY_MANIFOLD)]
    for place, name in enumerate(draws[0].names):
        means = [np.mean([one[measure][place] for one in found]) for measure in SHOWN_BY_MANIFOLD]
        rows.append((name, *map(number, means)))
    lines += ["", *_aligned(rows)]
    lines += ["", *(OF_DRAWS if several else OF_PROBES)]
    if "joint_capacity" in found[0]:
        lines += ["", *OF_TWO]
    return "\n".join(lines)


def _value(name, found):
    """A measure's value over draws, and how sure it is, as texts."""
    means, errors = zip(*(over_manifolds(name, one) for one in found), strict=True)
    if len(found) == 1:
        return number(means[0]), "" if errors[0] is None else number(errors[0])
    how = VARIABLES[name].summarised
    scaled = to_averaging_scale(np.array(means), how)
    mean, low, high = from_averaging_scale(*student_interval(scaled), how)
    return number(mean), f"{number(low)} to {number(high)}"


def over_manifolds(name: str, found: dict) -> tuple[float, float | None]:
    """Return a measure's mean over manifolds, and its Monte Carlo standard error if it has one.

    Of a capacity the mean is harmonic, as P manifolds of capacities α_i share the dimensions:
    1/α = (1/P) Σ 1/α_i. Errors of the manifolds add in quadrature, since their probes are
    independent.

    Examples
    --------
    >>> mean, error = over_manifolds("capacity", {"capacity": np.array([0.1, 0.3])})
    >>> round(mean, 12), error
    (0.15, None)
    """
    values = np.atleast_1d(np.asarray(found[name], dtype=float))
    errors, how = found.get(f"{name}_error"), VARIABLES[name].summarised
    mean = float(to_averaging_scale(to_averaging_scale(values, how).mean(), how))
    slopes = (mean / values) ** 2 if how == HARMONIC else np.ones(len(values))
    if errors is None:
        return mean, None
    return mean, float(np.linalg.norm(slopes * np.asarray(errors)) / len(values))


def number(value: float) -> str:
    """Return a number with four digits that count.

    >>> number(0.0123456), number(12.34567), number(3)
    ('0.01235', '12.35', '3')
    """
    return f"{value:.4g}"


def write(
    path: str | Path,
    draws: Sequence[Recording],
    found: Sequence[dict],
    settings: dict,
    seed: int,
) -> None:
    """Write what was found as an HDF5 file, as the workflow's geometry files are."""
    points = np.stack([one.stacked() for one in draws])
    recording = draws[0]
    content = hashlib.sha256(np.ascontiguousarray(points).tobytes()).hexdigest()
    lineage = {
        "settings": {"geometry": settings, "seed": seed},
        "points_sha256": content,
    }
    origin = Origin(recording.source, "recorded", lineage={recording.source: {"solve": lineage}})
    described = {"n_points": points.shape[2], "n_features": points.shape[3]}
    names = {"manifold_class": [list(recording.names)] * len(draws)}
    write_geometry(path, list(found), names, origin, described)


def _told(name):
    variable = VARIABLES[name]
    words = variable.long_name.partition(";")[0]
    if variable.axes == "manifold" and variable.summarised == HARMONIC:
        words += ", harmonic mean"
    return words


def _aligned(rows):
    """Rows as lines: the first column to the left, numbers to the right, words in a last one."""
    wordy = rows[0][-1] == ""
    columns = [row[:-1] if wordy else row for row in rows]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    lines = []
    for row, cells in zip(rows, columns, strict=True):
        told = [cells[0].ljust(widths[0])]
        told += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        line = "  ".join(told)
        words = textwrap.wrap(row[-1], WIDEST) if wordy else []
        lines.append("  ".join([line, *words[:1]]).rstrip())
        lines += [" " * (len(line) + 2) + more for more in words[1:]]
    return lines
