"""Set the values of every network beside the published ones, for each family that has some."""

import pandas as pd

from manifold_robustness.files.csv import of_family, read_table, write_table
from manifold_robustness.jobs import run_job
from manifold_robustness.paper.published import compare_published, published_table


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    summary, accuracy = read_table(files.summary), read_table(files.accuracy)
    compared = []
    for name, about in params.families.items():
        own = [of_family(table, name) for table in (summary, accuracy)]
        published = published_table(**about["published"])
        table = compare_published(published, *own, about["parameterization"])
        table.insert(1, "family", name)
        compared.append(table)
    write_table(pd.concat(compared), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
