# The paper beside the run: a verdict on each of its claims about Gaussian noise; for CIFAR-10, what
# it published in one table with the run's own.
CLAIMS = []

if GAUSSIAN:

    rule judge_claims:
        input:
            geometry=rules.collect_geometry.output.geometry,
            summary=rules.collect_geometry.output.summary,
            accuracy=rules.collect_accuracy.output[0],
        output:
            table=f"{RESULTS}/tables/claims.csv",
            page=report(
                f"{RESULTS}/tables/claims.html",
                caption="captions/claims.rst",
                category="gaussian",
                labels={"figure": "claims of the paper"},
            ),
            numbers=f"{RESULTS}/tables/claims.rst",
        log:
            f"{LOGS}/judge_claims.log",
        conda:
            "../envs/geometry.yaml"
        params:
            parameterization=GAUSSIAN["parameterization"],
            seed=SEED,
            library=library("judge_claims"),
        message:
            "Judge the paper's claims about Gaussian noise"
        script:
            "../scripts/judge_claims.py"

    CLAIMS += rules.judge_claims.output
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
            params:
                published=PUBLISHED,
                parameterization=GAUSSIAN["parameterization"],
                library=library("compare_published"),
            message:
                "Set the run's values beside the published ones"
            script:
                "../scripts/compare_published.py"

        CLAIMS += rules.compare_published.output
