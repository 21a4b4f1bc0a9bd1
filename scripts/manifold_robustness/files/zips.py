"""The zip files that stores are: free of times, and refused where a chunk would inflate.

Zarr trusts the header of a compressed chunk: a few bytes that claim two gigabytes take them before
anybody compares them with the array's shape. So headers are compared before a chunk is read.
"""

import os
import struct
import zipfile
from math import prod
from pathlib import Path

import zarr
from zarr.codecs import BloscCodec, BytesCodec
from zarr.storage import ZipStore

from .stamps import METADATA, require_plain_members

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip file can say
DATE = struct.pack("<HH", 0, 1 << 5 | 1)  # the same as a header has it: the time, then the date
DATE_PLACE = 10  # in a local header
LENGTHS = struct.Struct("<26xHH")  # a local header; at its end those of the name and the rest
INFLATED = struct.Struct("<4xI8x")  # in the header of a Blosc chunk: the bytes that come out


def remove_times(path: str | Path) -> None:
    """Set the time of every member of a zip file to the first one that there is, in place.

    So that files of the same content are the same bytes, whenever they were written.
    """
    with zipfile.ZipFile(path, "a") as file, open(path, "r+b") as raw:
        for member in file.infolist():
            member.date_time = EPOCH
            raw.seek(member.header_offset + DATE_PLACE)
            raw.write(DATE)
        file.comment = b""  # setting it has the directory written again, with these times


class PlainZipStore(ZipStore):
    """A zip file to read, whose members lie in it as they are, each under a name of its own.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    claims : dict of str to int
        By the name of each member that is long enough to be a chunk: the bytes that it would
        inflate to, as its header says.

    Raises
    ------
    ValueError
        For a member that is compressed, longer than the file, or there twice; for metadata of no
        reasonable size.
    """

    def __init__(self, path: str | Path):
        super().__init__(path, mode="r")
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
        require_plain_members(members, os.path.getsize(path))
        with open(path, "rb", buffering=0) as raw:
            self.claims = {
                member.filename: _inflated_size(raw, member)
                for member in members
                if member.file_size >= INFLATED.size
            }


def require_whole_chunks(array: zarr.Array) -> None:
    """Raise `ValueError` for an array of a :class:`PlainZipStore` that is not as its shape says.

    Its codecs are those that stores are written with, its chunks divide its shape, and the header
    of each says the bytes of a chunk. No chunk is read.
    """
    name, shape, chunks = array.path, array.shape, array.chunks
    codecs = getattr(array.metadata, "codecs", ())
    if [type(codec) for codec in codecs] != [BytesCodec, BloscCodec]:
        raise ValueError(f"{name} is kept by other codecs than bytes and Blosc")
    if any(part < 1 or whole % part for whole, part in zip(shape, chunks, strict=True)):
        raise ValueError(f"chunks of shape {chunks} do not divide {name} of shape {shape}")
    own = {
        member: claimed
        for member, claimed in array.store.claims.items()
        if member.startswith(f"{name}/") and not _is_metadata(member)
    }
    if array.nchunks > len(own):
        raise ValueError(f"{array.nchunks - len(own)} chunks of {name} are missing")
    expected = prod(chunks) * array.dtype.itemsize
    for member, claimed in own.items():
        if claimed != expected:
            raise ValueError(
                f"{member} claims {claimed} bytes, and a chunk of shape {chunks} has {expected}"
            )


def _is_metadata(name):
    return name.rpartition("/")[2] == METADATA


def _inflated_size(raw, member):
    """What a member's header says if it is a chunk; of what is none, any number."""
    lengths = _read(raw, member, member.header_offset, LENGTHS)
    start = member.header_offset + LENGTHS.size + sum(lengths)
    return _read(raw, member, start, INFLATED)[0]


def _read(raw, member, place, form):
    raw.seek(place)
    content = raw.read(form.size)
    if len(content) < form.size:
        raise ValueError(f"its member {member.filename} lies beyond its end")
    return form.unpack(content)
