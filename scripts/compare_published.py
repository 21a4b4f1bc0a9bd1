"""Set the values of a run beside the published ones."""

from manifold_robustness.jobs import run_job
from manifold_robustness.published import compare_published, published_table
from manifold_robustness.table_files import of_family, read_table, write_table


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    tables = [of_family(read_table(path), "gaussian") for path in (files.summary, files.accuracy)]
    published = published_table(**params.published)
    table = compare_published(published, *tables, params.parameterization)
    write_table(table, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
