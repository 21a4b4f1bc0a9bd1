"""Gather the geometry of every network, condition and layer into a tidy table and a summary."""

from manifold_robustness.collection import (
    collect_geometry,
    collect_subsets,
    read_measured,
    summarise_geometry,
)
from manifold_robustness.files.csv import write_table
from manifold_robustness.jobs import run_job


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    places = [
        {
            "network": network,
            "condition": condition,
            "family": family,
            "strength": strength,
            "layer": layer,
            "layer_index": index,
        }
        for network, layers in params.layers.items()
        for condition, (family, strength) in params.strengths[network].items()
        for index, layer in enumerate(layers)
    ]
    measured = read_measured(
        (place, params.lineages[place["network"]][place["condition"]], path)
        for place, path in zip(places, snakemake.input, strict=True)
    )
    table = collect_geometry(measured)
    write_table(table, output.geometry)
    write_table(summarise_geometry(table), output.summary)
    if output.get("subsets"):
        write_table(collect_subsets(measured, table), output.subsets)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
