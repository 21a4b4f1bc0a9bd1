"""Select P classes x M test images, or P images, in disjoint draws: the condition clean."""

import numpy as np

from manifold_robustness.files.images import write_images
from manifold_robustness.files.predictions import read_predictions
from manifold_robustness.image_sums import image_sums, require_same_images
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin, require_agreement
from manifold_robustness.network.data_sets import gather_images, load_split
from manifold_robustness.selection import name_manifolds, select_indices


def main(snakemake):
    params = snakemake.params
    origin, files = Origin(**params.origin), snakemake.input.accuracy
    answers = [
        read_predictions(path, origin.at(network=network))
        for network, path in zip(params.answers_of, files, strict=True)
    ]
    require_agreement([(path, one.lineage) for path, one in zip(files, answers, strict=True)])
    sample = dict(params.images)
    correct_for = sample.pop("correct_for")
    usable = np.all([answer.correct for answer in answers], axis=0)
    if correct_for == "none":
        usable = np.ones_like(usable)
    place = list(params.answers_of).index(origin.network)
    own, file = answers[place], files[place]
    labels, classes = own.labels, own.classes
    indices = select_indices(usable, labels, **sample, seed=params.seed, classes=classes)
    images = gather_images(load_split(params.data, "test"), indices)
    known = own.image_sums[indices.ravel()]
    found = image_sums(images.reshape(-1, *images.shape[3:]))
    require_same_images(found, known, file)
    origin = origin.completed(*(answer.lineage for answer in answers))
    selected = images, indices, own.predictions[indices]
    described = name_manifolds(indices, labels, classes, sample["manifolds"])
    write_images(snakemake.output[0], *selected, origin, described)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
