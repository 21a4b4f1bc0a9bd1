"""Perturb every test image once: the network's answers, and the selected images among them."""

from manifold_robustness.conditions import Condition
from manifold_robustness.files.images import read_images, write_images
from manifold_robustness.files.predictions import write_predictions
from manifold_robustness.files.stores import read_attributes
from manifold_robustness.jobs import run_job
from manifold_robustness.network.data_sets import load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.evaluation import perturb_and_predict
from manifold_robustness.network.weights import load_network


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    device = prepare_device(snakemake.threads)
    condition = Condition(**params.condition)
    _, indices = read_images(files.images)
    attributes = read_attributes(files.images)
    network = load_network(
        params.settings["architecture"], len(attributes["classes"]), files.weights, device
    )
    found = perturb_and_predict(
        network,
        load_split(params.data, "test"),
        condition,
        indices,
        seed=params.seed,
        device=device,
        perturbation_batch=params.perturbation_batch,
        batch_size=params.batch_size,
    )
    attributes |= {"network": params.network, "condition": condition.name}
    attributes |= {"perturbation": condition.to_dict()}
    write_images(snakemake.output.images, found.images, indices, attributes)
    answers = {key: attributes[key] for key in ("network", "condition", "classes", "seed")}
    write_predictions(snakemake.output.accuracy, found.predictions, found.labels, answers)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
