"""Where a file belongs and what it was made from: written into it, compared by whoever reads it.

A file's *origin* is its place (network, condition, layer) and its *lineage*: of each stage that it
went through, the settings that the stage's job was given and the digest of its code, and of what
came from outside the SHA-256 of its content (trained weights, the user's own weights, the test
images). So a file proves where it came from without any record beside it. It can't be taken for
that of another condition, of other settings or of other weights, wherever it was copied and
whatever its date says.

Imported by the workflow itself, so it needs nothing but the standard library.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .errors import StoreError
from .wording import cut

# By network and stage. Of a stage: "settings" and "code", which a configuration says, and further
# keys that only the job can know: contents, as the SHA-256 of what came from outside.
Lineage = dict[str, dict[str, dict]]
ASKED = ("settings", "code")
PLACE = ("network", "condition", "layer")
# The extractions of networks that keep other layers are rules of their own, and one stage.
STAGES = {
    "train_network": "the training",
    "import_weights": "the import of the weights",
    "evaluate_accuracy": "the evaluation",
    "select_images": "the selection of images",
    "perturb_images": "the perturbation",
    "extract_activations": "the extraction",
    "solve_geometry": "the solve",
}


@dataclass(frozen=True)
class Origin:
    """Where a file belongs, and what it was made from.

    Attributes
    ----------
    network : str
    condition, layer : str or None
        None where a file is of no single one: weights are of no condition.
    lineage : dict
        By network (its own; with ``correct_for: every_network`` those of others too) and stage, in
        the order of the flow: ``settings``, ``code``, and contents by name.

    Examples
    --------
    >>> origin = Origin("small", "clean", lineage={"small": {"train_network": {"code": "ab"}}})
    >>> origin.at(layer="fc").attributes()["layer"]
    'fc'
    """

    network: str
    condition: str | None = None
    layer: str | None = None
    lineage: Lineage = field(default_factory=dict)

    def at(self, **place: str | None) -> "Origin":
        """Return the origin of another place, with the same lineage."""
        return replace(self, **place)

    def attributes(self) -> dict:
        """Return what a file says of its origin, as JSON values; of places only those it has."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def completed(self, *found: Lineage) -> "Origin":
        """Return the origin with the contents that the inputs' lineages know."""
        lineage = {
            network: {stage: dict(entry) for stage, entry in stages.items()}
            for network, stages in self.lineage.items()
        }
        for one in found:
            for network, stages in lineage.items():
                for stage, entry in stages.items():
                    entry.update(contents(one.get(network, {}).get(stage, {})))
        return replace(self, lineage=lineage)

    def with_content(self, stage: str, **sums: str) -> "Origin":
        """Return the origin with contents of one stage of its own network."""
        return self.completed({self.network: {stage: sums}})


