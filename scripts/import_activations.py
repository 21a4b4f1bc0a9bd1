"""Draw the points of every layer of recorded activations under one condition."""

from pathlib import Path

from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin
from manifold_robustness.recorded_activations import import_activations


def main(snakemake):
    params = snakemake.params
    stores = {Path(path).name.removesuffix(".zarr.zip"): path for path in snakemake.output}
    import_activations(
        dict(zip(stores, snakemake.input, strict=True)),
        stores,
        (params.replicates, params.n_manifolds, params.n_points),
        params.basis,
        params.seed,
        Origin(**params.origin),
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
