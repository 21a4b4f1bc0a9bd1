"""The networks of a run: entries of the configuration's ``networks``, side by side.

An entry may name a folder of activations in the place of a network.

Imported by the workflow itself, so architectures are read as text.
"""

import ast
import hashlib
import json
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from .activation_folders import ActivationFolder, read_folder
from .code_digests import file_digest
from .conditions import ENTRY_KEYS, list_families
from .configuration import check_config, merge
from .declarations import LIBRARY, read_declaration
from .errors import ConfigurationError
from .wording import cut, listed

RESERVED = ("tables", "figures", "logs", "comparison", "export")  # other folders of a run
TRAINED = ("none", "imagenet")  # weights that a training starts from
FOLDER = "network/architectures"
ADDED = {"weights_file": None, "repeats": None}  # what an entry may leave out
OF_RECORDED = ("name", "activations", "layers")  # of an entry that names activations


@dataclass(frozen=True)
class Network:
    """One network of a run, or the activations that stand for one.

    Attributes
    ----------
    name : str
        Names its folder and its rows.
    architecture : str
        ``resnet18``, ``torchvision/<name>``, or ``path/to/file.py:function``.
    code : str or None
        Digest of the user's own file of an architecture.
    weights : str
        ``none`` or ``imagenet``, from which it is trained, or the file of weights to take.
    weights_file : str or None
        A local copy of ImageNet's weights.
    training : dict
        The whole recipe: ``training`` of the configuration, with what the entry says. Of
        ``perturb``, the condition itself, with its ``share`` and ``warm_up``.
    layers, analysed : tuple of str
        The layers whose activations are kept, and those of them whose geometry is solved.
    recipe : str
        The name of its entry in the configuration: that of several networks where the entry asks
        for several trainings.
    repeat : int
        Its number among these, from 1; 0 where the entry asks for no number of them.
    recorded : ActivationFolder or None
        Its activations, where they were recorded elsewhere: there is no network then, and the
        fields that describe one are empty.
    """

    name: str
    architecture: str
    code: str | None
    weights: str
    weights_file: str | None
    training: dict
    layers: tuple[str, ...]
    analysed: tuple[str, ...]
    recipe: str
    repeat: int
    recorded: ActivationFolder | None = None

    def training_seed(self, seed: int) -> int:
        """Return the seed of the training: the run's, or of one of several its own.

        >>> one, two = (Network(*[None] * 9, repeat).training_seed(3) for repeat in (1, 2))
        >>> Network(*[None] * 9, 0).training_seed(3), one == two, 0 <= one < 2**63
        (3, False, True)
        """
        if not self.repeat:
            return seed
        text = f"training {self.repeat} of the seed {seed}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1

    @property
    def is_trained(self) -> bool:
        """Whether it is trained here; its weights are the user's own otherwise."""
        return self.weights in TRAINED

    @property
    def settings(self) -> dict:
        """What a job needs to build it."""
        return {"architecture": self.architecture, "code": self.code}


def own_file(architecture: str) -> str | None:
    """Return the file of a user's own architecture; None for one of this package's.

    >>> own_file("my_network.py:build"), own_file("torchvision/resnet50")
    ('my_network.py', None)
    """
    path, colon, _ = architecture.rpartition(":")
    return path if colon and path.endswith(".py") else None


def architecture_module(architecture: str) -> str | None:
    """Return the name of the plug-in of an architecture; None for a user's own.

    >>> architecture_module("torchvision/resnet50")
    'torchvision'
    """
    return None if own_file(architecture) else architecture.partition("/")[0]


def list_networks(
    config: dict, training_schema: dict, library: str | Path = LIBRARY
) -> list[Network]:
    """Return the networks of a configuration, in its order.

    Parameters
    ----------
    config
        Valid but for what is checked here.
    training_schema
        JSON schema of a whole recipe.

    Raises
    ------
    ConfigurationError
        For a name that stands twice or is a folder of something else, an architecture or file that
        doesn't exist, layers that no network keeps, and settings of a training that are not valid.
    """
    entries = [one for entry in config["networks"] for one in _trainings(entry)]
    _require_different([one["name"] for one in config["networks"]])
    _require_different([one["name"] for one in entries])
    for name in (one["name"] for one in entries):
        if name.casefold() in RESERVED:
            raise ConfigurationError(
                f"config: need a network's name other than {', '.join(RESERVED)}. Got {name}."
            )
    networks = [
        _recorded(config, entry)
        if "activations" in entry
        else _network(config, entry, training_schema, library)
        for entry in entries
    ]
    _require_analysed(config["geometry"]["layers"], networks)
    return networks


