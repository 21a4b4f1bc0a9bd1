"""The configuration: numbers as numbers, strict keys, one clear sentence for what is wrong.

Imported by the workflow itself, so it needs nothing but the standard library and jsonschema.
"""

import difflib
import math
from pathlib import Path

from .errors import ConfigurationError

NUMERIC = {"number": float, "integer": int}


def check_config(config, schema):
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


def select_layers(geometry_layers, activation_layers):
    """Return the layers to analyse, in the order of `activation_layers`.

    >>> select_layers("all", ["input", "conv1"])
    ['input', 'conv1']
    """
    if geometry_layers == "all":
        return list(activation_layers)
    unknown = [layer for layer in geometry_layers if layer not in activation_layers]
    if unknown:
        raise ConfigurationError(
            f"config: geometry.layers names {_listed(unknown)}, which activations.layers does not "
            f"keep; add it there, or choose among {_listed(activation_layers)}"
        )
    return [layer for layer in activation_layers if layer in geometry_layers]


def check_references(config):
    """Check what one part of a valid configuration says of another, and the files that it names.

    Raises
    ------
    ConfigurationError
        For a layer, image or class that is out of reach, and a file that does not exist.
    """
    layers = select_layers(config["geometry"]["layers"], config["activations"]["layers"])
    layer = config["figures"]["capacity_accuracy"]["layer"]
    if layer != "last" and layer not in layers:
        raise ConfigurationError(
            f"config: figures.capacity_accuracy.layer is {layer}, but must be last or one of "
            f"{_listed(layers)}"
        )
    images, shown = config["images"], config["figures"]["examples"]["image"]
    n_images = images["n_manifolds"] * images["n_points"] * images["replicates"]
    if shown >= n_images:
        raise ConfigurationError(
            f"config: figures.examples.image is {shown}, but must be less than {n_images}, the "
            "number of selected images"
        )
    _check_center_rank(config["geometry"]["center_rank"], images["n_manifolds"])
    padding, size = config["data"]["test_crop_padding"], config["data"]["image_size"]
    if padding > size // 2:
        raise ConfigurationError(
            f"config: data.test_crop_padding is {padding}, but must be at most half of "
            f"data.image_size, which is {size}"
        )
    model = config["model"]
    files = {"weights_file": model["weights_file"]}
    if model["weights"] not in ("none", "imagenet"):
        files["weights"] = model["weights"]
    if model["architecture"] != "resnet18":
        files["architecture"] = model["architecture"].rpartition(":")[0]
    for key, path in files.items():
        if path and not Path(path).is_file():
            raise ConfigurationError(
                f"config: model.{key} names the file {path}, which does not exist"
            )


def _check_center_rank(rank, n_manifolds):
    most = max(n_manifolds - 3, 0)
    if rank != "auto" and rank > most:
        raise ConfigurationError(
            f"config: geometry.center_rank is {rank}, but must be auto or at most P - 3 = {most}"
        )


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
