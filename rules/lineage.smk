# Where files belong and what they are made from, as the configuration says: what a stage's rule gives
# its jobs is what its files must say of themselves, so no setting can be left out.
from manifold_robustness.lineage import IMPORT, STAGES

# The weights come from one of the first two; every network goes through the others in turn, but for
# the certification, which nothing goes through. Recorded activations begin with their import.
CERTIFICATION = "certify_smoothing"
AFTER_WEIGHTS = [one for one in list(STAGES)[2:] if one not in (CERTIFICATION, IMPORT)]
NO_SETTINGS = ("origin", "code", "checkpoint")


def filled(found, wildcards):
    """A pattern as Snakemake fills it in, or what a function of a rule returns."""
    if callable(found):
        return found(wildcards)
    return found.format(**wildcards) if isinstance(found, str) else found


@cache
def settings_of(stage, network, condition):
    """What the rule of a stage gives its jobs, and the digest of their code."""
    wildcards = Wildcards(fromdict={"network": network, "condition": condition})
    params = dict(getattr(rules, stage).params.items())
    settings = {
        name: filled(value, wildcards)
        for name, value in params.items()
        if name not in NO_SETTINGS
    }
    return {
        "settings": json.loads(json.dumps(settings)),
        "code": filled(params["code"], wildcards),
    }


@cache
def lineage_of(stage, network, condition):
    """The stages that a file of a stage went through, by network, as the configuration says."""
    if network in RECORDED:
        passed = [IMPORT] if stage == IMPORT else [IMPORT, stage]
        of = {IMPORT: condition}
        return {
            network: {one: settings_of(one, network, of.get(one)) for one in passed}
        }
    start = "train_network" if network in TRAINED else "import_weights"
    last = AFTER_WEIGHTS.index(stage) + 1 if stage in AFTER_WEIGHTS else 0
    passed = [start, *AFTER_WEIGHTS[:last]]
    if stage == CERTIFICATION:
        passed += ["evaluate_accuracy", stage]
    if condition == CLEAN and "perturb_images" in passed:
        passed.remove("perturb_images")
    # No other stage's settings know a condition.
    of = dict.fromkeys(("perturb_images", CERTIFICATION), condition)
    lineage = {network: {one: settings_of(one, network, of.get(one)) for one in passed}}
    if "select_images" in passed:
        for other in networks_to_select_by(Wildcards(fromdict={"network": network})):
            if other != network:
                lineage |= lineage_of("evaluate_accuracy", other, CLEAN)
    if "perturb_images" in passed:
        for other in attacked_for(network, condition):
            lineage.setdefault(other, lineage_of("weights", other, None)[other])
    return lineage


def origin_of(stage, wildcards):
    """The place of what a job makes, and what it is made from."""
    network, condition = wildcards.network, wildcards.get("condition")
    if stage in ("evaluate_accuracy", "select_images"):
        condition = CLEAN
    return {
        "network": network,
        "condition": condition,
        "layer": wildcards.get("layer"),
        "lineage": lineage_of(stage, network, condition),
    }


def lineages_of_weights(wildcards):
    return {network: lineage_of("weights", network, None) for network in MODELS}


def lineages_of(stage, wildcards):
    """By network and condition, what the files of a stage, and of those before it, are made from."""
    places = dict.fromkeys(MODELS, CONDITIONS)
    if stage == "solve_geometry":
        places = {network: EXPERIMENT.measured_of(network) for network in NETWORKS}
    return {
        network: {
            condition: lineage_of(stage, network, condition) for condition in conditions
        }
        for network, conditions in places.items()
    }


def lineages_of_certificates(wildcards):
    return {
        network: {
            level: lineage_of(CERTIFICATION, network, level) for level in CERTIFIED
        }
        for network in MODELS
    }
