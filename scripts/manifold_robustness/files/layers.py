"""The list of a network's layers beside its weights: what a configuration may name."""

import json
from collections.abc import Sequence
from pathlib import Path

from .atomic import written_beside


def write_layers(path: str | Path, settings: dict, names: Sequence[str]) -> None:
    """Write the names of a network's layers in forward order, with what the network is built from.

    :func:`manifold_robustness.networks.read_layers` reads them when the workflow is read, so that a
    misspelt layer is refused before any job runs.

    Parameters
    ----------
    path
        ``layers.json``.
    settings
        :attr:`manifold_robustness.networks.Network.settings`.
    names
    """
    content = json.dumps({**settings, "layers": list(names)}, indent=2) + "\n"
    with written_beside(path) as partial:
        partial.write_text(content, encoding="utf-8")
