# The figures: SVG for the report, PNG for slides, and a sentence of the run's numbers for the caption.
TABLES = f"{RESULTS}/tables"


rule plot_training:
    input:
        history=f"{RESULTS}/model/history.csv",
    output:
        **figure_files("training", folder=""),
    log:
        f"{LOGS}/plot_training.log",
    conda:
        "../envs/figures.yaml"
    params:
        style=config["figures"]["training"],
        library=library("plot_training"),
    message:
        "Plot the training"
    script:
        "../scripts/plot_training.py"


rule plot_examples:
    input:
        images=lambda w: [
            f"{RESULTS}/images/{c}.zarr.zip" for c in family_conditions(w.family)
        ],
        accuracy=lambda w: [
            f"{RESULTS}/accuracy/{c}.h5" for c in family_conditions(w.family)
        ],
    output:
        **figure_files("examples"),
    log:
        f"{LOGS}/plot_examples/{{family}}.log",
    conda:
        "../envs/figures.yaml"
    params:
        style=config["figures"]["examples"],
        strengths=lambda w: [
            CONDITIONS[c].strength for c in family_conditions(w.family)
        ],
        strength=strength_label,
        library=library("plot_examples"),
    message:
        "Plot one image under every condition: {wildcards.family}"
    script:
        "../scripts/plot_examples.py"


rule plot_accuracy:
    input:
        accuracy=f"{TABLES}/accuracy.csv",
    output:
        **figure_files("accuracy"),
    log:
        f"{LOGS}/plot_accuracy/{{family}}.log",
    conda:
        "../envs/figures.yaml"
    params:
        style=config["figures"]["accuracy"],
        family=lambda w: w.family,
        strength=strength_label,
        published=published_values,
        library=library("plot_accuracy"),
    message:
        "Plot the accuracy against the strength: {wildcards.family}"
    script:
        "../scripts/plot_accuracy.py"


rule plot_last_layer:
    input:
        summary=f"{TABLES}/summary.csv",
    output:
        **figure_files("last_layer"),
    log:
        f"{LOGS}/plot_last_layer/{{family}}.log",
    conda:
        "../envs/figures.yaml"
    params:
        style=config["figures"]["last_layer"],
        family=lambda w: w.family,
        strength=strength_label,
        published=published_values,
        library=library("plot_last_layer"),
    message:
        "Plot the geometry of the last layer against the strength: {wildcards.family}"
    script:
        "../scripts/plot_last_layer.py"


rule plot_layers:
    input:
        summary=f"{TABLES}/summary.csv",
    output:
        **figure_files("layers"),
    log:
        f"{LOGS}/plot_layers/{{family}}.log",
    conda:
        "../envs/figures.yaml"
    params:
        style=config["figures"]["layers"],
        family=lambda w: w.family,
        strength=strength_label,
        library=library("plot_layers"),
    message:
        "Plot the geometry against the layer: {wildcards.family}"
    script:
        "../scripts/plot_layers.py"


rule plot_heatmaps:
    input:
        summary=f"{TABLES}/summary.csv",
    output:
        **figure_files("heatmaps"),
    log:
        f"{LOGS}/plot_heatmaps/{{family}}.log",
    conda:
        "../envs/figures.yaml"
    params:
        style=config["figures"]["heatmaps"],
        family=lambda w: w.family,
        strength=strength_label,
        library=library("plot_heatmaps"),
    message:
        "Plot the geometry as heatmaps: {wildcards.family}"
    script:
        "../scripts/plot_heatmaps.py"


rule plot_capacity_accuracy:
    input:
        summary=f"{TABLES}/summary.csv",
        accuracy=f"{TABLES}/accuracy.csv",
    output:
        **figure_files("capacity_accuracy"),
    log:
        f"{LOGS}/plot_capacity_accuracy/{{family}}.log",
    conda:
        "../envs/figures.yaml"
    params:
        style=config["figures"]["capacity_accuracy"],
        family=lambda w: w.family,
        strength=strength_label,
        library=library("plot_capacity_accuracy"),
    message:
        "Plot capacity against accuracy: {wildcards.family}"
    script:
        "../scripts/plot_capacity_accuracy.py"


FIGURES = [
    f"{RESULTS}/figures/{family}/{name}.{kind}"
    for family in FAMILIES
    for name in (
        "examples",
        "accuracy",
        "last_layer",
        "layers",
        "heatmaps",
        "capacity_accuracy",
    )
    for kind in ("svg", "png")
]
if not OWN_WEIGHTS:
    FIGURES += [f"{RESULTS}/figures/training.{kind}" for kind in ("svg", "png")]
