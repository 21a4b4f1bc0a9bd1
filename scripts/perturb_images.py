"""Perturb every test image once: the network's answers, and the selected images among them."""

from manifold_robustness.conditions import CLEAN, Condition
from manifold_robustness.files.images import read_indices, write_images
from manifold_robustness.files.predictions import read_predictions, write_predictions
from manifold_robustness.image_sums import require_same_images
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin, require_agreement
from manifold_robustness.network.data_sets import load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.evaluation import perturb_and_predict
from manifold_robustness.network.weights import load_network, weights_lineage


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    origin, condition = Origin(**params.origin), Condition(**params.condition)
    indices, attributes = read_indices(files.images, origin.at(condition=CLEAN))
    clean = read_predictions(files.clean, origin.at(condition=CLEAN))
    made_from = weights_lineage(files.weights, origin), attributes["lineage"], clean.lineage
    require_agreement(zip((files.weights, files.images, files.clean), made_from, strict=True))
    origin = origin.completed(*made_from)
    device = prepare_device(snakemake.threads)
    classes, architecture = attributes["classes"], params.settings["architecture"]
    network = load_network(architecture, len(classes), files.weights, device)
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
    require_same_images(found.image_sums, clean.image_sums, files.clean)
    described = {"classes": classes, "perturbation": condition.to_dict()}
    write_images(snakemake.output.images, found.images, indices, origin, described)
    answers = (found.predictions, found.labels, classes, found.image_sums)
    write_predictions(snakemake.output.accuracy, *answers, origin, found.seen)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
