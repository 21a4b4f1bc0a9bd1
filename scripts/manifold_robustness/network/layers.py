"""The layers of a network: modules by their own path, in the order in which they run."""

import argparse
import sys
from dataclasses import dataclass

import torch
import yaml
from torch import nn

from ..errors import ConfigurationError, ManifoldRobustnessError
from .data_sets import class_names
from .model import build_model

INPUT = "input"
ANALYSED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)  # what the paper takes for layers


@dataclass(frozen=True)
class Layer:
    """A module that runs once per image: its path, its class, the shape of its output per image."""

    name: str
    kind: str
    shape: tuple

    @property
    def n_features(self):
        """Number of features: the output, flattened."""
        return int(torch.Size(self.shape).numel())


def list_layers(model, image_shape):
    """Return the layers of a network in forward order, `input` (pixel space) first.

    A module that runs more than once in a pass (a ReLU that a block uses twice) or does not
    return one tensor is no layer.

    Examples
    --------
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    >>> [(layer.name, layer.n_features) for layer in list_layers(net, (3, 2, 2))]
    [('input', 12), ('0', 12), ('1', 2)]
    """
    seen, calls = [], {}
    device = next((parameter.device for parameter in model.parameters()), "cpu")

    def record(name, module):
        def hook(_module, _inputs, output):
            calls[name] = calls.get(name, 0) + 1
            if isinstance(output, torch.Tensor):
                seen.append(Layer(name, type(module).__name__, tuple(output.shape[1:])))

        return module.register_forward_hook(hook)

    handles = [record(name, module) for name, module in model.named_modules() if name]
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            model(torch.zeros(1, *image_shape, device=device))
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
    once = [layer for layer in seen if calls[layer.name] == 1]
    return [Layer(INPUT, "Input", tuple(image_shape)), *once]


def analysed_names(model, layers):
    """Return the names of the input and of every convolution and dense layer."""
    modules = dict(model.named_modules())
    return [
        layer.name
        for layer in layers
        if layer.name == INPUT or isinstance(modules[layer.name], ANALYSED)
    ]


def reference_labels(model):
    """Return the labels that the field's reference extractor gives the layers, by their paths.

    ``layer_0_Input``, ``layer_1_Conv2d``, …: the place of a leaf module among all of them in the
    order of ``model.modules()``, counted from 1, and its class. A module with children is no layer
    there, and keeps its path.

    Examples
    --------
    >>> reference_labels(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)))
    {'input': 'layer_0_Input', '0': 'layer_1_Flatten', '1': 'layer_2_Linear'}
    """
    labels, place = {INPUT: "layer_0_Input"}, 0
    for name, module in model.named_modules():
        leaf = not list(module.children())
        place += leaf
        if name:
            labels.setdefault(name, f"layer_{place}_{type(module).__name__}" if leaf else name)
    return labels


def check_layers(wanted, layers):
    """Return the layers that `wanted` names, after checking the names and their order.

    Raises
    ------
    ConfigurationError
        Lists the valid names, or the right order.
    """
    by_name = {layer.name: layer for layer in layers}
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise ConfigurationError(
            f"config: activations.layers names {', '.join(unknown)}, which the network does not "
            f"have; the valid names are {', '.join(by_name)}"
        )
    ordered = [name for name in by_name if name in wanted]
    if ordered != list(wanted):
        raise ConfigurationError(
            f"config: activations.layers must stand in forward order, which is {', '.join(ordered)}"
        )
    return [by_name[name] for name in ordered]


def main(arguments=None):
    """Print the layers of the network that the configuration names (``make layers``)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("configfile", nargs="+", help="config.yaml, then overlays")
    try:
        _print_layers(_read_sections(parser.parse_args(arguments).configfile))
    except (ManifoldRobustnessError, OSError, yaml.YAMLError) as error:
        sys.exit(f"make layers: {error}")


def _read_sections(paths):
    config = {"model": {}, "data": {}}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            overlay = yaml.safe_load(file)
        for section in ("model", "data"):
            config[section].update((overlay or {}).get(section) or {})
    return config


def _print_layers(config):
    size = config["data"]["image_size"]
    model = build_model(config["model"]["architecture"], len(class_names(config["data"])))
    layers = list_layers(model, (3, size, size))
    names, labels = analysed_names(model, layers), reference_labels(model)
    print("* input, convolutions and dense layers: the usual activations.layers")
    print("  path, class, shape, number of features, label of the reference extractor")
    for layer in layers:
        mark = "*" if layer.name in names else " "
        print(
            f"{mark} {layer.name:28} {layer.kind:18} {'x'.join(map(str, layer.shape)):12}",
            f"{layer.n_features:<8} {labels[layer.name]}",
        )


if __name__ == "__main__":
    main()
