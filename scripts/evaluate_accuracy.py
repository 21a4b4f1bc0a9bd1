"""Predict every test image as it is: the condition clean."""

from manifold_robustness.files.predictions import write_predictions
from manifold_robustness.image_sums import sum_of_set
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin
from manifold_robustness.network.data_sets import class_names, load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.evaluation import predict
from manifold_robustness.network.weights import load_network, weights_lineage


def main(snakemake):
    params, weights = snakemake.params, snakemake.input.weights
    origin = Origin(**params.origin)
    origin = origin.completed(weights_lineage(weights, origin))
    device = prepare_device(snakemake.threads)
    classes = class_names(params.data)
    network = load_network(params.settings["architecture"], len(classes), weights, device)
    found = predict(network, load_split(params.data, "test"), params.batch_size, device)
    seen = sum_of_set(found.image_sums, found.labels)
    origin = origin.with_content("evaluate_accuracy", test_images_sha256=seen)
    answers = (found.predictions, found.labels, found.indices, classes, found.image_sums)
    write_predictions(snakemake.output[0], *answers, origin)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
