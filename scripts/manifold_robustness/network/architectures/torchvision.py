"""Every classification network of torchvision, with the images that its default weights want.

The size and the normalization of the images are part of the network, so that it takes pixels in
[0, 1] of any size. Its modules and its state dict are torchvision's. Auxiliary heads, which only
help a training, are off.
"""

import re
from enum import Enum

from torch import nn

from ..torchvision_import import torchvision
from .preprocessing import Preprocessing

# fmt: off
DECLARATION = {
    "title": "a classification network of torchvision",
    "names": [
        "alexnet", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny",
        "densenet121", "densenet161", "densenet169", "densenet201", "efficientnet_b0",
        "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4",
        "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_l",
        "efficientnet_v2_m", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t",
        "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3", "mobilenet_v2",
        "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_16gf", "regnet_x_1_6gf",
        "regnet_x_32gf", "regnet_x_3_2gf", "regnet_x_400mf", "regnet_x_800mf", "regnet_x_8gf",
        "regnet_y_128gf", "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf", "regnet_y_3_2gf",
        "regnet_y_400mf", "regnet_y_800mf", "regnet_y_8gf", "resnet101", "resnet152", "resnet18",
        "resnet34", "resnet50", "resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d",
        "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
        "squeezenet1_0", "squeezenet1_1", "swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s",
        "swin_v2_t", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19",
        "vgg19_bn", "vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32", "wide_resnet101_2",
        "wide_resnet50_2",
    ],
    "imagenet": True,
}
# fmt: on
# Their weights were trained with images normalized another way, which they do themselves.
INCEPTION = {"aux_logits": False, "transform_input": True, "init_weights": True}
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
# The names that the modules of the DenseNets had when their weights were published.
DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


def build(name: str, n_classes: int) -> nn.Module:
    """Return a network of torchvision by its name, as ``resnet50``, with fresh weights."""
    wanted = imagenet_weights(name).transforms()
    size = wanted.crop_size[0]
    options = {}
    if name in ("googlenet", "inception_v3"):
        options = INCEPTION
    if name.startswith("vit_"):  # the one kind that is built for images of one size
        options = {"image_size": size}
    network = torchvision.models.get_model(name, weights=None, num_classes=n_classes, **options)
    network.register_forward_pre_hook(Preprocessing(size, wanted.mean, wanted.std))
    return network


def imagenet_weights(name: str) -> Enum:
    """Return the default weights of a network of torchvision, trained on ImageNet."""
    return torchvision.models.get_model_weights(name).DEFAULT


def starting_tensors(name: str, network: nn.Module, tensors: dict) -> dict:
    """Return ImageNet's tensors; where the number of classes is another, with a head of its own.

    The head's tensors are those whose first dimension is ImageNet's number of classes in the file
    and another one in the network, while their other dimensions are equal.
    """
    renamed = {DENSE_LAYER.sub(r"\1\2", key): value for key, value in tensors.items()}
    kept = {key: value for key, value in renamed.items() if not key.startswith(AUXILIARY)}
    n_classes = len(imagenet_weights(name).meta["categories"])
    for key, own in network.state_dict().items():
        published = kept.get(key, own).shape
        if published != own.shape and published == (n_classes, *own.shape[1:]):
            kept[key] = own
    return kept
