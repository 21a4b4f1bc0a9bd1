"""Draw capacity, dimension, radius and center correlation of the last layer against strength."""

from manifold_robustness.figures.files import write_figure
from manifold_robustness.figures.last_layer import describe_last_layer, plot_last_layer
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.jobs import run_job
from manifold_robustness.published import published_table
from manifold_robustness.table_files import of_family, read_table


def main(snakemake):
    params = snakemake.params
    summary = of_family(read_table(snakemake.input.summary), params.family)
    strength = Strength(**params.strength)
    published = published_table(**params.published) if params.published else None
    names = {key: params.style[key] for key in ("frame", "labels")}
    write_figure(
        plot_last_layer(summary, strength, published=published, **params.style),
        describe_last_layer(summary, strength, **names),
        **snakemake.output,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
