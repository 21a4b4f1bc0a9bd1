"""What a configuration asks for, checked before any job: data, networks, conditions, figures.

Imported by the workflow itself, so it needs the standard library, PyYAML and jsonschema only.
``python -m manifold_robustness.experiment config.yaml overlay.yaml`` checks a configuration alone.
"""

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from .activation_folders import recorded_families
from .conditions import CLEAN, Condition, Family, list_conditions, list_families, require_draws
from .configuration import check_config, fill_defaults, read_config, require_options
from .consistency import (
    require_attacked,
    require_images,
    require_newer_layout,
    require_own_run,
    require_references,
)
from .conventions import fewest_certifying_draws
from .declarations import plugin_names, read_declaration
from .errors import ConfigurationError
from .networks import Network, list_networks
from .strict_yaml import require_plain
from .variables import require_settings
from .wording import cut, listed

PROJECT = Path(__file__).resolve().parents[2]
BASE = "config.yaml"
SCHEMA = "rules/schemas/config.schema.yaml"
DATA_KEYS = ("name", "image_size", "test_crop_padding")  # of every data set
OF_GEOMETRY = ("summary", "geometry", "subsets")  # what there is of recorded activations too
TABLES = ("summary", "accuracy", "geometry", "subsets")
CERTIFICATES = ("certified", "certified_classes")  # where the run certifies its networks
DRAW = {  # an option of every figure, beside those that it declares
    "draw": {"type": "boolean", "default": True, "description": "false leaves the figure out"}
}
SOURCES = {  # what a figure of each scope can show
    "network": (*TABLES, "history", *CERTIFICATES),
    "family": (*TABLES, "history", "images", "predictions"),
    "families": (*TABLES, "matched", "images", "predictions"),
    "comparison": (*TABLES, "trainings"),
    "networks": CERTIFICATES,
}


@dataclass(frozen=True)
class Figure:
    """One kind of figure: what its file declares, and the run's settings of it."""

    name: str
    scope: str
    inputs: tuple[str, ...]
    title: str
    order: int
    shows_published: bool
    style: dict

    @property
    def of_geometry_alone(self) -> bool:
        """Whether it can be drawn of recorded activations: without images and accuracies."""
        return {*self.inputs} <= {*OF_GEOMETRY}


@dataclass(frozen=True)
class Experiment:
    """What a valid configuration asks for.

    ``data`` holds the settings that the images depend on; ``networks`` and ``conditions`` are by
    name, in the configuration's order, clean first; ``certified`` holds the standard deviations of
    the noise of the certificates, by the name of their level. ``families`` and ``conditions`` are
    those of networks that see images; ``recorded`` holds the families of recorded activations.
    """

    config: dict
    data: dict
    families: tuple[Family, ...]
    conditions: dict[str, Condition]
    networks: dict[str, Network]
    figures: dict[str, Figure]
    certified: dict[str, float]
    recorded: tuple[Family, ...] = ()

    @property
    def models(self) -> dict[str, Network]:
        """The networks that see images: all but those whose activations were recorded elsewhere."""
        return {name: one for name, one in self.networks.items() if one.recorded is None}

    def measured_of(self, network: str) -> dict[str, Condition]:
        """Return the conditions under which a network's geometry is measured."""
        recorded = self.networks[network].recorded
        return self.measured if recorded is None else recorded.conditions

    def families_of(self, network: str) -> tuple[Family, ...]:
        """Return the families of which a network has a condition, or those of its images."""
        recorded = self.networks[network].recorded
        if recorded is None:
            return self.families
        own = {condition.family for condition in recorded.conditions.values()}
        return tuple(family for family in self.recorded if family.name in own)

    def shows(self, figure: str, network: str) -> bool:
        """Say whether there is for a network what a figure is drawn from."""
        recorded = self.networks[network].recorded
        return recorded is None or self.figures[figure].of_geometry_alone

    @property
    def repeated(self) -> bool:
        """Whether a network is trained more than once."""
        return any(network.repeat for network in self.networks.values())

    @property
    def measured(self) -> dict[str, Condition]:
        """The conditions of images whose geometry is measured: a clean exemplar is one point."""
        names = dict(self.conditions)
        if self.config["images"]["manifolds"] == "exemplar":
            del names[CLEAN]
        return names


