"""Draw capacity, dimension, radius and center correlation as maps, layer against strength."""

from manifold_robustness.figures.files import write_figure
from manifold_robustness.figures.heatmaps import describe_heatmaps, plot_heatmaps
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.jobs import run_job
from manifold_robustness.table_files import of_family, read_table


def main(snakemake):
    params = snakemake.params
    summary = of_family(read_table(snakemake.input.summary), params.family)
    strength = Strength(**params.strength)
    names = {key: params.style[key] for key in ("frame", "labels")}
    write_figure(
        plot_heatmaps(summary, strength, **params.style),
        describe_heatmaps(summary, strength, **names),
        **snakemake.output,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
