"""What later stages want of the network and the data set, checked before a training."""

from pathlib import Path

import numpy as np

from ..conditions import list_conditions
from ..configuration import select_layers
from ..errors import DataError
from ..limits import (
    choose_basis,
    memory_of_other_jobs,
    require_extraction,
    require_geometry,
    require_stores,
    store_bytes,
)
from .data_sets import labels_of
from .layers import check_layers, list_layers


def check_experiment(config, model, test, classes, folder):
    """Check the layers, classes and test images that a configuration asks for.

    Parameters
    ----------
    config : dict
        The whole configuration.
    model : torch.nn.Module
        On the CPU.
    test : torch.utils.data.Dataset
        The test images.
    classes : list of str
    folder : path
        Where the results are written.

    Raises
    ------
    ConfigurationError
        For a layer that the network does not have, or layers out of forward order.
    DataError
        For too few classes, or a class with too few test images.
    ResourceError
        Where this machine has too little memory or disk for what later stages do.
    """
    layers = list_layers(model, test[0][0].shape)
    check_layers(config["activations"]["layers"], layers)
    _check_images(config, test, classes)
    _check_room(config, {layer.name: layer.n_features for layer in layers}, Path(folder))


def _check_images(config, test, classes):
    images = config["images"]
    if images["n_manifolds"] > len(classes):
        raise DataError(
            f"images.n_manifolds is {images['n_manifolds']}, but the data set has "
            f"{len(classes)} classes"
        )
    needed = images["n_points"] * images["replicates"]
    counts = np.bincount(labels_of(test), minlength=len(classes))
    for name, count in list(zip(classes, counts, strict=True))[: images["n_manifolds"]]:
        if count < needed:
            raise DataError(
                f"class {name} has {count} test images, but images.n_points "
                f"{images['n_points']} x images.replicates {images['replicates']} needs {needed}; "
                "lower one of them"
            )


def _check_room(config, sizes, folder):
    images, setting = config["images"], config["activations"]["basis"]
    layers = config["activations"]["layers"]
    shape = [images[key] for key in ("replicates", "n_manifolds", "n_points")]
    bases = {layer: choose_basis(setting, sizes[layer], *shape[1:]) for layer in layers}
    memory = memory_of_other_jobs()
    require_extraction(sizes, bases, shape, memory)
    for layer in select_layers(config["geometry"]["layers"], layers):
        width = shape[1] * shape[2] if bases[layer] == "span" else sizes[layer]
        require_geometry(shape, width, config["geometry"]["simulate"], memory)
    needed, conditions = 0, list_conditions(config["perturbations"])
    for layer in layers:
        size = store_bytes(bases[layer], sizes[layer], *shape)
        for condition in conditions:
            written = folder / "activations" / condition.name / f"{layer}.zarr.zip"
            needed += size - (written.stat().st_size if written.exists() else 0)
    what = f"the activations of {len(layers)} layers under {len(conditions)} conditions"
    require_stores(needed, folder, what)
