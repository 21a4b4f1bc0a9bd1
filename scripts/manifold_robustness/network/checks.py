"""What later stages want of the network and the data set, checked before a training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn
from torch.utils.data import Dataset

from ..errors import ConfigurationError, DataError, NetworkError
from ..experiment import Experiment, read_experiment
from ..limits import (
    choose_basis,
    memory_of_other_jobs,
    require_extraction,
    require_geometry,
    require_stores,
    store_bytes,
)
from ..networks import require_layers
from ..wording import listed
from .data_sets import labels_of
from .layers import list_layers


def require_feasible(
    config: dict,
    name: str,
    network: nn.Module,
    test: Dataset,
    classes: Sequence[str],
    folder: str | Path,
) -> None:
    """Refuse an experiment that a later stage would refuse, before hours of training.

    Parameters
    ----------
    config
        The whole configuration.
    name
        Of the network in the configuration.
    network
        On the CPU.
    test
        The test images.
    classes
        Their names.
    folder
        Where the network's results are written.

    Raises
    ------
    ConfigurationError
        For a layer that the network does not have, or layers out of forward order.
    DataError
        For too few classes, or a class with too few test images.
    ResourceError
        Where this machine has too little memory or disk for what later stages do.
    """
    experiment = read_experiment(config)
    layers = list_layers(network, test[0][0].shape)
    require_layers(experiment.networks[name].layers, [layer.name for layer in layers], name)
    _require_guiding(experiment, name, [layer.name for layer in layers])
    _require_images(config["images"], labels_of(test), classes)
    sizes = {layer.name: layer.n_features for layer in layers}
    _require_room(experiment, name, sizes, Path(folder))


def require_accuracy(accuracy: float, name: str, config: dict) -> None:
    """Refuse a training that ended below the test accuracy that is asked of the network `name`.

    The minimum is read from the configuration: as a setting of the job it would train a good
    network again.

    Raises
    ------
    NetworkError
        Names both, and what can be done.
    """
    minimum = read_experiment(config).networks[name].training["min_accuracy"]
    if accuracy < minimum:
        raise NetworkError(
            f"training ended at a test accuracy of {accuracy:.4f}, below training.min_accuracy "
            f"{minimum}; train for longer (training.epochs), mend the recipe, or lower the "
            "minimum, which takes this training as it is"
        )


def _require_guiding(experiment, name, known):
    """Layers that an attack is guided by must be those of the network that it attacks."""
    for family in experiment.families:
        for condition in family.conditions[:1]:
            attacked = condition.attack_from or name
            unknown = [one for one in condition.options.get("layers") or [] if one not in known]
            if attacked == name and unknown:
                raise ConfigurationError(
                    f"config: perturbations, family {family.name}: layers names {listed(unknown)}, "
                    f"which the network {name} does not have; it has {listed(known)}. For networks "
                    "whose layers have other names, leave layers out: then the last before the "
                    "head guides"
                )


def _require_images(images, labels, classes):
    if images["manifolds"] == "exemplar":
        needed = images["n_manifolds"] * images["replicates"]
        if len(labels) < needed:
            raise DataError(
                f"the data set has {len(labels)} test images, but images.n_manifolds "
                f"{images['n_manifolds']} x images.replicates {images['replicates']} exemplars "
                f"need {needed}; lower one of them"
            )
        return
    if images["n_manifolds"] > len(classes):
        raise DataError(
            f"images.n_manifolds is {images['n_manifolds']}, but the data set has "
            f"{len(classes)} classes"
        )
    needed = images["n_points"] * images["replicates"]
    counts = np.bincount(labels, minlength=len(classes))
    for name, count in list(zip(classes, counts, strict=True))[: images["n_manifolds"]]:
        if count < needed:
            raise DataError(
                f"class {name} has {count} test images, but images.n_points "
                f"{images['n_points']} x images.replicates {images['replicates']} needs {needed}; "
                "lower one of them"
            )


def _require_room(experiment: Experiment, name: str, sizes: dict[str, int], folder: Path):
    config, network = experiment.config, experiment.networks[name]
    images, setting = config["images"], config["activations"]["basis"]
    shape = [images[key] for key in ("replicates", "n_manifolds", "n_points")]
    bases = {layer: choose_basis(setting, sizes[layer], *shape[1:]) for layer in network.layers}
    memory = memory_of_other_jobs()
    require_extraction(sizes, bases, shape, memory)
    for layer in network.analysed:
        width = shape[1] * shape[2] if bases[layer] == "span" else sizes[layer]
        require_geometry(shape, width, config["geometry"], memory)
    needed = 0
    for layer in network.layers:
        size = store_bytes(bases[layer], sizes[layer], *shape)
        for condition in experiment.measured:
            written = folder / "activations" / condition / f"{layer}.zarr.zip"
            needed += size - (written.stat().st_size if written.exists() else 0)
    n_conditions = len(experiment.measured)
    what = f"the activations of {len(network.layers)} layers under {n_conditions} conditions"
    require_stores(needed, folder, what)
