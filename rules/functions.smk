# What jobs are given, by their wildcards: inputs, settings, files of figures.


def architecture_of(wildcards):
    """What a job needs to build the network."""
    return NETWORKS[wildcards.network].settings


def condition_of(wildcards):
    """What a job needs to know of its condition."""
    return CONDITIONS[wildcards.condition].to_dict()


def start_of(wildcards):
    """The weights that a training starts from."""
    network = NETWORKS[wildcards.network]
    return {"weights": network.weights, "weights_file": network.weights_file}


def files_of_start(wildcards):
    prove_finished()
    return NETWORKS[wildcards.network].weights_file or []


def recipe_of(wildcards):
    """The training without its minimum, which would train a good network again."""
    recipe = NETWORKS[wildcards.network].training
    return {key: value for key, value in recipe.items() if key != "min_accuracy"}


def seed_of_training(wildcards):
    return NETWORKS[wildcards.network].training_seed(SEED)


def threads_of_training(wildcards):
    recipe = NETWORKS[wildcards.network].training
    return recipe["threads"] + recipe["workers"]


def own_weights(wildcards):
    prove_finished()
    return NETWORKS[wildcards.network].weights


def networks_to_select_by(wildcards):
    """Every network, where an image must be right for all of them; else the network itself."""
    shared = config["images"]["correct_for"] == "every_network"
    return sorted(MODELS) if shared else [wildcards.network]


def answers_to_select_by(wildcards):
    return [
        ACCURACY.format(network=name, condition=CLEAN)
        for name in networks_to_select_by(wildcards)
    ]


def by_layers(stage, names):
    """For each list of layers: the name of its rule of a stage, the layers, the networks."""
    lists = {}
    for name in names:
        lists.setdefault(NETWORKS[name].layers, []).append(name)
    return [
        (f"{stage}_{own[0]}" if place else stage, layers, own)
        for place, (layers, own) in enumerate(lists.items())
    ]


def recorded_files(wildcards):
    """The files of recorded activations, by layer."""
    prove_finished()
    network = NETWORKS[wildcards.network]
    return [
        network.recorded.file(wildcards.condition, layer) for layer in network.layers
    ]


def recording_of(wildcards):
    """What a job imports: a network's layers under a condition, and the sizes of their files."""
    network = NETWORKS[wildcards.network]
    content = network.recorded.content(wildcards.condition, network.layers)
    return {"layers": list(network.layers), "sizes_sha256": content}


def attacked_for(network, condition):
    """The other network that a condition of a network is made with: one or none."""
    attacked = CONDITIONS[condition].attack_from
    return [attacked] if attacked not in (None, network) else []


def attacked_weights(wildcards):
    others = attacked_for(wildcards.network, wildcards.condition)
    return WEIGHTS.format(network=others[0]) if others else []


def attacked_architecture(wildcards):
    others = attacked_for(wildcards.network, wildcards.condition)
    return NETWORKS[others[0]].settings if others else None


def training_code(script, entries, wildcards):
    """The code of a job that trains a network, with that of what it does to the images."""
    perturb = NETWORKS[wildcards.network].training["perturb"]
    if perturb:
        condition = perturb["condition"]
        entries = [
            *entries,
            "network.perturbed.batches:TrainingPerturbation",
            f"perturbations.{condition['perturbation']}:perturb",
        ]
        # What its epochs are measured by, with its defaults.
        if condition["wants_network"]:
            entries.append("perturbations.pgd:perturb,DECLARATION")
    return network_code(script, entries, wildcards)


def perturbing_code(script, entries, wildcards):
    """The same, with the one perturbation family and the attacked network that it needs."""
    family = CONDITIONS[wildcards.condition].perturbation
    entries = [*entries, f"perturbations.{family}:perturb"]
    for other in attacked_for(wildcards.network, wildcards.condition):
        entries += building_code(NETWORKS[other])
    return network_code(script, entries, wildcards)


def certificate_of(wildcards):
    """What a job certifies, of one level of noise."""
    asked = {key: value for key, value in CERTIFY.items() if key != "sigmas"}
    return {"sigma": CERTIFIED[wildcards.condition], **asked}


