"""Extract the activations of every kept layer of a network under one condition."""

from pathlib import Path

from manifold_robustness.files.images import describe_manifolds, read_images
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin, require_agreement
from manifold_robustness.network.activations import extract_activations
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.weights import load_network, weights_lineage


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    origin = Origin(**params.origin)
    images, _, attributes = read_images(files.images, origin)
    made_from = weights_lineage(files.weights, origin), attributes["lineage"]
    require_agreement(zip((files.weights, files.images), made_from, strict=True))
    origin = origin.completed(*made_from)
    device = prepare_device(snakemake.threads)
    classes, architecture = attributes["classes"], params.settings["architecture"]
    network = load_network(architecture, len(classes), files.weights, device)
    paths = {Path(path).name.removesuffix(".zarr.zip"): path for path in snakemake.output}
    described = describe_manifolds(attributes)
    described |= {key: attributes[key] for key in ("perturbation",) if key in attributes}
    extract_activations(network, images, paths, params.basis, origin, described, device)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
