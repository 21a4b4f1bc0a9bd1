# The networks: weights, trained here or the user's own, and the list of their layers. Either job first
# checks, in seconds, that the network has the layers and the data set the images that later stages
# want. It reads those from the config: as params they would make a training stale, and a check in a job
# of its own, awaited as ancient(), hides stale jobs behind it (docs/decisions.md).
TRAINED = [name for name, network in MODELS.items() if network.is_trained]
IMPORTED = [name for name, network in MODELS.items() if not network.is_trained]
WEIGHTS = f"{RESULTS}/{{network}}/weights/weights.safetensors"
METRICS = f"{RESULTS}/{{network}}/weights/metrics.json"
LAYER_LIST = f"{RESULTS}/{{network}}/weights/layers.json"


if TRAINED:

    rule train_network:
        input:
            imagenet=files_of_start,
        output:
            weights=WEIGHTS,
            metrics=METRICS,
            layers=LAYER_LIST,
            history=f"{RESULTS}/{{network}}/weights/history.csv",
        log:
            f"{LOGS}/train_network/{{network}}.log",
        wildcard_constraints:
            network=one_of(TRAINED),
        conda:
            "../envs/network.yaml"
        threads: threads_of_training
        resources:
            gpu=1,
            mem_mb=grows(8000),
            runtime=grows(240),
        params:
            origin=partial(origin_of, "train_network"),
            settings=architecture_of,
            initial=start_of,
            data=DATA,
            training=recipe_of,
            seed=seed_of_training,
            checkpoint=f"{RESULTS}/{{network}}/weights/checkpoint.pt",
            code=partial(training_code, "train_network", [DATA_CODE]),
        message:
            "Train the network {wildcards.network}"
        script:
            "../scripts/train_network.py"


if IMPORTED:

    rule import_weights:
        input:
            weights=own_weights,
        output:
            weights=WEIGHTS,
            metrics=METRICS,
            layers=LAYER_LIST,
        log:
            f"{LOGS}/import_weights/{{network}}.log",
        wildcard_constraints:
            network=one_of(IMPORTED),
        conda:
            "../envs/network.yaml"
        resources:
            gpu=1,
            mem_mb=grows(8000),
            runtime=grows(30),
        params:
            origin=partial(origin_of, "import_weights"),
            settings=architecture_of,
            data=DATA,
            batch_size=config["accuracy"]["batch_size"],
            code=partial(network_code, "import_weights", [DATA_CODE]),
        message:
            "Take the weights of the network {wildcards.network} from {input.weights}"
        script:
            "../scripts/import_weights.py"
