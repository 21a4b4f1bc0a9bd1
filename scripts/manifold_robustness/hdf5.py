"""HDF5 files (netCDF-4) that are written whole, and checked before they are read.

HDF5 itself gives other numbers for a file with a flipped bit, or never returns. So a line with the
SHA-256 of all that stands before it ends each file; other readers don't look that far.
"""

import hashlib
import io
from contextlib import contextmanager
from pathlib import Path

import h5netcdf

from .atomic import written_beside
from .errors import StoreError
from .stores import rebuild

SEAL_LENGTH = len("\nsha256 \n") + 64


@contextmanager
def create_file(path):
    """Give an ``h5netcdf.File`` to fill; it stands at `path` when the block ends well."""
    buffer = io.BytesIO()  # HDF5 words a full disk in a way of its own, as it closes the file
    with h5netcdf.File(buffer, "w") as file:
        yield file
    content = buffer.getvalue()
    with written_beside(path) as partial:
        partial.write_bytes(content + _seal(content))


@contextmanager
def open_file(path):
    """Give the ``h5netcdf.File`` at `path`, whose every bit is as :func:`create_file` wrote it.

    Raises
    ------
    StoreError
        For a file that is missing or damaged, or lacks what the block reads; says how to rebuild
        it.
    """
    try:
        content = Path(path).read_bytes()
        content, seal = content[:-SEAL_LENGTH], content[-SEAL_LENGTH:]
        if seal != _seal(content):
            raise ValueError("its checksum is not that of its content")
        with h5netcdf.File(io.BytesIO(content), "r") as file:
            yield file
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise StoreError(
            f"{path} is missing, damaged or not ours ({error}); {rebuild(path)}"
        ) from error


def _seal(content):
    return f"\nsha256 {hashlib.sha256(content).hexdigest()}\n".encode()
