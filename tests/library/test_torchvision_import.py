"""torchvision is there, whether its compiled operators load or not."""

import subprocess
import sys

from helpers import ROOT

IMPORT = "from manifold_robustness.network.torchvision_import import torchvision\n"
USE = """
import torch
assert torchvision.transforms.v2.RandomCrop(4)(torch.zeros(3, 8, 8)).shape == (3, 4, 4)
assert len(list(torchvision.models.resnet18(weights=None).children())) == 10
assert torchvision.datasets.CIFAR10 and torchvision.datasets.ImageFolder
print(hasattr(torchvision, "declared_operators"))
"""
DECLARED = """
import torch
library = torch.library.Library("torchvision", "DEF")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
BROKEN = """
import sys, types
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)  # it would work the second time
            raise RuntimeError("something else")
sys.meta_path.insert(0, Broken())
"""


def run(code):
    start = f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r})\n"
    return subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True)


def test_torchvision_can_be_used():
    done = run(IMPORT + USE)
    assert done.returncode == 0, done.stderr


def test_nothing_is_declared_where_the_operators_are_there():
    done = run(DECLARED + IMPORT + USE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"


def test_another_failure_is_not_hidden():
    done = run(BROKEN + IMPORT)
    assert done.returncode == 1 and "RuntimeError: something else" in done.stderr
