"""Random crops of test images, as some published evaluations take them."""

import torch
from torch import nn
from torch.utils.data import Dataset

from ...seeds import generator


class Cropped(Dataset):
    """Images cropped at random out of a frame of zeros, as wide as they were.

    An image's crop depends on `seed` and its index alone, so that every condition sees the same.
    """

    def __init__(self, data: Dataset, padding: int, seed: int):
        self.data, self.padding, self.seed = data, padding, seed

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image, label = self.data[index]
        height, width = image.shape[-2:]
        top, left = generator(self.seed, "test crop", index).integers(0, 2 * self.padding + 1, 2)
        framed = nn.functional.pad(image, [self.padding] * 4)
        return framed[:, top : top + height, left : left + width], label
