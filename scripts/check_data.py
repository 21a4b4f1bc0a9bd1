"""Check that the data set is there and has the classes and images that the configuration asks for."""

from manifold_robustness.jobs import run_job
from manifold_robustness.network.splits import check_sizes, count_images, write_counts


def main(snakemake):
    params = snakemake.params
    counts = count_images(params.data)
    check_sizes(counts, **params.images)
    write_counts(counts, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
