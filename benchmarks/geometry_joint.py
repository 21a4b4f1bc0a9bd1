"""The joint program beside a plain loop of SciPy's nnls: CPU seconds, ratios, memory.

    python benchmarks/geometry_joint.py [draws of the loop]

All in one process and one thread, in turn, Gaussian clouds of spread 1 about Gaussian centers. Each
size is a process of its own, for its peak of memory.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "scripts")]

# Manifolds, points of each, features.
SIZES = [(10, 30, 300), (10, 30, 3000), (10, 30, 64), (10, 30, 10), (30, 30, 300), (30, 30, 3000),
         (100, 50, 1000), (100, 50, 5000)]  # fmt: skip
N_DRAWS = 300
# The loop is measured on so many draws.
LOOP = 30


def cpu_seconds(function, repeats):
    """Least CPU seconds of some runs, and the last result."""
    elapsed = []
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        elapsed.append(time.process_time() - start)
    return min(elapsed), result


def measure(n_manifolds, n_points, n_features, loop):
    from scipy.optimize import nnls

    from manifold_robustness.geometry import analyze_jointly
    from manifold_robustness.geometry.joint import draw_jointly, joint_frame, solve_all

    generator = np.random.default_rng(0)
    clouds = generator.standard_normal((n_manifolds, 1, n_features))
    clouds = clouds + generator.standard_normal((n_manifolds, n_points, n_features))
    large = n_manifolds * n_points > 2000
    analyze_jointly(clouds[:4, :3], 5)
    whole, found = cpu_seconds(lambda: analyze_jointly(clouds, N_DRAWS), 1 if large else 5)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2

    everything = clouds.reshape(-1, n_features)
    coordinates = joint_frame(everything - everything.mean(0), 1e-13)
    numbers = np.full(n_manifolds, n_points)
    vectors, labels = draw_jointly(coordinates.shape[1], n_manifolds, N_DRAWS, "balanced", 0)
    some = max(loop // 10, 2) if large else loop
    programs, solved = cpu_seconds(
        lambda: solve_all(coordinates, numbers, vectors, labels), 1 if large else 3
    )

    def plain():
        signs = np.repeat(labels[:some], n_points, axis=1)
        squares = []
        for vector, own in zip(vectors[:some], signs, strict=True):
            labelled = (-own[:, None] * coordinates).T
            squares.append(((labelled @ nnls(labelled, vector)[0]) ** 2).sum())
        return np.array(squares)

    slow, squares = cpu_seconds(plain, 1)
    slow *= N_DRAWS / some
    worst = np.abs(squares / solved["projections"][:some] - 1).max()
    print(
        f"| {n_manifolds} | {n_points} | {n_features} | {found.capacity:.3f} | {slow:.3g} "
        f"| {programs:.3g} | {slow / programs:.3g} | {whole:.3g} | {slow / whole:.3g} "
        f"| {memory:.2f} | {worst:.0e} |",
        flush=True,
    )


def main():
    if len(sys.argv) == 5:
        measure(*map(int, sys.argv[1:]))
        return
    loop = sys.argv[1] if len(sys.argv) > 1 else str(LOOP)
    print(f"CPU seconds of {N_DRAWS} draws; the loop's are scaled up. Peak memory in GiB.\n")
    print("| P | M | N | capacity | loop | programs | ratio | whole | ratio | memory | F differs |")
    print("|---" * 11 + "|", flush=True)
    for size in SIZES:
        command = [sys.executable, __file__, *map(str, size), loop]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
