# The tables: what gathers the jobs' files, and the check of the whole.
STRENGTHS = {c.name: (c.family, c.strength) for c in CONDITIONS.values()}
MEASURED_STRENGTHS = {
    name: {
        c.name: (c.family, c.strength) for c in EXPERIMENT.measured_of(name).values()
    }
    for name in NETWORKS
}
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
        networks=list(MODELS),
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


# Conditions that say something of attacks: their own, and those that attacks are compared with.
EXPECTED = [family for family in EXPERIMENT.families if MODELS and is_looked_at(family)]
# Of these families the images tell whether a greater strength goes on where a smaller one ended.
NESTED = [
    condition.name
    for family in EXPECTED
    if family.expected.get("nested")
    for condition in family.conditions
]
NESTED = [CLEAN, *NESTED] if NESTED else []

if EXPECTED:

    rule compare_attacks:
        input:
            predictions=ANSWERS,
            images=expand(IMAGES, network=MODELS, condition=NESTED),
        output:
            f"{RESULTS}/tables/attacks.csv",
        log:
            f"{LOGS}/compare_attacks.log",
        conda:
            "../envs/geometry.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            families=[expected_of(family) for family in EXPECTED],
            conditions=list(CONDITIONS),
            stored=NESTED,
            lineages=partial(lineages_of, "perturb_images"),
            code=code("compare_attacks"),
        message:
            "Compare the attacks"
        script:
            "../scripts/compare_attacks.py"


rule verify_results:
    input:
        unpack(attacks_table),
        unpack(certified_table),
        geometry=rules.collect_geometry.output.geometry,
        summary=rules.collect_geometry.output.summary,
        accuracy=rules.collect_accuracy.output[0],
        metrics=expand(METRICS, network=MODELS),
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
            for name, condition in PLACES
            for layer in NETWORKS[name].analysed
        ],
        images=config["images"],
        tolerance=SOLVING["tolerance"],
        measures=[name for measured in MEASURES.values() for name in measured],
        min_accuracy={
            name: network.training["min_accuracy"] if network.is_trained else 0
            for name, network in MODELS.items()
        },
        limits={name: limits_of(CONDITIONS[name]) for name in PERTURBED},
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
if EXPECTED:
    TABLES += rules.compare_attacks.output

if len(MODELS) > 1:

    rule compare_networks:
        input:
            geometry=rules.collect_geometry.output.geometry,
            predictions=ANSWERS,
            images=expand(SELECTED, network=MODELS),
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


# By network, the entry of the configuration that it is a training of.
RECIPES = {name: network.recipe for name, network in MODELS.items()}
TRAININGS_TABLE = {}

if EXPERIMENT.repeated:

    rule compare_trainings:
        input:
            summary=rules.collect_geometry.output.summary,
            accuracy=rules.collect_accuracy.output[0],
        output:
            f"{RESULTS}/tables/trainings.csv",
        log:
            f"{LOGS}/compare_trainings.log",
        conda:
            "../envs/geometry.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            recipes=RECIPES,
            code=code("compare_trainings", *VARIABLE_CODE),
        message:
            "Compare the trainings"
        script:
            "../scripts/compare_trainings.py"

    TRAININGS_TABLE = {"trainings": rules.compare_trainings.output[0]}
    TABLES += rules.compare_trainings.output
