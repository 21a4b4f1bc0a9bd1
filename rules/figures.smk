# The figures: SVG for the report, PNG for slides, and the text of the caption with the run's numbers.
# Each kind of figure is a file of the library that declares of what it is drawn, and from what.
GATHERED = {
    "summary": rules.collect_geometry.output.summary,
    "geometry": rules.collect_geometry.output.geometry,
    "accuracy": rules.collect_accuracy.output[0],
    **SUBSET_TABLE,
    **CERTIFIED_TABLES,
    **TRAININGS_TABLE,
}
if SEVERAL:
    GATHERED["matched"] = rules.match_families.output[0]


rule plot_network_figure:
    input:
        unpack(sources_of),
    output:
        **figure_files(f"{RESULTS}/figures/{{network}}/{{figure}}", "Network {network}"),
    log:
        f"{LOGS}/plot_network_figure/{{network}}/{{figure}}.log",
    wildcard_constraints:
        figure=one_of(figures_of("network")),
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        figure="{figure}",
        network="{network}",
        family="",
        conditions={},
        origins=[],
        about=subject_of,
        style=style_of,
        code=drawing_code,
    message:
        "Plot {wildcards.figure}: {wildcards.network}"
    script:
        "../scripts/plot_figure.py"


rule plot_family_figure:
    input:
        unpack(sources_of),
    output:
        **figure_files(
            f"{RESULTS}/figures/{{network}}/{{family}}/{{figure}}",
            "Network {network}",
            "{family}",
        ),
    log:
        f"{LOGS}/plot_family_figure/{{network}}/{{family}}/{{figure}}.log",
    wildcard_constraints:
        figure=one_of(figures_of("family")),
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        figure="{figure}",
        network="{network}",
        family="{family}",
        conditions=conditions_shown,
        origins=origins_shown,
        about=subject_of,
        style=style_of,
        code=drawing_code,
    message:
        "Plot {wildcards.figure}: {wildcards.network}, {wildcards.family}"
    script:
        "../scripts/plot_figure.py"


rule plot_comparison:
    input:
        unpack(sources_of),
    output:
        **figure_files(
            f"{RESULTS}/figures/comparison/{{family}}/{{figure}}",
            "Networks compared",
            "{family}",
        ),
    log:
        f"{LOGS}/plot_comparison/{{family}}/{{figure}}.log",
    wildcard_constraints:
        figure=one_of(figures_of("comparison")),
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        figure="{figure}",
        network="",
        family="{family}",
        conditions={},
        origins=[],
        about=subject_of,
        style=style_of,
        code=drawing_code,
    message:
        "Plot {wildcards.figure} of every network: {wildcards.family}"
    script:
        "../scripts/plot_figure.py"


rule plot_networks_figure:
    input:
        unpack(sources_of),
    output:
        **figure_files(f"{RESULTS}/figures/comparison/{{figure}}", "Networks compared"),
    log:
        f"{LOGS}/plot_networks_figure/{{figure}}.log",
    wildcard_constraints:
        figure=one_of(figures_of("networks")),
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        figure="{figure}",
        network="",
        family="",
        conditions={},
        origins=[],
        about=subject_of,
        style=style_of,
        code=drawing_code,
    message:
        "Plot {wildcards.figure} of every network"
    script:
        "../scripts/plot_figure.py"


if SEVERAL:

    rule plot_families_figure:
        input:
            unpack(sources_of),
        output:
            **figure_files(
                f"{RESULTS}/figures/{{network}}/families/{{figure}}",
                "Network {network}",
                "families compared",
            ),
        log:
            f"{LOGS}/plot_families_figure/{{network}}/{{figure}}.log",
        wildcard_constraints:
            figure=one_of(figures_of("families")),
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            figure="{figure}",
            network="{network}",
            family="",
            conditions=conditions_shown,
            origins=origins_shown,
            about=subject_of,
            style=style_of,
            code=drawing_code,
        message:
            "Plot {wildcards.figure}: {wildcards.network}"
        script:
            "../scripts/plot_figure.py"


FIGURE_JOBS = [
    ("plot_network_figure", {"network": network, "figure": figure})
    for network in NETWORKS
    for figure in figures_of("network")
    if EXPERIMENT.shows(figure, network)
    if network in TRAINED or "history" not in EXPERIMENT.figures[figure].inputs
]
FIGURE_JOBS += [
    ("plot_family_figure", {"network": network, "family": family, "figure": figure})
    for network in NETWORKS
    for family in families_of(network)
    for figure in figures_of("family")
    if EXPERIMENT.shows(figure, network)
]
if SEVERAL:
    FIGURE_JOBS += [
        ("plot_families_figure", {"network": network, "figure": figure})
        for network in MODELS
        for figure in figures_of("families")
    ]
FIGURE_JOBS += [
    ("plot_comparison", {"family": family, "figure": figure})
    for family in FAMILIES
    for figure in figures_of("comparison")
    if len(networks_shown(figure, family)) > 1
]
if len(MODELS) > 1:
    FIGURE_JOBS += [
        ("plot_networks_figure", {"figure": figure})
        for figure in figures_of("networks")
    ]
FIGURES = [
    str(path).format(**coordinates)
    for name, coordinates in FIGURE_JOBS
    for path in getattr(rules, name).output
]
