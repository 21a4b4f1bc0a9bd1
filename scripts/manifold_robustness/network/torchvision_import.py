"""Import torchvision where its compiled operators don't load.

torchvision's wheel on PyPI is built for CUDA. Beside a CPU build of torch its extension does not
load, and ``import torchvision`` dies of "operator torchvision::nms does not exist"
(github.com/pytorch/vision, issue 9085), because it registers shapes for two operators that nobody
declared. Declaring them is enough: this package calls neither. Where torchvision is whole, this
module does nothing but import it.
"""

import sys

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _import_torchvision():
    try:
        import torchvision.transforms.v2
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        import torchvision.transforms.v2

        torchvision.declared_operators = library  # lives as long as the module
    return torchvision


torchvision = _import_torchvision()
