"""Write the first page of the report."""

from manifold_robustness.files.atomic import written_beside
from manifold_robustness.files.csv import read_table
from manifold_robustness.jobs import run_job
from manifold_robustness.overview import describe_run


def main(snakemake):
    files = snakemake.input
    claims = read_table(files.claims) if files.get("claims") else None
    attacks = read_table(files.attacks) if files.get("attacks") else None
    tables = read_table(files.summary), read_table(files.accuracy), claims, attacks
    page = describe_run(*tables, **snakemake.params.about)
    with written_beside(snakemake.output[0]) as partial:
        partial.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
