"""Predict every test image under one condition."""

from manifold_robustness.jobs import run_job
from manifold_robustness.network.data_sets import class_names, load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.evaluation import perturb_and_predict
from manifold_robustness.network.model import load_model
from manifold_robustness.predictions import write_predictions


def main(snakemake):
    params = snakemake.params
    device = prepare_device(snakemake.threads)
    classes = class_names(params.data)
    model = load_model(
        params.network["architecture"], len(classes), snakemake.input.weights, device
    )
    predictions, labels = perturb_and_predict(
        model,
        load_split(params.data, "test"),
        params.condition,
        params.batch_size,
        params.seed,
        device,
    )
    attributes = {"condition": params.condition["name"], "classes": classes, "seed": params.seed}
    write_predictions(snakemake.output[0], predictions, labels, attributes)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
