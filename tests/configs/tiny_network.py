"""A very small network for the tests: one convolution, one dense layer."""

from collections import OrderedDict

from torch import nn


def build(n_classes):
    return nn.Sequential(
        OrderedDict(
            first=nn.Conv2d(3, 8, 3, padding=1),
            norm=nn.BatchNorm2d(8),
            relu=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            flat=nn.Flatten(),
            head=nn.Linear(128, n_classes),
        )
    )
