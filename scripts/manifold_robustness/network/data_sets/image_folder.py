"""A folder of one's own with one folder of images per class."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset, Subset

from ...errors import DataError
from ...names import printable
from ...seeds import generator
from .pictures import read_picture
from .splits import SPLITS

DECLARATION = {
    "title": "a folder of images",
    "settings": ["root", "split_seed", "validation_share", "test_share"],
    "options": {"properties": {}},
    "watched": "root",
    "endings": [".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"],
}


class FolderImages(Dataset):
    """Images in files, read when they are asked for: `samples` are (path, label)."""

    def __init__(
        self, classes: list[str], samples: list[tuple[str, int]], transform: Callable[..., object]
    ):
        self.classes, self.samples, self.transform = classes, samples, transform
        self.targets = [label for _, label in samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, label = self.samples[index]
        return self.transform(read_picture(path)).clamp(0, 1), label


def class_names(settings: dict) -> list[str]:
    """Return the names of the classes' folders, sorted, which is the order of their labels.

    Folders whose names start with a dot are no classes.
    """
    return _folder(settings).classes


def load(settings: dict, split: str) -> Subset:
    """Return one split, drawn per class: ``test_share`` of its images are for testing, and
    ``validation_share`` of the others for validation.

    Raises
    ------
    DataError
        Where the folder is none or holds no folders, or one of these holds no image.
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


def _folder(settings: dict) -> FolderImages:
    from ..torchvision_import import torchvision

    v2 = torchvision.transforms.v2
    size = settings["image_size"]
    transform = v2.Compose(
        [v2.ToImage(), v2.Resize(size), v2.CenterCrop(size), v2.ToDtype(torch.float32, scale=True)]
    )
    root = settings["root"]
    classes = _classes(root)
    samples = torchvision.datasets.folder.make_dataset(
        root,
        {name: label for label, name in enumerate(classes)},
        is_valid_file=lambda path: _is_shown(path, root) and _is_image(path),
        allow_empty=True,
    )
    _require_images(root, classes, {label for _, label in samples})
    return FolderImages(classes, samples, transform)


def _classes(root: str) -> list[str]:
    try:
        folders = [one.name for one in os.scandir(root) if one.is_dir()]
    except OSError as error:
        raise DataError(_none(root, f"none: {error.strerror}")) from error
    classes = sorted(name for name in folders if not name.startswith("."))
    if not classes:
        raise DataError(_none(root, "without any"))
    return classes


def _none(root: str, what: str) -> str:
    return (
        "data.root: need a folder with one folder of images per class. Got "
        f"{printable(str(Path(root).resolve()))}, which is {what}."
    )


def _is_image(path: str) -> bool:
    from ..torchvision_import import torchvision

    return torchvision.datasets.folder.is_image_file(path)


def _is_shown(path: str, root: str) -> bool:
    """Whether neither the file nor a folder of its class is hidden, as editors' copies are."""
    return not any(part.startswith(".") for part in Path(path).relative_to(root).parts)


def _require_images(root: str, classes: list[str], found: set[int]) -> None:
    empty = [printable(name) for label, name in enumerate(classes) if label not in found]
    if empty:
        from ..torchvision_import import torchvision

        endings = ", ".join(torchvision.datasets.folder.IMG_EXTENSIONS)
        raise DataError(
            f"data.root: need images in the folder of every class ({endings}). Got none in "
            f"{', '.join(empty)} of {printable(str(Path(root).resolve()))}; put some there, or "
            "remove the folder."
        )
