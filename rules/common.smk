# Validation of the configuration; the conditions and layers; settings and code digests for params.
# Every cluster job parses this again, so it imports no numerical package.
import re
import sys
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.basedir) / "scripts"
sys.path.insert(0, str(SCRIPTS))

from manifold_robustness import configuration, conditions, digests
from manifold_robustness.errors import ConfigurationError

try:
    with open(Path(workflow.basedir) / "rules/schemas/config.schema.yaml") as file:
        config = configuration.check_config(config, yaml.safe_load(file))
    CONDITIONS = {
        c.name: c for c in conditions.list_conditions(config["perturbations"])
    }
    configuration.check_references(config)
except ConfigurationError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{config['run']}"
LOGS = f"{RESULTS}/logs"
SEED = config["seed"]
IMAGES = config["images"]
LAYERS = config["activations"]["layers"]
GEOMETRY = {k: v for k, v in config["geometry"].items() if k != "layers"}
GEOMETRY_LAYERS = configuration.select_layers(config["geometry"]["layers"], LAYERS)
FAMILIES = [entry["family"] for entry in config["perturbations"]] or [conditions.CLEAN]
OWN_WEIGHTS = config["model"]["weights"] not in ("none", "imagenet")

# The settings of a data set that its images depend on.
DATA_KEYS = {
    "digits": [],
    "cifar10": ["root", "split_seed", "validation_share"],
    "image_folder": ["root", "split_seed", "validation_share", "test_share"],
}[config["data"]["name"]] + ["name", "image_size", "test_crop_padding"]
DATA = {key: config["data"][key] for key in DATA_KEYS}
if (
    DATA["name"] == "image_folder"
):  # an image that comes or goes changes its folder's time
    folders = sorted(path for path in Path(DATA["root"]).glob("*/") if path.is_dir())
    DATA["folders"] = {path.name: path.stat().st_mtime_ns for path in folders}

# The Gaussian noise of the paper's claims, and what was published of it on the run's data.
GAUSSIAN = next(
    (
        entry
        for entry in config["perturbations"]
        if entry["family"] == "gaussian" and any(entry["strengths"])
    ),
    None,
)
PUBLISHED = {}
if GAUSSIAN and DATA["name"] == "cifar10":
    with open(Path(workflow.basedir) / "rules/published/gaussian_cifar10.yaml") as file:
        PUBLISHED = yaml.safe_load(file)


wildcard_constraints:
    condition="|".join(map(re.escape, CONDITIONS)),
    layer="|".join(map(re.escape, LAYERS)),
    family="|".join(map(re.escape, FAMILIES)),


def network():
    """The network's settings; with a user's own file, a digest of its code."""
    architecture = config["model"]["architecture"]
    own = architecture != "resnet18"
    code = digests.file_digest(architecture.rpartition(":")[0]) if own else None
    return {"architecture": architecture, "code": code}


@cache
def library(script, *modules):
    """A digest of the library's code that a script runs; comments and docstrings don't count."""
    modules = [f"manifold_robustness.{module}" for module in modules]
    return digests.library_digest(script, *modules, scripts=SCRIPTS)


def perturbing_library(script):
    """As library(), with the one perturbation family that the condition needs."""

    def digest(wildcards):
        family = CONDITIONS[wildcards.condition].family
        clean = family == conditions.CLEAN
        return library(script, *([] if clean else [f"perturbations.{family}"]))

    return digest


def condition_settings(wildcards):
    """What a job needs to know of its condition."""
    condition = CONDITIONS[wildcards.condition]
    return {
        "name": condition.name,
        "family": condition.family,
        "strength": condition.strength,
        "options": condition.options,
        "needs_model": condition.needs_model,
    }


def family_conditions(family):
    """The names of a family's conditions, clean first, by strength."""
    return [
        c.name for c in CONDITIONS.values() if c.family in (conditions.CLEAN, family)
    ]


def strength_label(wildcards):
    """How a family's strength is named on an axis."""
    for entry in config["perturbations"]:
        if entry["family"] == wildcards.family:
            return conditions.family_strength(wildcards.family, entry)
    return {"name": "strength", "symbol": "s", "description": "no perturbation"}


def published_values(wildcards):
    """The published values of a family on the run's data set, if there are any."""
    return PUBLISHED if wildcards.family == "gaussian" else {}


def figure_files(name, folder="{family}/"):
    """The files of one figure; the SVG goes into the report."""
    stem = f"{RESULTS}/figures/{folder}{name}"
    return {
        "svg": report(
            f"{stem}.svg",
            caption=f"captions/{name}.rst",
            category="{family}" if folder else "model",
            labels={"figure": name.replace("_", " ")},
        ),
        "png": f"{stem}.png",
        "numbers": f"{stem}.rst",
    }
