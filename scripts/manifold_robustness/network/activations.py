"""Activations of chosen layers: a forward pass per replicate or manifold, one store per layer.

A layer's output is written as its hook fires, rotated into the span of its points where that makes
it smaller, so that the memory in use is that of one layer, however many are kept.
"""

import logging
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import ResourceError
from ..files.stores import activations_spec, create_stores
from ..limits import (
    available_memory,
    choose_basis,
    require_extraction,
    require_stores,
    store_bytes,
)
from ..lineage import Origin
from ..networks import require_layers
from .layers import INPUT, keep_outputs, list_layers, reference_labels

logger = logging.getLogger(__name__)


def span_coordinates(points: torch.Tensor) -> torch.Tensor:
    """Return exact coordinates of points in their own span.

    With X the (n_features, n) matrix of points and X = Q R its QR decomposition, the columns of R
    are the points in an orthonormal basis of their span: all inner products are those of X.

    Parameters
    ----------
    points : torch.Tensor (n, n_features)

    Returns
    -------
    torch.Tensor, float64 (n, min(n, n_features))
        NaN throughout where a point is not finite.

    Examples
    --------
    >>> x = torch.randn(3, 50, dtype=torch.float64)
    >>> y = span_coordinates(x)
    >>> bool(torch.allclose(x @ x.T, y @ y.T)), tuple(y.shape)
    (True, (3, 3))
    """
    points = points.to(torch.float64)
    if not torch.isfinite(points).all():
        return torch.full((len(points), min(points.shape)), torch.nan, dtype=torch.float64)
    return torch.linalg.qr(points.T, mode="r").R.T


def extract_activations(
    network: nn.Module,
    images: np.ndarray,
    paths: dict[str, str | Path],
    basis: str,
    origin: Origin,
    attributes: dict,
    device: torch.device,
) -> None:
    """Write the activations of layers for all replicates, one Zarr store per layer.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode, on `device`.
    images : ndarray, float32 (replicates, n_manifolds, n_points, channels, height, width)
    paths : dict of str to path
        By layer (a module's path, or ``input`` for the pixels), where its store is written:
        array ``activations`` of shape (replicates, n_manifolds, n_points, n_features), n_features
        being that of `basis`, and the attribute ``n_features``, the layer's own.
    basis : {"auto", "features"}
        Coordinates in the span of a replicate's points (float64) where
        :func:`~manifold_robustness.limits.choose_basis` says so, or the features (float32), a
        chunk per manifold. Where no layer is rotated, images pass a manifold at a time, else a
        replicate at a time.
    origin : Origin
        The stores' network and condition, and what they are made from.
    attributes : dict
        What else describes them.
    device : torch.device

    Raises
    ------
    ConfigurationError
        For a layer that the network does not have, or layers out of forward order.
    ResourceError
        Where that takes more memory or disk than there is.
    """
    layers, labels = list(paths), reference_labels(network)
    known = list_layers(network, images.shape[3:])
    require_layers(layers, [layer.name for layer in known], origin.network)
    sizes = {layer.name: layer.n_features for layer in known}
    bases = {layer: choose_basis(basis, sizes[layer], *images.shape[1:3]) for layer in layers}
    require_extraction(sizes, bases, images.shape[:3], available_memory())
    room = sum(store_bytes(bases[layer], sizes[layer], *images.shape[:3]) for layer in layers)
    require_stores(room, Path(paths[layers[0]]).parent, "the activations of one condition")
    stores = {
        layer: (
            paths[layer],
            {"activations": activations_spec(images.shape[:3], sizes[layer], bases[layer])},
            origin.at(layer=layer),
            {
                **attributes,
                "layer_label": labels[layer],
                "basis": bases[layer],
                "n_features": sizes[layer],
            },
        )
        for layer in layers
    }
    with create_stores(stores) as arrays:
        for replicate, batch in enumerate(images):
            for manifolds in _passes(len(batch), bases):

                def keep(layer, output, place=(replicate, manifolds)):
                    _write(arrays[layer]["activations"], place, output, bases[layer])

                _forward(network, _flat_images(batch[manifolds]), layers, keep, device)
            logger.info("replicate %d of %d is written", replicate + 1, len(images))


def _passes(n_manifolds, bases):
    """The manifolds that pass through the network together: a rotation needs them all."""
    if "span" in bases.values():
        return [slice(0, n_manifolds)]
    return [slice(manifold, manifold + 1) for manifold in range(n_manifolds)]


def _write(array, place, output, basis):
    replicate, manifolds = place
    output = output.cpu()  # the rotation too is the CPU's: few GPUs are quick in float64
    if basis == "span":
        output = span_coordinates(output)
    values = output.numpy().reshape(-1, *array.shape[2:])
    if basis == "span":
        array[replicate] = values
        return
    for manifold, points in enumerate(values, start=manifolds.start):
        array[replicate, manifold] = points  # a chunk at a time: stores.create_store


def _flat_images(images):
    return torch.from_numpy(np.ascontiguousarray(images).reshape(-1, *images.shape[-3:]))


def _forward(network, images, layers, keep, device):
    """Run one forward pass and call ``keep(layer, output)`` with each layer's flattened output."""
    images = images.to(device)

    def keep_flat(layer, output):
        keep(layer, output.flatten(1))

    try:
        with torch.inference_mode(), keep_outputs(network, layers, keep_flat):
            if INPUT in layers:
                keep_flat(INPUT, images)
            network(images)
    except torch.OutOfMemoryError as error:
        raise ResourceError(
            f"{len(images)} images at once are too many for the memory of {device}; set "
            "activations.basis to features, or lower images.n_points or images.n_manifolds"
        ) from error
