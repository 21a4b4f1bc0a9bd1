"""ResNet18 for small images with a quarter of the channels: a sixteenth of the computing.

Convolutions and the dense layer have the names of those of ``resnet18``: a 3 x 3 stem with stride
1, no pooling, four stages of two basic blocks, a dropout before the dense layer. For comparisons
that train many networks on a CPU. There are no weights of ImageNet for it.
"""

from torch import nn

from ..torchvision_import import torchvision

DECLARATION = {"title": "ResNet18 for small images, a quarter as wide", "imagenet": False}
WIDTHS = (16, 32, 64, 128)  # channels of the four stages; of ResNet18 64 to 512


def build(name: str, n_classes: int) -> nn.Module:
    """Return the network with fresh weights. It has one form, so `name` is not used.

    Convolutions start as torchvision's do (He et al., ICCV 2015, by the fan out).
    """
    network = nn.Sequential()
    network.conv1 = nn.Conv2d(3, WIDTHS[0], kernel_size=3, padding=1, bias=False)
    network.bn1 = nn.BatchNorm2d(WIDTHS[0])
    network.relu = nn.ReLU(inplace=True)
    before = WIDTHS[0]
    for stage, width in enumerate(WIDTHS, start=1):
        stride = 1 if stage == 1 else 2
        blocks = [_block(before, width, stride), _block(width, width, 1)]
        network.add_module(f"layer{stage}", nn.Sequential(*blocks))
        before = width
    network.avgpool = nn.AdaptiveAvgPool2d(1)
    network.flatten = nn.Flatten()
    network.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(before, n_classes))
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def _block(before, width, stride):
    shortcut = None
    if stride != 1 or before != width:
        shortcut = nn.Sequential(
            nn.Conv2d(before, width, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm2d(width),
        )
    return torchvision.models.resnet.BasicBlock(before, width, stride, shortcut)
