"""The arrays of a store, read as its writer made them, without Zarr.

Zarr takes longer to load than the arrays of most jobs take to read. What is written here is a small
part of what it knows: regular chunks, of numbers in the order of C, packed by Blosc. So the few
lines below read them, and refuse what is anything else. The stores are Zarr's, version 3 of its
specification, [1]_ and open with it.

References
----------
.. [1] https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html
"""

import json
from math import prod

import numpy as np
from numcodecs import blosc

from .stamps import METADATA
from .zips import PlainZip

TYPES = ("float32", "float64", "int64")  # those of stores; Zarr's names are NumPy's
# How every chunk of a store is found; where it says nothing else.
CHUNK_KEYS = {"name": "default", "configuration": {"separator": "/"}}
LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}


def read_metadata(file: PlainZip, node: str, name: str = "") -> dict:
    """Return what a store's group, or an array in it, says of itself.

    Raises
    ------
    ValueError, LookupError
        Where it is not there, or no `node` ("group" or "array") of version 3 of Zarr.
    """
    found = json.loads(file.read(f"{name}/{METADATA}".lstrip("/")))
    if (found["zarr_format"], found["node_type"]) != (3, node):
        raise ValueError(f"{name or 'it'} is no {node} of version 3 of Zarr")
    return found


class ChunkedArray:
    """An array of a store, in chunks, all of them there and as long as its shape says.

    No chunk is read before it is asked for.

    Parameters
    ----------
    file : PlainZip
    name : str

    Attributes
    ----------
    shape : tuple of int

    Raises
    ------
    ValueError, LookupError
        For an array that is not there, that is written in another way, or whose chunks do not
        divide its shape, are missing, or claim another size.
    """

    def __init__(self, file: PlainZip, name: str):
        if f"{name}/{METADATA}" not in file.NameToInfo:
            raise KeyError(f"it holds no array {name}")
        found = read_metadata(file, "array", name)
        self._file, self._name = file, name
        self.shape = tuple(found["shape"])
        self._chunks = tuple(found["chunk_grid"]["configuration"]["chunk_shape"])
        _require_known(found, name)
        self._dtype = np.dtype(found["data_type"]).newbyteorder("<")
        self._require_chunks()

    def read(self, place: tuple[int, ...] = ()) -> np.ndarray:
        """Return the whole array, or the part at a place of its leading axes."""
        leading = len(place)
        start = tuple(i // size for i, size in zip(place, self._chunks, strict=False))
        inside = tuple(i % size for i, size in zip(place, self._chunks, strict=False))
        sizes = self._chunks[leading:]
        values = np.empty(self.shape[leading:], self._dtype.newbyteorder("="))
        for rest in np.ndindex(*self._counts()[leading:]):
            part = tuple(
                slice(i * size, (i + 1) * size) for i, size in zip(rest, sizes, strict=True)
            )
            values[part] = self._chunk((*start, *rest))[inside]
        return values

    def _chunk(self, place):
        packed = self._file.read(self._key(place))
        return np.frombuffer(blosc.decompress(packed), self._dtype).reshape(self._chunks)

    def _key(self, place):
        return "/".join(map(str, (self._name, "c", *place)))

    def _counts(self):
        return tuple(whole // part for whole, part in zip(self.shape, self._chunks, strict=True))

    def _require_chunks(self):
        name, shape, chunks = self._name, self.shape, self._chunks
        if any(part < 1 or whole % part for whole, part in zip(shape, chunks, strict=True)):
            raise ValueError(f"chunks of shape {chunks} do not divide {name} of shape {shape}")
        claims = self._file.claims
        held = sum(member.startswith(f"{name}/c/") for member in claims)
        missing = prod(self._counts()) - held
        if missing <= 0:  # else they may be too many to count
            keys = [self._key(place) for place in np.ndindex(*self._counts())]
            missing = sum(key not in claims for key in keys)
        if missing:
            raise ValueError(f"{missing} chunks of {name} are missing")
        expected = prod(chunks) * self._dtype.itemsize
        for key, claimed in ((key, claims[key]) for key in keys):
            if claimed != expected:
                raise ValueError(
                    f"{key} claims {claimed} bytes, and a chunk of shape {chunks} has {expected}"
                )


def _require_known(found, name):
    """Raise `ValueError` for an array that is kept in another way than the writer's."""
    if found["data_type"] not in TYPES:
        raise ValueError(f"{name} holds {found['data_type']}, none of {', '.join(TYPES)}")
    codecs = found["codecs"]
    if [one["name"] for one in codecs] != ["bytes", "blosc"] or codecs[0] != LITTLE:
        raise ValueError(f"{name} is kept by other codecs than bytes and Blosc")
    ways = (found["chunk_grid"]["name"], found["chunk_key_encoding"])
    if ways != ("regular", CHUNK_KEYS) or found.get("storage_transformers"):
        raise ValueError(f"{name} is kept in other chunks than regular ones, or elsewhere")
