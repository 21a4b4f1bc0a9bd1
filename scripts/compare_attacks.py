"""Set attacks beside each other: what must hold of them, and what hints at odd gradients."""

from functools import cache
from itertools import product

from manifold_robustness.attacks import AttackLevel, ExpectedFamily, compare_attacks
from manifold_robustness.conditions import CLEAN
from manifold_robustness.files.csv import write_table
from manifold_robustness.files.images import read_answers, read_indices
from manifold_robustness.files.predictions import read_predictions
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    places = list(product(params.lineages, params.conditions))
    origins = {(n, c): Origin(n, c, lineage=params.lineages[n][c]) for n, c in places}
    answers = map(read_predictions, files.predictions, origins.values())
    answers = dict(zip(places, answers, strict=True))
    stores = dict(zip(product(params.lineages, params.stored), files.images, strict=True))

    @cache
    def labels(network):
        place = network, CLEAN
        indices, _ = read_indices(stores[place], origins[place])
        return answers[place].labels[indices]

    def images(network, condition):
        place = network, condition
        found, predictions, _ = read_answers(stores[place], origins[place])
        return found, predictions == labels(network)

    families = [
        ExpectedFamily(**{**one, "levels": [AttackLevel(**level) for level in one["levels"]]})
        for one in params.families
    ]
    table = compare_attacks(answers, families, images)
    write_table(table, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
