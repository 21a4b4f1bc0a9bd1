"""Take weights of the user's own, once they fit the network, and measure their test accuracy."""

from pathlib import Path

from torch import nn

from manifold_robustness.jobs import run_job
from manifold_robustness.network.checks import check_experiment
from manifold_robustness.network.data_sets import class_names, load_split
from manifold_robustness.network.devices import place, prepare_device
from manifold_robustness.network.model import load_model, save_weights
from manifold_robustness.network.training import evaluate, write_metrics


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    results = Path(output.weights).parents[1]
    device = prepare_device(snakemake.threads)
    classes, data = class_names(params.data), load_split(params.data, "test")
    architecture = params.network["architecture"]
    model = load_model(architecture, len(classes), snakemake.input.weights)
    check_experiment(snakemake.config, model, data, classes, results)
    place(model, device)
    loss, accuracy = evaluate(model, data, params.batch_size, nn.CrossEntropyLoss(), device)
    save_weights(model, output.weights)
    write_metrics(
        {"test_loss": loss, "test_accuracy": accuracy, "device": str(device)}, output.metrics
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