# Of the checks.
def limits_of(condition):
    """What a condition's family declares of its perturbed images."""
    return {
        "norm": condition.norm,
        "budget": condition.budget,
        "low": condition.low,
        "high": condition.high,
    }


def is_looked_at(family):
    """Whether a family is an attack, or one that an attack is compared with.

    What an attack on another network leaves says how alike the two are, and is not looked at.
    """
    if any(one.attack_from for one in family.conditions):
        return False
    return bool(family.conditions) and (
        bool(family.expected)
        or family.conditions[0].wants_network
        or any(
            family.perturbation in one.expected.get("no_weaker_than", ())
            for one in FAMILIES.values()
        )
    )


def expected_of(family):
    """A family as the comparison of attacks speaks of it."""
    levels = [
        {"condition": one.name, "norm": one.norm, "budget": one.budget}
        for one in family.conditions
    ]
    return {
        "name": family.name,
        "perturbation": family.perturbation,
        "symbol": family.strength["symbol"],
        "levels": levels,
        **family.expected,
    }


# Of the figures and the report.
def figures_of(scope):
    return [name for name, one in EXPERIMENT.figures.items() if one.scope == scope]


def families_of(network):
    """The names of a network's families; without any, that of clean."""
    return [one.name for one in EXPERIMENT.families_of(network)] or [CLEAN]


def networks_shown(figure, family):
    """The networks that a comparison under a family can show."""
    return [
        name
        for name in NETWORKS
        if family in families_of(name) and EXPERIMENT.shows(figure, name)
    ]


def conditions_of(wildcards):
    """The names of a family's conditions, clean first, by strength; without a family, of all."""
    family = FAMILIES.get(wildcards.get("family"))
    if family is None:
        return [*CONDITIONS]
    return [CLEAN, *(condition.name for condition in family.conditions)]


def sources_of(wildcards):
    """What the figure's declaration asks for, by name: tables, or a file per condition."""
    network, files = wildcards.get("network"), {}
    for name in EXPERIMENT.figures[wildcards.figure].inputs:
        if name in GATHERED:
            files[name] = GATHERED[name]
        elif name == "history":
            files[name] = f"{RESULTS}/{network}/weights/history.csv"
        else:
            pattern = {
                "images": f"{RESULTS}/{{}}/images/{{}}.zarr.zip",
                "predictions": f"{RESULTS}/{{}}/accuracy/{{}}.h5",
            }[name]
            conditions = conditions_of(wildcards)
            files[name] = [pattern.format(network, one) for one in conditions]
    return files


def conditions_shown(wildcards):
    """The strengths of the conditions whose files the figure gets, in the files' order."""
    per_condition = {"images", "predictions"} & {
        *EXPERIMENT.figures[wildcards.figure].inputs
    }
    shown = conditions_of(wildcards) if per_condition else []
    return {name: CONDITIONS[name].strength for name in shown}


def origin_of_images(network, condition):
    lineage = lineage_of("perturb_images", network, condition)
    return {"network": network, "condition": condition, "lineage": lineage}


def origins_shown(wildcards):
    """What the files of those conditions must be of."""
    return [
        origin_of_images(wildcards.network, condition)
        for condition in conditions_shown(wildcards)
    ]


def origins_of_images(wildcards):
    """What the images of every network and condition must be of, in the files' order."""
    return [
        origin_of_images(network, condition)
        for network in MODELS
        for condition in CONDITIONS
    ]


def subject_of(wildcards):
    """What the figure is of, in words: the network only where the run has several."""
    family = FAMILIES.get(wildcards.get("family"))
    figure = EXPERIMENT.figures[wildcards.figure]
    several = len(NETWORKS) > 1
    subject = {"network": wildcards.get("network") if several else None}
    subject["manifolds"] = MANIFOLDS
    if EXPERIMENT.repeated and figure.scope in ("comparison", "networks"):
        subject["recipes"] = RECIPES
    if {*CERTIFIED_TABLES} & {*figure.inputs}:
        subject["smoothed"] = {level: measured_under(level) for level in CERTIFIED}
        subject["certificates"] = published_certificates()
    if family:
        subject |= {
            "family": family.name,
            "title": family.title,
            "strength": strength_in_units(family),
            "published": (
                PUBLISHED.get(family.name, {}) if figure.shows_published else {}
            ),
        }
    if figure.scope == "families":
        subject["families"] = {
            one.name: {"title": one.title, "strength": strength_in_units(one)}
            for one in JUDGED
        }
    return subject


