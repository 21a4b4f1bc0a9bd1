# config.yaml in; a table and figures out that say how linearly separable the classes are,
# in every layer, at every strength of perturbation. The include list is the abstract.
configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/model.smk"
include: "rules/images.smk"
include: "rules/activations.smk"
include: "rules/geometry.smk"
include: "rules/tables.smk"
include: "rules/claims.smk"
include: "rules/figures.smk"


rule all:
    default_target: True
    input:
        CLAIMS,
        FIGURES,
        GEOMETRY_FILES,
        f"{RESULTS}/tables/verification.txt",


onsuccess:
    print(f"Done: figures in {RESULTS}/figures, tables in {RESULTS}/tables.")


onerror:
    print(
        "Some jobs failed; each says why above and in its log. What is finished stays."
    )