def read_layers(path: str | Path, network: Network) -> list[str] | None:
    """Return the layers that a network is known to have, from the list beside its weights.

    None where there is no list, or it is that of another architecture or of other code.
    """
    try:
        written = json.loads(Path(path).read_text(encoding="utf-8"))
        same = all(written[key] == value for key, value in network.settings.items())
        return list(map(str, written["layers"])) if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the job that trains or imports writes it anew


def require_layers(
    wanted: list[str] | tuple[str, ...], known: list[str], network: str, source: str = ""
) -> None:
    """Raise :class:`ConfigurationError` for layers that a network lacks, or in another order.

    >>> require_layers(["input", "fc"], ["input", "conv", "fc"], "mine")
    >>> require_layers(["fc", "conv"], ["input", "conv", "fc"], "mine")
    Traceback (most recent call last):
        ...
    manifold_robustness.errors.ConfigurationError: config: need the layers of the network mine in \
forward order, which is conv, fc. Got fc, conv.
    """
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ConfigurationError(
            f"config: activations.layers (or the network's own) names {listed(unknown, 60)}, which "
            f"the network {network} does not have; the valid names are {listed(known)}{source}"
        )
    ordered = [name for name in known if name in wanted]
    if ordered != list(wanted):
        raise ConfigurationError(
            f"config: need the layers of the network {network} in forward order, which is "
            f"{listed(ordered)}. Got {listed(wanted)}.{source}"
        )


def _require_different(names):
    folders = [name.casefold() for name in names]  # some file systems take A and a for one name
    for name, folder in zip(names, folders, strict=True):
        if folders.count(folder) > 1:
            raise ConfigurationError(
                f"config: networks holds the name {name} {folders.count(folder)} times, whatever "
                "the case; give each its own."
            )


def _trainings(entry):
    """The entries of the trainings that an entry asks for: itself, or one for each repeat."""
    if "activations" in entry:
        _require_recorded(entry)
        return [entry]
    entry = {**ADDED, **entry}
    recipe, repeats = entry["name"], entry["repeats"]
    if repeats is None:
        return [{**entry, "recipe": recipe, "repeat": 0}]
    if entry["weights"] not in TRAINED:
        raise ConfigurationError(
            f"config: networks, {recipe}: repeats is {repeats}, but its weights are a file, and "
            "nothing is trained; leave it out, or give each file an entry of its own"
        )
    return [
        {**entry, "name": f"{recipe}-{repeat}", "recipe": recipe, "repeat": repeat}
        for repeat in range(1, repeats + 1)
    ]


def _network(config, entry, training_schema, library):
    name = entry["name"]
    where = f"networks, {name}"
    _require_architecture(entry, where, library)
    recipe = merge(config["training"], entry.get("training", {}))
    try:
        recipe = check_config(recipe, training_schema)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}, training: {error}") from None
    if "perturb" in entry.get("training", {}):  # as a whole: options belong to their family
        recipe["perturb"] = entry["training"]["perturb"]
    recipe["perturb"] = _perturbation(recipe["perturb"], where, library)
    layers = tuple(entry.get("layers", config["activations"]["layers"]))
    own = own_file(entry["architecture"])
    return Network(
        name,
        entry["architecture"],
        file_digest(own) if own else None,
        entry["weights"],
        entry["weights_file"],
        recipe,
        layers,
        _analysed(config, layers),
        entry["recipe"],
        entry["repeat"],
    )


def _require_recorded(entry):
    others = [key for key in entry if key not in OF_RECORDED]
    if others:
        raise ConfigurationError(
            f"config: networks, {entry['name']}: activations stand in the place of a network, and "
            f"nothing is built or trained; leave out {listed(others)}"
        )


def _recorded(config, entry):
    name = entry["name"]
    folder = read_folder(entry["activations"], f"networks, {name}", config["images"])
    layers = tuple(entry.get("layers", folder.layers))
    unknown = [layer for layer in layers if layer not in folder.layers]
    if unknown:
        raise ConfigurationError(
            f"config: networks, {name}: layers names {listed(unknown, 60)}, which "
            f"{cut(folder.path)} does not have; it has {listed(folder.layers)}"
        )
    analysed = _analysed(config, layers)
    return Network(name, "", None, "", None, {}, layers, analysed, name, 0, folder)


