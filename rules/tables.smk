# The tables: what gathers the jobs' files, and the check of the whole.
STRENGTHS = {c.name: (c.family, c.strength) for c in CONDITIONS.values()}
MEASURED_STRENGTHS = {name: STRENGTHS[name] for name in MEASURED}
SUBSET_TABLE = (
    {"subsets": f"{RESULTS}/tables/subsets.csv"} if SOLVING["subsets"] else {}
)
ANALYSED_LAYERS = {name: list(network.analysed) for name, network in NETWORKS.items()}


rule collect_accuracy:
    input:
        ANSWERS,
    output:
        f"{RESULTS}/tables/accuracy.csv",
    log:
        f"{LOGS}/collect_accuracy.log",
    conda:
        "../envs/geometry.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        networks=list(NETWORKS),
        strengths=STRENGTHS,
        lineages=partial(lineages_of, "perturb_images"),
        code=code("collect_accuracy"),
    message:
        "Collect the accuracy into a table"
    script:
        "../scripts/collect_accuracy.py"


rule collect_geometry:
    input:
        GEOMETRY,
    output:
        **SUBSET_TABLE,
        geometry=f"{RESULTS}/tables/geometry.csv",
        summary=f"{RESULTS}/tables/summary.csv",
    log:
        f"{LOGS}/collect_geometry.log",
    conda:
        "../envs/geometry.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        layers=ANALYSED_LAYERS,
        strengths=MEASURED_STRENGTHS,
        lineages=partial(lineages_of, "solve_geometry"),
        code=code("collect_geometry", *VARIABLE_CODE),
    message:
        "Collect the geometry into tables"
    script:
        "../scripts/collect_geometry.py"


rule verify_results:
    input:
        geometry=rules.collect_geometry.output.geometry,
        summary=rules.collect_geometry.output.summary,
        accuracy=rules.collect_accuracy.output[0],
        metrics=expand(METRICS, network=NETWORKS),
    output:
        f"{RESULTS}/tables/verification.txt",
    log:
        f"{LOGS}/verify_results.log",
    conda:
        "../envs/geometry.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        coordinates=[
            (name, condition, layer)
            for name, network in NETWORKS.items()
            for condition in MEASURED
            for layer in network.analysed
        ],
        images=config["images"],
        tolerance=SOLVING["tolerance"],
        measures=[name for measured in MEASURES.values() for name in measured],
        min_accuracy={
            name: network.training["min_accuracy"] if network.is_trained else 0
            for name, network in NETWORKS.items()
        },
        lineages=lineages_of_weights,
        code=code("verify_results", *VARIABLE_CODE),
    message:
        "Verify the results"
    script:
        "../scripts/verify_results.py"


TABLES = [
    *rules.collect_geometry.output,
    *rules.collect_accuracy.output,
    *rules.verify_results.output,
]

if len(NETWORKS) > 1:

    rule compare_networks:
        input:
            geometry=rules.collect_geometry.output.geometry,
            predictions=ANSWERS,
            images=expand(SELECTED, network=NETWORKS),
        output:
            f"{RESULTS}/tables/comparison.csv",
        log:
            f"{LOGS}/compare_networks.log",
        conda:
            "../envs/geometry.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            lineages=partial(lineages_of, "perturb_images"),
            conditions=list(CONDITIONS),
            seed=SEED,
            code=code("compare_networks", *VARIABLE_CODE),
        message:
            "Compare the networks"
        script:
            "../scripts/compare_networks.py"

    TABLES += rules.compare_networks.output
