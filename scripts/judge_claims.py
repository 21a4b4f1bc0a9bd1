"""Judge the paper's claims about Gaussian noise on every network: a table, a page, sentences."""

from manifold_robustness.files.atomic import written_beside
from manifold_robustness.files.csv import of_family, read_table, write_table
from manifold_robustness.jobs import run_job
from manifold_robustness.paper.claims import describe_claims, judge_claims
from manifold_robustness.paper.claims_page import claims_page


def main(snakemake):
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    tables = [
        of_family(read_table(path), params.family)
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
