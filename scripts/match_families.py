"""Set the families of perturbations side by side where they cost as much accuracy."""

from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.jobs import run_job
from manifold_robustness.matching import match_families


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    matched = match_families(
        read_table(files.geometry),
        read_table(files.accuracy),
        params.families,
        params.reference,
        params.share,
    )
    write_table(matched, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
