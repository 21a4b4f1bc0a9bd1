"""Gather a finished run in one file that others open without this project."""

from pathlib import Path

from manifold_robustness import export
from manifold_robustness.declarations import LIBRARY
from manifold_robustness.files.atomic import written_beside
from manifold_robustness.files.csv import read_table
from manifold_robustness.files.stamps import file_sum
from manifold_robustness.jobs import run_job


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    summary, accuracy = read_table(files.summary), read_table(files.accuracy)
    made_of = {
        "exported_with": export.versions(),
        "weights_sha256": {
            name: file_sum(path) for name, path in zip(params.networks, files.weights, strict=True)
        },
        "lineage": params.lineages,
        "certificates": params.certificates,
    }
    run = params.about["run"]
    grid = export.summary_dataset(summary, accuracy, params.families, run)
    members = {
        "summary.nc": export.to_netcdf(grid),
        "README.txt": export.readme(**params.about).encode(),
        "configuration.yaml": export.as_yaml(params.configuration),
        "provenance.json": export.as_json(made_of),
        "CITATION.md": export.citations(
            params.configuration, list(summary), params.networks.values(), params.trained_on
        ).encode(),
        "CITATION.cff": (LIBRARY.parents[1] / "CITATION.cff").read_bytes(),
    }
    results = Path(snakemake.output[0]).parents[1]
    for path in map(Path, [*files.tables, *files.figures]):
        members[path.relative_to(results).as_posix()] = path.read_bytes()
    with written_beside(snakemake.output[0]) as partial:
        export.write_zip(partial, members, run)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