def read_experiment(
    config: dict, overlays: Sequence[str | Path] = (), project: str | Path = PROJECT
) -> Experiment:
    """Return what a configuration asks for.

    Parameters
    ----------
    config
        ``config.yaml`` with all overlays merged in.
    overlays
        The overlays' files: where there are any, the run must not bear the default's name.
    project
        The folder of ``config.yaml``.

    Raises
    ------
    ConfigurationError
        For everything that can be known to be wrong before a job runs: one sentence each.
    """
    require_plain(config)
    if "model" in config:
        raise ConfigurationError(
            "config: model: is of an older shape of the configuration; say the same in an entry of "
            "networks: (name, architecture, weights), as config.yaml shows"
        )
    schema = read_schema(project)
    declared, config, schema = _with_data_set(config, schema)
    config = check_config(config, schema)
    if config["certify"] is not None:
        asked = fill_defaults(config["certify"], schema["properties"]["certify"])
        config = {**config, "certify": asked}
    require_own_run(config, overlays, Path(project, BASE))
    require_newer_layout(config["run"])
    require_settings(config["geometry"])
    families = list_families(config["perturbations"])
    if config["images"]["manifolds"] == "exemplar":
        require_draws(families)
    networks = list_networks(config, schema["properties"]["training"])
    models = [network for network in networks if network.recorded is None]
    require_attacked(config["perturbations"], [network.name for network in models])
    recorded = _recorded(config, networks, families)
    absent = set()
    if config["certify"] is None:
        absent |= {*CERTIFICATES}
    if not any(network.repeat for network in networks):
        absent.add("trainings")
    figures = _figures(config["figures"], config["geometry"], absent)
    data = _data(config["data"], declared)
    require_references(config, networks, figures)
    if models:
        require_images(config["images"], declared, data)
    return Experiment(
        config,
        data,
        tuple(families),
        {condition.name: condition for condition in list_conditions(families)},
        {network.name: network for network in networks},
        figures,
        _certified(config["certify"]),
        recorded,
    )


