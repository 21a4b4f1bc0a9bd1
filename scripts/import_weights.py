"""Take weights of the user's own, once they fit the network, and measure their test accuracy."""

from pathlib import Path

from torch import nn

from manifold_robustness.files.layers import write_layers
from manifold_robustness.files.metrics import write_metrics
from manifold_robustness.files.stamps import file_sum
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin
from manifold_robustness.network.checks import require_feasible
from manifold_robustness.network.data_sets import class_names, load_split
from manifold_robustness.network.devices import place, prepare_device
from manifold_robustness.network.layers import layer_names
from manifold_robustness.network.training import evaluate
from manifold_robustness.network.weights import load_network, save_weights


def main(snakemake):
    params, output, given = snakemake.params, snakemake.output, snakemake.input.weights
    origin = Origin(**params.origin)
    origin = origin.with_content("import_weights", given_sha256=file_sum(given))
    folder = Path(output.weights).parents[1]
    device = prepare_device(snakemake.threads)
    classes, data = class_names(params.data), load_split(params.data, "test")
    network = load_network(params.settings["architecture"], len(classes), given)
    require_feasible(snakemake.config, origin.network, network, data, classes, folder)
    write_layers(output.layers, params.settings, layer_names(network, data[0][0].shape))
    place(network, device)
    loss, accuracy = evaluate(network, data, params.batch_size, nn.CrossEntropyLoss(), device)
    save_weights(network, output.weights, origin)
    metrics = {"test_loss": loss, "test_accuracy": accuracy, "device": str(device)}
    write_metrics(output.metrics, metrics, origin, (output.weights, output.layers))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
