"""How many images of each class a data set holds, and whether they are enough."""

import csv

import numpy as np

from ..atomic import written_beside
from ..errors import DataError
from .data_sets import SPLITS, class_names, labels_of, load_split


def count_images(settings):
    """Return the number of images per class in every split: {class: {split: count}}."""
    classes = class_names(settings)
    labels = {split: labels_of(load_split(settings, split)) for split in SPLITS}
    return {
        name: {split: int(np.count_nonzero(labels[split] == label)) for split in SPLITS}
        for label, name in enumerate(classes)
    }


def check_sizes(counts, n_manifolds, n_points, replicates):
    """Raise :class:`DataError` where a data set has too few classes, or a class too few test images."""
    if n_manifolds > len(counts):
        raise DataError(
            f"images.n_manifolds is {n_manifolds}, but the data set has {len(counts)} classes"
        )
    needed = n_points * replicates
    for name, count in list(counts.items())[:n_manifolds]:
        if count["test"] < needed:
            raise DataError(
                f"class {name} has {count['test']} test images, but images.n_points {n_points} x "
                f"images.replicates {replicates} needs {needed}; lower one of them"
            )


def write_counts(counts, path):
    """Write the counts as CSV: class and one column per split."""
    with written_beside(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["class", *SPLITS])
        for name, count in counts.items():
            writer.writerow([name, *(count[split] for split in SPLITS)])
