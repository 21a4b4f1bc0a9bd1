"""Set the trainings of each network beside each other, and the recipes beside the first."""

from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.jobs import run_job
from manifold_robustness.trainings import compare_trainings


def main(snakemake):
    files = snakemake.input
    tables = read_table(files.summary), read_table(files.accuracy)
    write_table(compare_trainings(*tables, snakemake.params.recipes), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
