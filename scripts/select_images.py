"""Select P classes x M correctly classified test images, in disjoint draws: the condition clean."""

from manifold_robustness.images import select_indices, write_images
from manifold_robustness.jobs import run_job
from manifold_robustness.network.data_sets import gather_images, load_split
from manifold_robustness.predictions import read_predictions
from manifold_robustness.stores import provenance


def main(snakemake):
    params = snakemake.params
    predictions, labels, classes = read_predictions(snakemake.input.accuracy)
    indices = select_indices(
        predictions, labels, **params.images, seed=params.seed, classes=classes
    )
    images = gather_images(load_split(params.data, "test"), indices)
    attributes = {"condition": "clean", "classes": classes, "seed": params.seed}
    attributes |= provenance(data=params.data, images=params.images)
    write_images(snakemake.output[0], images, indices, attributes)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
