"""Draw the capacity of one layer against the test accuracy, one point per condition."""

from manifold_robustness.figures.capacity_accuracy import (
    describe_capacity_accuracy,
    plot_capacity_accuracy,
)
from manifold_robustness.figures.files import write_figure
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.jobs import run_job
from manifold_robustness.table_files import of_family, read_table


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    summary = of_family(read_table(files.summary), params.family)
    accuracy = of_family(read_table(files.accuracy), params.family)
    style, n_classes = dict(params.style), int(accuracy["n_classes"].iloc[0])
    size, strength = style.pop("size"), Strength(**params.strength)
    style["layer"] = None if style["layer"] == "last" else style["layer"]
    write_figure(
        plot_capacity_accuracy(summary, accuracy, strength, n_classes, size=size, **style),
        describe_capacity_accuracy(summary, accuracy, strength, **style),
        **snakemake.output,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
