# The network: checks of seconds first, then its weights, trained here or the user's own.


rule check_data:
    output:
        f"{RESULTS}/model/data.csv",
    log:
        f"{LOGS}/check_data.log",
    params:
        data=DATA,
        images=IMAGES,
        library=library("check_data"),
    conda:
        "../envs/network.yaml"
    script:
        "../scripts/check_data.py"


rule check_layers:
    output:
        f"{RESULTS}/model/layers.csv",
    log:
        f"{LOGS}/check_layers.log",
    params:
        layers=LAYERS,
        data=DATA,
        network=network(),
        library=library("check_layers"),
    conda:
        "../envs/network.yaml"
    script:
        "../scripts/check_layers.py"


if OWN_WEIGHTS:

    rule import_weights:
        input:
            ancient(rules.check_data.output),
            ancient(rules.check_layers.output),
            weights=config["model"]["weights"],
        output:
            weights=f"{RESULTS}/model/weights.safetensors",
            metrics=f"{RESULTS}/model/metrics.json",
        log:
            f"{LOGS}/import_weights.log",
        params:
            data=DATA,
            network=network(),
            batch_size=config["accuracy"]["batch_size"],
            library=library("import_weights"),
        conda:
            "../envs/network.yaml"
        script:
            "../scripts/import_weights.py"

else:

    rule train_model:
        input:
            ancient(rules.check_data.output),
            ancient(rules.check_layers.output),
            imagenet=config["model"]["weights_file"] or [],
        output:
            weights=f"{RESULTS}/model/weights.safetensors",
            metrics=f"{RESULTS}/model/metrics.json",
            history=f"{RESULTS}/model/history.csv",
        log:
            f"{LOGS}/train_model.log",
        params:
            data=DATA,
            network=network(),
            initial={key: config["model"][key] for key in ("weights", "weights_file")},
            training=config["training"],
            seed=SEED,
            library=library("train_model"),
        threads: config["training"]["threads"]
        conda:
            "../envs/network.yaml"
        script:
            "../scripts/train_model.py"


WEIGHTS = f"{RESULTS}/model/weights.safetensors"
METRICS = f"{RESULTS}/model/metrics.json"
