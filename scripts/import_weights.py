"""Take weights of the user's own, once they fit the network, and measure their test accuracy."""

from pathlib import Path

from torch import nn

from manifold_robustness.files.layers import write_layers
from manifold_robustness.jobs import run_job
from manifold_robustness.network.checks import require_feasible
from manifold_robustness.network.data_sets import class_names, load_split
from manifold_robustness.network.devices import place, prepare_device
from manifold_robustness.network.layers import layer_names
from manifold_robustness.network.training import evaluate, write_metrics
from manifold_robustness.network.weights import load_network, save_weights


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    folder = Path(output.weights).parents[1]
    device = prepare_device(snakemake.threads)
    classes, data = class_names(params.data), load_split(params.data, "test")
    network = load_network(params.settings["architecture"], len(classes), snakemake.input.weights)
    require_feasible(snakemake.config, params.network, network, data, classes, folder)
    write_layers(output.layers, params.settings, layer_names(network, data[0][0].shape))
    place(network, device)
    loss, accuracy = evaluate(network, data, params.batch_size, nn.CrossEntropyLoss(), device)
    save_weights(network, output.weights)
    write_metrics(
        {"test_loss": loss, "test_accuracy": accuracy, "device": str(device)}, output.metrics
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
