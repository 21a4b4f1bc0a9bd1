"""Print, as JSON, how much memory attacks take at their peak, on images of 3 x 224 x 224.

One process tries all of them: the kernel's peak is set back before each. Memory that is freed must
go back at once for that (``MALLOC_MMAP_THRESHOLD_``).
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import torch

from attacked import attack
from manifold_robustness.network.weights import initial_network

SIDE = 224
FEW_PAIRS = 4.1 / (3 * SIDE**2)  # γ of two pairs
TRIES = {  # of each family, the least that comes by everything that it keeps
    "fgsm": (0.03, {}),
    "pgd": (0.03, {"steps": 1}),
    "apgd": (0.03, {"steps": 2}),
    "deepfool": (0.5, {"steps": 1, "candidates": 3}),
    "jsma": (FEW_PAIRS, {}),
}
SIZES = 1, 3  # of a batch


def peak():
    """Return the most memory that was taken since it was last set back, in bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def tried(network, family, n_images, batch_size, **more):
    """Return the peak of an attack beyond what was taken before it, in bytes."""
    strength, options = TRIES[family]
    images = torch.rand(n_images, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():  # of images that are wrong already, some attacks do nothing
        labels = torch.cat([network(part).argmax(1) for part in images.split(2)])
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    attack(family, strength, images, labels, network, batch_size=batch_size, **options | more)
    return peak() - before


def main():
    torch.set_num_threads(1)
    network = initial_network("torchvision/resnet50", "none", None, 10, seed=1).eval()
    tried(network, "fgsm", 2, 2)  # what is loaded at the first use
    found = {family: [tried(network, family, size, size) for size in SIZES] for family in TRIES}
    few = SIZES[0]
    found["more images"] = tried(network, "fgsm", 4 * few, few)
    found["more steps"] = tried(network, "pgd", few, few, steps=4)
    found["before"] = peak()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
