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
from .conventions import FEWEST_BALANCED, fewest_certifying_draws, greatest_center_rank
from .declarations import plugin_names, read_declaration
from .errors import ConfigurationError
from .networks import Network, list_networks, read_layers, require_layers
from .strict_yaml import require_plain
from .variables import require_settings
from .wording import cut, listed, shown

PROJECT = Path(__file__).resolve().parents[2]
BASE = "config.yaml"
SCHEMA = "rules/schemas/config.schema.yaml"
DATA_KEYS = ("name", "image_size", "test_crop_padding")  # of every data set
OF_GEOMETRY = ("summary", "geometry", "subsets")  # what there is of recorded activations too
TABLES = ("summary", "accuracy", "geometry", "subsets")
CERTIFICATES = ("certified", "certified_classes")  # where the run certifies its networks
SOURCES = {  # what a figure of each scope can show
    "network": (*TABLES, "history", *CERTIFICATES),
    "family": (*TABLES, "history", "images", "predictions"),
    "families": (*TABLES, "matched", "images", "predictions"),
    "comparison": (*TABLES, "trainings"),
    "networks": CERTIFICATES,
}
OLDER_LAYOUT = ("model", "accuracy", "images", "activations", "geometry")


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
    _require_own_run(config, overlays, Path(project))
    _require_newer_layout(config["run"])
    require_settings(config["geometry"])
    families = list_families(config["perturbations"])
    if config["images"]["manifolds"] == "exemplar":
        require_draws(families)
    networks = list_networks(config, schema["properties"]["training"])
    models = [network for network in networks if network.recorded is None]
    _require_attacked(config["perturbations"], [network.name for network in models])
    recorded = _recorded(config, networks, families)
    absent = set()
    if config["certify"] is None:
        absent |= {*CERTIFICATES}
    if not any(network.repeat for network in networks):
        absent.add("trainings")
    figures = _figures(config["figures"], config["geometry"], absent)
    data = _data(config["data"], declared)
    _require_references(config, networks, figures)
    if models:
        _require_images(config["images"], declared, data)
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
    """The figures of what the run measures; the settings of the others are checked all the same.

    Those that show a table which the run does not make, one of `absent`, are left out.
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
        schema = {**declared["options"], "type": "object", "additionalProperties": False}
        try:
            style = check_config(fill_defaults(given, schema), schema)
        except ConfigurationError as error:
            raise ConfigurationError(f"figures.{name}: {error}") from None
        if "setting" in declared and not geometry[declared["setting"]]:
            continue
        if absent & {*declared["inputs"]}:
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


def _require_own_run(config, overlays, project):
    base = project / BASE
    overlays = [path for path in overlays if Path(path).resolve() != base.resolve()]
    if overlays and config["run"] == read_config([base]).get("run"):
        raise ConfigurationError(
            f"config: {listed(overlays)} must name a run: of its own, since "
            f"results/{config['run']} holds the results of {BASE} itself"
        )


def _require_newer_layout(run):
    results = Path("results", run)
    if any(
        (results / "model" / name).is_file() for name in ("weights.safetensors", "metrics.json")
    ):
        old = [name for name in OLDER_LAYOUT if (results / name).is_dir()]
        raise ConfigurationError(
            f"{results} holds results of an older layout ({', '.join(old)}); every network has a "
            f"folder of its own now. Remove them (rm -r {results}), move them away, or give run: "
            "another name"
        )


def _require_references(config, networks, figures):
    """What one part of the configuration says of another."""
    styles = {name: figure.style for name, figure in figures.items()}
    images = config["images"]
    per_manifold = 1 if images["manifolds"] == "exemplar" else images["n_points"]
    n_images = images["n_manifolds"] * per_manifold * images["replicates"]
    for figure, style in styles.items():
        if style.get("image", 0) >= n_images:
            raise ConfigurationError(
                f"config: figures.{figure}.image is {style['image']}, but must be less than "
                f"{n_images}, the number of selected images"
            )
    shown_layers = {name: style["layer"] for name, style in styles.items() if "layer" in style}
    for network in networks:
        for figure, layer in shown_layers.items():
            drawn = network.recorded is None or figures[figure].of_geometry_alone
            if drawn and layer not in ("last", *network.analysed):
                raise ConfigurationError(
                    f"config: figures.{figure}.layer is {cut(layer, 60)}, but must be last or one "
                    f"of {listed(network.analysed)}, the analysed layers of the network "
                    f"{network.name}"
                )
        if network.recorded:
            continue
        path = layers_file(config["run"], network.name)
        known = read_layers(path, network)
        if known:
            source = (
                f" (so says {path}; remove that file if the architecture's own code has changed)"
            )
            require_layers(network.layers, known, network.name, source)
    _require_geometry(config["geometry"], images)
    padding, size = config["data"]["test_crop_padding"], config["data"]["image_size"]
    if padding > size // 2:
        raise ConfigurationError(
            f"config: data.test_crop_padding is {padding}, but must be at most half of "
            f"data.image_size, which is {size}"
        )


def _require_attacked(perturbations, networks):
    """A network that an attack is from must be one of the run."""
    for entry in perturbations:
        attacked = entry.get("attack_from")
        if attacked is not None and attacked not in networks:
            raise ConfigurationError(
                f"config: perturbations, family {entry['family']}: attack_from is "
                f"{shown(attacked)}, but must be one of the run's networks, "
                f"{listed(networks) or 'none'}"
            )


def _require_geometry(geometry, images):
    """What the geometry asks of the manifolds."""
    rank, most = geometry["center_rank"], greatest_center_rank(images["n_manifolds"])
    if not isinstance(rank, str) and rank > most:
        raise ConfigurationError(
            f"config: geometry.center_rank is {rank}, but must be auto, supported or at most "
            f"P - 3 = {most}"
        )
    too_large = [count for count in geometry["subsets"] if count >= images["n_points"]]
    if too_large:
        raise ConfigurationError(
            f"config: geometry.subsets has {too_large[0]}, but must have numbers below "
            f"images.n_points, which is {images['n_points']}"
        )
    if geometry["joint"] and images["n_manifolds"] < FEWEST_BALANCED:
        raise ConfigurationError(
            f"config: geometry.joint needs images.n_manifolds of at least {FEWEST_BALANCED}, for "
            f"labels to balance; it is {images['n_manifolds']}. Give more, or set geometry.joint: "
            "false"
        )
    if geometry["joint"] and geometry["margin"] > 0:
        raise ConfigurationError(
            f"config: geometry.joint has no margin, but geometry.margin is {geometry['margin']:g}; "
            "set one of them to false or 0"
        )


def _require_images(images, declared, data):
    """As many classes and test images as are asked for, where the data set's numbers are known."""
    n_classes = declared.get("n_classes") or data.get("content", {}).get("n_classes")
    there = declared.get("n_test")
    if images["manifolds"] == "exemplar":
        needed = images["n_manifolds"] * images["replicates"]
        if n_classes and there and needed > n_classes * there:
            raise ConfigurationError(
                f"config: images.n_manifolds {images['n_manifolds']} x images.replicates "
                f"{images['replicates']} exemplars need {needed} test images, but the data set has "
                f"{n_classes * there}; lower one of them"
            )
        return
    if n_classes and images["n_manifolds"] > n_classes:
        raise ConfigurationError(
            f"config: images.n_manifolds is {images['n_manifolds']}, but the data set has "
            f"{n_classes} classes"
        )
    needed = images["n_points"] * images["replicates"]
    if there and needed > there:
        raise ConfigurationError(
            f"config: images.n_points {images['n_points']} x images.replicates "
            f"{images['replicates']} needs {needed} test images per class, but the data set has "
            f"{there}; lower one of them"
        )


def layers_file(run: str, network: str) -> Path:
    """Return the file with a network's layers, beside its weights."""
    return Path("results", run, network, "weights", "layers.json")


if __name__ == "__main__":
    main()
