# The geometry: one job per (condition, layer).


rule solve_geometry:
    input:
        f"{RESULTS}/activations/{{condition}}/{{layer}}.zarr.zip",
    output:
        f"{RESULTS}/geometry/{{condition}}/{{layer}}.h5",
    log:
        f"{LOGS}/solve_geometry/{{condition}}/{{layer}}.log",
    conda:
        "../envs/geometry.yaml"
    params:
        geometry=GEOMETRY,
        seed=SEED,
        library=library("solve_geometry"),
    message:
        "Solve the geometry: {wildcards.condition}, {wildcards.layer}"
    script:
        "../scripts/solve_geometry.py"
