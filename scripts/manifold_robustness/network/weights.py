"""Weights of a network: where it starts from, and files of them, of ours and of others."""

import argparse
import hashlib
import json
import logging
import re
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from ..errors import NetworkError
from ..files.atomic import written_beside
from ..files.stamps import read_origin
from ..lineage import Lineage, Origin, require_agreement, require_origin
from ..wording import cut, listed
from .architectures import build_network, imagenet_weights, starting_tensors
from .devices import place

logger = logging.getLogger(__name__)
CPU = torch.device("cpu")
ORIGIN, DIGEST = "origin", "sha256"  # in a file's metadata: JSON, which holds the digest
KEYS = ("state_dict", "model_state_dict", "model")  # which is taken where several hold tensors
WRAPPERS = ("module.", "_orig_mod.")  # of parallel training and of torch.compile
COUNTER = "num_batches_tracked"  # files of an older torch lack it, and no prediction needs it
# What checkpoints often hold beside tensors: plain data whose reading runs no foreign code.
HARMLESS = [
    argparse.Namespace,
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),
    (np._core.multiarray.scalar, "numpy._core.multiarray.scalar"),
    np.dtype,
    *{type(np.dtype(kind)) for kind in "?bhilqBHILQefd"},
]


def initial_network(
    architecture: str, weights: str, weights_file: str | None, n_classes: int, seed: int
) -> nn.Module:
    """Return a network as training starts: fresh from `seed`, or with ImageNet's weights.

    Parameters
    ----------
    architecture : str
        As :func:`~manifold_robustness.network.architectures.build_network` takes it.
    weights : {"none", "imagenet"}
        With ``imagenet``, the head starts afresh where the number of classes is not ImageNet's; of
        ``resnet18``, the head and the first convolution.
    weights_file : path or None
        Of ``imagenet``, a local copy of torchvision's file; None downloads it.
    n_classes : int
    seed : int
        Of what starts afresh.

    Raises
    ------
    ConfigurationError
        For an architecture that there is not, or that has no weights of ImageNet.
    NetworkError
        Where the weights can't be had, or don't fit.

    Examples
    --------
    >>> one, same = (initial_network("resnet18", "none", None, 10, seed=3) for _ in range(2))
    >>> torch.equal(one.conv1.weight, same.conv1.weight)
    True
    """
    torch.manual_seed(seed)
    network = build_network(architecture, n_classes)
    if weights == "imagenet":
        source = imagenet_weights(architecture)
        tensors = read_weights(weights_file) if weights_file else _download(source)
        tensors = _unwrapped(tensors, network.state_dict())
        tensors = starting_tensors(architecture, network, tensors)
        _load(network, tensors, weights_file or source.url)
    return network


def load_network(
    architecture: str, n_classes: int, weights_path: str | Path, device: torch.device = CPU
) -> nn.Module:
    """Return a network with the weights of a file, in evaluation mode, on `device`.

    Raises
    ------
    NetworkError
        As :func:`load_weights`.
    """
    network = build_network(architecture, n_classes)
    load_weights(network, weights_path)
    return place(network.eval(), device)


