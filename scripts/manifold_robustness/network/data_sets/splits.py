"""The parts of a data set: their names, and how a data set is cut into them."""

import torch
from torch.utils.data import Dataset, Subset

SPLITS = ("train", "validation", "test")


def training_part(data: Dataset, settings: dict, split: str) -> Subset:
    """Return the ``train`` or ``validation`` part of a training set that is cut in two at random.

    The cut is torch's ``random_split`` with the seed ``split_seed``; ``validation_share`` of the
    images are for validation.

    >>> part = training_part(range(10), {"validation_share": 0.2, "split_seed": 0}, "validation")
    >>> len(part)
    2
    """
    n_validation = round(settings["validation_share"] * len(data))
    sizes = [len(data) - n_validation, n_validation]
    seeded = torch.Generator().manual_seed(settings["split_seed"])
    parts = torch.utils.data.random_split(data, sizes, generator=seeded)
    return parts[SPLITS.index(split)]
