"""The configuration: numbers as numbers, strict keys, one clear sentence for what is wrong.

Imported by the workflow itself, so it needs the standard library, PyYAML and jsonschema only.
"""

import copy
import difflib
import math
from collections.abc import Sequence
from pathlib import Path

import yaml

from .errors import ConfigurationError

NUMERIC = {"number": float, "integer": int}


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
    import jsonschema

    config = _with_numbers(config, schema, schema)
    _require_finite(config, [])
    validator = jsonschema.Draft202012Validator(schema)
    problems = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    if problems:
        raise ConfigurationError("; ".join(dict.fromkeys(map(_sentence, problems))))
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
        For a file that is missing, is no YAML, or holds no mapping.
    """
    config: dict = {}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                read = yaml.safe_load(file)
        except FileNotFoundError:
            raise ConfigurationError(
                f"{path} does not exist; name files of YAML: config.yaml, then overlays (CONFIG=…)"
            ) from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            said = " ".join(str(error).split())
            raise ConfigurationError(f"{path} can't be read as YAML: {said}") from None
        if read is not None and not isinstance(read, dict):
            raise ConfigurationError(f"{path} must map keys to values; it holds {read!r}")
        config = merge(config, read or {})
    return config


def _require_finite(value, path):
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _require_finite(item, [*path, key])
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError(f"config: {_dotted(path)} is {value}, but must be finite")


def _with_numbers(value, schema, root):
    if "$ref" in schema:
        return _with_numbers(value, _resolve(schema["$ref"], root), root)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        keys = sorted(value, key=str)
        return {key: _with_numbers(value[key], properties.get(key, {}), root) for key in keys}
    if isinstance(value, list):
        return [_with_numbers(item, schema.get("items", {}), root) for item in value]
    return _number(value, schema)


def _number(value, schema):
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    numeric = [NUMERIC[t] for t in types if t in NUMERIC]
    if not numeric or isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    if numeric == [int] and isinstance(value, int):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return int(number) if numeric == [int] and number.is_integer() else number


def _resolve(reference, root):
    node = root
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def _sentence(problem):
    where = _dotted(problem.absolute_path)
    rule, wanted, value = problem.validator, problem.validator_value, problem.instance
    if rule == "additionalProperties":
        known = list(problem.schema.get("properties", {}))
        unknown = [key for key in value if key not in known]
        return "; ".join(_unknown_key(where, key, known) for key in unknown)
    if rule == "required":
        missing = [key for key in wanted if key not in value]
        return "; ".join(f"config: {_join(where, key)} is missing" for key in missing)
    requirement = {
        "minimum": f"at least {wanted}",
        "maximum": f"at most {wanted}",
        "exclusiveMinimum": f"greater than {wanted}",
        "exclusiveMaximum": f"less than {wanted}",
        "enum": f"one of {_listed(wanted)}" if rule == "enum" else "",
        "type": f"of type {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
        if rule == "type"
        else "",
        "minLength": "not empty",
        "minItems": f"a list of {wanted} or more items",
        "maxItems": f"a list of {wanted} items at most",
        "uniqueItems": "a list without repeated items",
    }.get(rule)
    meaning = problem.schema.get("description")
    if requirement is None:
        requirement, meaning = meaning or f"such that {rule}: {wanted}", None
    return f"config: {where} is {value!r}, but must be {requirement}" + (
        f" ({meaning})" if meaning else ""
    )


def _unknown_key(where, key, known):
    close = difflib.get_close_matches(str(key), known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"the keys here are {_listed(known)}"
    return f"config: {_join(where, key)} is not a known key; {hint}"


def _dotted(path):
    return ".".join(map(str, path)) or "the configuration"


def _join(where, key):
    return str(key) if where == "the configuration" else f"{where}.{key}"


def _listed(items):
    return ", ".join(map(str, items))
