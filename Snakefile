# config.yaml in; tables and figures out that say how linearly separable the classes are, in every
# network, under every perturbation, in every layer. The include list is the abstract.
from snakemake.utils import min_version

min_version("9.27.1")


configfile: "config.yaml"


report: "rules/captions/run.rst"


include: "rules/common.smk"
include: "rules/functions.smk"
include: "rules/lineage.smk"
include: "rules/networks.smk"
include: "rules/images.smk"
include: "rules/activations.smk"
include: "rules/geometry.smk"
include: "rules/certificate.smk"
include: "rules/tables.smk"
include: "rules/paper.smk"
include: "rules/figures.smk"
include: "rules/explore.smk"
include: "rules/export.smk"
include: "rules/provenance.smk"


rule all:
    default_target: True
    input:
        TABLES,
        PAPER,
        FIGURES,
        GEOMETRY,
        ANSWERS,
        KEPT,
        CERTIFIED_TABLES.values(),
        rules.explore_run.output,
        expand(WEIGHTS, network=MODELS),
    message:
        "Everything that the configuration asks for is there"


onsuccess:
    record_code()
    drawn = f"figures in {RESULTS}/figures, " if FIGURES else ""
    print(f"Done: {drawn}tables in {RESULTS}/tables.")


onerror:
    print(
        "Some jobs failed; each says why above and in its log. What is finished stays."
    )
