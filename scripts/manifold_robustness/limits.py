"""What a job needs of memory and disk, and what there is: refused with numbers before it starts.

The needs are worked out from the sizes of the arrays that a job holds at once; tests compare them
with what jobs really take.
"""

import os
import shutil
from pathlib import Path

from .conventions import MOST_IN_STEP
from .errors import ResourceError

GIB = 2**30
CGROUPS = Path("/sys/fs/cgroup")
LARGEST_CHUNK = 2**31 - 1  # bytes that one compressed chunk of a store may hold
TORCH, NUMPY = 0.45 * GIB, 0.1 * GIB  # of a process that holds no data yet
MANY = 2**25  # numbers of a store that are read at once; of more, one manifold at a time
# Arrays of a size that are held at once, counted in the code that the name says.
FORWARD_COPIES, ROTATION_COPIES = 5, 2.5
FRAME_COPIES, CENTER_COPIES, SPECTRUM_COPIES, SIMULATION_COPIES = 7, 4, 4, 8
PROBE_COPIES = 10
# Of all points of a replicate, and of the square of their number (coordinates, Gram matrices).
WHOLE_COPIES, JOINT_COPIES, READOUT_COPIES = 2, 4, 3
JOINT_SQUARES, READOUT_SQUARES = 5, 6
JOINT_STEP = 10 * 2**19  # numbers of the programs that the joint program solves in step
# Beyond so many dimensions no spectrum of all points is worked out: a minute and a GiB.
LARGEST_SPECTRUM = 5000
PHYSICAL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
REMEDY = "lower images.n_points or images.n_manifolds, or give the job more memory"


def choose_basis(setting: str, n_features: int, n_manifolds: int, n_points: int) -> str:
    """Return the basis that a layer's activations are kept in.

    ``span`` (coordinates in the span of a replicate's points) where that at least halves the
    numbers, n_manifolds · n_points <= n_features / 2; otherwise, or where `setting` is
    ``features``, ``features``.

    >>> choose_basis("auto", 65536, 10, 30), choose_basis("auto", 65536, 100, 500)
    ('span', 'features')
    """
    halves = 2 * n_manifolds * n_points <= n_features
    return "span" if setting == "auto" and halves else "features"


def has_spectrum(n_manifolds: int, n_points: int, n_features: int) -> bool:
    """Say whether the dimensions of all points together are worked out."""
    return min(n_manifolds * n_points, n_features) <= LARGEST_SPECTRUM


def store_bytes(
    basis: str, n_features: int, replicates: int, n_manifolds: int, n_points: int
) -> float:
    """Return the size of a layer's store. Half of the coordinates in a span are zero."""
    count = replicates * n_manifolds * n_points
    return count * (n_manifolds * n_points * 8 / 2 if basis == "span" else n_features * 4)


def extraction_memory(
    bases: dict[str, str],
    sizes: dict[str, int],
    replicates: int,
    n_manifolds: int,
    n_points: int,
) -> float:
    """Return the bytes that an extraction holds at once.

    `sizes` gives the number of features of every layer, kept or not, and of the input; `bases` the
    basis of those that are kept.
    """
    count = n_manifolds * n_points
    spans = [sizes[layer] for layer, basis in bases.items() if basis == "span"]
    batch = count if spans else n_points
    images = 2 * replicates * count * sizes["input"] * 4
    forward = FORWARD_COPIES * batch * max(sizes.values()) * 4
    return TORCH + images + forward + ROTATION_COPIES * count * max(spans, default=0) * 8


def geometry_memory(
    replicates: int, n_manifolds: int, n_points: int, n_features: int, geometry: dict
) -> float:
    """Return the bytes that the geometry of stored activations holds at once.

    The anchor points and multipliers of every manifold are kept to the end of a replicate.
    `geometry` are the configuration's settings.
    """
    count, n_probes = n_manifolds * n_points, geometry["n_gaussian_vectors"]
    read = min(replicates * count * n_features, MANY)
    # Centers of all replicates, and a basis of each, where their searches go in step.
    others = replicates - 1 if n_manifolds <= MOST_IN_STEP else 0
    rows = [FRAME_COPIES * n_points + (CENTER_COPIES + 2 * others) * n_manifolds]
    squares = [0]
    rank = min(count, n_features)
    if has_spectrum(n_manifolds, n_points, n_features):
        rows.append(SPECTRUM_COPIES * min(count, 3 * n_features + n_points))
    if geometry["simulate"]:
        rows.append(SIMULATION_COPIES * count)
    if geometry["joint"]:
        rows.append(JOINT_COPIES * count)
        squares.append(JOINT_SQUARES * count**2 + JOINT_STEP + n_probes * rank)
    if geometry["readout"]:
        rows.append(READOUT_COPIES * count)
        squares.append(READOUT_SQUARES * rank**2)
    kept = WHOLE_COPIES * count if geometry["shuffle"] or geometry["subsets"] else 0
    # Of one: a multiplier per point, and a coordinate per axis.
    probe = n_points + min(n_points, n_features) + 1
    probes = n_probes * probe * (n_manifolds + PROBE_COPIES)
    return NUMPY + (read + (max(rows) + kept) * n_features + max(squares) + probes) * 8


