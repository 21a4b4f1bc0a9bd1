"""Solve the geometry of one layer of a network under one condition."""

from manifold_robustness.files.geometry import write_geometry
from manifold_robustness.files.images import describe_manifolds
from manifold_robustness.files.stores import read_points
from manifold_robustness.jobs import run_job
from manifold_robustness.limits import available_memory, require_geometry
from manifold_robustness.lineage import Origin
from manifold_robustness.measures import solve_replicates


def main(snakemake):
    params, path = snakemake.params, snakemake.input[0]
    origin = Origin(**params.origin)
    points, attributes = read_points(path, origin)
    require_geometry(points.shape[:3], points.shape[3], params.geometry, available_memory())
    results = solve_replicates(points, params.geometry, params.seed)
    described = {
        "layer_label": attributes["layer_label"],
        "basis": attributes["basis"],
        "n_features": attributes["n_features"],
        "n_points": points.shape[2],
    }
    origin = origin.completed(attributes["lineage"])
    write_geometry(snakemake.output[0], results, describe_manifolds(attributes), origin, described)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
