"""The configuration: numbers as numbers, strict keys, one clear sentence for what is wrong.

Imported by the workflow itself, so it needs the standard library, PyYAML and jsonschema only.
"""

import copy
import difflib
import math
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from .errors import ConfigurationError
from .strict_yaml import read_mapping, require_plain
from .wording import cut, dotted, listed, shown

NUMERIC = ("number", "integer")
# A number that stands as text: in quotes, on the command line, or as 1e-4, for YAML 1.1 a text.
NUMBER = re.compile(
    r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[-+]?[0-9]{1,6})?|[-+]?(inf|infinity|nan)", re.IGNORECASE
)
EXACT = 2**53  # of floats beyond, some are not the whole number that was written
READABLE = 330  # characters, about, of all that is wrong at once
MOST_PROBLEMS, MOST_UNKNOWN = 30, 3


def check_config(config: dict, schema: dict) -> dict:
    """Return `config` in one canonical form, after checking it against `schema`.

    YAML 1.1 reads ``1e-4`` as a string; where the schema wants a number, it becomes one. Keys are
    sorted and a number is a float, so that a job whose settings are only written another way is
    not stale.

    Parameters
    ----------
    config : dict
        The merged configuration.
    schema : dict
        A JSON schema (draft 2020-12); strict where it says ``additionalProperties: false``.

    Raises
    ------
    ConfigurationError
        Names the key, the value that came and what is required.

    Examples
    --------
    >>> schema = {"type": "object", "properties": {"rate": {"type": "number", "minimum": 0}}}
    >>> check_config({"rate": "1e-4"}, schema)
    {'rate': 0.0001}
    >>> check_config({"rate": -1}, schema)
    Traceback (most recent call last):
        ...
    manifold_robustness.errors.ConfigurationError: config: rate is -1.0, but must be at least 0
    """
    require_plain(config)
    config = _with_numbers(config, schema, schema)
    _require_finite(config, [])
    validator = _validator()(schema)
    problems = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    if problems:
        told = (one for problem in problems[:MOST_PROBLEMS] for one in _sentences(problem))
        raise ConfigurationError(_joined(dict.fromkeys(told)))
    return config


def fill_defaults(settings: dict, schema: dict) -> dict:
    """Return settings with the ``default`` of every property of `schema` that they don't name.

    >>> schema = {"properties": {"clip": {"default": True}, "n": {"default": 3}}}
    >>> fill_defaults({"clip": False}, schema)
    {'clip': False, 'n': 3}
    """
    defaults = {
        key: copy.deepcopy(one["default"])
        for key, one in schema.get("properties", {}).items()
        if "default" in one
    }
    return {**settings, **{key: one for key, one in defaults.items() if key not in settings}}


def merge(base: dict, overlay: dict) -> dict:
    """Return `base` with what `overlay` says: mappings merge, everything else is replaced.

    >>> merge({"images": {"n_points": 30, "replicates": 3}}, {"images": {"replicates": 1}})
    {'images': {'n_points': 30, 'replicates': 1}}
    """
    merged = dict(base)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = merge(base[key], value) if both else value
    return merged


def read_config(paths: Sequence[str | Path]) -> dict:
    """Return the configuration of YAML files: the first, then overlays of what differs.

    Raises
    ------
    ConfigurationError
        For a file that is missing, is no YAML, or holds no mapping of plain values, or one where a
        key stands twice.
    """
    config: dict = {}
    for path in paths:
        config = merge(config, read_mapping(path))
    return config


def require_options(settings: dict, schema: Any, place: str, source: str | Path) -> None:
    """Raise :class:`ConfigurationError` where a plug-in's options are no schema, or lack a value.

    Parameters
    ----------
    settings
        What the configuration says of them.
    schema
        The ``options`` that the plug-in declares; one without a ``default`` must be given.
    place
        Of the settings in the configuration, for the error.
    source
        The plug-in's file.

    Examples
    --------
    >>> options = {"properties": {"target": {"type": "integer"}}}
    >>> require_options({}, options, "the entry of blur in perturbations", "blur.py")
    Traceback (most recent call last):
        ...
    manifold_robustness.errors.ConfigurationError: config: need a value of target in the entry of \
blur in perturbations, since blur.py declares it without a default. Got none.
    """
    import jsonschema

    validator = jsonschema.Draft202012Validator
    for error in validator(validator.META_SCHEMA).iter_errors(schema):
        raise ConfigurationError(
            f"Need a JSON schema for the options that {source} declares. Got one with "
            f"{dotted(error.absolute_path)} = {shown(error.instance)}."
        )
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    if not all(isinstance(one, dict) for one in (schema, *properties.values())):
        raise ConfigurationError(f"Need a dictionary for every option that {source} declares.")
    missing = [key for key, one in properties.items() if "default" not in one]
    missing = [key for key in missing if key not in settings]
    if missing:
        raise ConfigurationError(
            f"config: need a value of {', '.join(missing)} in {place}, since {source} declares "
            f"{'it' if len(missing) == 1 else 'them'} without a default. Got none."
        )