def available_memory() -> int:
    """Return the bytes of memory that this process may use.

    The machine's, or less where a control group (version 2) or Slurm sets a limit.
    """
    limits = [PHYSICAL, *_control_groups()]
    if "SLURM_MEM_PER_NODE" in os.environ:  # MiB; 0 stands for all of a node
        limits.append(int(os.environ["SLURM_MEM_PER_NODE"]) * 2**20)
    return min(limit for limit in limits if limit > 0)


def memory_of_other_jobs() -> int:
    """Return the bytes that a later job may use, as far as this one can know.

    On one machine as many as here; a job of Slurm's own limits say nothing of another's.
    """
    return PHYSICAL if "SLURM_JOB_ID" in os.environ else available_memory()


def require_memory(needed: float, available: float, what: str, remedy: str) -> None:
    """Raise :class:`ResourceError` where `needed` bytes are more than the `available` ones.

    >>> require_memory(2**32, 2**31, "a test", "ask for less")
    Traceback (most recent call last):
        ...
    manifold_robustness.errors.ResourceError: a test needs about 4.00 GiB of memory, and there are \
2.00 GiB; ask for less
    """
    if needed > available:
        raise ResourceError(
            f"{what} needs about {needed / GIB:.2f} GiB of memory, and there are "
            f"{available / GIB:.2f} GiB; {remedy}"
        )


def require_extraction(
    sizes: dict[str, int], bases: dict[str, str], shape: tuple[int, int, int], available: float
) -> None:
    """Raise :class:`ResourceError` where an extraction of (replicates, P, M) images can't fit."""
    replicates, n_manifolds, n_points = shape
    require_memory(
        extraction_memory(bases, sizes, replicates, n_manifolds, n_points),
        available,
        f"the extraction of {n_manifolds * n_points} images a replicate",
        ("set activations.basis to features, or " if "span" in bases.values() else "") + REMEDY,
    )
    for layer, basis in bases.items():
        chunk = n_points * sizes[layer] * 4
        if basis == "features" and chunk > LARGEST_CHUNK:
            raise ResourceError(
                f"{n_points} points of layer {layer} take {chunk / GIB:.1f} GiB, and a chunk of a "
                "store holds 2 GiB at most; lower images.n_points"
            )


def require_geometry(
    shape: tuple[int, int, int], n_features: int, geometry: dict, available: float
) -> None:
    """Raise :class:`ResourceError` where the geometry of a layer of (replicates, P, M) points can't
    fit; `geometry` are the configuration's settings."""
    needed = geometry_memory(*shape, n_features, geometry)
    count = geometry["n_gaussian_vectors"]
    ways = {  # what a change would save, and how to word it
        "lower geometry.n_gaussian_vectors": {"n_gaussian_vectors": 0},
        "set geometry.joint, readout, shuffle and subsets to false or []": {
            "joint": False,
            "readout": False,
            "shuffle": False,
            "subsets": [],
        },
    }
    saving = [
        way
        for way, change in ways.items()
        if 2 * geometry_memory(*shape, n_features, {**geometry, **change}) < needed
    ]
    require_memory(
        needed,
        available,
        f"the geometry of {shape[1]} manifolds of {shape[2]} points in {n_features} dimensions "
        f"with {count} probes each",
        ", or ".join([*saving, REMEDY]),
    )


def require_stores(needed: float, folder: str | Path, what: str) -> None:
    """Raise :class:`ResourceError` where the disk of `folder` has no room for stores of activations
    of so many bytes."""
    folder = next(each for each in (Path(folder), *Path(folder).parents) if each.exists())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ResourceError(
            f"{what} need about {needed / GIB:.2f} GiB of disk, and {folder.resolve()} has "
            f"{free / GIB:.2f} GiB free; keep fewer layers (activations.layers), or lower "
            "images.n_points or images.replicates"
        )


def _control_groups():
    try:
        group = next(
            line.partition("::")[2]
            for line in _lines("/proc/self/cgroup")
            if line.startswith("0::")
        )
    except (OSError, StopIteration):
        return []
    folder, limits = CGROUPS / group.lstrip("/"), []
    for each in [folder, *folder.parents]:
        file = each / "memory.max"
        if file.is_file():
            limits += [int(line) for line in _lines(file) if line.isdigit()]
    return limits


def _lines(path):
    return Path(path).read_text(encoding="ascii").splitlines()
