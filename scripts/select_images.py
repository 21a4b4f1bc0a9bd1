"""Select P classes x M test images, in disjoint draws: the condition clean."""

import numpy as np

from manifold_robustness.conditions import CLEAN
from manifold_robustness.files.images import write_images
from manifold_robustness.files.predictions import read_predictions
from manifold_robustness.files.stores import provenance
from manifold_robustness.jobs import run_job
from manifold_robustness.network.data_sets import gather_images, load_split
from manifold_robustness.selection import select_indices


def main(snakemake):
    params = snakemake.params
    sample = dict(params.images)
    correct_for = sample.pop("correct_for")
    answers = [read_predictions(path) for path in snakemake.input.accuracy]
    _, labels, classes = answers[0]
    usable = np.all([predictions == labels for predictions, _, _ in answers], axis=0)
    if correct_for == "none":
        usable = np.ones_like(usable)
    indices = select_indices(usable, labels, **sample, seed=params.seed, classes=classes)
    images = gather_images(load_split(params.data, "test"), indices)
    attributes = {"network": params.network, "condition": CLEAN, "classes": classes}
    attributes |= {"seed": params.seed, **provenance(data=params.data, images=params.images)}
    write_images(snakemake.output[0], images, indices, attributes)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
