"""Judge the paper's claims on every network under every family: a table, a page, sentences."""

from manifold_robustness.files.atomic import written_beside
from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.jobs import run_job
from manifold_robustness.paper.claims import JudgedFamily, describe_claims, judge_claims
from manifold_robustness.paper.claims_page import claims_page


def main(snakemake):
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    tables = [read_table(path) for path in (files.geometry, files.summary, files.accuracy)]
    families = [JudgedFamily(**family) for family in params.families]
    claims = judge_claims(*tables, families, params.seed)
    matched = read_table(files.matched) if files.get("matched") else None
    write_table(claims, output.table)
    for path, text in (
        (output.page, claims_page(claims, matched, params.manifolds)),
        (output.numbers, describe_claims(claims) + "\n"),
    ):
        with written_beside(path) as partial:
            partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
