"""HDF5 files (netCDF-4) that are written whole, and checked before they are read.

HDF5 itself gives other numbers for a file with a flipped bit, or never returns. So a line with the
SHA-256 of all that stands before it ends each file, after one with the file's origin; other readers
don't look that far.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5netcdf
import h5py
import numpy as np

from ..errors import StoreError
from ..lineage import Origin, how_to_rebuild
from .atomic import sealed, unsealed, written_beside

NETCDF = "_NC"  # begins the names of what netCDF-4 itself keeps among a file's attributes


@contextmanager
def create_file(path: str | Path, origin: Origin) -> Iterator[h5netcdf.File]:
    """Give an ``h5netcdf.File`` to fill; it stands at `path` when the block ends well.

    The file's attributes say its origin: ``network``, ``condition``, ``layer`` where it has one,
    and ``lineage`` as JSON.
    """
    said = origin.attributes()
    buffer = io.BytesIO()  # HDF5 words a full disk in a way of its own, as it closes the file
    with h5netcdf.File(buffer, "w") as file:
        for key, value in said.items():
            file.attrs[key] = json.dumps(value) if isinstance(value, dict) else value
        yield file
    with written_beside(path) as partial:
        partial.write_bytes(sealed(buffer.getvalue(), said))


def read_attributes(file: h5py.File) -> dict:
    """Return a file's attributes; what was written as JSON, as the dict that it was."""
    attributes = {
        key: value[0] if isinstance(value, np.ndarray) and value.shape == (1,) else value
        for key, value in file.attrs.items()
        if not key.startswith(NETCDF)
    }
    attributes["lineage"] = json.loads(attributes["lineage"])
    return attributes


@contextmanager
def open_file(path: str | Path) -> Iterator[h5py.File]:
    """Give the ``h5py.File`` at `path`, whose every bit is as :func:`create_file` wrote it.

    It is read as plain HDF5: to look up a variable's netCDF dimensions takes ten times as long as
    to read it, and a run gathers hundreds of files with dozens of variables each.

    Raises
    ------
    StoreError
        For a file that is missing or damaged, or lacks what the block reads; says how to rebuild
        it.
    """
    try:
        with h5py.File(io.BytesIO(unsealed(Path(path).read_bytes())), "r") as file:
            yield file
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise StoreError(
            f"{path} is missing, damaged or not ours ({error}); {how_to_rebuild(path)}"
        ) from error
