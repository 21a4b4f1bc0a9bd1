# The tables: what gathers the jobs' files, and the check of the whole.
COORDINATES = [(c, layer) for c in CONDITIONS for layer in GEOMETRY_LAYERS]
GEOMETRY_FILES = [f"{RESULTS}/geometry/{c}/{layer}.h5" for c, layer in COORDINATES]
STRENGTHS = {c.name: (c.family, c.strength) for c in CONDITIONS.values()}


rule collect_accuracy:
    input:
        [f"{RESULTS}/accuracy/{c}.h5" for c in CONDITIONS],
    output:
        f"{RESULTS}/tables/accuracy.csv",
    log:
        f"{LOGS}/collect_accuracy.log",
    conda:
        "../envs/geometry.yaml"
    params:
        strengths=STRENGTHS,
        library=library("collect_accuracy"),
    message:
        "Collect the accuracy into a table"
    script:
        "../scripts/collect_accuracy.py"


rule collect_geometry:
    input:
        GEOMETRY_FILES,
    output:
        geometry=f"{RESULTS}/tables/geometry.csv",
        summary=f"{RESULTS}/tables/summary.csv",
    log:
        f"{LOGS}/collect_geometry.log",
    conda:
        "../envs/geometry.yaml"
    params:
        strengths=STRENGTHS,
        layers=GEOMETRY_LAYERS,
        made_with={
            "settings": GEOMETRY,
            "seed": SEED,
            "n_points": IMAGES["n_points"],
        },
        library=library("collect_geometry"),
    message:
        "Collect the geometry into tables"
    script:
        "../scripts/collect_geometry.py"


rule verify_results:
    input:
        geometry=rules.collect_geometry.output.geometry,
        summary=rules.collect_geometry.output.summary,
        accuracy=rules.collect_accuracy.output[0],
        metrics=METRICS,
    output:
        f"{RESULTS}/tables/verification.txt",
    log:
        f"{LOGS}/verify_results.log",
    conda:
        "../envs/geometry.yaml"
    params:
        coordinates=COORDINATES,
        images=IMAGES,
        tolerance=config["geometry"]["tolerance"],
        min_accuracy=0 if OWN_WEIGHTS else config["training"]["min_accuracy"],
        library=library("verify_results"),
    message:
        "Verify the results"
    script:
        "../scripts/verify_results.py"
