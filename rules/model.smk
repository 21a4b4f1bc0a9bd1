# The network: its weights, trained here or the user's own. Either job first checks, in seconds, that
# the network has the layers and the data set the images that later stages want. It reads those from
# the config: as params they would make a training stale, and a check in a job of its own, awaited
# as ancient(), hides stale jobs behind it from Snakemake 9.27 (CHANGELOG.md).


if OWN_WEIGHTS:

    rule import_weights:
        input:
            weights=config["model"]["weights"],
        output:
            weights=f"{RESULTS}/model/weights.safetensors",
            metrics=f"{RESULTS}/model/metrics.json",
        log:
            f"{LOGS}/import_weights.log",
        conda:
            "../envs/network.yaml"
        params:
            data=DATA,
            network=network(),
            batch_size=config["accuracy"]["batch_size"],
            library=library("import_weights"),
        message:
            "Take the network's weights from {input.weights}"
        script:
            "../scripts/import_weights.py"

else:

    rule train_model:
        input:
            imagenet=config["model"]["weights_file"] or [],
        output:
            weights=f"{RESULTS}/model/weights.safetensors",
            metrics=f"{RESULTS}/model/metrics.json",
            history=f"{RESULTS}/model/history.csv",
        log:
            f"{LOGS}/train_model.log",
        conda:
            "../envs/network.yaml"
        threads: config["training"]["threads"] + config["training"]["workers"]
        params:
            data=DATA,
            network=network(),
            initial={key: config["model"][key] for key in ("weights", "weights_file")},
            training={
                k: v for k, v in config["training"].items() if k != "min_accuracy"
            },
            seed=SEED,
            checkpoint=f"{RESULTS}/model/checkpoint.pt",
            library=library("train_model"),
        message:
            "Train the network"
        script:
            "../scripts/train_model.py"


WEIGHTS = f"{RESULTS}/model/weights.safetensors"
METRICS = f"{RESULTS}/model/metrics.json"
