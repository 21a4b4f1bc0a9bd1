"""Data sets: images as float32 (channels, height, width) in [0, 1] with integer labels.

A data set is a module here with

- a literal ``DECLARATION``:

  ``title``
      its display name;
  ``settings``
      the keys of the configuration's ``data`` section that its images depend on, beside ``name``,
      ``image_size`` and ``test_crop_padding``, which all have;
  ``options``
      a JSON schema of further keys of its own in that section, each with a ``default``;
  ``n_classes``, ``n_test``
      where they are fixed, the number of classes and of test images per class;
  ``endings``
      of a watched folder, the endings of the files that count, in lower case; without, all do;
  ``watched``
      where images may come and go, the setting that names the folder with one folder per class;

- ``class_names(settings)``, which returns the names of the classes in the order of their labels;
- ``load(settings, split)``, which returns a split (one of `SPLITS`) as a
  ``torch.utils.data.Dataset`` of (image, label) that has ``labels`` or ``targets``, or a ``Subset``
  of one.

`settings` is the configuration's ``data`` section; the splits are fixed by it alone. A file without
a ``DECLARATION`` is a helper, not a data set.
"""

from importlib import import_module
from types import ModuleType

import numpy as np
import torch
from torch.utils.data import Dataset, Subset

from ...errors import DataError
from ...names import printable_names
from .arrays import ArrayImages
from .crops import Cropped
from .splits import SPLITS

__all__ = [
    "SPLITS",
    "ArrayImages",
    "Cropped",
    "class_names",
    "gather_images",
    "labels_of",
    "load_split",
]


def class_names(settings: dict) -> list[str]:
    """Return the names of the data set's classes, in the order of their labels.

    They are different, and text that can be written and shown everywhere: what a folder's name has
    of control characters and undecodable bytes stands there as escapes.

    >>> class_names({"name": "digits"})[:3]
    ['0', '1', '2']
    """
    return printable_names(_data_set(settings).class_names(settings))


def load_split(settings: dict, split: str) -> Dataset:
    """Return one split of the configured data set.

    Parameters
    ----------
    settings : dict
        ``name``, ``image_size``, ``test_crop_padding``, and what the data set declares beside them.
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
    data = _data_set(settings).load(settings, split)
    if len(data) == 0:
        raise DataError(
            f"data: need images in the {split} split of the data set {settings['name']}. Got none; "
            "give it more images or a greater share (data.test_share, data.validation_share)."
        )
    if split == "test" and settings["test_crop_padding"]:
        return Cropped(data, settings["test_crop_padding"], settings.get("split_seed", 0))
    return data


def labels_of(data: Dataset) -> np.ndarray:
    """Return the labels of a split as an int array, without decoding an image.

    >>> labels_of(Subset(ArrayImages(torch.zeros(3, 1, 2, 2), [4, 5, 6]), [2, 0])).tolist()
    [6, 4]
    """
    if isinstance(data, Cropped):
        return labels_of(data.data)
    if isinstance(data, Subset):
        return labels_of(data.dataset)[np.asarray(data.indices, dtype=int)]
    return np.asarray(data.targets if hasattr(data, "targets") else data.labels, dtype=int)


def gather_images(data: Dataset, indices: np.ndarray) -> np.ndarray:
    """Return the images of a split at `indices`, an int array of any shape.

    Returns
    -------
    ndarray, float32 (*indices.shape, channels, height, width)
    """
    images = torch.stack([data[index][0] for index in indices.ravel().tolist()]).numpy()
    return images.reshape(*indices.shape, *images.shape[1:])


def _data_set(settings: dict) -> ModuleType:
    return import_module(f".{settings['name']}", __name__)
