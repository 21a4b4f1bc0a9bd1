"""Draw accuracy and loss against the epoch (Figure 1)."""

import pandas as pd

from manifold_robustness.figures.files import write_figure
from manifold_robustness.figures.training import describe_training, plot_training
from manifold_robustness.jobs import run_job


def main(snakemake):
    history = pd.read_csv(snakemake.input.history)
    figure = plot_training(history, **snakemake.params.style)
    write_figure(figure, describe_training(history), **snakemake.output)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
