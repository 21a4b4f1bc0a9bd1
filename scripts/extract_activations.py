"""Extract the activations of every kept layer of a network under one condition."""

from pathlib import Path

from manifold_robustness.files.images import read_images
from manifold_robustness.files.stores import provenance, read_attributes
from manifold_robustness.jobs import run_job
from manifold_robustness.network.activations import extract_activations
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.weights import load_network


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    device = prepare_device(snakemake.threads)
    images, _ = read_images(files.images)
    attributes = read_attributes(files.images)
    settings = {**attributes["settings"], "network": params.settings}
    attributes |= provenance(files.weights, **settings)
    network = load_network(
        params.settings["architecture"], len(attributes["classes"]), files.weights, device
    )
    paths = {Path(path).name.removesuffix(".zarr.zip"): path for path in snakemake.output}
    extract_activations(network, images, paths, params.basis, attributes, device)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
