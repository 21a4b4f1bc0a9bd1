"""Check the invariants of the finished tables."""

import json
from pathlib import Path

import pandas as pd

from manifold_robustness.atomic import written_beside
from manifold_robustness.jobs import run_job
from manifold_robustness.verification import verify_results


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    checks = verify_results(
        pd.read_csv(files.geometry, dtype={"layer": str}),
        pd.read_csv(files.summary, dtype={"layer": str}),
        pd.read_csv(files.accuracy),
        coordinates=[tuple(pair) for pair in params.coordinates],
        expected=params.images,
        tolerance=params.tolerance,
        test_accuracy=json.loads(Path(files.metrics).read_text())["test_accuracy"],
    )
    with written_beside(snakemake.output[0]) as partial:
        partial.write_text("".join(f"holds: {check}\n" for check in checks), encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