def _analysed(config, layers):
    chosen = config["geometry"]["layers"]
    return layers if chosen == "all" else tuple(one for one in layers if one in chosen)


def _perturbation(asked, where, library):
    """What a training does to its images: the condition, its share and its warm-up; or None."""
    if asked is None:
        return None
    options = asked.get("options", {})
    taken = [key for key in options if key in ENTRY_KEYS]
    if taken:
        raise ConfigurationError(
            f"config: {where}, training.perturb: need options of the family {asked['family']} in "
            f"options. Got {listed(taken)}; family and strength stand beside options, and a "
            "training attacks its own network."
        )
    entry = {"family": asked["family"], "strengths": [asked["strength"]], **options}
    try:
        (family,) = list_families([entry], library)
    except ConfigurationError as error:
        said = str(error).removeprefix("config: ")
        raise ConfigurationError(f"config: {where}, training.perturb: {said}") from None
    (condition,) = family.conditions
    return {
        "condition": condition.to_dict(),
        "share": asked.get("share", 1.0),
        "warm_up": asked.get("warm_up", 0),
    }


def _require_architecture(entry, where, library):
    architecture, weights = entry["architecture"], entry["weights"]
    own = own_file(architecture)
    files = {"weights_file": entry["weights_file"], "architecture": own}
    if weights not in TRAINED:
        files["weights"] = weights
    for key, path in files.items():
        lacking = _lacking_file(path) if path else None
        if lacking:
            other = f" (or say {' or '.join(TRAINED)})" if key == "weights" else ""
            raise ConfigurationError(
                f"config: {where}: {key} names the file {cut(path)}, which {lacking}{other}"
            )
    if own:
        _require_function(architecture, where)
    elif architecture.endswith(".py"):
        raise ConfigurationError(
            f"config: {where}: need a function in the file, as {cut(architecture)}:build. Got "
            f"{cut(architecture)}."
        )
    has_imagenet = False
    if not own:
        module, _, variant = architecture.partition("/")
        declared = read_declaration(
            FOLDER, module, "network architecture (or my_network.py:build)", library
        )
        variants = declared.get("names")
        if variants and variant not in variants:
            close = get_close_matches(variant[:100], variants, n=1)
            hint = f" Did you mean {module}/{close[0]}?" if close else ""
            raise ConfigurationError(
                f"config: {where}: need {module}/<name> with a name out of {listed(variants)}. "
                f"Got {cut(architecture)}.{hint}"
            )
        if variant and not variants:
            raise ConfigurationError(f"config: {where}: need {module}. Got {cut(architecture)}.")
        has_imagenet = declared["imagenet"]
    if weights == "imagenet" and not has_imagenet:
        raise ConfigurationError(
            f"config: {where}: weights is imagenet, which the architecture {architecture} does not "
            "have; choose none, or a file of weights"
        )


def _lacking_file(path):
    """What keeps a path from being a file that can be read; None where nothing does."""
    try:
        if Path(path).is_dir():
            return "is a folder"
        if not Path(path).is_file():
            return "does not exist"
        with open(path, "rb"):
            return None
    except OSError as error:
        return f"can't be read: {error.strerror}"


def _require_function(architecture, where):
    """A function that the file defines or imports at its top level."""
    path, _, function = architecture.rpartition(":")
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # as ast says it
        said = cut(" ".join(str(error).split()), 200)
        raise ConfigurationError(
            f"config: {where}: {cut(path)} is no Python file: {said}"
        ) from None
    names = {
        word
        for node in ast.walk(tree)
        for word in (getattr(node, "name", ""), getattr(node, "id", ""))
    }
    if not function or function not in names:
        raise ConfigurationError(
            f"config: {where}: need a function {cut(function) or '(its name is missing)'} in "
            f"{cut(path)}. Got a file without one."
        )


def _require_analysed(chosen, networks):
    kept = list(dict.fromkeys(layer for network in networks for layer in network.layers))
    unknown = [] if chosen == "all" else [layer for layer in chosen if layer not in kept]
    if unknown:
        raise ConfigurationError(
            f"config: geometry.layers names {listed(unknown, 60)}, which activations.layers does "
            f"not keep; add it there, or choose among {listed(kept)}"
        )
    for network in networks:
        if not network.analysed:
            raise ConfigurationError(
                f"config: geometry.layers names no layer that the network {network.name} keeps; it "
                f"keeps {listed(network.layers)}"
            )
