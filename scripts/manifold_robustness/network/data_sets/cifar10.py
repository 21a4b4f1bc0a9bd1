"""CIFAR-10: 60,000 photographs of 32 x 32 pixels, ten classes; downloaded where it is missing."""

from pathlib import Path

import torch
from torch.utils.data import Dataset

from ...errors import DataError
from .arrays import ArrayImages, resized
from .splits import training_part

DECLARATION = {
    "title": "CIFAR-10",
    "settings": ["root", "split_seed", "validation_share"],
    "options": {"properties": {}},
    "n_classes": 10,
    "n_test": 1000,
}
CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"


def class_names(settings: dict) -> list[str]:
    """Return the names of the classes, in the order of their labels."""
    return CLASSES.split()


def load(settings: dict, split: str) -> Dataset:
    """Return one split: the published test images, or a part of the published training images.

    Raises
    ------
    DataError
        Where files are missing or damaged and can't be downloaded.
    """
    data = _batches(Path(settings["root"]), train=split != "test")
    images = torch.from_numpy(data.data).permute(0, 3, 1, 2)
    if settings["image_size"] != images.shape[-1]:
        images = resized(images.to(torch.float32) / 255, settings["image_size"])
    images = ArrayImages(images, data.targets)
    return images if split == "test" else training_part(images, settings, split)


def _batches(root: Path, train: bool):
    from ..torchvision_import import torchvision

    data_set = torchvision.datasets.CIFAR10
    try:
        return data_set(root, train=train, download=False)
    except RuntimeError:  # missing or damaged: torchvision checks the sums
        pass
    try:  # not download=True, which does nothing where only batches.meta is bad
        torchvision.datasets.utils.download_and_extract_archive(
            data_set.url, str(root), filename=data_set.filename, md5=data_set.tgz_md5
        )
        return data_set(root, train=train)
    except (OSError, RuntimeError) as error:
        raise DataError(_missing(data_set, root, error)) from error


def _missing(data_set, root: Path, error: Exception) -> str:
    from ..torchvision_import import torchvision

    folder = root / data_set.base_folder
    files = [name for name, _ in data_set.train_list + data_set.test_list]
    files += [data_set.meta["filename"]]
    sums = [md5 for _, md5 in data_set.train_list + data_set.test_list] + [data_set.meta["md5"]]
    check = torchvision.datasets.utils.check_integrity
    bad = [name for name, md5 in zip(files, sums, strict=True) if not check(folder / name, md5)]
    return (
        f"data.root: need CIFAR-10's files in {folder.resolve()}. Got none or damaged ones of "
        f"{', '.join(bad)}, and they could not be downloaded ({error}); download "
        f"{data_set.filename} where there is a network ({data_set.url}), put it into "
        f"{root.resolve()}, and run again: that unpacks it."
    )