@cache
def _validator():
    """Of JSON schemas, but an integer is none of Python's floats: see :data:`EXACT`."""
    import jsonschema

    def is_integer(_checker, value):
        return isinstance(value, int) and not isinstance(value, bool)

    draft = jsonschema.Draft202012Validator
    checker = draft.TYPE_CHECKER.redefine("integer", is_integer)
    return jsonschema.validators.extend(draft, type_checker=checker)


def _require_finite(value, path):
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _require_finite(item, [*path, key])
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError(f"config: {dotted(path)} is {value}, but must be finite")
    elif isinstance(value, int) and abs(value) > sys.float_info.max:
        raise ConfigurationError(
            f"config: {dotted(path)} is {shown(value)}, but must be a number of 300 digits at most"
        )


def _with_numbers(value, schema, root):
    if "$ref" in schema:
        return _with_numbers(value, _resolve(schema["$ref"], root), root)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        keys = sorted(value)
        return {key: _with_numbers(value[key], properties.get(key, {}), root) for key in keys}
    if isinstance(value, list):
        return [_with_numbers(item, schema.get("items", {}), root) for item in value]
    return _number(value, schema)


def _number(value, schema):
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    numeric = [one for one in types if one in NUMERIC]
    if not numeric or isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    if isinstance(value, str):
        if not NUMBER.fullmatch(value):
            return value
        # An integer is exact, however many digits it has; one of more than a float holds is inf.
        exact = Decimal(value)
        small = exact.is_finite() and exact.adjusted() <= sys.float_info.max_10_exp
        whole = small and exact == exact.to_integral_value()
        value = int(exact) if whole else float(exact)
    if numeric == ["integer"]:
        exact = isinstance(value, float) and value.is_integer() and abs(value) < EXACT
        return int(value) if exact else value
    return float(value) if abs(value) <= sys.float_info.max else value


def _resolve(reference, root):
    node = root
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def _sentences(problem):
    where = dotted(problem.absolute_path)
    rule, wanted, value = problem.validator, problem.validator_value, problem.instance
    if rule == "additionalProperties":
        known = list(problem.schema.get("properties", {}))
        unknown = [key for key in value if key not in known]
        return [_unknown_key(where, key, known) for key in unknown[:MOST_UNKNOWN]]
    if rule == "required":
        missing = [key for key in wanted if key not in value]
        return [f"config: {_join(where, key)} is missing" for key in missing]
    requirement = {
        "minimum": f"at least {wanted}",
        "maximum": f"at most {wanted}",
        "exclusiveMinimum": f"greater than {wanted}",
        "exclusiveMaximum": f"less than {wanted}",
        "enum": f"one of {listed(wanted)}" if rule == "enum" else "",
        "type": f"of type {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
        if rule == "type"
        else "",
        "minLength": "not empty",
        "maxLength": f"of {wanted} characters at most",
        "minItems": f"a list of {wanted} or more items",
        "maxItems": f"a list of {wanted} items at most",
        "uniqueItems": "a list without repeated items",
    }.get(rule)
    meaning = problem.schema.get("description")
    if requirement is None:
        requirement, meaning = meaning or f"such that {rule}: {wanted}", None
    because = f" ({meaning})" if meaning else ""
    if isinstance(value, bool) and problem.schema.get("type") == "string":
        words = "yes, on and true" if value else "no, off and false"
        because += f"; {words} are the same in YAML, so put them in quotes where they are text"
    return [f"config: {where} is {shown(value)}, but must be {requirement}{because}"]


def _joined(sentences):
    """The sentences, or as many of them as can be read at once."""
    text, *others = sentences
    for count, sentence in enumerate(others):
        if len(text) + len(sentence) > READABLE:
            return f"{text}; and {len(others) - count} more"
        text = f"{text}; {sentence}"
    return text


def _unknown_key(where, key, known):
    close = difflib.get_close_matches(key[:100], known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"the keys here are {listed(known)}"
    return f"config: {_join(where, key)} is not a known key; {hint}"


def _join(where, key):
    return cut(key, 60) if where == "the configuration" else f"{where}.{cut(key, 60)}"