def read_schema(project: str | Path = PROJECT) -> dict:
    """Return the JSON schema of a configuration, but for what plug-ins declare."""
    return yaml.safe_load(Path(project, SCHEMA).read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Check a configuration; say in one sentence what is wrong, where something is."""
    paths = list(sys.argv[1:] if arguments is None else arguments)
    try:
        experiment = read_experiment(read_config(paths), paths[1:])
    except ConfigurationError as error:
        sys.exit(f"\n{error}\n")
    networks = experiment.networks
    conditions = {*(experiment.conditions if experiment.models else ())}
    conditions |= {one for name in networks for one in experiment.measured_of(name)}
    counts = {
        "network": len(networks),
        "condition": len(conditions),
        "geometry file": sum(
            len(network.analysed) * len(experiment.measured_of(name))
            for name, network in networks.items()
        ),
    }
    listed = ", ".join(f"{count} {noun}{'s' * (count != 1)}" for noun, count in counts.items())
    print(f"The configuration of the run {experiment.config['run']} is valid: {listed}.")


def _recorded(config, networks, families):
    """The families of the conditions of recorded activations."""
    folders = [network.recorded for network in networks if network.recorded]
    if folders and config["images"]["manifolds"] == "exemplar":
        raise ConfigurationError(
            f"config: images.manifolds is exemplar, but {folders[0].path} holds recorded "
            "activations, whose manifolds are what was recorded; set images.manifolds: class, or "
            "give them a run of their own"
        )
    return tuple(recorded_families(folders, [family.name for family in families]))


def _with_data_set(config, schema):
    """The declaration of the data set; the configuration and the schema with its own options."""
    data = config.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    if not isinstance(name, str):
        return {}, config, schema  # the schema says it better
    declared = read_declaration("network/data_sets", name, "data set (data.name)")
    options = declared.get("options", {})
    require_options(data, options, "data", f"network/data_sets/{name}.py")
    own = options.get("properties", {})
    section = schema["properties"]["data"]
    section = {**section, "properties": {**section["properties"], **own}}
    config = {**config, "data": fill_defaults(data, options)}
    return declared, config, {**schema, "properties": {**schema["properties"], "data": section}}


def _data(settings, declared):
    """The settings that the images depend on; of a watched folder, what is in it too."""
    own = list(declared.get("options", {}).get("properties", {}))
    unknown = [key for key in declared["settings"] if key not in settings]
    if unknown:
        raise ConfigurationError(
            f"Need settings: of the data set {settings['name']} that are keys of data: "
            f"({', '.join(settings)}). Got {', '.join(unknown)}; declare options for others."
        )
    data = {key: settings[key] for key in (*declared["settings"], *own, *DATA_KEYS)}
    if "watched" in declared:
        root = Path(settings[declared["watched"]])
        try:
            folders = sorted(one for one in root.glob("[!.]*/") if one.is_dir())  # not hidden ones
            lacking = None if folders else "has none" if root.is_dir() else "does not exist"
        except OSError as error:
            lacking = f"can't be read: {error.strerror}"
        if lacking:
            raise ConfigurationError(
                f"config: data.{declared['watched']} must be a folder with one folder of images "
                f"per class; {cut(str(root.absolute()), 200)} {lacking}"
            )
        listed = _listing_sum(root, tuple(declared.get("endings", ())))
        data["content"] = {"n_classes": len(folders), "sha256": listed}
    return data


def _listing_sum(root, endings):
    """The SHA-256 of the names and sizes of the files below a folder, but for hidden ones.

    Dates change with every copy, and reading all images at each start would take too long.
    """
    found, seen = [], set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back
            folders[:] = []
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = os.path.join(folder, name)
            counts = name.lower().endswith(endings) if endings else True
            if counts and not name.startswith(".") and os.path.isfile(path):
                found.append((os.path.relpath(path, root), os.path.getsize(path)))
    return hashlib.sha256(json.dumps(sorted(found)).encode()).hexdigest()


def _certified(asked):
    """The standard deviations to certify with, by level."""
    if asked is None:
        return {}
    fewest = fewest_certifying_draws(asked["alpha"])
    if asked["n_estimation"] < fewest:
        raise ConfigurationError(
            f"config: certify.n_estimation is {asked['n_estimation']}, but must be at least "
            f"{fewest}: at certify.alpha {asked['alpha']:g} fewer draws prove nothing, even if all "
            "agree"
        )
    levels: dict[str, float] = {}
    for sigma in sorted(map(float, asked["sigmas"])):
        name = f"sigma-{sigma:g}"
        if name in levels:
            raise ConfigurationError(
                f"config: certify.sigmas {levels[name]!r} and {sigma!r} would both be named "
                f"{name}; keep one"
            )
        levels[name] = sigma
    return levels


def _figures(settings, geometry, absent):
    """The figures of what the run measures; the settings of all are checked by their schema.

    Left out are those that show a table which the run does not make, one of `absent`, and those
    that the configuration does not want to be drawn.
    """
    names = plugin_names("figures")
    unknown = [name for name in settings if name not in names]
    if unknown:
        raise ConfigurationError(
            f"config: figures.{cut(unknown[0])} is not a known key; the figures are {listed(names)}"
        )
    figures = []
    for name in names:
        declared = read_declaration("figures", name, "figure")
        _require_drawable(name, declared, geometry)
        given = settings.get(name, {})
        require_options(given, declared["options"], f"figures.{name}", f"figures/{name}.py")
        own = declared["options"].get("properties", {})
        if {*DRAW} & {*own}:
            raise ConfigurationError(
                f"Need options other than {listed(DRAW)} in the figure {name}: every figure has "
                "that one already, and it says in the configuration whether the figure is drawn."
            )
        schema = {**declared["options"], "properties": {**own, **DRAW}}
        schema |= {"type": "object", "additionalProperties": False}
        try:
            style = check_config(fill_defaults(given, schema), schema)
        except ConfigurationError as error:
            raise ConfigurationError(f"figures.{name}: {error}") from None
        wanted = style.pop("draw")
        measured = "setting" not in declared or geometry[declared["setting"]]
        if not wanted or not measured or absent & {*declared["inputs"]}:
            continue
        figures.append(
            Figure(
                name,
                declared["scope"],
                tuple(declared["inputs"]),
                declared["title"],
                declared["order"],
                declared.get("shows_published", False),
                style,
            )
        )
    return {figure.name: figure for figure in sorted(figures, key=lambda one: one.order)}


def _require_drawable(name, declared, geometry):
    scope, inputs, setting = declared["scope"], declared["inputs"], declared.get("setting")
    if setting is not None and setting not in geometry:
        raise ConfigurationError(
            f"Need a key of the configuration's geometry ({', '.join(geometry)}) as the setting of "
            f"the figure {name}. Got {setting}."
        )
    if scope not in SOURCES:
        raise ConfigurationError(
            f"Need a scope out of {', '.join(SOURCES)} in the figure {name}. Got {scope}."
        )
    unknown = [one for one in inputs if one not in SOURCES[scope]]
    if unknown:
        raise ConfigurationError(
            f"Need inputs out of {', '.join(SOURCES[scope])} in the figure {name}, whose scope is "
            f"{scope}. Got {', '.join(unknown)}."
        )


if __name__ == "__main__":
    main()
