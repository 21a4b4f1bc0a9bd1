"""Conditions: one perturbation at one strength, named by its path ``family/strength-value``.

Imported by the workflow itself, so it reads a family's declaration as text and imports none:
a family may need torch.
"""

import ast
from dataclasses import dataclass, field
from pathlib import Path

from .configuration import check_config
from .errors import ConfigurationError

CLEAN = "clean"
FOLDER = Path(__file__).parent / "perturbations"


@dataclass(frozen=True)
class Condition:
    """One perturbation at one strength; ``clean`` has the family ``clean`` and strength 0."""

    name: str
    family: str = CLEAN
    strength: float = 0.0
    options: dict = field(default_factory=dict)
    needs_model: bool = False


def read_declaration(family, folder=FOLDER):
    """Return the literal ``DECLARATION`` of the perturbation family in ``folder/family.py``.

    Keys: ``strength``, a list of {name, symbol, description, and the `options` under which it
    applies}; ``needs_model``, whether `perturb` gets the network; ``options``, a JSON schema of
    the family's own settings.
    """
    path = Path(folder) / f"{family}.py"
    known = sorted(p.stem for p in Path(folder).glob("*.py") if p.stem != "__init__")
    if family not in known:
        raise ConfigurationError(
            f"config: perturbations names the family {family}, but must name one of "
            f"{', '.join(known)} (a family is a file in {folder})"
        )
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DECLARATION":
            return ast.literal_eval(node.value)
    raise ConfigurationError(f"{path} assigns no literal DECLARATION at its top level")


def family_strength(family, options, folder=FOLDER):
    """Return the name, symbol and description of a family's strength under its options.

    >>> family_strength("gaussian", {"parameterization": "variance"})["symbol"]
    'σ²'
    """
    for entry in read_declaration(family, folder)["strength"]:
        if all(options.get(key) == value for key, value in entry.get("options", {}).items()):
            return {key: entry[key] for key in ("name", "symbol", "description")}
    raise ConfigurationError(f"the family {family} declares no strength for the options {options}")


def list_conditions(perturbations, folder=FOLDER):
    """Return the conditions of a configuration's ``perturbations``, clean first.

    Strength 0 of every family is the one condition ``clean``.

    Raises
    ------
    ConfigurationError
        For an unknown family or option, a family that stands twice, and strengths that would
        share one name.

    Examples
    --------
    >>> entry = {"family": "gaussian", "strengths": [0, 0.05], "clip": True,
    ...          "parameterization": "standard_deviation"}
    >>> [condition.name for condition in list_conditions([entry])]
    ['clean', 'gaussian/sigma-0.05']
    """
    conditions = {CLEAN: Condition(CLEAN)}
    families = [entry["family"] for entry in perturbations]
    for family in families:
        if families.count(family) > 1:
            raise ConfigurationError(
                f"config: perturbations holds the family {family} {families.count(family)} times; "
                "put all its strengths into one entry"
            )
    for entry in perturbations:
        for condition in _family_conditions(entry, folder):
            other = conditions.get(condition.name)
            if other is not None:
                raise ConfigurationError(
                    f"config: the strengths {other.strength!r} and {condition.strength!r} of "
                    f"{condition.family} would both be named {condition.name}; keep one"
                )
            conditions[condition.name] = condition
    return list(conditions.values())


def _family_conditions(entry, folder):
    family = entry["family"]
    declaration = read_declaration(family, folder)
    options = {k: v for k, v in entry.items() if k not in ("family", "strengths")}
    schema = {**declaration["options"], "type": "object", "additionalProperties": False}
    schema["required"] = list(schema.get("properties", {}))
    try:
        options = check_config(options, schema)
    except ConfigurationError as error:
        raise ConfigurationError(f"perturbations, family {family}: {error}") from None
    name = family_strength(family, options, folder)["name"]
    for strength in sorted(map(float, entry["strengths"])):
        if strength:
            path = f"{family}/{name}-{strength:g}"
            yield Condition(path, family, strength, options, declaration["needs_model"])
