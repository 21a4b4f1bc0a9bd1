"""Train a network and keep its best weights on validation data."""

from importlib.metadata import version
from pathlib import Path

from manifold_robustness.files.layers import write_layers
from manifold_robustness.files.metrics import write_metrics
from manifold_robustness.files.stamps import file_sum
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin
from manifold_robustness.network.checkpoints import Checkpoint
from manifold_robustness.network.checks import require_accuracy, require_feasible
from manifold_robustness.network.data_sets import SPLITS, class_names, load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.layers import layer_names
from manifold_robustness.network.training import summarise_history, train, write_history
from manifold_robustness.network.weights import initial_network, save_weights


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    origin = Origin(**params.origin)
    for path in snakemake.input:  # a local copy of ImageNet's weights, where there is one
        origin = origin.with_content("train_network", starting_weights_sha256=file_sum(path))
    folder, recipe = Path(output.weights).parents[1], params.training
    device = prepare_device(recipe["threads"])
    classes = class_names(params.data)
    splits = {split: load_split(params.data, split) for split in SPLITS}
    start = {**params.initial, "n_classes": len(classes), "seed": params.seed}
    network = initial_network(params.settings["architecture"], **start)
    require_feasible(snakemake.config, origin.network, network, splits["test"], classes, folder)
    made_by = [origin.lineage, device.type, version("torchvision")]
    checkpoint = Checkpoint(params.checkpoint, made_by)
    history = train(network, splits, recipe, params.seed, device, checkpoint)
    metrics = summarise_history(history, network, device)
    require_accuracy(metrics["test_accuracy"], origin.network, snakemake.config)
    write_layers(output.layers, params.settings, layer_names(network, splits["test"][0][0].shape))
    save_weights(network, output.weights, origin)
    write_history(history, output.history)
    beside = (output.weights, output.layers, output.history)
    write_metrics(output.metrics, metrics, origin, beside)
    checkpoint.remove()


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
