# One page to explore the run: every measure, layer and strength, and the images.
PAGE = SCRIPTS / "manifold_robustness/explore"


rule explore_run:
    input:
        summary=rules.collect_geometry.output.summary,
        accuracy=rules.collect_accuracy.output[0],
        images=every(IMAGES),
    output:
        report(
            f"{RESULTS}/explore.html",
            caption="captions/explore.rst",
            category="Explore",
            labels={"figure": "explore"},
        ),
    log:
        f"{LOGS}/explore_run.log",
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        about={
            "run": config["run"],
            "data": DATA_TITLE,
            "networks": {name: in_words(one) for name, one in NETWORKS.items()},
        },
        families={
            family.name: {"title": family.title, "strength": family.strength}
            for family in FAMILIES.values()
        },
        origins=origins_of_images,
        files=[file_sum(PAGE / name) for name in ("page.html", "page.css", "page.js")],
        code=code("explore_run", *VARIABLE_CODE),
    message:
        "Make the page to explore the run"
    script:
        "../scripts/explore_run.py"
