"""Check the names of the layers against the network, before anything is trained."""

from manifold_robustness.jobs import run_job
from manifold_robustness.network.data_sets import class_names
from manifold_robustness.network.layers import check_layers, list_layers, write_layers
from manifold_robustness.network.model import build_model


def main(snakemake):
    params = snakemake.params
    size = params.data["image_size"]
    model = build_model(params.network["architecture"], len(class_names(params.data)))
    layers = check_layers(params.layers, list_layers(model, (3, size, size)))
    write_layers(layers, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
