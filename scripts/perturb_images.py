"""Perturb test images, each once: the network's answers, and the selected images."""

from manifold_robustness.conditions import CLEAN, Condition
from manifold_robustness.files.images import describe_manifolds, read_indices, write_images
from manifold_robustness.files.predictions import read_predictions, write_predictions
from manifold_robustness.image_sums import require_same_images, require_same_number
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin
from manifold_robustness.network.data_sets import load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.evaluation import perturb_and_predict
from manifold_robustness.network.weights import load_proven
from manifold_robustness.selection import choose_evaluated


def main(snakemake):
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    origin, condition = Origin(**params.origin), Condition(**params.condition)
    indices, attributes = read_indices(files.images, origin.at(condition=CLEAN))
    clean = read_predictions(files.clean, origin.at(condition=CLEAN))
    known = {files.images: attributes["lineage"], files.clean: clean.lineage}
    data, n_images, classes = load_split(params.data, "test"), len(clean.labels), clean.classes
    require_same_number(len(data), n_images, files.clean)
    networks = {origin.network: (files.weights, params.settings)}
    if files.attacked:
        networks[condition.attack_from] = (files.attacked, params.attacked)
    device = prepare_device(snakemake.threads)
    loaded, origin = load_proven(networks, known, origin, len(classes), device)
    found = perturb_and_predict(
        *(loaded[origin.network], data, condition, indices),
        choose_evaluated(n_images, params.n_images, params.seed),
        seed=params.seed,
        device=device,
        perturbation_batch=params.perturbation_batch,
        batch_size=params.batch_size,
        draws=params.draws,
        attacked=loaded.get(condition.attack_from),
    )
    for seen, places in ((found, found.indices), (found.kept, indices.ravel())):
        require_same_images(seen.image_sums, clean.image_sums[places], files.clean)
    described = {**describe_manifolds(attributes), "perturbation": condition.to_dict()}
    selected = found.kept.images, indices.repeat(params.draws, axis=2), found.kept.predictions
    write_images(output.images, *selected, origin, described)
    answers = (found.predictions, found.labels, found.indices, classes, found.image_sums)
    write_predictions(output.accuracy, *answers, origin, found.seen)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
