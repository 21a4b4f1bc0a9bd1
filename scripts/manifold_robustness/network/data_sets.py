"""Data sets: images as float32 (channels, height, width) in [0, 1] with integer labels.

Settings are the configuration's ``data`` section. Splits are fixed by the settings alone.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, Subset

from ..errors import DataError
from ..seeds import generator

SPLITS = ("train", "validation", "test")
CIFAR10_CLASSES = (
    "airplane automobile bird cat deer dog frog horse ship truck".split()  # noqa: SIM905
)
DIGITS_TEST, DIGITS_VALIDATION, DIGITS_SEED = 100, 15, 0  # per class; the rest is for training


class ArrayImages(Dataset):
    """Images in memory: `images` uint8 or float32 (n, channels, height, width), `labels` (n,)."""

    def __init__(self, images, labels):
        self.images, self.labels = images, torch.as_tensor(labels, dtype=torch.int64)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if image.dtype == torch.uint8:
            image = image.to(torch.float32) / 255
        return image, int(self.labels[index])


class Cropped(Dataset):
    """Images cropped at random out of a frame of zeros, as wide as they were.

    An image's crop depends on `seed` and its index alone, so that every condition sees the same.
    """

    def __init__(self, data, padding, seed):
        self.data, self.padding, self.seed = data, padding, seed

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        image, label = self.data[index]
        height, width = image.shape[-2:]
        top, left = generator(self.seed, "test crop", index).integers(0, 2 * self.padding + 1, 2)
        framed = nn.functional.pad(image, [self.padding] * 4)
        return framed[:, top : top + height, left : left + width], label


def class_names(settings):
    """Return the names of the data set's classes, in the order of their labels."""
    if settings["name"] == "digits":
        return [str(digit) for digit in range(10)]
    if settings["name"] == "cifar10":
        return list(CIFAR10_CLASSES)
    return _image_folder(settings).classes


def load_split(settings, split):
    """Return one split of the configured data set.

    Parameters
    ----------
    settings : dict
        ``name``, ``image_size``, ``test_crop_padding``; for cifar10 and image_folder also
        ``root``, ``split_seed``, ``validation_share``; for image_folder also ``test_share``.
    split : {"train", "validation", "test"}

    Returns
    -------
    torch.utils.data.Dataset
        Of (image, label): float32 (3, image_size, image_size) in [0, 1], and int.

    Raises
    ------
    DataError
        Where files are missing or damaged: which, where, and how to put them there.
    """
    loader = {"digits": _load_digits, "cifar10": _load_cifar10, "image_folder": _load_folder}
    data = loader[settings["name"]](settings, split)
    if len(data) == 0:
        raise DataError(
            f"the {split} split of the data set {settings['name']} is empty; give it more images "
            "or a greater share (data.test_share, data.validation_share)"
        )
    if split == "test" and settings["test_crop_padding"]:
        seed = settings.get("split_seed", DIGITS_SEED)
        return Cropped(data, settings["test_crop_padding"], seed)
    return data


def labels_of(data):
    """Return the labels of a split as an int array, without decoding an image.

    >>> labels_of(Subset(ArrayImages(torch.zeros(3, 1, 2, 2), [4, 5, 6]), [2, 0])).tolist()
    [6, 4]
    """
    if isinstance(data, Cropped):
        return labels_of(data.data)
    if isinstance(data, Subset):
        return labels_of(data.dataset)[np.asarray(data.indices, dtype=int)]
    return np.asarray(data.targets if hasattr(data, "targets") else data.labels, dtype=int)


def gather_images(data, indices):
    """Return the images of a split at `indices`, an int array of any shape.

    Returns
    -------
    ndarray, float32 (*indices.shape, channels, height, width)
    """
    images = torch.stack([data[index][0] for index in indices.ravel().tolist()]).numpy()
    return images.reshape(*indices.shape, *images.shape[1:])


def _load_digits(settings, split):
    from sklearn.datasets import load_digits

    bunch = load_digits()
    parts = ([], [], [])
    for label in range(10):
        members = np.flatnonzero(bunch.target == label)
        members = generator(DIGITS_SEED, "digits split", label).permutation(members)
        held_out = DIGITS_TEST + DIGITS_VALIDATION
        for part, chosen in zip(
            parts,
            (members[held_out:], members[DIGITS_TEST:held_out], members[:DIGITS_TEST]),
            strict=True,
        ):
            part.extend(chosen)
    chosen = np.sort(parts[SPLITS.index(split)])
    images = torch.as_tensor(bunch.images[chosen] / 16, dtype=torch.float32)[:, None]
    return ArrayImages(
        _resized(images, settings["image_size"]).repeat(1, 3, 1, 1), bunch.target[chosen]
    )


def _resized(images, size):
    if images.shape[-1] == size:
        return images
    scaled = nn.functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True)
    return scaled.clamp(0, 1)


def _load_cifar10(settings, split):
    data = _cifar10(Path(settings["root"]), train=split != "test")
    images = torch.from_numpy(data.data).permute(0, 3, 1, 2)
    if settings["image_size"] != images.shape[-1]:
        images = _resized(images.to(torch.float32) / 255, settings["image_size"])
    images = ArrayImages(images, data.targets)
    return images if split == "test" else _train_part(images, settings, split)


def _cifar10(root, train):
    from .torchvision_import import torchvision

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
        raise DataError(_cifar10_missing(data_set, root, error)) from error


def _cifar10_missing(data_set, root, error):
    from .torchvision_import import torchvision

    folder = root / data_set.base_folder
    files = [name for name, _ in data_set.train_list + data_set.test_list] + [
        data_set.meta["filename"]
    ]
    sums = [md5 for _, md5 in data_set.train_list + data_set.test_list] + [data_set.meta["md5"]]
    check = torchvision.datasets.utils.check_integrity
    bad = [name for name, md5 in zip(files, sums, strict=True) if not check(folder / name, md5)]
    return (
        f"CIFAR-10 is not complete in {folder.resolve()}: missing or damaged are {', '.join(bad)}; "
        f"and it could not be downloaded ({error}). Download {data_set.filename} where there is a "
        f"network ({data_set.url}), put it into {root.resolve()}, and run again: that unpacks it"
    )


def _train_part(data, settings, split):
    """Cut a training set in two at random, as torch's random_split does with this seed."""
    n_validation = round(settings["validation_share"] * len(data))
    sizes = [len(data) - n_validation, n_validation]
    seeded = torch.Generator().manual_seed(settings["split_seed"])
    parts = torch.utils.data.random_split(data, sizes, generator=seeded)
    return parts[SPLITS.index(split)]


def _image_folder(settings):
    from .torchvision_import import torchvision

    v2 = torchvision.transforms.v2
    size = settings["image_size"]
    transform = v2.Compose(
        [v2.ToImage(), v2.Resize(size), v2.CenterCrop(size), v2.ToDtype(torch.float32, scale=True)]
    )
    try:
        return torchvision.datasets.ImageFolder(settings["root"], transform, loader=_read_rgb)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(
            f"data.root must be a folder with one folder of images per class; "
            f"{Path(settings['root']).resolve()} is not: {error}"
        ) from error


def _read_rgb(path):
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except OSError as error:
        raise DataError(f"the image {path} can't be read ({error}); mend or remove it") from error


def _load_folder(settings, split):
    data = _image_folder(settings)
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