def contents(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the contents that a stage's entry names.

    >>> contents({"settings": {}, "code": "ab", "weights_sha256": "cd"})
    {'weights_sha256': 'cd'}
    """
    return {key: value for key, value in entry.items() if key not in ASKED}


def require_origin(path: str | Path, found: Mapping[str, Any], wanted: Origin) -> None:
    """Raise :class:`StoreError` where a file is not what it is taken for.

    Parameters
    ----------
    path
        Of the file.
    found
        What it says of itself: :meth:`Origin.attributes`.
    wanted
        The place that was asked for, and the lineage of what is being made. The file may have gone
        through fewer stages, but through each of its own as `wanted` says.

    Examples
    --------
    >>> wanted = Origin("small", "clean", lineage={"small": {"train_network": {"code": "ab"}}})
    >>> require_origin("a.h5", wanted.attributes(), wanted)
    >>> require_origin("a.h5", wanted.at(condition="gaussian/sigma-1").attributes(), wanted)
    Traceback (most recent call last):
        ...
    manifold_robustness.errors.StoreError: Need a file of the condition clean. Got a.h5, which is \
of the condition gaussian/sigma-1; remove it with: rm -f 'a.h5', then give the same command again
    """
    problem = other_place(found, wanted) or other_lineage(found.get("lineage"), wanted)
    if problem:
        raise StoreError(f"{problem.format(path=path)}; {how_to_rebuild(path)}")


def require_agreement(lineages: Iterable[tuple[str | Path, Lineage]]) -> None:
    """Raise :class:`StoreError` where two files went through one stage with other contents.

    For instance with other weights, which were trained once more. What is gathered, and what a job
    reads together, must be of one lineage.

    >>> one = {"small": {"train_network": {"weights_sha256": "ab"}}}
    >>> require_agreement([("a.h5", one), ("b.h5", one)])
    """
    first: dict[tuple[str, str, str], tuple[str, str | Path]] = {}
    for path, lineage in lineages:
        for network, stages in lineage.items():
            for stage, entry in stages.items():
                for key, value in contents(entry).items():
                    known, source = first.setdefault((network, stage, key), (value, path))
                    if known != value:
                        raise StoreError(
                            f"Need files of one lineage. Got {source} and {path}, which were made "
                            f"from other {named(key)} of the network {network}; give the same "
                            "command again, which makes anew what is not of the weights and data "
                            "that are there now, or remove the older one first"
                        )


def other_place(found: Mapping[str, Any], wanted: Origin) -> str:
    """Return in words where a file belongs, if not where it was looked for; else an empty text."""
    for name in PLACE:
        value = getattr(wanted, name)
        if value is not None and found.get(name) != value:
            of = f"of the {name} {found[name]}" if name in found else f"of no {name} of ours"
            value, of = _literal(value), _literal(of)
            return f"Need a file of the {name} {value}. Got {{path}}, which is {of}"
    return ""


def other_lineage(found: Lineage | None, wanted: Origin) -> str:
    """Return in words what a file was made from otherwise; an empty text where nothing is."""
    if not isinstance(found, Mapping) or wanted.network not in found:
        return "Need a file that says what it was made from. Got {path}, which does not"
    for network, stages in found.items():
        for stage, entry in stages.items():
            asked = wanted.lineage.get(network, {}).get(stage)
            run = f"{STAGES.get(stage, stage)} of the network {network}"
            if asked is None:
                return (
                    "Need a file as the configuration says. Got {path}, which went through "
                    f"{_literal(run)}"
                )
            said = differing_entry(entry, asked)
            if said:
                return (
                    "Need a file made as the configuration says now. Got {path}, which is not: in "
                    f"{_literal(f'{run}, {said}')}"
                )
    return ""


def differing_entry(found: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return in words how a stage was run otherwise; an empty text where it was not.

    >>> differing_entry({"settings": {"a": {"n": 1}}}, {"settings": {"a": {"n": 2}}})
    'a.n was 1 and is 2'
    """
    said = differing_settings(found.get("settings"), asked.get("settings"))
    if not said and found.get("code") != asked.get("code"):
        said = "its code was another"
    if not said:
        known = contents(asked)
        said = next(
            (
                f"the {named(key)} were others"
                for key, value in contents(found).items()
                if known.get(key, value) != value
            ),
            "",
        )
    return said


def differing_settings(found: Any, asked: Any, where: str = "") -> str:
    """Return in words the first setting that differs; an empty text where none does."""
    if isinstance(found, Mapping) and isinstance(asked, Mapping):
        for key in dict.fromkeys([*asked, *found]):
            inner = f"{where}.{key}" if where else str(key)
            if key not in found:
                return f"{inner} was not given and is {_short(asked[key])}"
            if key not in asked:
                return f"{inner} was {_short(found[key])} and is not given"
            said = differing_settings(found[key], asked[key], inner)
            if said:
                return said
        return ""
    if found == asked:
        return ""
    return f"{where or 'it'} was {_short(found)} and is {_short(asked)}"


def how_to_rebuild(path: str | Path) -> str:
    """Return the sentence that says how to make a file again."""
    return f"remove it with: rm -f '{path}', then give the same command again"


def named(key: str) -> str:
    """Return a content in words: ``weights_sha256`` is of weights.

    >>> named("test_images_sha256")
    'test images'
    """
    return key.removesuffix("_sha256").replace("_", " ")


def _literal(text):
    """The text that gives `text` once the path is filled in."""
    return str(text).replace("{", "{{").replace("}", "}}")


def _short(value):
    return cut(json.dumps(value, sort_keys=True, default=str), 60)
