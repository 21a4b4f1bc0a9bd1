"""Clouds of points that others recorded: arrays in .npy, .npz, .zarr or .h5, or a folder of .npy.

A file holds either one array (n_manifolds, n_points, n_features), or one array (n_points,
n_features) for each manifold, under its name.
"""

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..names import natural, printable, printable_names
from ..seeds import generator
from ..wording import listed

KINDS = ".npy, .npz, .zarr, .h5 (.hdf5, .nc), or a folder of .npy files"
HDF5 = (".h5", ".hdf5", ".nc")
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
UNREADABLE = (OSError, KeyError, ValueError, RuntimeError, EOFError, TypeError)
UNREADABLE += (zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Recording:
    """Clouds of points, one for each manifold.

    Attributes
    ----------
    names : tuple of str
        Of the manifolds: their arrays' names, or their numbers.
    clouds : tuple of ndarray (n_points, n_features)
    source : str
        Where they were read from, for messages.
    """

    names: tuple[str, ...]
    clouds: tuple[np.ndarray, ...]
    source: str

    def drawn(self, n_points: int, replicates: int, seed: int) -> list["Recording"]:
        """Return disjoint random draws of `n_points` of each manifold.

        Raises
        ------
        DataError
            Where a manifold has too few.

        Examples
        --------
        >>> recording = Recording(("a", "b"), (np.zeros((7, 2)), np.ones((6, 2))), "x.npz")
        >>> [[len(cloud) for cloud in one.clouds] for one in recording.drawn(3, 2, seed=0)]
        [[3, 3], [3, 3]]
        """
        if n_points < 2:
            raise DataError(f"Need to draw at least two points of each manifold. Got {n_points}.")
        if replicates < 1:
            raise DataError(f"Need at least one draw. Got {replicates}.")
        orders = []
        for manifold, (name, cloud) in enumerate(self._pairs()):
            if len(cloud) < n_points * replicates:
                times = f"{replicates} x {n_points}" if replicates > 1 else str(n_points)
                raise DataError(
                    f"Need {times} points of each manifold. Got {len(cloud)} of {name} in "
                    f"{self.source}; draw fewer."
                )
            orders.append(generator(seed, "recorded points", manifold).permutation(len(cloud)))
        draws = []
        for start in range(0, n_points * replicates, n_points):
            chosen = [np.sort(order[start : start + n_points]) for order in orders]
            pairs = zip(self.clouds, chosen, strict=True)
            draws.append(replace(self, clouds=tuple(cloud[places] for cloud, places in pairs)))
        return draws

    def first(self, count: int) -> "Recording":
        """Return the first manifolds alone."""
        return replace(self, names=self.names[:count], clouds=self.clouds[:count])

    def stacked(self) -> np.ndarray:
        """Return one array (n_manifolds, n_points, n_features).

        Raises
        ------
        DataError
            For fewer than two manifolds, and where they differ in their numbers of points or
            features.
        """
        if len(self.clouds) < 2:
            raise DataError(
                f"Need at least two manifolds. Got {len(self.clouds)} in {self.source}."
            )
        for axis, what in ((1, "features"), (0, "points")):
            counts = {name: len(cloud.T if axis else cloud) for name, cloud in self._pairs()}
            least, most = (choose(counts, key=counts.get) for choose in (min, max))
            if counts[least] != counts[most]:
                advice = (
                    f"; few points make a capacity too high, so draw as many of each: --draw "
                    f"{counts[least]}"
                    if what == "points"
                    else ""
                )
                raise DataError(
                    f"Need the same number of {what} in every manifold. Got {counts[least]} in "
                    f"{least} and {counts[most]} in {most} of {self.source}{advice}."
                )
        return np.stack(self.clouds)

    def _pairs(self):
        return zip(self.names, self.clouds, strict=True)


def read_recording(path: str | Path, arrays: Sequence[str] = ()) -> Recording:
    """Read clouds of points.

    Parameters
    ----------
    path
        ``.npy``; ``.npz``, ``.zarr`` or ``.h5``; or a folder with a ``.npy`` file of each manifold,
        in the order of their names (``2.npy`` before ``10.npy``).
    arrays
        Names of arrays, where a file holds others too: one of three axes, or one of two axes for
        each manifold.

    Raises
    ------
    DataError
        For what is missing, can't be read, or isn't clouds of points.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "points.npy")
    >>> np.save(path, np.zeros((3, 5, 20)))
    >>> recording = read_recording(path)
    >>> recording.names, recording.clouds[0].shape
    (('0', '1', '2'), (5, 20))
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"Need a file or a folder of points ({KINDS}). There is no {path}.")
    kind = path.suffix.lower()
    if kind not in OPENED and not path.is_dir():
        raise DataError(f"Need points in {KINDS}. Got {path}.")
    try:
        with OPENED.get(kind, _open_folder)(path) as held:
            return _chosen(path, held, list(arrays))
    except DataError:
        raise
    except UNREADABLE as error:
        why = str(error).rstrip(".")
        raise DataError(f"Need points that can be read. {path} can't be: {why}.") from error


def _chosen(path, held, wanted):
    shapes = {name: shape for name, (shape, _) in held.items()}
    for name in wanted:
        if name not in shapes:
            raise DataError(
                f"Need an array {printable(name)} in {path}. It holds "
                f"{listed(_told(shapes)) or 'none'}."
            )
    shapes = {name: shapes[name] for name in wanted} if wanted else shapes
    whole = [name for name, shape in shapes.items() if len(shape) == 3]
    single = sorted((name for name, shape in shapes.items() if len(shape) == 2), key=natural)
    if len(whole) == 1 and not single:
        cloud = _numbers(path, whole[0], held[whole[0]][1]())
        source = f"{path}, array {printable(whole[0])}" if len(held) > 1 else str(path)
        return Recording(tuple(map(str, range(len(cloud)))), tuple(cloud), source)
    if whole:
        raise DataError(
            "Need one array (n_manifolds, n_points, n_features), or arrays (n_points, n_features) "
            f"alone, in {path}. It holds "
            f"{listed(_told({name: shapes[name] for name in [*whole, *single]}))}; say which: "
            f"--array {printable(whole[0])}"
        )
    if len(single) < 2:
        raise DataError(
            "Need an array (n_manifolds, n_points, n_features), or an array (n_points, n_features) "
            "for each of two manifolds or more. "
            f"{path} holds {listed(_told(shapes)) or 'no array'}."
        )
    clouds = tuple(_numbers(path, name, held[name][1]()) for name in single)
    return Recording(tuple(printable_names(single)), clouds, str(path))


def _told(shapes):
    return [f"{printable(name)} of the shape {shape}" for name, shape in shapes.items()]


def _numbers(path, name, values):
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"Need real numbers. The array {printable(name)} of {path} holds {values.dtype}."
        )
    return values


# Each gives a dict of (shape, function that reads) by name.
Arrays = dict[str, tuple[tuple[int, ...], Callable[[], np.ndarray]]]


def _load_npy(path):
    """The array of an .npy, of which nothing but the header is read yet."""
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
        except ValueError:
            raise DataError(
                f"Need a file that numpy.save has written. {path} is none, whatever its name says."
            ) from None
        header = HEADERS[version](file) if version in HEADERS else None
        start, size = file.tell(), path.stat().st_size
    if header:
        shape, _, dtype = header
        if dtype.hasobject:
            raise DataError(
                f"Need an array of numbers. {path} holds an array of objects, perhaps of lists of "
                "different lengths; save one array for each manifold, in an .npz or a folder."
            )
        needed = start + dtype.itemsize * math.prod(shape)
        if size < needed:
            raise DataError(
                f"Need a whole file. {path} was cut short: its array needs {needed} bytes, and "
                f"{size} are there."
            )
    return np.load(path, mmap_mode="r", allow_pickle=False)


@contextmanager
def _open_npy(path: Path) -> Iterator[Arrays]:
    values = _load_npy(path)
    yield {path.stem: (values.shape, lambda: np.array(values))}


@contextmanager
def _open_npz(path: Path) -> Iterator[Arrays]:
    with np.load(path, allow_pickle=False) as file:
        shapes = {name: _shape_within(file.zip, name) for name in file.files}
        yield {
            name: (shape, lambda name=name: file[name])
            for name, shape in shapes.items()
            if shape is not None
        }


def _shape_within(archive, name):
    """The shape of an array of an .npz; None of a member that is none. Its content is not read."""
    known = {one.removesuffix(".npy"): one for one in archive.namelist()}
    with archive.open(known[name]) as member:
        try:
            version = np.lib.format.read_magic(member)
        except ValueError:
            return None
        return HEADERS[version](member)[0] if version in HEADERS else None


@contextmanager
def _open_folder(path: Path) -> Iterator[Arrays]:
    files = [one for one in path.iterdir() if one.suffix.lower() == ".npy"]
    if not files:
        raise DataError(f"Need .npy files, one of each manifold, in the folder {path}. Got none.")
    loaded = {one.stem: _load_npy(one) for one in files}
    yield {
        name: (values.shape, lambda values=values: np.array(values))
        for name, values in loaded.items()
    }


@contextmanager
def _open_zarr(path: Path) -> Iterator[Arrays]:
    import zarr

    opened = zarr.open(path, mode="r")
    if isinstance(opened, zarr.Array):
        yield {path.stem: (opened.shape, lambda: opened[...])}
    else:
        members = dict(opened.members(max_depth=None))
        yield {
            name: (one.shape, lambda one=one: one[...])
            for name, one in members.items()
            if isinstance(one, zarr.Array)
        }


@contextmanager
def _open_hdf5(path: Path) -> Iterator[Arrays]:
    import h5py

    with h5py.File(path, "r") as file:
        found: Arrays = {}

        def note(name, member):
            if isinstance(member, h5py.Dataset) and member.shape is not None:
                found[name] = (member.shape, lambda: member[...])

        file.visititems(note)
        yield found


OPENED = {".npy": _open_npy, ".npz": _open_npz, ".zarr": _open_zarr} | dict.fromkeys(
    HDF5, _open_hdf5
)
