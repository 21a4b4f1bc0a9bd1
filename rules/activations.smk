# The activations: one job per condition, one store per layer.


rule extract_activations:
    input:
        images=f"{RESULTS}/images/{{condition}}.zarr.zip",
        weights=WEIGHTS,
    output:
        [f"{RESULTS}/activations/{{condition}}/{layer}.zarr.zip" for layer in LAYERS],
    log:
        f"{LOGS}/extract_activations/{{condition}}.log",
    conda:
        "../envs/network.yaml"
    params:
        network=network(),
        basis=config["activations"]["basis"],
        library=library("extract_activations"),
    message:
        "Extract the activations of every kept layer: {wildcards.condition}"
    script:
        "../scripts/extract_activations.py"
