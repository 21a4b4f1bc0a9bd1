"""Perturb test images, each once: the network's answers, and the selected images."""

from manifold_robustness.conditions import CLEAN, Condition
from manifold_robustness.files.images import describe_manifolds, read_indices, write_images
from manifold_robustness.files.predictions import read_predictions, write_predictions
from manifold_robustness.image_sums import require_same_images, require_same_number
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin, require_agreement
from manifold_robustness.network.data_sets import load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.evaluation import perturb_and_predict
from manifold_robustness.network.weights import load_network, weights_lineage
from manifold_robustness.selection import choose_evaluated


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    origin, condition = Origin(**params.origin), Condition(**params.condition)
    indices, attributes = read_indices(files.images, origin.at(condition=CLEAN))
    clean = read_predictions(files.clean, origin.at(condition=CLEAN))
    made_from = weights_lineage(files.weights, origin), attributes["lineage"], clean.lineage
    require_agreement(zip((files.weights, files.images, files.clean), made_from, strict=True))
    origin = origin.completed(*made_from)
    data, n_images = load_split(params.data, "test"), len(clean.labels)
    require_same_number(len(data), n_images, files.clean)
    classes, device = attributes["classes"], prepare_device(snakemake.threads)
    network = load_network(params.settings["architecture"], len(classes), files.weights, device)
    found = perturb_and_predict(
        network,
        data,
        condition,
        indices,
        choose_evaluated(n_images, params.n_images, params.seed),
        seed=params.seed,
        device=device,
        perturbation_batch=params.perturbation_batch,
        batch_size=params.batch_size,
        draws=params.draws,
    )
    for seen, places in ((found, found.indices), (found.kept, indices.ravel())):
        require_same_images(seen.image_sums, clean.image_sums[places], files.clean)
    described = {**describe_manifolds(attributes), "perturbation": condition.to_dict()}
    selected = found.kept.images, indices.repeat(params.draws, axis=2), found.kept.predictions
    write_images(snakemake.output.images, *selected, origin, described)
    answers = (found.predictions, found.labels, found.indices, classes, found.image_sums)
    write_predictions(snakemake.output.accuracy, *answers, origin, found.seen)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
