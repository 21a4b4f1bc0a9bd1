"""The Zarr stores of images and activations: schemas, whole writing, checked reading.

A store is one zip file. Each chunk is checked by its CRC-32 as it is read, and a chunk that is
missing is an error, not zeros.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec
from zarr.storage import ZipStore

from ..errors import StoreError
from ..limits import MANY
from .atomic import written_beside

SCHEMA_VERSION = 1
DAMAGE = (OSError, KeyError, ValueError, RuntimeError, EOFError, zlib.error, zipfile.BadZipFile)


@dataclass(frozen=True)
class ArraySpec:
    """One array of a store: its shape, type, chunks, the names of its axes, and its unit."""

    shape: tuple
    dtype: str
    dimensions: tuple
    chunks: tuple | None = None
    units: str = "1"


@contextmanager
def create_store(
    path: str | Path, specs: dict[str, ArraySpec], attributes: dict
) -> Iterator[dict[str, zarr.Array]]:
    """Give a dict of empty Zarr arrays; the file stands at `path` when all of them were written.

    Write a chunk at a time: of several at once Zarr goes on with the others after one has failed,
    and opens the file again for them.

    Parameters
    ----------
    path : path
        ``*.zarr.zip``.
    specs : dict of str to ArraySpec
    attributes : dict
        Provenance; JSON values.
    """
    with written_beside(path) as partial, ZipStore(partial, mode="w", compression=0) as store:
        group = zarr.create_group(
            store, attributes={**attributes, "schema_version": SCHEMA_VERSION}
        )
        yield {name: _create_array(group, name, spec) for name, spec in specs.items()}


@contextmanager
def create_stores(
    stores: dict[str, tuple[str | Path, dict[str, ArraySpec], dict]],
) -> Iterator[dict[str, dict[str, zarr.Array]]]:
    """Give the arrays of several stores at once, in a dict by key: see :func:`create_store`.

    `stores` maps a key to the arguments (path, specs, attributes).
    """
    with ExitStack() as stack:
        yield {
            key: stack.enter_context(create_store(*arguments)) for key, arguments in stores.items()
        }


def read_attributes(path: str | Path) -> dict:
    """Return a store's attributes."""
    with _opened(path) as group:
        return dict(group.attrs)


def read_array(
    path: str | Path, name: str, selection: int | slice | tuple | EllipsisType = ...
) -> np.ndarray:
    """Return one array of a store, or a part of it, with every chunk checked.

    Raises
    ------
    StoreError
        For a file that is missing, truncated, damaged or of another schema; says how to rebuild it.
    """
    with _opened(path) as group:
        return np.asarray(_checked(group, name)[selection])


def _checked(group, name):
    if name not in group:
        raise KeyError(f"it holds no array {name}")
    array = group[name]
    if array.nchunks_initialized != array.nchunks:
        raise KeyError(f"{array.nchunks - array.nchunks_initialized} chunks of {name} are missing")
    return array


class StoredArray(Sequence):
    """An array of a store, read part by part: the items of its items are.

    Each part is checked as :func:`read_array` checks it; none is kept.

    Parameters
    ----------
    path : path
    name : str
    shape : tuple of int
    place : tuple of int
        Of an item: its place in the whole.
    """

    def __init__(
        self,
        path: str | Path,
        name: str,
        shape: tuple[int, ...],
        place: tuple[int, ...] = (),
    ):
        self._path, self._name, self.shape, self._place = path, name, shape, place

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> "StoredArray | np.ndarray":
        place = (*self._place, range(len(self))[index])
        if self._place:
            return read_array(self._path, self._name, place)
        return StoredArray(self._path, self._name, self.shape[1:], place)


def read_points(path: str | Path) -> tuple[np.ndarray | StoredArray, dict]:
    """Return the activations of a store (replicates, n_manifolds, n_points, n_features), and the
    store's attributes.

    Where they are many, those of a manifold are read when they are asked for.
    """
    name = "activations"
    with _opened(path) as group:
        array, attributes = _checked(group, name), dict(group.attrs)
        if array.size > MANY:
            return StoredArray(path, name, array.shape), attributes
        return np.asarray(array[...]), attributes


def provenance(weights: str | Path | None = None, **settings: Any) -> dict:
    """Return attributes that say what made a store: settings, software, SHA-256 of the weights."""
    found = {"settings": settings, "software": {"numpy": np.__version__, "zarr": zarr.__version__}}
    if weights is not None:
        found["weights_sha256"] = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    return json.loads(json.dumps(found))


def _create_array(group, name, spec):
    return group.create_array(
        name,
        shape=spec.shape,
        dtype=spec.dtype,
        chunks=spec.chunks or spec.shape,
        dimension_names=spec.dimensions,
        attributes={"units": spec.units},
        compressors=BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"),
        config={"write_empty_chunks": True},  # so that a missing chunk is a lost one
    )


@contextmanager
def _opened(path):
    if not Path(path).is_file():
        raise StoreError(f"{path} does not exist; {how_to_rebuild(path)}")
    try:
        zipfile.ZipFile(path).close()  # of one that is cut short zarr says nothing useful
        with ZipStore(path, mode="r") as store:
            group = zarr.open_group(store, mode="r")
            version = group.attrs.get("schema_version")
            if version != SCHEMA_VERSION:
                raise ValueError(f"its schema version is {version}, not {SCHEMA_VERSION}")
            yield group
    except StoreError:
        raise
    except DAMAGE as error:
        raise StoreError(
            f"{path} is truncated, damaged or not ours ({error}); {how_to_rebuild(path)}"
        ) from error


def how_to_rebuild(path: str | Path) -> str:
    """Return the sentence that says how to make a file again."""
    return f"rebuild it with: rm -f '{path}', then the same snakemake (or make) command again"
