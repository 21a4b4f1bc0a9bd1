"""The search for the structure of the centers: CPU seconds of one call, as a table.

    python benchmarks/geometry_centers.py [repeats]

One thread; the median of several calls with the default settings, for one set of centers and for
each of three that are searched in step, as the replicates of a layer are. Random centers are
Gaussian; those of low rank share two strong directions; correlated ones are ReLU-like, as a trained
network's, with a spectrum that falls off.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import statistics
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "scripts")]

from manifold_robustness.geometry import find_center_structures  # noqa: E402

TOGETHER = 3

# Manifolds and features; the CPU seconds that a call should take at most, where that was settled.
SIZES = [(10, 10, 0.06), (10, 300, 0.06), (10, 3000, 0.06), (20, 20, None), (20, 300, None),
         (30, 300, None), (60, 512, None), (100, 512, None)]  # fmt: skip


def random_centers(n_manifolds, n_features, generator):
    return generator.standard_normal((n_manifolds, n_features))


def low_rank(n_manifolds, n_features, generator):
    shared = generator.standard_normal((n_manifolds, 2)) @ generator.standard_normal(
        (2, n_features)
    )
    return random_centers(n_manifolds, n_features, generator) + 2 * shared


def correlated(n_manifolds, n_features, generator):
    latent = generator.standard_normal((n_manifolds, n_manifolds // 2))
    mixed = latent @ generator.standard_normal((n_manifolds // 2, n_features))
    return np.maximum(mixed + 0.3 * random_centers(n_manifolds, n_features, generator), 0)


KINDS = {"random": random_centers, "low rank": low_rank, "correlated": correlated}


def cpu_seconds(sets):
    """For each set, and the rank of the first."""
    start = time.process_time()
    structures = find_center_structures(sets)
    return (time.process_time() - start) / len(sets), structures[0].rank


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    cpu_seconds([np.random.default_rng(0).standard_normal((6, 20))])
    print(
        "| centers | P | N | K | alone | each of three | at most |\n|---|---|---|---|---|---|---|"
    )
    for n_manifolds, n_features, limit in SIZES:
        for kind, make in KINDS.items():
            sets = [
                make(n_manifolds, n_features, np.random.default_rng(seed))
                for seed in range(TOGETHER)
            ]
            alone, together = zip(
                *((cpu_seconds(sets[:1]), cpu_seconds(sets)) for _ in range(repeats)), strict=True
            )
            one, each = (
                statistics.median(seconds for seconds, _ in measured)
                for measured in (alone, together)
            )
            print(
                f"| {kind} | {n_manifolds} | {n_features} | {alone[0][1]} | {one:.3f} | {each:.3f} "
                f"| {limit or ''} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
