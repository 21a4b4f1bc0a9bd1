"""Gather the accuracy of every network under every condition into one table."""

from itertools import product

from manifold_robustness.collection import collect_accuracy
from manifold_robustness.files.csv import write_table
from manifold_robustness.jobs import run_job


def main(snakemake):
    params = snakemake.params
    coordinates = [
        {"network": network, "condition": condition, "family": family, "strength": strength}
        for network, (condition, (family, strength)) in product(
            params.networks, params.strengths.items()
        )
    ]
    lineages = [params.lineages[one["network"]][one["condition"]] for one in coordinates]
    files = zip(coordinates, lineages, snakemake.input, strict=True)
    write_table(collect_accuracy(files), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
