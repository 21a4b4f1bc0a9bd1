# The certificate of randomized smoothing: one job per (network, σ), and what gathers them.
CERTIFY = config["certify"]
CERTIFIED = EXPERIMENT.certified  # the standard deviation of the noise, by level
CERTIFICATE = f"{RESULTS}/{{network}}/certified/{{condition}}.h5"
CERTIFICATES = [
    CERTIFICATE.format(network=network, condition=level)
    for network in MODELS
    for level in CERTIFIED
]
CERTIFIED_TABLES = {}

if CERTIFIED:

    rule certify_smoothing:
        input:
            clean=f"{RESULTS}/{{network}}/accuracy/{CLEAN}.h5",
            weights=WEIGHTS,
        output:
            CERTIFICATE,
        log:
            f"{LOGS}/certify_smoothing/{{network}}/{{condition}}.log",
        wildcard_constraints:
            condition=one_of(CERTIFIED),
        conda:
            "../envs/network.yaml"
        resources:
            gpu=1,
            mem_mb=grows(8000),
            runtime=grows(240),
        params:
            origin=partial(origin_of, "certify_smoothing"),
            settings=architecture_of,
            data=DATA,
            certify=certificate_of,
            batch_size=config["accuracy"]["batch_size"],
            seed=SEED,
            checkpoint=f"{RESULTS}/{{network}}/certified/{{condition}}.part",
            code=partial(network_code, "certify_smoothing", [DATA_CODE]),
        message:
            "Certify the smoothed network: {wildcards.network}, {wildcards.condition}"
        script:
            "../scripts/certify_smoothing.py"

    rule collect_certificates:
        input:
            CERTIFICATES,
        output:
            certified=f"{RESULTS}/tables/certified.csv",
            classes=f"{RESULTS}/tables/certified_classes.csv",
        log:
            f"{LOGS}/collect_certificates.log",
        conda:
            "../envs/geometry.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            networks=list(MODELS),
            levels=list(CERTIFIED),
            lineages=lineages_of_certificates,
            code=code("collect_certificates"),
        message:
            "Collect the certificates into tables"
        script:
            "../scripts/collect_certificates.py"

    CERTIFIED_TABLES = {
        "certified": rules.collect_certificates.output.certified,
        "certified_classes": rules.collect_certificates.output.classes,
    }
