"""Gather the certificates of every network into tables."""

from itertools import product

from manifold_robustness.certification import certified_classes, collect_certificates
from manifold_robustness.files.csv import write_table
from manifold_robustness.jobs import run_job


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    places = product(params.networks, params.levels)
    files = [
        (network, level, params.lineages[network][level], path)
        for (network, level), path in zip(places, snakemake.input, strict=True)
    ]
    write_table(collect_certificates(files), output.certified)
    write_table(certified_classes(files), output.classes)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
