"""What later stages want of the network and the data set, checked before a training."""

import numpy as np

from ..errors import DataError
from .data_sets import labels_of
from .layers import check_layers, list_layers


def check_experiment(config, model, test, classes):
    """Check the layers, classes and test images that a configuration asks for.

    Parameters
    ----------
    config : dict
        The whole configuration; ``activations.layers`` and ``images`` are read.
    model : torch.nn.Module
        On the CPU.
    test : torch.utils.data.Dataset
        The test images.
    classes : list of str

    Raises
    ------
    ConfigurationError
        For a layer that the network does not have, or layers out of forward order.
    DataError
        For too few classes, or a class with too few test images.
    """
    check_layers(config["activations"]["layers"], list_layers(model, test[0][0].shape))
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
