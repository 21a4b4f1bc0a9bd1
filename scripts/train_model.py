"""Train the network and keep its best weights on validation data."""

import os
from importlib.metadata import version
from pathlib import Path

from manifold_robustness.jobs import run_job
from manifold_robustness.network.checkpoints import Checkpoint
from manifold_robustness.network.checks import check_experiment
from manifold_robustness.network.data_sets import SPLITS, class_names, load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.model import initial_model, save_weights
from manifold_robustness.network.training import (
    check_accuracy,
    summarise_history,
    train,
    write_history,
    write_metrics,
)


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    results = Path(output.weights).parents[1]
    recipe = params.training
    device = prepare_device(recipe["threads"])
    classes = class_names(params.data)
    splits = {split: load_split(params.data, split) for split in SPLITS}
    settings = {**params.initial, "architecture": params.network["architecture"]}
    model = initial_model(settings, len(classes), params.seed)
    check_experiment(snakemake.config, model, splits["test"], classes, results)
    files = [os.stat(path).st_mtime_ns for path in snakemake.input]
    made_by = [params.data, settings, recipe, params.seed, params.network, files, params.library]
    made_by += [device.type, version("torchvision")]
    checkpoint = Checkpoint(params.checkpoint, made_by)
    history = train(model, splits, recipe, params.seed, device, checkpoint)
    metrics = summarise_history(history, model, device)
    check_accuracy(metrics["test_accuracy"], snakemake.config["training"]["min_accuracy"])
    save_weights(model, output.weights)
    write_history(history, output.history)
    write_metrics(metrics, output.metrics)
    checkpoint.remove()


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
