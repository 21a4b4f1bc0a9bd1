"""A network of the user's own: a function in a Python file of theirs."""

import importlib.util
import traceback
from pathlib import Path

from torch import nn

from ...errors import NetworkError
from ...wording import cut


def build_from_file(architecture: str, n_classes: int) -> nn.Module:
    """Return the network that ``path/to/file.py:function`` builds for `n_classes`.

    Raises
    ------
    NetworkError
        Where the file or the function is missing or raises, or returns no module.
    """
    path, _, function = architecture.rpartition(":")
    if not Path(path).is_file():
        raise NetworkError(
            "architecture: need a Python file with a function that builds the network. Got "
            f"{path}, which does not exist."
        )
    spec = importlib.util.spec_from_file_location("user_network", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # code that ends the process, as a script does
        raise NetworkError(_complaint(path, "that can be imported", error)) from error
    if function not in vars(module):
        raise NetworkError(f"architecture: need a function {function} in {path}. Got none there.")
    try:
        network = vars(module)[function](n_classes)
    except (Exception, SystemExit) as error:
        raise NetworkError(_complaint(path, f"whose {function}(n_classes) runs", error)) from error
    if not isinstance(network, nn.Module):
        raise NetworkError(
            f"architecture: need a torch.nn.Module from {architecture}. Got {type(network)}; "
            f"return the network from {function}."
        )
    return network


def _complaint(path: str, requirement: str, error: Exception) -> str:
    """What a user's own code raised, with the last line of their file that ran."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == Path(path)]
    where = f", line {lines[-1]}" if lines else ""
    words = cut(" ".join(f"{type(error).__name__}: {error}".split()), 250)
    return f"architecture: need a file {requirement}. Got from {path}{where}: {words}"
