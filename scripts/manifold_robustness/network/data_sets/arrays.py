"""Images that are held in memory."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset


class ArrayImages(Dataset):
    """Images in memory: `images` uint8 or float32 (n, channels, height, width), `labels` (n,)."""

    def __init__(self, images: torch.Tensor, labels: list[int] | np.ndarray):
        self.images, self.labels = images, torch.as_tensor(labels, dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = self.images[index]
        if image.dtype == torch.uint8:
            image = image.to(torch.float32) / 255
        return image, int(self.labels[index])


def resized(images: torch.Tensor, size: int) -> torch.Tensor:
    """Return square images (n, channels, height, width) in [0, 1] at another size.

    >>> resized(torch.ones(2, 3, 8, 8), 4).shape
    torch.Size([2, 3, 4, 4])
    """
    if images.shape[-1] == size:
        return images
    scaled = nn.functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True)
    return scaled.clamp(0, 1)
