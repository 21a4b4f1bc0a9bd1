"""The layers of a configured network as a YAML list, to be pasted into a configuration.

``make layers``, or ``python -m manifold_robustness.network.layer_list config.yaml overlay.yaml``.
"""

import argparse
import re
import sys
from collections.abc import Sequence

import yaml
from torch import nn

from ..configuration import read_config
from ..console import print_all
from ..errors import ConfigurationError, ManifoldRobustnessError
from ..experiment import read_experiment, read_schema
from ..wording import shown
from .architectures import build_network
from .data_sets import class_names
from .layers import analysed_names, left_out, list_layers, reference_labels

INDENT = "    "  # of a list below `  layers:`


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the layers of a configured network as YAML that can be pasted."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("configfile", nargs="+", help="config.yaml, then overlays")
    parser.add_argument("--network", help="its name; without, the first one of the configuration")
    parsed = parser.parse_args(arguments)
    try:
        print_all(describe_configured(read_config(parsed.configfile), parsed.network))
    except ManifoldRobustnessError as error:
        sys.exit(f"make layers: {error}")


def describe_configured(config: dict, name: str | None = None) -> str:
    """Return the list of layers of a network of a configuration, the first one if `name` is None.

    Raises
    ------
    ConfigurationError
        For a configuration that lacks what is needed, or a name that none of its networks has.
    """
    asked = read_experiment(config)
    entries, data = asked.networks, asked.data
    name = name or next(iter(entries))
    if name not in entries:
        raise ConfigurationError(f"config: need a network out of {', '.join(entries)}. Got {name}.")
    if entries[name].recorded:
        listed = "\n".join(f"{INDENT}- {_plain(layer)}" for layer in entries[name].recorded.layers)
        return f"# Layers of the activations {name}, in {entries[name].recorded.path}.\n{listed}"
    architecture, size = entries[name].architecture, data["image_size"]
    network = build_network(architecture, len(class_names(data)))
    others = ", ".join(other for other in entries if other != name)
    heading = [f"# Layers of the network {name} ({architecture}) in forward order."]
    heading += [f"# For another one, make layers NETWORK=… with one of {others}."] if others else []
    return "\n".join([*heading, describe_layers(network, (3, size, size))])


def describe_layers(network: nn.Module, image_shape: Sequence[int]) -> str:
    """Return the layers of a network as a YAML list with comments.

    The usual ones (input, convolutions and dense layers) are items, the others are commented out;
    then stands what is no layer, and why.

    Examples
    --------
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    >>> print(describe_layers(network, (3, 2, 2)))  # doctest: +ELLIPSIS
    # Paste the list under `layers:`, ...
        - input  # Input, 3x2x2, 12 features, layer_0_Input
        # - '0'  # Flatten, 12, 12 features, layer_1_Flatten
        - '1'    # Linear, 2, 2 features, layer_2_Linear
    """
    rule = read_schema()["$defs"]["layer"]
    layers, nameless = [], {}
    for layer in list_layers(network, image_shape):
        if re.search(rule["pattern"], layer.name) and len(layer.name) <= rule["maxLength"]:
            layers.append(layer)
        else:
            nameless[layer.name] = f"its name must be {rule['description']}"
    usual, labels = analysed_names(network, layers), reference_labels(network)
    items = [("- " if layer.name in usual else "# - ") + _plain(layer.name) for layer in layers]
    width = max(map(len, items))
    lines = [
        "# Paste the list under `layers:`, in activations or in a network. Input, convolutions and",
        "# dense layers are the usual ones; the others are commented out. Behind each: its class,",
        "# the shape of its output, the number of features, the label of the reference extractor.",
    ]
    lines += [
        f"{INDENT}{item:{width}}  # {layer.kind}, {'x'.join(map(str, layer.shape))}, "
        f"{layer.n_features} features, {labels[layer.name]}"
        for item, layer in zip(items, layers, strict=True)
    ]
    reasons = left_out(network, image_shape)
    if reasons:
        lines.append("# Left out, since only what runs once and returns one tensor is a layer:")
        lines += [f"#   {name}: {reason}" for name, reason in reasons.items()]
    if nameless:
        lines.append("# Left out, since a layer's name is that of a file:")
        lines += [f"#   {shown(name)}: {reason}" for name, reason in nameless.items()]
    return "\n".join(lines)


def _plain(name: str) -> str:
    """A layer's name as YAML reads it back: a string, even where it looks like a number."""
    return yaml.safe_dump(name).splitlines()[0]


if __name__ == "__main__":
    main()
