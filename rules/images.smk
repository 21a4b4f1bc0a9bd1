# The images: the clean test set's accuracy; P classes x M test images of it, or P exemplars; and
# for every other condition one job that perturbs test images, for its accuracy and its images.
ACCURACY = f"{RESULTS}/{{network}}/accuracy/{{condition}}.h5"
SELECTED = f"{RESULTS}/{{network}}/images/{CLEAN}.zarr.zip"
IMAGES = f"{RESULTS}/{{network}}/images/{{condition}}.zarr.zip"
PERTURBED = [condition for condition in CONDITIONS if condition != CLEAN]
ANSWERS = every(ACCURACY)


rule evaluate_accuracy:
    input:
        weights=WEIGHTS,
    output:
        f"{RESULTS}/{{network}}/accuracy/{CLEAN}.h5",
    log:
        f"{LOGS}/evaluate_accuracy/{{network}}.log",
    conda:
        "../envs/network.yaml"
    resources:
        gpu=1,
        mem_mb=grows(8000),
        runtime=grows(30),
    params:
        origin=partial(origin_of, "evaluate_accuracy"),
        settings=architecture_of,
        data=DATA,
        batch_size=config["accuracy"]["batch_size"],
        code=partial(network_code, "evaluate_accuracy", [DATA_CODE]),
    message:
        "Evaluate the clean accuracy: {wildcards.network}"
    script:
        "../scripts/evaluate_accuracy.py"


rule select_images:
    input:
        accuracy=answers_to_select_by,
    output:
        SELECTED,
    log:
        f"{LOGS}/select_images/{{network}}.log",
    conda:
        "../envs/network.yaml"
    resources:
        mem_mb=grows(4000),
        runtime=grows(30),
    params:
        origin=partial(origin_of, "select_images"),
        answers_of=networks_to_select_by,
        data=DATA,
        images=config["images"],
        seed=SEED,
        code=code("select_images", DATA_CODE),
    message:
        "Select test images: {wildcards.network}"
    script:
        "../scripts/select_images.py"


rule perturb_images:
    input:
        images=SELECTED,
        clean=f"{RESULTS}/{{network}}/accuracy/{CLEAN}.h5",
        weights=WEIGHTS,
        attacked=attacked_weights,
    output:
        accuracy=ACCURACY,
        images=IMAGES,
    log:
        f"{LOGS}/perturb_images/{{network}}/{{condition}}.log",
    wildcard_constraints:
        condition=one_of(PERTURBED),
    conda:
        "../envs/network.yaml"
    resources:
        gpu=1,
        mem_mb=grows(8000),
        runtime=grows(60),
    params:
        origin=partial(origin_of, "perturb_images"),
        settings=architecture_of,
        attacked=attacked_architecture,
        condition=condition_of,
        data=DATA,
        perturbation_batch=config["perturbation_batch"],
        batch_size=config["accuracy"]["batch_size"],
        n_images=config["accuracy"]["n_images"],
        draws=config["images"]["n_points"] if MANIFOLDS == "exemplar" else 1,
        seed=SEED,
        code=partial(perturbing_code, "perturb_images", [DATA_CODE]),
    message:
        "Perturb the test images: {wildcards.network}, {wildcards.condition}"
    script:
        "../scripts/perturb_images.py"
