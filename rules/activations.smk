# The activations: one job per network and condition, one store per layer. The stores are a job's
# outputs, so networks that keep the same layers share a rule; other lists of layers have their own.
EXTRACTION = {}


for own_name, layers, names in by_layers("extract_activations", MODELS):
    EXTRACTION |= dict.fromkeys(names, own_name)

    rule:
        name:
            own_name
        input:
            images=IMAGES,
            weights=WEIGHTS,
        output:
            [
                f"{RESULTS}/{{network}}/activations/{{condition}}/{layer}.zarr.zip"
                for layer in layers
            ],
        log:
            f"{LOGS}/extract_activations/{{network}}/{{condition}}.log",
        wildcard_constraints:
            network=one_of(names),
        conda:
            "../envs/network.yaml"
        resources:
            gpu=1,
            mem_mb=grows(8000),
            runtime=grows(30),
        params:
            origin=partial(origin_of, "extract_activations"),
            settings=architecture_of,
            basis=config["activations"]["basis"],
            code=partial(network_code, "extract_activations", []),
        message:
            "Extract the activations: {wildcards.network}, {wildcards.condition}"
        script:
            "../scripts/extract_activations.py"


# Recorded activations are drawn from their files; those of the same layers share a rule, too.
for own_name, layers, names in by_layers("import_activations", RECORDED):
    EXTRACTION |= dict.fromkeys(names, own_name)

    rule:
        name:
            own_name
        input:
            recorded_files,
        output:
            [
                f"{RESULTS}/{{network}}/activations/{{condition}}/{layer}.zarr.zip"
                for layer in layers
            ],
        log:
            f"{LOGS}/import_activations/{{network}}/{{condition}}.log",
        wildcard_constraints:
            network=one_of(names),
        conda:
            "../envs/geometry.yaml"
        resources:
            mem_mb=grows(4000),
            runtime=grows(30),
        params:
            origin=partial(origin_of, "import_activations"),
            files=recording_of,
            n_manifolds=config["images"]["n_manifolds"],
            n_points=config["images"]["n_points"],
            replicates=config["images"]["replicates"],
            basis=config["activations"]["basis"],
            seed=SEED,
            code=code("import_activations"),
        message:
            "Import the activations: {wildcards.network}, {wildcards.condition}"
        script:
            "../scripts/import_activations.py"
