"""A folder of one's own with one folder of images per class."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset, Subset

from ...errors import DataError
from ...seeds import generator
from .splits import SPLITS

DECLARATION = {
    "title": "a folder of images",
    "settings": ["root", "split_seed", "validation_share", "test_share"],
    "options": {"properties": {}},
    "watched": "root",
}


def class_names(settings: dict) -> list[str]:
    """Return the names of the classes' folders, sorted, which is the order of their labels."""
    return _folder(settings).classes


def load(settings: dict, split: str) -> Subset:
    """Return one split, drawn per class: ``test_share`` of its images are for testing, and
    ``validation_share`` of the others for validation.

    Raises
    ------
    DataError
        Where the folder is none, or holds no folders of images.
    """
    data = _folder(settings)
    parts = ([], [], [])
    for label in range(len(data.classes)):
        members = np.flatnonzero(np.asarray(data.targets) == label)
        members = generator(settings["split_seed"], "folder split", label).permutation(members)
        n_test = round(settings["test_share"] * len(members))
        n_validation = round(settings["validation_share"] * (len(members) - n_test))
        cuts = np.split(members, [n_test, n_test + n_validation])
        for part, chosen in zip(parts, (cuts[2], cuts[1], cuts[0]), strict=True):
            part.extend(chosen)
    return Subset(data, np.sort(parts[SPLITS.index(split)]).tolist())


def _folder(settings: dict) -> Dataset:
    from ..torchvision_import import torchvision

    v2 = torchvision.transforms.v2
    size = settings["image_size"]
    transform = v2.Compose(
        [v2.ToImage(), v2.Resize(size), v2.CenterCrop(size), v2.ToDtype(torch.float32, scale=True)]
    )
    try:
        return torchvision.datasets.ImageFolder(settings["root"], transform, loader=_read_rgb)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(
            f"data.root: need a folder with one folder of images per class. Got "
            f"{Path(settings['root']).resolve()}, which is none: {error}"
        ) from error


def _read_rgb(path: str) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except OSError as error:
        raise DataError(
            f"data.root: need images that can be read. Got {path} ({error}); mend or remove it."
        ) from error
