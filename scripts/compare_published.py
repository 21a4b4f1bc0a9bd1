"""Set the values of every network beside the published ones."""

from manifold_robustness.files.csv import of_family, read_table, write_table
from manifold_robustness.jobs import run_job
from manifold_robustness.paper.published import compare_published, published_table


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    tables = [
        of_family(read_table(path), params.family) for path in (files.summary, files.accuracy)
    ]
    published = published_table(**params.published)
    table = compare_published(published, *tables, params.parameterization)
    write_table(table, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
