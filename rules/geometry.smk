# The geometry: one job per (network, condition, layer).
GEOMETRY = [
    f"{RESULTS}/{name}/geometry/{condition}/{layer}.h5"
    for name, condition in PLACES
    for layer in NETWORKS[name].analysed
]
KEPT = [  # activations that are asked for, and that no solve needs
    f"{RESULTS}/{name}/activations/{condition}/{layer}.zarr.zip"
    for name, condition in PLACES
    for layer in NETWORKS[name].layers
    if layer not in NETWORKS[name].analysed
]
ANALYSED = dict.fromkeys(
    one for network in NETWORKS.values() for one in network.analysed
)


rule solve_geometry:
    input:
        f"{RESULTS}/{{network}}/activations/{{condition}}/{{layer}}.zarr.zip",
    output:
        f"{RESULTS}/{{network}}/geometry/{{condition}}/{{layer}}.h5",
    log:
        f"{LOGS}/solve_geometry/{{network}}/{{condition}}/{{layer}}.log",
    wildcard_constraints:
        layer=one_of(ANALYSED),
    conda:
        "../envs/geometry.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        origin=partial(origin_of, "solve_geometry"),
        geometry=SOLVING,
        seed=SEED,
        code=code("solve_geometry", *SOLVER_CODE, *MEASURE_CODE),
    message:
        "Solve the geometry: {wildcards.network}, {wildcards.condition}, {wildcards.layer}"
    script:
        "../scripts/solve_geometry.py"