def load_proven(
    networks: Mapping[str, tuple[str | Path, dict]],
    others: Mapping[str | Path, Lineage],
    origin: Origin,
    n_classes: int,
    device: torch.device,
) -> tuple[dict[str, nn.Module], Origin]:
    """Return networks whose weights are of one lineage with what else a job reads.

    Parameters
    ----------
    networks
        By name, the file of weights and the settings, whose ``architecture`` is built.
    others
        What the job's other inputs were made from, by path.
    origin : Origin
        Of what is made from all of them.
    n_classes, device
        See :func:`load_network`.

    Returns
    -------
    networks : dict
        By name, in evaluation mode on `device`.
    origin : Origin
        With the contents that the inputs know.

    Raises
    ------
    StoreError
        Where weights are missing or not what they are taken for, or two inputs were made from
        other contents.
    """
    made_from = dict(others)
    for name, (path, _) in networks.items():
        made_from[path] = weights_lineage(path, origin.of(name))
    require_agreement(made_from.items())
    loaded = {
        name: load_network(settings["architecture"], n_classes, path, device)
        for name, (path, settings) in networks.items()
    }
    return loaded, origin.completed(*made_from.values())


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Load a file of weights (see :func:`read_weights`) into `network`.

    Where all names of the file begin with ``module.`` or ``_orig_mod.`` and those of the network do
    not, the prefix is dropped. A ``num_batches_tracked`` that is missing is 0, as torch has it.

    Raises
    ------
    NetworkError
        Where the file is missing, unreadable or unsafe, its tensors don't fit the network, or
        they hold numbers that are not finite.
    """
    _load(network, _unwrapped(read_weights(path), network.state_dict()), path)
    _require_finite(network, path)


def save_weights(network: nn.Module, path: str | Path, origin: Origin) -> str:
    """Write a network's weights as safetensors, whole or not at all; return their SHA-256.

    The metadata's one key ``origin`` is JSON: what the weights were made from, and the SHA-256 of
    that and of the tensors. (The order of several keys would be another each time.)
    """
    tensors = {  # copies, since safetensors refuses those that share their memory
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in network.state_dict().items()
    }
    said = origin.attributes()
    said[DIGEST] = _digest(tensors, said)
    content = save(tensors, {ORIGIN: json.dumps(said)})
    with written_beside(path) as partial:
        partial.write_bytes(content)  # save_file would let nobody else read it
    return said[DIGEST]


def weights_lineage(path: str | Path, wanted: Origin) -> Lineage:
    """Return what weights of :func:`save_weights` were made from, with their SHA-256.

    Raises
    ------
    StoreError
        For a file that is missing, or not of the origin `wanted`; says what to do.
    """
    wanted = wanted.at(condition=None, layer=None)
    found = read_origin(path)
    require_origin(path, found if DIGEST in found else {}, wanted)
    *_, stage = found["lineage"][wanted.network]
    origin = Origin(wanted.network, lineage=found["lineage"])
    return origin.with_content(stage, weights_sha256=found[DIGEST]).lineage


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a ``.safetensors`` file, or of one that ``torch.save`` wrote, by name.

    Of the latter it may be the state dict, or a mapping that holds it under any key beside an
    epoch, an optimizer's state and the like. Where several of its values are state dicts, the one
    under ``state_dict`` is taken, else ``model_state_dict``, else ``model``. Nothing in the file is
    run: one that holds more than tensors and plain data is refused.

    Raises
    ------
    NetworkError
        Where there is no such file, it is damaged or unsafe, or holds no or several state dicts.
    """
    path = Path(path)
    if path.is_dir():
        raise NetworkError(
            f"weights: need a .safetensors or .pth file. Got {path.resolve()}, which is a folder; "
            "name a file in it."
        )
    if not path.is_file():
        raise NetworkError(
            f"weights: need a .safetensors or .pth file. Got {path.resolve()}, which does not "
            "exist."
        )
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return _state_dict(_read_pickle(path), path)


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}  # a file of the user's own may have none
            said = json.loads(metadata.get(ORIGIN, "{}"))
            digest = said.pop(DIGEST, None)
    except Exception as error:  # a damaged file fails in many ways
        raise NetworkError(_damaged(path, str(error))) from error
    if digest not in (None, _digest(tensors, said)):
        raise NetworkError(_damaged(path, "the checksum in the file is another than the tensors'"))
    return tensors


