"""Judge the paper's claims about Gaussian noise: a table, a page, and a sentence."""

from manifold_robustness.atomic import written_beside
from manifold_robustness.claims import describe_claims, judge_claims
from manifold_robustness.claims_page import claims_page
from manifold_robustness.jobs import run_job
from manifold_robustness.table_files import of_family, read_table, write_table


def main(snakemake):
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    tables = [
        of_family(read_table(path), "gaussian")
        for path in (files.geometry, files.summary, files.accuracy)
    ]
    claims = judge_claims(*tables, params.parameterization, params.seed)
    write_table(claims, output.table)
    for path, text in (
        (output.page, claims_page(claims)),
        (output.numbers, describe_claims(claims) + "\n"),
    ):
        with written_beside(path) as partial:
            partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
