"""The geometry of clouds of points that others recorded: a table to read, an HDF5 file."""

import hashlib
import textwrap
from pathlib import Path

import numpy as np

from .errors import ConfigurationError, DataError, GeometryError
from .files.geometry import VARIABLES, write_geometry
from .files.recordings import Recording
from .geometry.inputs import check_count, check_margin, check_seed, doubt_layout
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
FEWEST_OF_SUBSET = 2
FIRST = "mean_field"  # of the groups of measures in the table
SHOWN_BY_MANIFOLD = ("capacity", "radius", "dimension")
WIDEST = 64  # letters of a measure's meaning


def analyse(recording: Recording, settings: dict, seed: int = 0) -> dict:
    """Return the geometry of one recording, by the names of :mod:`.measures`.

    Parameters
    ----------
    recording
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
    >>> found = analyse(Recording(tuple("abcd"), clouds, "made up"), DEFAULTS)
    >>> found["capacity"].shape, bool(0.1 < found["capacity"].min() < 0.3)
    ((4,), True)
    """
    check_seed(seed)
    check_margin(settings["margin"])
    check_count(settings["n_gaussian_vectors"], "probe")
    points = recording.stacked()
    for count in settings["subsets"]:
        if not FEWEST_OF_SUBSET <= count <= points.shape[1]:
            raise ConfigurationError(
                f"Need subsets of {FEWEST_OF_SUBSET} to {points.shape[1]} points of each manifold. "
                f"Got {count}."
            )
    try:
        (found,) = solve_replicates(points[None], settings, seed)
    except GeometryError as error:
        raise DataError(f"{recording.source}: {error}") from error
    return found


def report(recording: Recording, found: dict) -> str:
    """Return a table of what was found: over all manifolds, then by manifold."""
    shape = recording.stacked().shape
    lines = [
        f"{recording.source}: {shape[0]} manifolds of {shape[1]} points each, {shape[2]} features"
    ]
    if doubt := doubt_layout([shape[1:]]):
        lines.append(f"Warning: {doubt.partition(' Where')[0]}")
    rows = [("measure", "value", "± probes", "")]
    first = measured_groups(DEFAULTS)[FIRST]
    for name in sorted(VARIABLES, key=lambda one: one not in first):
        if name in found and VARIABLES[name].summarised:
            value, error = over_manifolds(name, found)
            rows.append((name, number(value), "" if error is None else number(error), _told(name)))
    lines += ["", *_aligned(rows)]
    counts = found.get("subset_points", [])
    if len(counts):
        names = [name for name in VARIABLES if name.startswith("subset_") and name in found]
        rows = [("points", *(name for name in names if name != "subset_points"))]
        for place, count in enumerate(counts):
            rows.append((f"{count:.0f}", *(number(found[name][place]) for name in rows[0][1:])))
        lines += ["", "With fewer points of each manifold:", *_aligned(rows)]
    rows = [("manifold", *SHOWN_BY_MANIFOLD)]
    for place, name in enumerate(recording.names):
        rows.append((name, *(number(found[measure][place]) for measure in SHOWN_BY_MANIFOLD)))
    lines += ["", *_aligned(rows)]
    lines += [
        "",
        "±: standard error from the finite number of random probes. How values vary from one",
        "recording to the next it does not say; for that, analyse disjoint draws of points.",
    ]
    return "\n".join(lines)


def over_manifolds(name: str, found: dict) -> tuple[float, float | None]:
    """Return a measure's mean over manifolds, and its Monte Carlo standard error if it has one.

    Of a capacity the mean is harmonic, as P manifolds of capacities α_i share the dimensions:
    1/α = (1/P) Σ 1/α_i. Errors of the manifolds add in quadrature, since their probes are
    independent.

    Examples
    --------
    >>> over_manifolds("capacity", {"capacity": np.array([0.1, 0.3])})
    (0.15, None)
    """
    values = np.atleast_1d(np.asarray(found[name], dtype=float))
    errors = found.get(f"{name}_error")
    slopes = np.full(len(values), 1 / len(values))
    if VARIABLES[name].summarised == "harmonic":
        with np.errstate(divide="ignore"):
            mean = float(1 / np.mean(1 / values))
            slopes = mean**2 / (len(values) * values**2)
    else:
        mean = float(values.mean())
    mean = round(mean, 15)
    return mean, None if errors is None else float(np.linalg.norm(slopes * np.asarray(errors)))


def number(value: float) -> str:
    """Return a number with four digits that count.

    >>> number(0.0123456), number(12.34567), number(3)
    ('0.01235', '12.35', '3')
    """
    return f"{value:.4g}"


def write(path: str | Path, recording: Recording, found: dict, settings: dict, seed: int) -> None:
    """Write what was found as an HDF5 file, as the workflow's geometry files are."""
    points = recording.stacked()
    content = hashlib.sha256(np.ascontiguousarray(points).tobytes()).hexdigest()
    lineage = {
        "settings": {"geometry": settings, "seed": seed},
        "points_sha256": content,
    }
    origin = Origin(recording.source, "recorded", lineage={recording.source: {"solve": lineage}})
    described = {"n_points": points.shape[1], "n_features": points.shape[2]}
    write_geometry(path, [found], {"manifold_class": [list(recording.names)]}, origin, described)


def _told(name):
    variable = VARIABLES[name]
    words = variable.long_name.partition(";")[0]
    if variable.axes == "manifold" and variable.summarised == "harmonic":
        words += ", harmonic mean"
    return textwrap.shorten(words, WIDEST, placeholder=" …")


def _aligned(rows):
    """Rows as lines: the first column to the left, numbers to the right, words to the left."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    wordy = len(rows[0]) - 1 if rows[0][-1] == "" else None
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if place in (0, wordy) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
