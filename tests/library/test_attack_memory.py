"""The memory of attacks on large images: what a job of a perturbation takes."""

import json
import os
import re
import subprocess
import sys

import pytest

from attack_peaks import SIDE, SIZES, TRIES
from helpers import ROOT, read_yaml

GIB = 2**30
N_IMAGES = 300  # that are perturbed together, clean and perturbed ones side by side
IMAGE = 4 * 3 * SIDE**2  # bytes


@pytest.fixture(scope="module")
def peaks():
    """What each attack takes at its peak with batches of two sizes, in a process of its own."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/attack_peaks.py"],
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def in_batches(peaks, family, size):
    """The peak of the whole process with batches of another size: it grows linearly with that."""
    few, many = peaks[family]
    slope = (many - few) / (SIZES[1] - SIZES[0])
    of_images = 3 * N_IMAGES * IMAGE  # clean, perturbed, and those that are kept
    return peaks["before"] + few + slope * (size - SIZES[0]) + of_images


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="needs Linux's /proc")
def test_attacks_on_large_images_fit_in_memory(peaks):
    """ResNet50, 3 x 224 x 224: in 4 GiB by the default batch; by two of them in what the rule asks.

    The graph behind a gradient takes it: 90 to 110 MB an image. Neither the number of images nor
    that of steps adds to it.
    """
    rule = re.search(
        r"rule perturb_images:.*?mem_mb=grows\((\d+)\)",
        (ROOT / "rules/images.smk").read_text(),
        re.S,
    )
    default = read_yaml("config.yaml")["perturbation_batch"]
    for family in TRIES:
        few, many = peaks[family]
        assert 50e6 < (many - few) / (SIZES[1] - SIZES[0]) < 120e6, family
        assert in_batches(peaks, family, default) < 4 * GIB, family
        assert in_batches(peaks, family, 2 * default) < int(rule[1]) * 1e6, family
    few_images, few_steps = peaks["fgsm"][0], peaks["pgd"][0]
    assert abs(peaks["more images"] - few_images) < 0.1 * few_images
    assert abs(peaks["more steps"] - few_steps) < 0.1 * few_steps
