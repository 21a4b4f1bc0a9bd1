"""Check the invariants of the finished tables."""

from manifold_robustness.files.atomic import written_beside
from manifold_robustness.files.csv import read_table
from manifold_robustness.files.metrics import read_metrics
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin
from manifold_robustness.verification import verify_results


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    test_accuracy = {
        network: read_metrics(path, Origin(network, lineage=lineage))["test_accuracy"]
        for (network, lineage), path in zip(params.lineages.items(), files.metrics, strict=True)
    }
    checks = verify_results(
        read_table(files.geometry),
        read_table(files.summary),
        read_table(files.accuracy),
        read_table(files.attacks) if files.get("attacks") else None,
        read_table(files.certified) if files.get("certified") else None,
        coordinates=[tuple(place) for place in params.coordinates],
        expected=params.images,
        measures=params.measures,
        tolerance=params.tolerance,
        min_accuracy=params.min_accuracy,
        test_accuracy=test_accuracy,
        limits=params.limits,
    )
    with written_beside(snakemake.output[0]) as partial:
        partial.write_text("".join(f"{check}\n" for check in checks), encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
