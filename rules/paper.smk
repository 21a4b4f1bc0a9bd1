# The paper beside the run: a verdict on each of its claims, for every family of perturbations; what
# was published about one of the run's families, on the same data, in one table with the run's own.
GAUSSIAN = next(
    (
        family
        for family in EXPERIMENT.families
        if family.perturbation == "gaussian" and family.conditions
    ),
    None,
)
JUDGED = [family for family in EXPERIMENT.families if MODELS and family.conditions]
SEVERAL = len(JUDGED) > 1  # families to compare
PUBLISHED = published_values()  # by family

PAPER = []

if SEVERAL:

    rule match_families:
        input:
            geometry=rules.collect_geometry.output.geometry,
            accuracy=rules.collect_accuracy.output[0],
        output:
            f"{RESULTS}/tables/matched.csv",
        log:
            f"{LOGS}/match_families.log",
        conda:
            "../envs/geometry.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            families=[family.name for family in JUDGED],
            reference=(GAUSSIAN or JUDGED[0]).name,
            share=config["accuracy"]["matched_share"],
            code=code("match_families", *VARIABLE_CODE),
        message:
            "Match the families at equal accuracy"
        script:
            "../scripts/match_families.py"

    PAPER += rules.match_families.output


if JUDGED:

    rule judge_claims:
        input:
            unpack(matched_table),
            geometry=rules.collect_geometry.output.geometry,
            summary=rules.collect_geometry.output.summary,
            accuracy=rules.collect_accuracy.output[0],
        output:
            table=f"{RESULTS}/tables/claims.csv",
            page=report(
                f"{RESULTS}/tables/claims.html",
                caption="captions/claims.rst",
                category="The paper's claims",
                labels={"figure": "verdicts"},
            ),
            numbers=f"{RESULTS}/tables/claims.rst",
        log:
            f"{LOGS}/judge_claims.log",
        conda:
            "../envs/geometry.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            families=[judged(family) for family in JUDGED],
            manifolds=MANIFOLDS,
            seed=SEED,
            code=code("judge_claims", *VARIABLE_CODE),
        message:
            "Judge the paper's claims"
        script:
            "../scripts/judge_claims.py"

    PAPER += rules.judge_claims.output


if PUBLISHED:

    rule compare_published:
        input:
            summary=rules.collect_geometry.output.summary,
            accuracy=rules.collect_accuracy.output[0],
        output:
            f"{RESULTS}/tables/published.csv",
        log:
            f"{LOGS}/compare_published.log",
        conda:
            "../envs/geometry.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            families={
                name: {
                    "published": values,
                    "parameterization": FAMILIES[name].options.get("parameterization"),
                }
                for name, values in PUBLISHED.items()
            },
            code=code("compare_published"),
        message:
            "Set the run's values beside the published ones"
        script:
            "../scripts/compare_published.py"

    PAPER += rules.compare_published.output


DATA_TITLE = declarations.read_declaration(
    "network/data_sets", DATA["name"], "data set (data.name)"
)["title"]
DATA_TITLE = DATA_TITLE if MODELS else "recorded activations"


rule describe_run:
    input:
        unpack(claims_table),
        unpack(attacks_table),
        summary=rules.collect_geometry.output.summary,
        accuracy=rules.collect_accuracy.output[0],
    output:
        f"{RESULTS}/tables/run.rst",
    log:
        f"{LOGS}/describe_run.log",
    conda:
        "../envs/geometry.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        about={
            "run": config["run"],
            "command": command_to_repeat(),
            "data": DATA_TITLE,
            "networks": {name: in_words(one) for name, one in NETWORKS.items()},
            "families": {family.name: family.title for family in FAMILIES.values()},
            "correct_for": config["images"]["correct_for"],
            "manifolds": MANIFOLDS,
        },
        code=code("describe_run"),
    message:
        "Describe the run"
    script:
        "../scripts/describe_run.py"


PAPER += rules.describe_run.output
