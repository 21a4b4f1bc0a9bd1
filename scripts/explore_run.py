"""Make the page on which a person explores a run."""

from manifold_robustness import explore
from manifold_robustness.figures.reading import StoredFile, sample
from manifold_robustness.files.atomic import written_beside
from manifold_robustness.files.csv import read_table
from manifold_robustness.jobs import run_job
from manifold_robustness.lineage import Origin


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    summary, accuracy = read_table(files.summary), read_table(files.accuracy)
    pictures = {}
    for path, wanted in zip(files.images, params.origins, strict=True):
        origin = Origin(**wanted)
        of_network = pictures.setdefault(origin.network, {})
        of_network[origin.condition] = explore.pictures_of(StoredFile(path, origin))
    data = explore.page_data(
        summary,
        accuracy,
        run=params.about["run"],
        about=explore.describe(
            params.about["data"], sample(summary), params.about["networks"], accuracy
        ),
        families=params.families,
        pictures=pictures,
    )
    page = explore.build_page(data)
    with written_beside(snakemake.output[0]) as partial:
        partial.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
