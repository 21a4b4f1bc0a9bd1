"""Compare the networks of a run, condition by condition: differences with their intervals."""

from itertools import product

from manifold_robustness.comparison import compare_networks
from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.files.stores import read_array
from manifold_robustness.jobs import run_job


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    coordinates = [
        {"network": network, "condition": condition}
        for network, condition in product(params.networks, params.conditions)
    ]
    predictions = zip(coordinates, files.predictions, strict=True)
    indices = {
        network: read_array(path, "indices")
        for network, path in zip(params.networks, files.images, strict=True)
    }
    table = compare_networks(read_table(files.geometry), predictions, indices, params.seed)
    write_table(table, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
