"""Predict every test image as it is: the condition clean."""

from manifold_robustness.conditions import CLEAN
from manifold_robustness.files.predictions import write_predictions
from manifold_robustness.jobs import run_job
from manifold_robustness.network.data_sets import class_names, load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.evaluation import predict
from manifold_robustness.network.weights import load_network


def main(snakemake):
    params = snakemake.params
    device = prepare_device(snakemake.threads)
    classes = class_names(params.data)
    network = load_network(
        params.settings["architecture"], len(classes), snakemake.input.weights, device
    )
    found = predict(network, load_split(params.data, "test"), params.batch_size, device)
    attributes = {"network": params.network, "condition": CLEAN, "classes": classes}
    write_predictions(snakemake.output[0], found.predictions, found.labels, attributes)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
