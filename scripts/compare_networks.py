"""Compare the networks of a run, condition by condition: differences with their intervals."""

from itertools import product

from manifold_robustness.comparison import compare_networks
from manifold_robustness.conditions import CLEAN
from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.files.images import read_indices
from manifold_robustness.files.predictions import read_predictions
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    places = list(product(params.lineages, params.conditions))
    origins = [Origin(n, c, lineage=params.lineages[n][c]) for n, c in places]
    answers = map(read_predictions, files.predictions, origins)
    predictions = dict(zip(places, answers, strict=True))
    clean = [origin for origin in origins if origin.condition == CLEAN]
    selections = map(read_indices, files.images, clean)
    indices = {origin.network: found for origin, (found, _) in zip(clean, selections, strict=True)}
    geometry = read_table(files.geometry)
    geometry = geometry[geometry["network"].isin(indices)]  # recorded activations have no images
    table = compare_networks(geometry, predictions, indices, params.seed)
    write_table(table, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
