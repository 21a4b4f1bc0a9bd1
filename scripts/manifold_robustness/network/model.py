"""The network: torchvision's ResNet18 with a CIFAR stem and head, or a user's own; its weights."""

import hashlib
import importlib.util
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from ..atomic import written_beside
from ..errors import ConfigurationError, ModelError
from .devices import place

CPU = torch.device("cpu")
DIGEST = "sha256"
REPLACED = ("conv1.", "fc.")  # what differs from ImageNet's ResNet18


def build_model(architecture, n_classes):
    """Return the network with fresh weights.

    Parameters
    ----------
    architecture : str
        ``resnet18``, or ``path/to/file.py:function``; the function gets `n_classes` and returns
        a ``torch.nn.Module`` that maps float32 (n, 3, height, width) in [0, 1] to (n, n_classes).
    n_classes : int

    Raises
    ------
    ModelError
        Where the user's file has no such function, or it returns no module.
    """
    if architecture == "resnet18":
        return _resnet18(n_classes)
    path, _, function = architecture.rpartition(":")
    if not Path(path).is_file():
        raise ModelError(f"model.architecture names the file {path}, which does not exist")
    spec = importlib.util.spec_from_file_location("user_network", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, function):
        raise ModelError(f"model.architecture: {path} has no function {function}")
    model = getattr(module, function)(n_classes)
    if not isinstance(model, nn.Module):
        raise ModelError(f"{architecture} must return a torch.nn.Module; it returned {type(model)}")
    return model


def initial_model(settings, n_classes, seed):
    """Return the network as training starts: fresh from `seed`, or with ImageNet's weights.

    `settings` is the configuration's ``model`` section. With ``weights: imagenet`` the first
    convolution and the head stay fresh.
    """
    torch.manual_seed(seed)
    model = build_model(settings["architecture"], n_classes)
    if settings["weights"] == "imagenet":
        if settings["architecture"] != "resnet18":
            raise ConfigurationError(
                "config: model.weights is imagenet, which needs model.architecture resnet18; "
                f"it is {settings['architecture']}"
            )
        kept = {k: v for k, v in _imagenet(settings).items() if not k.startswith(REPLACED)}
        fresh = {k: v for k, v in model.state_dict().items() if k.startswith(REPLACED)}
        _load(model, {**kept, **fresh}, settings["weights_file"] or "ImageNet's weights")
    return model


def load_model(architecture, n_classes, weights, device=CPU):
    """Return the network with the weights of a file, in evaluation mode, on `device`."""
    model = build_model(architecture, n_classes)
    load_weights(model, weights)
    return place(model.eval(), device)


def load_weights(model, path):
    """Load a ``.safetensors`` or ``.pth`` file into `model`; a ``.pth`` may hold tensors only.

    Raises
    ------
    ModelError
        Where the file is missing, unreadable or unsafe, or its tensors don't fit the network.
    """
    _load(model, _read_weights(path), path)


def save_weights(model, path):
    """Write a network's weights as safetensors, whole or not at all, with their SHA-256."""
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    content = save(tensors, {DIGEST: _digest(tensors)})
    with written_beside(path) as partial:
        partial.write_bytes(content)  # save_file would let nobody else read it


def _resnet18(n_classes):
    from .torchvision_import import torchvision

    model = torchvision.models.resnet18(weights=None)
    model.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    model.maxpool = nn.Identity()
    model.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(512, n_classes))
    return model


def _imagenet(settings):
    if settings["weights_file"]:
        return _read_weights(settings["weights_file"])
    from .torchvision_import import torchvision

    source = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    try:
        return source.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except OSError as error:
        raise ModelError(
            f"ImageNet's weights could not be downloaded ({error}); download {source.url} where "
            "there is a network and name the file in model.weights_file"
        ) from error


def _read_weights(path):
    path = Path(path)
    if not path.is_file():
        raise ModelError(
            f"the weights {path.resolve()} do not exist (model.weights, model.weights_file)"
        )
    try:
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        tensors = loaded.get("state_dict", loaded)
        if not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
            raise TypeError("it must map names to tensors")
    except Exception as error:  # a damaged file fails in many ways
        raise ModelError(
            f"{path} is not readable as weights, or holds more than tensors: {error}"
        ) from error
    return tensors


def _read_safetensors(path):
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        digest = (file.metadata() or {}).get(DIGEST)  # a file of the user's own may have none
    if digest not in (None, _digest(tensors)):
        raise ValueError("their checksum is not the one in the file")
    return tensors


def _digest(tensors):
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _load(model, tensors, source):
    wanted = model.state_dict()
    missing = [k for k in wanted if k not in tensors]
    unexpected = [k for k in tensors if k not in wanted]
    differing = [
        f"{k} is {tuple(tensors[k].shape)} and must be {tuple(wanted[k].shape)}"
        for k in wanted
        if k in tensors and tensors[k].shape != wanted[k].shape
    ]
    if missing or unexpected or differing:
        raise ModelError(
            f"the weights of {source} don't fit the network: {_some('missing', missing)}, "
            f"{_some('not known', unexpected)}, {_some('of another shape', differing)}"
        )
    model.load_state_dict(tensors)


def _some(what, names):
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names)} {what}" + (f" ({shown})" if names else "")
