"""The Zarr stores of images and activations: schemas, whole writing, checked reading.

A store is one zip file. Each chunk is checked by its CRC-32 as it is read, and a chunk that is
missing is an error, not zeros. Zarr itself writes, and is loaded for that alone (see
:mod:`~manifold_robustness.files.chunks` for the reading).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import StoreError
from ..limits import MANY
from ..lineage import Origin, how_to_rebuild, require_origin
from .atomic import written_beside
from .chunks import ChunkedArray, read_metadata
from .stamps import UNREADABLE
from .zips import PlainZip, remove_times

if TYPE_CHECKING:
    import zarr

SCHEMA_VERSION = 3


@dataclass(frozen=True)
class ArraySpec:
    """One array of a store: its shape, type, chunks, the names of its axes, and its unit."""

    shape: tuple
    dtype: str
    dimensions: tuple
    chunks: tuple | None = None
    units: str = "1"


def activations_spec(
    shape: tuple[int, int, int], n_features: int, basis: str, dtype: str = "float32"
) -> ArraySpec:
    """Return the array of a layer's activations: (replicates, n_manifolds, n_points, features).

    Of the basis ``span``, coordinates in double precision, a chunk per replicate; of ``features``,
    those of the type `dtype`, a chunk per manifold.
    """
    n_manifolds, n_points = shape[1:]
    dimensions = ("replicate", "manifold", "point", "feature")
    if basis == "span":
        kept = n_manifolds * n_points
        return ArraySpec((*shape, kept), "float64", dimensions, (1, n_manifolds, n_points, kept))
    return ArraySpec((*shape, n_features), dtype, dimensions, (1, 1, n_points, n_features))


@contextmanager
def create_store(
    path: str | Path, specs: dict[str, ArraySpec], origin: Origin, attributes: dict
) -> Iterator[dict[str, "zarr.Array"]]:
    """Give a dict of empty Zarr arrays; the file stands at `path` when all of them were written.

    Write a chunk at a time: of several at once Zarr goes on with the others after one has failed,
    and opens the file again for them.

    Parameters
    ----------
    path : path
        ``*.zarr.zip``.
    specs : dict of str to ArraySpec
    origin : Origin
        Where the store belongs, and what it was made from.
    attributes : dict
        What else describes it; JSON values.
    """
    import zarr
    from zarr.storage import ZipStore

    software = {"numpy": np.__version__, "zarr": zarr.__version__}
    with written_beside(path) as partial:
        with ZipStore(partial, mode="w", compression=0) as store:
            written = {"software": software, "schema_version": SCHEMA_VERSION}
            group = zarr.create_group(
                store, attributes={**attributes, **origin.attributes(), **written}
            )
            yield {name: _create_array(group, name, spec) for name, spec in specs.items()}
        remove_times(partial)


@contextmanager
def create_stores(
    stores: dict[str, tuple[str | Path, dict[str, ArraySpec], Origin, dict]],
) -> Iterator[dict[str, dict[str, "zarr.Array"]]]:
    """Give the arrays of several stores at once, in a dict by key: see :func:`create_store`.

    `stores` maps a key to the arguments (path, specs, origin, attributes).
    """
    with ExitStack() as stack:
        yield {
            key: stack.enter_context(create_store(*arguments)) for key, arguments in stores.items()
        }


def read_store(path: str | Path, names: Sequence[str], wanted: Origin) -> tuple[list, dict]:
    """Return arrays of a store, with every chunk checked, and the store's attributes.

    Raises
    ------
    StoreError
        For a file that is missing, truncated, damaged, of another schema, or not of the origin
        `wanted`; says how to rebuild it.
    """
    with _opened(path, wanted) as (file, attributes):
        return [ChunkedArray(file, name).read() for name in names], attributes


class StoredArray(Sequence):
    """An array of a store, read part by part: the items of its items are.

    Each part is checked as :func:`read_store` checks it; none is kept.

    Parameters
    ----------
    path : path
    name : str
    wanted : Origin
    shape : tuple of int
    place : tuple of int
        Of an item: its place in the whole.
    """

    def __init__(
        self,
        path: str | Path,
        name: str,
        wanted: Origin,
        shape: tuple[int, ...],
        place: tuple[int, ...] = (),
    ):
        self._path, self._name, self._wanted = path, name, wanted
        self.shape, self._place = shape, place

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> "StoredArray | np.ndarray":
        place = (*self._place, range(len(self))[index])
        if self._place:
            with _opened(self._path, self._wanted) as (file, _):
                return ChunkedArray(file, self._name).read(place)
        return StoredArray(self._path, self._name, self._wanted, self.shape[1:], place)


def read_points(path: str | Path, wanted: Origin) -> tuple[np.ndarray | StoredArray, dict]:
    """Return the activations of a store (replicates, n_manifolds, n_points, n_features), and the
    store's attributes.

    Where they are many, those of a manifold are read when they are asked for. Errors are those of
    :func:`read_store`.
    """
    name = "activations"
    with _opened(path, wanted) as (file, attributes):
        array = ChunkedArray(file, name)
        if prod(array.shape) > MANY:
            return StoredArray(path, name, wanted, array.shape), attributes
        return array.read(), attributes


def _create_array(group, name, spec):
    from zarr.codecs import BloscCodec

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
def _opened(path, wanted):
    if not Path(path).is_file():
        raise StoreError(f"{path} does not exist; {how_to_rebuild(path)}")
    try:
        with PlainZip(path) as file:
            attributes = read_metadata(file, "group")["attributes"]
            version = attributes.get("schema_version")
            if version != SCHEMA_VERSION:
                raise ValueError(f"its schema version is {version}, not {SCHEMA_VERSION}")
            require_origin(path, attributes, wanted)
            yield file, attributes
    except StoreError:
        raise
    except UNREADABLE as error:
        raise StoreError(
            f"{path} is truncated, damaged or not ours ({error}); {how_to_rebuild(path)}"
        ) from error
