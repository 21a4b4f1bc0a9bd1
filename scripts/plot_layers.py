"""Draw capacity, dimension, radius and center correlation against the layer (Figure 4)."""

import pandas as pd

from manifold_robustness.figures.files import of_family, write_figure
from manifold_robustness.figures.layers import describe_layers, plot_layers
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.jobs import run_job


def main(snakemake):
    params = snakemake.params
    summary = of_family(pd.read_csv(snakemake.input.summary, dtype={"layer": str}), params.family)
    strength, frame = Strength(**params.strength), params.style["frame"]
    write_figure(
        plot_layers(summary, strength, **params.style),
        describe_layers(summary, strength, frame),
        **snakemake.output,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
