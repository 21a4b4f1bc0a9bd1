"""Activations that others recorded, drawn and stored as those of a network."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .errors import DataError
from .files.recordings import read_recording
from .files.stamps import file_sum
from .files.stores import activations_spec, create_store
from .limits import choose_basis, require_stores, store_bytes
from .lineage import IMPORT, Origin, recording_key

logger = logging.getLogger(__name__)


def import_activations(
    recordings: Mapping[str, str | Path],
    stores: Mapping[str, str | Path],
    shape: tuple[int, int, int],
    basis: str,
    seed: int,
    origin: Origin,
) -> None:
    """Write a store of activations for each recorded layer under one condition.

    Disjoint draws of points from the first manifolds of each file, at random by the seed. Of files
    with as many points, the same places are drawn, whichever layer and condition: replicates are
    paired over conditions, as those of images are.

    Parameters
    ----------
    recordings
        By layer, the ``.npy`` file (n_manifolds, n_points, n_features).
    stores
        By layer, where its store is written.
    shape : (replicates, n_manifolds, n_points)
        What is drawn.
    basis : {"auto", "features"}
        See :func:`~.limits.choose_basis`.
    seed
    origin
        The stores' network and condition.

    Raises
    ------
    DataError
        For a file that can't be read or has too few manifolds or points, and for numbers that are
        not finite.
    ResourceError
        Where the disk has no room.
    """
    replicates, n_manifolds, n_points = shape
    for layer, path in recordings.items():
        recording = read_recording(path)
        if len(recording.clouds) < n_manifolds:
            raise DataError(
                f"Need {n_manifolds} manifolds (images.n_manifolds). Got {len(recording.clouds)} "
                f"in {path}; lower it."
            )
        clouds = recording.first(n_manifolds)
        points = np.stack([one.stacked() for one in clouds.drawn(n_points, replicates, seed)])
        if not np.isfinite(points).all():
            raise DataError(f"Need numbers that are finite. {path} holds others.")
        n_features = points.shape[-1]
        chosen = choose_basis(basis, n_features, n_manifolds, n_points)
        needed = store_bytes(chosen, n_features, *shape)
        require_stores(needed, Path(stores[layer]).parent, f"the activations of {layer}")
        of_layer = origin.at(layer=layer).with_content(
            IMPORT, **{recording_key(layer, origin.condition): file_sum(path)}
        )
        described = {
            "manifold_class": [list(clouds.names)] * replicates,
            "layer_label": layer,
            "basis": chosen,
            "n_features": n_features,
        }
        kind = "float32" if points.dtype == np.float32 else "float64"
        specs = {"activations": activations_spec(shape, n_features, chosen, kind)}
        with create_store(stores[layer], specs, of_layer, described) as arrays:
            for replicate, one in enumerate(points):
                _write(arrays["activations"], replicate, one, chosen)
        logger.info("%s is written", layer)


def _write(array, replicate, points, basis):
    if basis == "span":
        flat = points.reshape(-1, points.shape[-1]).astype(float)
        coordinates = np.linalg.qr(flat.T, mode="r").T
        array[replicate] = coordinates.reshape(array.shape[1:])
        return
    for manifold, own in enumerate(points):
        array[replicate, manifold] = own  # a chunk at a time: stores.create_store