def measured_under(level):
    """The condition whose noise is that of a certificate, not clipped; else clean."""
    for one in EXPERIMENT.measured.values():
        same = one.perturbation == "gaussian" and one.options == {
            "parameterization": "standard_deviation",
            "clip": False,
        }
        if same and one.strength == CERTIFIED[level]:
            return one.name
    return CLEAN


def strength_in_units(family):
    """A family's strength with what it takes to set it beside another's."""
    for condition in family.conditions[:1]:
        return family.strength | {"norm": condition.norm, "divisor": condition.divisor}
    return family.strength


def style_of(wildcards):
    return EXPERIMENT.figures[wildcards.figure].style


def drawing_code(wildcards):
    return code("plot_figure", f"figures.{wildcards.figure}:draw,DECLARATION")


def label_of(wildcards):
    return {"figure": EXPERIMENT.figures[wildcards.figure].title}


def figure_files(stem, category, subcategory=None):
    return {
        "svg": report(
            f"{stem}.svg",
            caption="captions/figure.rst",
            category=category,
            subcategory=subcategory,
            labels=label_of,
        ),
        "png": f"{stem}.png",
        "text": f"{stem}.rst",
    }


def in_words(network):
    """A network's architecture and where its weights come from."""
    if network.recorded:
        return f"activations recorded in {network.recorded.path}"
    start = {"none": "trained here", "imagenet": "trained here from ImageNet's weights"}
    return f"{network.architecture}, {start.get(network.weights, network.weights)}"


def families_trained_on():
    """The families by which some network is trained, in the configuration's order."""
    asked = [one.training["perturb"] for one in NETWORKS.values() if one.is_trained]
    return list(dict.fromkeys(one["condition"]["perturbation"] for one in asked if one))


def sum_of_citation(wildcards):
    return file_sum(PROJECT / "CITATION.cff")


def command_to_repeat():
    overlays = [os.path.relpath(path) for path in workflow.overwrite_configfiles]
    quote = "'" if len(overlays) > 1 else ""
    given = f" CONFIG={quote}{' '.join(overlays)}{quote}" if overlays else ""
    return f"make run{given}"


def attacks_table(wildcards):
    return {"attacks": rules.compare_attacks.output[0]} if EXPECTED else {}


def certified_table(wildcards):
    return {"certified": CERTIFIED_TABLES["certified"]} if CERTIFIED else {}


def claims_table(wildcards):
    return {"claims": rules.judge_claims.output.table} if JUDGED else {}


def matched_table(wildcards):
    return {"matched": rules.match_families.output[0]} if SEVERAL else {}


def published_values():
    """What was published, by the family of the run that it is of."""
    found = {}
    for path in sorted((PROJECT / "rules/published").glob("*.yaml")):
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        setting = values.pop("of")
        for family in EXPERIMENT.families if MODELS else ():
            if any(one.attack_from for one in family.conditions):
                continue
            asked = {
                "data": DATA["name"],
                "perturbation": family.perturbation,
                **config["images"],
                **family.options,
            }
            if family.conditions and setting.items() <= asked.items():
                found[family.name] = values
    return found


def published_certificates():
    """What was published of smoothed networks on the run's images, by level of noise."""
    found = {}
    for path in sorted((PROJECT / "rules/published/certificates").glob("*.yaml")):
        published = yaml.safe_load(path.read_text(encoding="utf-8"))
        if published["of"].items() <= DATA.items():
            for one in published["values"]:
                level = found.setdefault(f"sigma-{one['sigma']:g}", [])
                level.append({"title": published["title"], **one})
    return found


def judged(family):
    """A family as the claims speak of it: only Gaussian noise has the paper's threshold."""
    gaussian = family.perturbation == "gaussian"
    return {
        "name": family.name,
        "title": family.title,
        "symbol": family.strength["symbol"],
        "parameterization": family.options["parameterization"] if gaussian else None,
    }
