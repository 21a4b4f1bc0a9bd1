"""What a file says of its origin, and whether it is whole, read by the standard library alone.

The workflow asks this of every finished file before it plans a run, so it can't wait for HDF5, Zarr
and torch. What the files hold is read in the modules beside this one.
"""

import hashlib
import json
import os
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .atomic import SEAL_LENGTH, STAMP, STAMP_LENGTH, unsealed

METADATA = "zarr.json"
LARGEST_METADATA = 2**22  # bytes of JSON; the names of 1000 classes take less than a hundredth
LARGE = 2**26  # bytes; the chunks of a store that is larger are checked as they are read
HEADER = struct.Struct("<Q")  # of safetensors: the length of the JSON that follows
LONGEST_HEADER = 2**27
# What a file raises in which some bit is another: zipfile and struct know more ways than one.
UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    EOFError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_origin(path: str | Path) -> dict:
    """Return what a file of results says of its origin; an empty dict where it says nothing.

    Parameters
    ----------
    path
        ``*.h5``, ``*.zarr.zip`` or ``*.safetensors``.
    """
    path = Path(path)
    reader = {".h5": _of_sealed, ".zip": _of_store, ".safetensors": _of_weights}[path.suffix]
    try:
        found = reader(path)
    except UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


def damage(path: str | Path) -> str:
    """Return in words how a file of results is damaged; an empty text where it is whole.

    Every byte of it is read, but of a store of more than 64 MiB, whose chunks are checked when
    they are read.

    Parameters
    ----------
    path
        ``*.h5`` or ``*.zarr.zip``. Of other files nothing is known here: weights are checked with
        the files beside them (:func:`~.metrics.require_whole_folder`), and what gathers is by its
        record.
    """
    path = Path(path)
    try:
        if path.suffix == ".h5":
            unsealed(path.read_bytes())
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as store:
                require_plain_members(store.infolist(), path.stat().st_size)
                bad = store.testzip() if path.stat().st_size <= LARGE else None
            if bad:
                return f"the checksum of {bad} in it is not that of its content"
    except UNREADABLE as error:
        return " ".join(str(error).split()) or "it can't be read"
    return ""


def file_sum(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Of a store of more than 64 MiB, that of its directory, which holds the checksums of its parts.
    """
    path = Path(path)
    if path.suffix == ".zip" and path.stat().st_size > LARGE:
        with zipfile.ZipFile(path) as store:
            parts = [(one.filename, one.CRC, one.file_size) for one in store.infolist()]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_plain_members(members: Iterable[zipfile.ZipInfo], length: int) -> None:
    """Raise `ValueError` unless each member lies in the zip file as it is, under a name of its own.

    So none of them takes more memory than the file has bytes. `length` is that of the file.
    """
    members = list(members)
    counts = Counter(member.filename for member in members)
    for member in members:
        name, size = member.filename, member.file_size
        if member.compress_type != zipfile.ZIP_STORED or size != member.compress_size:
            raise ValueError(f"its member {name} is compressed by more than its codec")
        if member.header_offset + size > length:
            raise ValueError(f"its member {name} claims {size} bytes of a file of {length}")
        if counts[name] > 1:
            raise ValueError(f"it holds {name} twice")
        if size > LARGEST_METADATA and name.rpartition("/")[2] == METADATA:
            raise ValueError(f"its member {name} has {size} bytes, more than {LARGEST_METADATA}")


def _of_sealed(path):
    digits = len(STAMP_LENGTH % 0)
    with open(path, "rb") as file:
        end = file.seek(-SEAL_LENGTH - digits, os.SEEK_END)
        length = int(file.read(digits))
        file.seek(end - length - len(STAMP))
        said = file.read(length + len(STAMP))
    if not said.startswith(STAMP):
        raise ValueError("it says nothing of its origin")
    return json.loads(said[len(STAMP) :])


def _of_store(path):
    with zipfile.ZipFile(path) as store:
        require_plain_members(store.infolist(), path.stat().st_size)
        return json.loads(store.read(METADATA))["attributes"]


def _of_weights(path):
    with open(path, "rb") as file:
        (length,) = HEADER.unpack(file.read(HEADER.size))
        if length > LONGEST_HEADER:
            raise ValueError("its header is too long")
        header = json.loads(file.read(length))
    return json.loads(header["__metadata__"]["origin"])
