"""Draw capacity, dimension, radius and center correlation against the layer (Figure 4)."""

from manifold_robustness.figures.files import of_family, write_figure
from manifold_robustness.figures.layers import describe_layers, plot_layers
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.jobs import run_job
from manifold_robustness.table_files import read_table


def main(snakemake):
    params = snakemake.params
    summary = of_family(read_table(snakemake.input.summary), params.family)
    strength, frame = Strength(**params.strength), params.style["frame"]
    write_figure(
        plot_layers(summary, strength, **params.style),
        describe_layers(summary, strength, frame),
        **snakemake.output,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
