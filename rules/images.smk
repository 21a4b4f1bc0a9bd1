# The images: the whole test set's accuracy under each condition; P classes x M correctly
# classified images, and their perturbed versions.


rule evaluate_accuracy:
    input:
        weights=WEIGHTS,
    output:
        f"{RESULTS}/accuracy/{{condition}}.h5",
    log:
        f"{LOGS}/evaluate_accuracy/{{condition}}.log",
    conda:
        "../envs/network.yaml"
    params:
        condition=condition_settings,
        data=DATA,
        network=network(),
        batch_size=config["accuracy"]["batch_size"],
        seed=SEED,
        library=perturbing_library("evaluate_accuracy"),
    message:
        "Evaluate the accuracy on the whole test set: {wildcards.condition}"
    script:
        "../scripts/evaluate_accuracy.py"


rule select_images:
    input:
        accuracy=f"{RESULTS}/accuracy/clean.h5",
    output:
        f"{RESULTS}/images/clean.zarr.zip",
    log:
        f"{LOGS}/select_images.log",
    conda:
        "../envs/network.yaml"
    params:
        data=DATA,
        images=IMAGES,
        seed=SEED,
        library=library("select_images"),
    message:
        "Select correctly classified test images"
    script:
        "../scripts/select_images.py"


rule perturb_images:
    input:
        images=f"{RESULTS}/images/clean.zarr.zip",
        weights=lambda w: WEIGHTS if CONDITIONS[w.condition].needs_model else [],
    output:
        f"{RESULTS}/images/{{condition}}.zarr.zip",
    log:
        f"{LOGS}/perturb_images/{{condition}}.log",
    wildcard_constraints:
        condition="|".join(re.escape(c) for c in CONDITIONS if c != conditions.CLEAN)
        or "(?!)",
    conda:
        "../envs/network.yaml"
    params:
        condition=condition_settings,
        network=network(),
        seed=SEED,
        library=perturbing_library("perturb_images"),
    message:
        "Perturb the selected images: {wildcards.condition}"
    script:
        "../scripts/perturb_images.py"
