"""Perturb the selected images by one family at one strength."""

from manifold_robustness.images import perturb_selection, read_images, write_images
from manifold_robustness.jobs import run_job
from manifold_robustness.stores import read_attributes


def main(snakemake):
    params = snakemake.params
    images, indices = read_images(snakemake.input.images)
    attributes = read_attributes(snakemake.input.images)
    model = None
    if params.condition["needs_model"]:
        from manifold_robustness.network.model import load_model

        classes = attributes["classes"]
        model = load_model(params.network["architecture"], len(classes), snakemake.input.weights)
    perturbed = perturb_selection(images, indices, params.condition, params.seed, model)
    attributes |= {"condition": params.condition["name"], "perturbation": params.condition}
    write_images(snakemake.output[0], perturbed, indices, attributes)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
