"""ResNet18 with a stem and head for small images, as the field trains it on CIFAR-10.

The first convolution is 3 x 3 with stride 1 and no pooling follows it, so that images of 32 x 32
pixels keep their size; a dropout stands before the dense layer.
"""

from enum import Enum

from torch import nn

from ..torchvision_import import torchvision

DECLARATION = {"title": "ResNet18 with a stem and head for small images", "imagenet": True}
FRESH = ("conv1.", "fc.")  # what differs from the ResNet18 that was trained on ImageNet


def build(name: str, n_classes: int) -> nn.Module:
    """Return the network with fresh weights. It has one form, so `name` is not used."""
    network = torchvision.models.resnet18(weights=None)
    network.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    network.maxpool = nn.Identity()
    network.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(512, n_classes))
    return network


def imagenet_weights(name: str) -> Enum:
    """Return torchvision's weights of a ResNet18, trained on ImageNet."""
    return torchvision.models.ResNet18_Weights.IMAGENET1K_V1


def starting_tensors(name: str, network: nn.Module, tensors: dict) -> dict:
    """Return ImageNet's tensors, but the network's own for the first convolution and the head."""
    kept = {key: value for key, value in tensors.items() if not key.startswith(FRESH)}
    fresh = {key: value for key, value in network.state_dict().items() if key.startswith(FRESH)}
    return {**kept, **fresh}
