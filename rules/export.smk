# What a colleague opens without this project, in one file. No plain run makes it, so an old one is no
# business of theirs: it is judged where it is asked for.


rule export_run:
    input:
        summary=rules.collect_geometry.output.summary,
        accuracy=rules.collect_accuracy.output[0],
        tables=[*TABLES, *PAPER, *CERTIFIED_TABLES.values()],
        figures=[*FIGURES, *rules.explore_run.output],
        weights=expand(WEIGHTS, network=MODELS),
    output:
        f"{RESULTS}/export/{config['run']}.zip",
    log:
        f"{LOGS}/export_run.log",
    conda:
        "../envs/geometry.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        about={"run": config["run"], "command": command_to_repeat()},
        configuration=config,
        networks={name: one.architecture for name, one in MODELS.items()},
        families={family.name: family.strength for family in FAMILIES.values()},
        trained_on=families_trained_on(),
        lineages=partial(lineages_of, "solve_geometry"),
        certificates=lineages_of_certificates,
        files=sum_of_citation,
        code=code("export_run", *VARIABLE_CODE),
    message:
        "Export the run into one file"
    script:
        "../scripts/export_run.py"
