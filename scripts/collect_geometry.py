"""Gather the geometry of every condition and layer into a tidy table and a summary."""

from manifold_robustness.jobs import run_job
from manifold_robustness.table_files import write_table
from manifold_robustness.tables import collect_geometry, summarise_geometry


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    coordinates = [
        {
            "condition": condition,
            "family": family,
            "strength": strength,
            "layer": layer,
            "layer_index": index,
        }
        for condition, (family, strength) in params.strengths.items()
        for index, layer in enumerate(params.layers)
    ]
    table = collect_geometry(zip(coordinates, snakemake.input, strict=True), params.made_with)
    write_table(table, output.geometry)
    write_table(summarise_geometry(table), output.summary)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
