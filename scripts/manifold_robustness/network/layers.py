"""The layers of a network: modules by their own path, in the order in which they run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

INPUT = "input"
ANALYSED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)  # what the paper takes for layers
N_TRIED = 2  # images of a pass that lists the layers: one can't be told from an axis of length 1


@dataclass(frozen=True)
class Layer:
    """A module that runs once per image: its path, its class, the shape of its output per image."""

    name: str
    kind: str
    shape: tuple[int, ...]

    @property
    def n_features(self) -> int:
        """Number of features: the output, flattened."""
        return int(torch.Size(self.shape).numel())


def list_layers(network: nn.Module, image_shape: Sequence[int]) -> list[Layer]:
    """Return the layers of a network in forward order, `input` (pixel space) first.

    A module that runs more than once in a pass (a ReLU that a block uses twice), or does not
    return one tensor with one entry per image, is no layer (see :func:`left_out`).

    Parameters
    ----------
    network : torch.nn.Module
    image_shape : sequence of int
        (channels, height, width) of an image.

    Examples
    --------
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    >>> [(layer.name, layer.n_features) for layer in list_layers(net, (3, 2, 2))]
    [('input', 12), ('0', 12), ('1', 2)]
    """
    outputs = _outputs(network, image_shape)
    modules = dict(network.named_modules())
    return [
        Layer(INPUT, "Input", tuple(image_shape)),
        *(
            Layer(name, type(modules[name]).__name__, tuple(found[0].shape[1:]))
            for name, found in outputs.items()
            if _is_layer(found)
        ),
    ]


def layer_names(network: nn.Module, image_shape: Sequence[int]) -> list[str]:
    """Return the names of the layers of a network in forward order, `input` first."""
    return [layer.name for layer in list_layers(network, image_shape)]


def left_out(network: nn.Module, image_shape: Sequence[int]) -> dict[str, str]:
    """Return the modules that are no layers, by their path, with the reason.

    A module that only holds others and does not run itself is not named.

    Examples
    --------
    >>> relu = nn.ReLU()
    >>> left_out(nn.Sequential(relu, nn.Sequential(relu, nn.Flatten())), (3, 2, 2))
    {'0': 'runs 2 times in a pass'}
    """
    outputs, reasons = _outputs(network, image_shape), {}
    for name, module in network.named_modules():
        found = outputs.get(name, [])
        if len(found) > 1:
            reasons[name] = f"runs {len(found)} times in a pass"
        elif found and not isinstance(found[0], torch.Tensor):
            reasons[name] = f"returns a {type(found[0]).__name__}, not a tensor"
        elif found and not _is_layer(found):
            reasons[name] = "returns a tensor whose first axis is not that of the images"
        elif name and not found and not list(module.children()):
            reasons[name] = "does not run in a pass"
    return reasons


def analysed_names(network: nn.Module, layers: Sequence[Layer]) -> list[str]:
    """Return the names of the input and of every convolution and dense layer."""
    modules = dict(network.named_modules())
    return [
        layer.name
        for layer in layers
        if layer.name == INPUT or isinstance(modules[layer.name], ANALYSED)
    ]


@contextmanager
def keep_outputs(
    network: nn.Module, layers: Sequence[str], keep: Callable[[str, torch.Tensor], object]
) -> Iterator[None]:
    """Have ``keep(layer, output)`` called with what each of `layers` returns meanwhile.

    A later module may change an output in place (a ReLU often does), so what is to stay must be
    copied. `input` is no module: who runs the network has it.

    Examples
    --------
    >>> net, shapes = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), {}
    >>> with keep_outputs(net, ["1"], lambda name, output: shapes.update({name: output.shape})):
    ...     _ = net(torch.zeros(5, 3, 2, 2))
    >>> shapes
    {'1': torch.Size([5, 2])}
    """
    modules = dict(network.named_modules())
    handles = [
        modules[layer].register_forward_hook(
            lambda _module, _inputs, output, layer=layer: keep(layer, output)
        )
        for layer in layers
        if layer != INPUT
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def reference_labels(network: nn.Module) -> dict[str, str]:
    """Return the labels that the field's reference extractor gives the layers, by their paths.

    ``layer_0_Input``, ``layer_1_Conv2d``, …: the place of a leaf module among all of them in the
    order of ``network.modules()``, counted from 1, and its class. A module with children is no
    layer there, and keeps its path.

    Examples
    --------
    >>> reference_labels(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)))
    {'input': 'layer_0_Input', '0': 'layer_1_Flatten', '1': 'layer_2_Linear'}
    """
    labels, place = {INPUT: "layer_0_Input"}, 0
    for name, module in network.named_modules():
        leaf = not list(module.children())
        place += leaf
        if name:
            labels.setdefault(name, f"layer_{place}_{type(module).__name__}" if leaf else name)
    return labels


def _outputs(network: nn.Module, image_shape: Sequence[int]) -> dict[str, list]:
    """What every module returned in one pass, by its path, in the order of the first return.

    A tensor stands without its numbers, so that a pass holds the outputs of no layer but one.
    """
    outputs: dict[str, list] = {}
    device = next((parameter.device for parameter in network.parameters()), "cpu")

    def record(name, module):
        def hook(_module, _inputs, output):
            shape_only = isinstance(output, torch.Tensor)
            output = torch.empty(output.shape, device="meta") if shape_only else output
            outputs.setdefault(name, []).append(output)

        return module.register_forward_hook(hook)

    handles = [record(name, module) for name, module in network.named_modules() if name]
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            network(torch.zeros(N_TRIED, *image_shape, device=device))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    return outputs


def _is_layer(found: list) -> bool:
    return (
        len(found) == 1
        and isinstance(found[0], torch.Tensor)
        and found[0].dim() > 0
        and len(found[0]) == N_TRIED
    )
