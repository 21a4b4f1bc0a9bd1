"""Architectures: networks from float32 images (n, 3, height, width) in [0, 1] to (n, n_classes).

An architecture is a module here with

- a literal ``DECLARATION``:

  ``title``
      its display name;
  ``names``
      where one file builds several networks, the list of their names: the configuration then says
      ``file/name``, as ``torchvision/resnet50``;
  ``imagenet``
      whether there are weights that were trained on ImageNet;

- ``build(name, n_classes)``, which returns the network with fresh weights; `name` is empty where
  the architecture has no ``names``;
- where ``imagenet`` is true, ``imagenet_weights(name)``, which returns a member of one of
  torchvision's enumerations of weights, and ``starting_tensors(name, network, tensors)``, which
  turns the tensors of such a file into a state dict of `network`, with the network's own tensors
  where it starts afresh.

A file without a ``DECLARATION`` is a helper, not an architecture. A user's own network needs no
module here: the configuration names a file and a function in it.
"""

from difflib import get_close_matches
from enum import Enum
from importlib import import_module
from types import ModuleType

from torch import nn

from ...declarations import read_declaration
from ...errors import ConfigurationError
from .user_file import build_from_file

FOLDER = "network/architectures"


def build_network(architecture: str, n_classes: int) -> nn.Module:
    """Return a network with fresh weights, drawn from torch's global generator.

    Parameters
    ----------
    architecture : str
        ``resnet18`` (with a stem and head for small images), ``torchvision/<name>`` (any
        classification network of torchvision), or ``path/to/file.py:function``; the function gets
        `n_classes` and returns a ``torch.nn.Module`` that maps float32 (n, 3, height, width) in
        [0, 1] to (n, n_classes).
    n_classes : int

    Raises
    ------
    ConfigurationError
        For an architecture that there is not.
    NetworkError
        Where the user's file can't be run, has no such function, or it returns no module.

    Examples
    --------
    >>> build_network("torchvision/squeezenet1_1", 7).classifier[1].out_channels
    7
    """
    if ":" in architecture:
        return build_from_file(architecture, n_classes)
    module, name = _find(architecture)
    return module.build(name, n_classes)


def imagenet_weights(architecture: str) -> Enum:
    """Return the torchvision weights, trained on ImageNet, that an architecture can start from.

    Raises
    ------
    ConfigurationError
        For an architecture that has none.

    Examples
    --------
    >>> imagenet_weights("torchvision/resnet50").name
    'IMAGENET1K_V2'
    """
    if ":" not in architecture:
        module, name = _find(architecture)
        if module.DECLARATION["imagenet"]:
            return module.imagenet_weights(name)
    raise ConfigurationError(
        "config: weights: imagenet need an architecture that has such weights, resnet18 or "
        f"torchvision/<name>. Got {architecture}; write weights: none, or name a file."
    )


def starting_tensors(architecture: str, network: nn.Module, tensors: dict) -> dict:
    """Return the state dict that a network starts from, given the tensors of its ImageNet weights.

    Parameters
    ----------
    architecture : str
        One that :func:`imagenet_weights` knows.
    network : torch.nn.Module
        As :func:`build_network` returns it.
    tensors : dict of str to torch.Tensor
        A state dict in the form in which torchvision publishes it.
    """
    module, name = _find(architecture)
    return module.starting_tensors(name, network, tensors)


def _find(architecture: str) -> tuple[ModuleType, str]:
    file, _, name = architecture.partition("/")
    names = read_declaration(FOLDER, file, "network architecture").get("names", [""])
    if name not in names:
        likely = get_close_matches(name, names, n=1) or names[:1]
        raise ConfigurationError(
            f"config: need a network architecture out of {file}'s {len(names)}. Got "
            f"{architecture}; did you mean {'/'.join([file, *filter(None, likely)])}?"
        )
    return import_module(f".{file}", __name__), name
