"""Certify the answers of one smoothed network to test images."""

from functools import partial

from manifold_robustness.conditions import CLEAN
from manifold_robustness.files.certificates import write_certificates
from manifold_robustness.files.predictions import read_predictions
from manifold_robustness.image_sums import require_known_images, require_same_number
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin
from manifold_robustness.network.checkpoints import Checkpoint
from manifold_robustness.network.data_sets import load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.smoothing import count_answers
from manifold_robustness.network.weights import load_proven
from manifold_robustness.selection import choose_evaluated
from manifold_robustness.smoothing import certified_radius


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    origin, numbers = Origin(**params.origin), dict(params.certify)
    clean = read_predictions(files.clean, origin.at(condition=CLEAN))
    data = load_split(params.data, "test")
    require_same_number(len(data), len(clean.labels), files.clean)
    places = choose_evaluated(len(data), numbers.pop("n_images"), params.seed)
    device = prepare_device(snakemake.threads)
    given = {origin.network: (files.weights, params.settings)}
    known = {files.clean: clean.lineage}
    loaded, origin = load_proven(given, known, origin, len(clean.classes), device)
    checkpoint = Checkpoint(params.checkpoint, [origin.lineage, device.type])
    chosen, count = count_answers(
        *(loaded[origin.network], data, places),
        **{key: value for key, value in numbers.items() if key != "alpha"},
        n_classes=len(clean.classes),
        seed=params.seed,
        device=device,
        batch_size=params.batch_size,
        checkpoint=checkpoint,
        require=partial(require_known_images, known=clean.image_sums, answers=files.clean),
    )
    radius = certified_radius(count, numbers["n_estimation"], numbers["alpha"], numbers["sigma"])
    answers = {"chosen": chosen, "count": count, "radius": radius}
    values = {"index": places, "label": clean.labels[places], **answers}
    write_certificates(snakemake.output[0], values, numbers, clean.classes, origin)
    checkpoint.remove()


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
