"""Draw one figure: as SVG for the report, as PNG for slides, and its caption as text."""

from manifold_robustness.figures.about import make_about
from manifold_robustness.figures.drawing import draw_figure, read_inputs
from manifold_robustness.figures.files import write_figure
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin


def main(snakemake):
    params = snakemake.params
    origins = [Origin(**origin) for origin in params.origins]
    inputs = read_inputs({**snakemake.input}, params.network, params.family, origins)
    about = make_about(params.about, params.conditions)
    figure, caption = draw_figure(params.figure, inputs, about, **params.style)
    write_figure(figure, caption, **snakemake.output)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
