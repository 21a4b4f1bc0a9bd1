"""What pretrained networks want of their images, done inside the network: size and normalization.

The pixels that the rest of the project sees stay in [0, 1] at the data set's own size, and a
gradient with respect to them passes through.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import nn


class Preprocessing:
    """A forward pre-hook that resizes images to size x size and normalizes their channels.

    (x - mean) / std of images x in [0, 1]; images that have the size are not resized. It holds
    numbers only, so that a network that carries it can be copied and moved, and its modules and
    state dict are those that it had.

    Parameters
    ----------
    size : int
    mean, std : sequence of float
        One per channel.

    Examples
    --------
    >>> network = nn.Sequential(nn.Flatten())
    >>> handle = network.register_forward_pre_hook(Preprocessing(2, [0.5], [0.25]))
    >>> network(torch.ones(1, 1, 4, 4))
    tensor([[2., 2., 2., 2.]])
    """

    def __init__(self, size: int, mean: Sequence[float], std: Sequence[float]):
        self.size, self.mean, self.std = size, tuple(mean), tuple(std)

    def __call__(self, network: nn.Module, arguments: tuple) -> tuple:
        images, *others = arguments
        images = resize(images, self.size)
        mean, std = (_channels(values, images.device) for values in (self.mean, self.std))
        return (images - mean) / std, *others


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
    """Return images (n, channels, height, width) as (n, channels, size, size).

    Bilinear with antialiasing, as torch's ``interpolate``, but as two matrix products, A x Bᵀ: the
    gradient of that function adds up in no fixed order on CUDA, that of a product in a fixed one.

    >>> images = torch.rand(2, 3, 8, 6)
    >>> other = nn.functional.interpolate(images, size=(5, 5), mode="bilinear", antialias=True)
    >>> torch.allclose(resize(images, 5), other, atol=1e-6)
    True
    """
    height, width = images.shape[-2:]
    if (height, width) == (size, size):
        return images
    down, across = (_weights(length, size, images.device) for length in (height, width))
    with torch.autocast(images.device.type, enabled=False):  # pixels are not rounded to bfloat16
        return down @ images.to(down.dtype) @ across.T


# Both are kept for every pass. A tensor that is made in inference mode would be refused by a later
# pass that needs a gradient, so that mode is left.


@cache
def _weights(length: int, size: int, device: torch.device) -> torch.Tensor:
    """The matrix (size, length) that resizes along one axis."""
    with torch.inference_mode(False), torch.no_grad():
        unit = torch.eye(length, device="cpu")[None, None]
        scaled = nn.functional.interpolate(
            unit, size=(size, length), mode="bilinear", antialias=True
        )
        return scaled[0, 0].to(device)


@cache
def _channels(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]
