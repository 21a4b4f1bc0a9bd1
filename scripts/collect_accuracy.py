"""Gather the accuracy of every condition into one table."""

from manifold_robustness.jobs import run_job
from manifold_robustness.table_files import write_table
from manifold_robustness.tables import collect_accuracy


def main(snakemake):
    strengths = snakemake.params.strengths.items()
    files = [
        ({"condition": condition, "family": family, "strength": strength}, path)
        for (condition, (family, strength)), path in zip(strengths, snakemake.input, strict=True)
    ]
    write_table(collect_accuracy(files), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
