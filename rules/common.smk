# What the configuration asks for; settings and code digests for params; resources that grow.
# Every cluster job parses this again, so it imports no numerical package.
import json
import os
import sys
from functools import cache, partial
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.iocontainers import Wildcards
from snakemake.logging import logger as console

PROJECT = Path(workflow.basedir)
SCRIPTS = PROJECT / "scripts"
sys.path.insert(0, str(SCRIPTS))

from manifold_robustness import (
    code_digests,
    configuration,
    declarations,
    experiment,
    networks,
    variables,
)
from manifold_robustness.code_digests.listing import write_listing
from manifold_robustness.conditions import CLEAN, NO_FAMILY
from manifold_robustness.console import OneLinePerJob
from manifold_robustness.errors import ConfigurationError
from manifold_robustness.files.stamps import file_sum
from manifold_robustness.patterns import one_of

try:
    # The files again: the engine takes the last of two equal keys, and merges what is no mapping.
    overlays = workflow.overwrite_configfiles
    base = Path(experiment.BASE)  # with --directory that folder's own, if it has one
    base = base if base.is_file() else PROJECT / base
    asked = configuration.read_config([base, *overlays])
    asked = configuration.merge(asked, workflow.config_settings.config)
    EXPERIMENT = experiment.read_experiment(asked, overlays, PROJECT)
except ConfigurationError as error:
    raise WorkflowError(str(error)) from None

if not workflow.dryrun:
    for handler in console.handlers:
        handler.addFilter(OneLinePerJob())

config = EXPERIMENT.config
RESULTS = f"results/{config['run']}"
LOGS = f"{RESULTS}/logs"
SEED = config["seed"]
DATA = EXPERIMENT.data
NETWORKS = EXPERIMENT.networks
MODELS = EXPERIMENT.models  # those that see images, under the following conditions
RECORDED = [name for name in NETWORKS if name not in MODELS]
CONDITIONS = EXPERIMENT.conditions
PLACES = [(name, one) for name in NETWORKS for one in EXPERIMENT.measured_of(name)]
MANIFOLDS = config["images"]["manifolds"]
FAMILIES = {one.name: one for one in (*EXPERIMENT.families, *EXPERIMENT.recorded)}
FAMILIES = FAMILIES or {CLEAN: NO_FAMILY}
SOLVING = {k: v for k, v in config["geometry"].items() if k != "layers"}


wildcard_constraints:
    network=one_of(NETWORKS),
    condition=one_of(dict.fromkeys([*CONDITIONS, *(one for _, one in PLACES)])),
    family=one_of(FAMILIES),
    figure=one_of(EXPERIMENT.figures),


def every(pattern):
    """A pattern's files of all images' networks and conditions, in the configuration's order."""
    return [
        pattern.format(network=network, condition=condition)
        for network in MODELS
        for condition in CONDITIONS
    ]


def grows(amount):
    """A resource of which every attempt at a job asks for more."""

    def resource(wildcards, attempt):
        return attempt * amount

    return resource


READ = {}  # what code() was asked for, by script


def record_code():
    """Keep which code made a finished run: `make why` says what changed since.

    Not that of a run of some targets: it says nothing of the others.
    """
    if not any(job.rule.name == "all" for job in workflow.dag.jobs):
        return
    rules = {script: (script, *entries) for script, entries in READ.items()}
    write_listing(f"{LOGS}/code.json", rules, SCRIPTS)


@cache
def code(script, *entries):
    """A digest of the library's code that a script reaches, and of what it loads by name."""
    READ.setdefault(script, {}).update(dict.fromkeys(entries))
    return code_digests.code_digest(script, *entries, scripts=SCRIPTS)


# What a job loads by name, as module and entries.
DATA_CODE = f"network.data_sets.{DATA['name']}:load,class_names"
SECOND_SOLVER = declarations.read_literal(
    SCRIPTS / "manifold_robustness/geometry/solvers/programs.py", "SOLVERS"
)
SOLVER_CODE = [
    f"geometry.solvers.{name}_solver:solve"
    for name in (SOLVING["solver"], SECOND_SOLVER[SOLVING["solver"]])
]
MEASURES = variables.measured_groups(SOLVING)
MEASURE_CODE = [variables.measuring_entries(name) for name in MEASURES]
VARIABLE_CODE = [
    f"measures.{name}:DECLARATION" for name in declarations.plugin_names("measures")
]


def network_code(script, entries, wildcards):
    """The code of a job that builds a network, and what else it loads by name."""
    network = NETWORKS[wildcards.network]
    starts = script == "train_network" and network.weights == "imagenet"
    built = "build,imagenet_weights,starting_tensors" if starts else "build"
    return code(script, *entries, *building_code(network, built))


def building_code(network, built="build"):
    plugin = networks.architecture_module(network.architecture)
    return [f"network.architectures.{plugin}:{built}"] if plugin else []
