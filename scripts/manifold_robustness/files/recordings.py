"""Clouds of points that others recorded: arrays in .npy, .npz, .zarr or .h5, or a folder of .npy.

A file holds either one array (n_manifolds, n_points, n_features), or one array (n_points,
n_features) for each manifold, under its name.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..seeds import generator
from ..wording import listed

KINDS = ".npy, .npz, .zarr, .h5 (.hdf5, .nc), or a folder of .npy files"
HDF5 = (".h5", ".hdf5", ".nc")


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

    def drawn(self, n_points: int, seed: int) -> "Recording":
        """Return `n_points` of each manifold, drawn at random without replacement.

        Raises
        ------
        DataError
            Where a manifold has fewer.

        Examples
        --------
        >>> clouds = (np.zeros((4, 2)), np.ones((3, 2)))
        >>> [len(cloud) for cloud in Recording(("a", "b"), clouds, "x.npz").drawn(3, 0).clouds]
        [3, 3]
        """
        if n_points < 2:
            raise DataError(f"Need to draw at least two points of each manifold. Got {n_points}.")
        drawn = []
        for manifold, (name, cloud) in enumerate(zip(self.names, self.clouds, strict=True)):
            if len(cloud) < n_points:
                raise DataError(
                    f"Need {n_points} points of each manifold. Got {len(cloud)} of {name} in "
                    f"{self.source}; draw fewer."
                )
            places = generator(seed, "recorded points", manifold).permutation(len(cloud))
            drawn.append(cloud[np.sort(places[:n_points])])
        return replace(self, clouds=tuple(drawn))

    def stacked(self) -> np.ndarray:
        """Return one array (n_manifolds, n_points, n_features).

        Raises
        ------
        DataError
            Where the manifolds differ in their numbers of points or features.
        """
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
                    f"Need as many {what} in every manifold. Got {counts[least]} in {least} and "
                    f"{counts[most]} in {most} of {self.source}{advice}."
                )
        return np.stack(self.clouds)

    def _pairs(self):
        return zip(self.names, self.clouds, strict=True)


def read_recording(path: str | Path, array: str | None = None) -> Recording:
    """Read clouds of points.

    Parameters
    ----------
    path
        ``.npy``; ``.npz``, ``.zarr`` or ``.h5``; or a folder with a ``.npy`` file of each manifold,
        in the order of their names (``2.npy`` before ``10.npy``).
    array
        The name of the array, where a file holds several of three axes.

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
        with OPENED.get(kind, _open_folder)(path) as arrays:
            return _chosen(path, arrays, array)
    except (OSError, KeyError, ValueError, RuntimeError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"Need points that can be read. {path} can't be: {error}.") from error


def natural(name: str) -> list:
    """Return the key by which names are in the order of the numbers in them.

    >>> sorted(["unit10", "unit2", "a"], key=natural)
    ['a', 'unit2', 'unit10']
    """
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]


def _chosen(path, arrays, wanted):
    shapes = {name: shape for name, (shape, _) in arrays.items()}
    if wanted is not None and wanted not in shapes:
        raise DataError(
            f"Need an array {wanted} in {path}. It holds {listed(_told(shapes)) or 'none'}."
        )
    if wanted is not None:
        shapes = {wanted: shapes[wanted]}
    whole = [name for name, shape in shapes.items() if len(shape) == 3]
    single = sorted((name for name, shape in shapes.items() if len(shape) == 2), key=natural)
    if len(whole) == 1:
        cloud = _numbers(path, whole[0], arrays[whole[0]][1]())
        return Recording(tuple(map(str, range(len(cloud)))), tuple(cloud), str(path))
    if len(whole) > 1:
        raise DataError(
            f"Need one array (n_manifolds, n_points, n_features) in {path}. It holds "
            f"{listed(_told({name: shapes[name] for name in whole}))}; say which: --array "
            f"{whole[0]}"
        )
    if len(single) < 2:
        raise DataError(
            "Need an array (n_manifolds, n_points, n_features), or an array (n_points, n_features) "
            "for each of two manifolds or more. "
            f"{path} holds {listed(_told(shapes)) or 'no array'}."
        )
    clouds = tuple(_numbers(path, name, arrays[name][1]()) for name in single)
    return Recording(tuple(single), clouds, str(path))


def _told(shapes):
    return [f"{name} of the shape {shape}" for name, shape in shapes.items()]


def _numbers(path, name, values):
    if values.dtype.kind not in "biuf":
        raise DataError(f"Need real numbers. The array {name} of {path} holds {values.dtype}.")
    return values


# Each gives a dict of (shape, function that reads) by name.
Arrays = dict[str, tuple[tuple[int, ...], Callable[[], np.ndarray]]]


@contextmanager
def _open_npy(path: Path) -> Iterator[Arrays]:
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    yield {path.stem: (values.shape, lambda: np.array(values))}


@contextmanager
def _open_npz(path: Path) -> Iterator[Arrays]:
    with np.load(path, allow_pickle=False) as file:
        loaded = {name: file[name] for name in file.files}
    yield {name: (values.shape, lambda values=values: values) for name, values in loaded.items()}


@contextmanager
def _open_folder(path: Path) -> Iterator[Arrays]:
    files = [one for one in path.iterdir() if one.suffix.lower() == ".npy"]
    if not files:
        raise DataError(f"Need .npy files, one of each manifold, in the folder {path}. Got none.")
    loaded = {one.stem: np.load(one, mmap_mode="r", allow_pickle=False) for one in files}
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
        members = dict(opened.arrays())
        yield {name: (one.shape, lambda one=one: one[...]) for name, one in members.items()}


@contextmanager
def _open_hdf5(path: Path) -> Iterator[Arrays]:
    import h5py

    with h5py.File(path, "r") as file:
        found: Arrays = {}

        def note(name, member):
            if isinstance(member, h5py.Dataset):
                found[name] = (member.shape, lambda: member[...])

        file.visititems(note)
        yield found


OPENED = {".npy": _open_npy, ".npz": _open_npz, ".zarr": _open_zarr} | dict.fromkeys(
    HDF5, _open_hdf5
)
