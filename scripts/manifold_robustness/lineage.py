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
from typing import Any, NamedTuple

from .errors import StoreError
from .wording import cut

# By network and stage. Of a stage: "settings" and "code", which a configuration says, and further
# keys that only the job can know: contents, as the SHA-256 of what came from outside.
Lineage = dict[str, dict[str, dict]]
ASKED = ("settings", "code")
TEST_IMAGES = "test_images_sha256"
IMPORT = "import_activations"
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
    "certify_smoothing": "the certification",
    IMPORT: "the import of the activations",
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
        By network (its own; those of others too with ``correct_for: every_network``, and of the one
        that an attack is from) and stage, in the order of the flow: ``settings``, ``code``, and
        contents by name.

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

    def of(self, network: str) -> "Origin":
        """Return the origin of another network's weights, of which this lineage knows."""
        return Origin(network, lineage=self.lineage)

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


def recording_key(layer: str, condition: str) -> str:
    """Return by what name a lineage has the content of a layer's recorded activations.

    >>> named(recording_key("V4", "contrast/half"))
    'recording of V4 under contrast/half'
    """
    return f"recording of {layer} under {condition}_sha256"


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
    found_out = mismatch(found, wanted)
    if found_out:
        raise StoreError(
            f"Need {found_out.need}. Got {path}, which {found_out.got}; {how_to_rebuild(path)}"
        )


def require_agreement(lineages: Iterable[tuple[str | Path, Lineage]]) -> None:
    """Raise :class:`StoreError` where two files went through one stage with other contents.

    For instance with other weights, which were trained once more. What is gathered, and what a job
    reads together, must be of one lineage.

    >>> one = {"small": {"train_network": {"weights_sha256": "ab"}}}
    >>> require_agreement([("a.h5", one), ("b.h5", one)])
    """
    first: dict[Content, tuple[str, str | Path]] = {}
    for path, lineage in lineages:
        for content, value in all_contents(lineage).items():
            known, source = first.setdefault(content, (value, path))
            if known != value:
                raise StoreError(
                    f"Need files of one lineage. Got {source} and {path}, which were made from "
                    f"other {content}; give the same command again, which makes anew what "
                    "is not of the weights and data that are there now, or remove the older one "
                    "first"
                )


class Content(NamedTuple):
    """What came from outside: which content, of which stage and network.

    >>> str(Content("weights_sha256", "train_network", "small"))
    'weights of the network small'
    """

    key: str
    stage: str
    network: str

    def __str__(self) -> str:
        return named(self.key) + (f" of the network {self.network}" if self.network else "")


def all_contents(lineage: Lineage) -> dict[Content, str]:
    """Return the contents that a lineage names.

    The test images are those of the run, whichever network is evaluated on them.

    >>> found = all_contents({"small": {"train_network": {"code": "ab", "weights_sha256": "cd"}}})
    >>> [(str(content), value) for content, value in found.items()]
    [('weights of the network small', 'cd')]
    """
    return {
        Content(key, stage, "" if key == TEST_IMAGES else network): value
        for network, stages in lineage.items()
        for stage, entry in stages.items()
        for key, value in contents(entry).items()
    }


class Mismatch(NamedTuple):
    """Why a file is not what was asked for: what is needed, what came, and the reason alone."""

    need: str
    got: str
    reason: str


def mismatch(
    found: Mapping[str, Any], wanted: Origin, through_all: bool = False
) -> Mismatch | None:
    """Return why a file is not what was asked for; None where it is.

    `found` and `wanted` are those of :func:`require_origin`. With `through_all`, the file must have
    gone through every stage of `wanted`.
    """
    elsewhere = other_place(found, wanted)
    if elsewhere:
        return elsewhere
    lineage = found.get("lineage")
    if not _is_lineage(lineage) or wanted.network not in lineage:
        need = "a file that says what it was made from"
        return Mismatch(need, "does not", "it does not say what it was made from")
    for network, stages in lineage.items():
        for stage, entry in stages.items():
            asked = wanted.lineage.get(network, {}).get(stage)
            run = _named_stage(stage, network)
            if asked is None:
                got = f"went through {run}"
                return Mismatch("a file as the configuration says", got, f"it {got}")
            said = differing_entry(entry, asked)
            if said:
                need, reason = "a file made as the configuration says now", f"in {run}, {said}"
                return Mismatch(need, f"is not: {reason}", reason)
    for network, stages in wanted.lineage.items() if through_all else ():
        for stage in stages:
            if stage not in lineage.get(network, {}):
                got = f"did not go through {_named_stage(stage, network)}"
                return Mismatch("a file as the configuration says", got, f"it {got}")
    return None


def other_place(found: Mapping[str, Any], wanted: Origin) -> Mismatch | None:
    """Return that a file belongs elsewhere than where it was looked for; None where it does not."""
    for name in PLACE:
        value = getattr(wanted, name)
        if value is not None and found.get(name) != value:
            got = f"is of the {name} {found[name]}" if name in found else f"is of no {name} of ours"
            return Mismatch(f"a file of the {name} {value}", got, f"it {got}")
    return None


def _is_lineage(value):
    return isinstance(value, Mapping) and all(
        isinstance(stages, Mapping) and all(isinstance(one, Mapping) for one in stages.values())
        for stages in value.values()
    )


def _named_stage(stage, network):
    return f"{STAGES.get(stage, stage)} of the network {network}"


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
    was, now = _short(found), _short(asked)
    return f"{where or 'it'} was {was} and is {now}" if was != now else f"{where} was another"


def how_to_rebuild(path: str | Path) -> str:
    """Return the sentence that says how to make a file again."""
    return f"remove it with: rm -f '{path}', then give the same command again"


def named(key: str) -> str:
    """Return a content in words: ``weights_sha256`` is of weights.

    >>> named("test_images_sha256")
    'test images'
    """
    return key.removesuffix("_sha256").replace("_", " ")


def _short(value):
    return cut(json.dumps(value, sort_keys=True, default=str), 60)
