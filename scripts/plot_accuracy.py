"""Draw the test accuracy against the strength of a perturbation (Figure 3)."""

from manifold_robustness.figures.accuracy import describe_accuracy, plot_accuracy
from manifold_robustness.figures.files import write_figure
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.jobs import run_job
from manifold_robustness.published import published_table
from manifold_robustness.table_files import of_family, read_table


def main(snakemake):
    params = snakemake.params
    table = of_family(read_table(snakemake.input.accuracy), params.family)
    shown = (table, Strength(**params.strength), int(table["n_classes"].iloc[0]))
    published = published_table(**params.published) if params.published else None
    write_figure(
        plot_accuracy(*shown, published=published, **params.style),
        describe_accuracy(*shown),
        **snakemake.output,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
