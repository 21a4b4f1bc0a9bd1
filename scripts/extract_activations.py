"""Extract the activations of every kept layer under one condition."""

from pathlib import Path

from manifold_robustness.images import read_images
from manifold_robustness.jobs import run_job
from manifold_robustness.network.activations import extract_activations
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.model import load_model
from manifold_robustness.stores import provenance, read_attributes


def main(snakemake):
    params = snakemake.params
    device = prepare_device(snakemake.threads)
    images, _ = read_images(snakemake.input.images)
    attributes = read_attributes(snakemake.input.images)
    attributes |= provenance(
        snakemake.input.weights, **attributes["settings"], network=params.network
    )
    model = load_model(
        params.network["architecture"], len(attributes["classes"]), snakemake.input.weights, device
    )
    paths = {Path(path).name.removesuffix(".zarr.zip"): path for path in snakemake.output}
    extract_activations(model, images, paths, params.basis, attributes, device)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
