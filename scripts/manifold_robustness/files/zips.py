"""The zip files that stores are: free of times, and refused where a chunk would inflate.

Who unpacks a chunk trusts its header: a few bytes that claim two gigabytes take them before anybody
compares them with the array's shape. So headers are compared before a chunk is read.
"""

import os
import struct
import zipfile
from pathlib import Path

from .stamps import require_plain_members

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


class PlainZip(zipfile.ZipFile):
    """A zip file to read, whose members lie in it as they are, each under a name of its own.

    A member's CRC-32 is checked as it is read.

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
        super().__init__(path)
        members = self.infolist()
        require_plain_members(members, os.path.getsize(path))
        with open(path, "rb", buffering=0) as raw:
            self.claims = {
                member.filename: _inflated_size(raw, member)
                for member in members
                if member.file_size >= INFLATED.size
            }


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