def _read_pickle(path: Path):
    try:
        with torch.serialization.safe_globals(HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files that are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in many ways
        words = str(error)
        if "GLOBAL" in words or "TorchScript" in words:
            raise NetworkError(_unsafe(path, words)) from error
        # Its own words where they are to the point: of what was no pickle, torch speaks at length
        # of a switch that would run the file's code.
        about = isinstance(error, RuntimeError) and "weights_only" not in words
        reason = words if about else "torch.save writes no such file"
        raise NetworkError(_damaged(path, reason)) from error


def _unsafe(path: Path, words: str) -> str:
    found = re.search(r"GLOBAL ([\w.]+)", words)
    return (
        f"weights: need a state dict, tensors by their names. Got {path}, which holds objects"
        f"{f' ({found[1]})' if found else ''} that only code can read, and code in a file is never "
        "run here; where it can be loaded, save the network's state dict: "
        "torch.save(network.state_dict(), 'weights.pth')."
    )


def _damaged(path: Path, reason: str) -> str:
    return (
        f"weights: need a file of tensors that can be read. Got {path}, which is damaged, cut "
        f"short or of another kind ({cut(' '.join(reason.split()), 200)})."
    )


def _state_dict(loaded, path: Path) -> dict[str, torch.Tensor]:
    """The state dict that a file holds: all of it, or what stands under one of its keys."""
    if _holds_tensors(loaded):
        return dict(loaded)
    items = loaded.items() if isinstance(loaded, Mapping) else ()
    fitting = {str(key): value for key, value in items if _holds_tensors(value)}
    key = next((key for key in (*KEYS, *fitting) if key in fitting), None)
    if key is None:
        keys = f" of {listed(loaded)}" if isinstance(loaded, Mapping) else ""
        raise NetworkError(
            f"weights: need a state dict, tensors by their names, alone or under one key. Got "
            f"{path}, which holds a {type(loaded).__name__}{keys}; save one with "
            "torch.save(network.state_dict(), 'weights.pth')."
        )
    if len(fitting) > 1 and key not in KEYS:
        raise NetworkError(
            f"weights: need one state dict, or one under {', '.join(KEYS)}. Got {path}, which "
            f"holds several, under {listed(fitting)}; save the one that is meant with "
            "torch.save(network.state_dict(), 'weights.pth')."
        )
    others = [other for other in map(str, loaded) if other != key]
    logger.info("of %s, takes the weights under %s; leaves %s", path, key, ", ".join(others))
    return dict(fitting[key])


def _holds_tensors(value) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(name, str) for name in value)
        and all(isinstance(tensor, torch.Tensor) for tensor in value.values())
    )


def _unwrapped(tensors: dict[str, torch.Tensor], wanted: Iterable[str]) -> dict[str, torch.Tensor]:
    """The tensors without the prefix that a wrapper of the network gave all their names."""
    for prefix in WRAPPERS:
        foreign = not any(name.startswith(prefix) for name in wanted)
        if tensors and foreign and all(name.startswith(prefix) for name in tensors):
            logger.info("drops the prefix %s of all names of the weights", prefix)
            bare = {name.removeprefix(prefix): value for name, value in tensors.items()}
            return _unwrapped(bare, wanted)
    return tensors


def _download(source) -> dict[str, torch.Tensor]:
    try:
        return source.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise NetworkError(
            f"weights: need ImageNet's weights from {source.url}. Got no whole file ({error}); "
            "download it where there is a network and name it as the network's weights_file."
        ) from error


def _digest(tensors: dict[str, torch.Tensor], said: dict) -> str:
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _load(network: nn.Module, tensors: dict[str, torch.Tensor], source: str | Path) -> None:
    wanted = network.state_dict()
    counters = {name: torch.zeros_like(wanted[name]) for name in wanted if name.endswith(COUNTER)}
    tensors = {**counters, **tensors}
    missing = [name for name in wanted if name not in tensors]
    unexpected = [name for name in tensors if name not in wanted]
    differing = [
        f"{name} is {tuple(tensors[name].shape)} and must be {tuple(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    if missing or unexpected or differing:
        raise NetworkError(
            f"weights: need the {len(wanted)} tensors of the network. Got from {source}: "
            f"{_some('missing', missing)}, {_some('not known', unexpected)}, "
            f"{_some('of another shape', differing)}."
        )
    for name, tensor in tensors.items():
        _require_real(tensor, name, source)
    tensors = OrderedDict(tensors)
    # The versions of the modules: of these names and shapes, those of the network itself. Without
    # them, modules that have changed over time refuse what they can't place.
    tensors._metadata = wanted._metadata
    network.load_state_dict(tensors)


def _require_real(tensor: torch.Tensor, name: str, source: str | Path) -> None:
    """Torch would drop the imaginary part of complex numbers, and only warn of it."""
    if tensor.is_complex() or tensor.is_quantized or tensor.layout != torch.strided:
        raise NetworkError(
            f"weights: need dense tensors of real numbers. Got {name} of {source}, which is "
            f"{tensor.dtype} in the layout {tensor.layout}; save the network's own state dict."
        )


def _require_finite(network: nn.Module, source: str | Path) -> None:
    for name, tensor in network.state_dict().items():
        bad = int((~torch.isfinite(tensor)).sum())
        if bad:
            raise NetworkError(
                f"weights: need finite numbers. Got {bad} in {name} of {source} that are not; take "
                "the weights of another epoch, or train again"
            )


def _some(what: str, names: list[str]) -> str:
    shown = ", ".join(map(cut, names[:3])) + (", …" if len(names) > 3 else "")
    return f"{len(names)} {what}" + (f" ({shown})" if names else "")
