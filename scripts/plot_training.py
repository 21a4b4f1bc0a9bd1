"""Draw accuracy and loss against the epoch (Figure 1)."""

from manifold_robustness.figures.files import write_figure
from manifold_robustness.figures.training import describe_training, plot_training
from manifold_robustness.jobs import run_job
from manifold_robustness.table_files import read_table


def main(snakemake):
    history = read_table(snakemake.input.history)
    figure = plot_training(history, **snakemake.params.style)
    write_figure(figure, describe_training(history), **snakemake.output)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
