"""Speed and memory of the geometry, beside a plain loop of cvxopt programs at 1e-10.

    python benchmarks/geometry_speed.py

Both in turn in one process and one thread, least of several repeats: the ratios are what counts.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "scripts"), str(HERE)]

from geometry_clouds import clouds  # noqa: E402

from manifold_robustness.geometry import (  # noqa: E402
    analyze_manifolds,
    draw_gaussian_vectors,
    find_anchor_points,
    find_center_structure,
    manifold_frame,
)
from manifold_robustness.geometry.solvers import cvxopt_solver  # noqa: E402

LOOP_PROGRAMS = 40


def seconds(function, repeats=5):
    elapsed = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        elapsed.append(time.perf_counter() - start)
    return min(elapsed)


def frames_of(points):
    origin = points.mean((0, 1))
    means = points.mean(1)
    norms = np.linalg.norm(means - origin, axis=1)
    return [
        manifold_frame((cloud - mean) / norm)
        for cloud, mean, norm in zip(points, means, norms, strict=True)
    ]


def loop_seconds(frames, vectors):
    """The plain loop: a share of the programs, in proportion."""

    def loop():
        for frame, one in zip(frames, vectors, strict=True):
            points = np.column_stack([frame.coordinates, np.ones(len(frame.coordinates))])
            cvxopt_solver.solve(points, one.T[: LOOP_PROGRAMS // len(frames)].copy(), 0.0)

    return seconds(loop, 3) / LOOP_PROGRAMS * sum(one.shape[1] for one in vectors)


def analyze(points, **settings):
    return analyze_manifolds(points, **settings, warn_if_transposed=False)


def compare(kind, n_points, n_features):
    points = clouds(kind, 10, n_points, n_features)
    frames = frames_of(points)
    vectors = [draw_gaussian_vectors(f.n_dimensions, 300, 0, i) for i, f in enumerate(frames)]
    loop = loop_seconds(frames, vectors)
    anchors = seconds(
        lambda: [find_anchor_points(f, v) for f, v in zip(frames, vectors, strict=True)]
    )
    means = points.mean(1)
    search = seconds(lambda: find_center_structure(means, restarts=10))
    whole = seconds(lambda: analyze(points, center_restarts=10))
    default = seconds(lambda: analyze(points))
    print(
        f"| {kind} | {n_points} | {n_features} | {loop:.2f} | {anchors:.3f} | {loop / anchors:.0f} "
        f"| {search:.3f} | {search / anchors:.1f} | {whole:.3f} | {loop / whole:.0f} "
        f"| {default:.3f} |",
        flush=True,
    )


def scaling():
    print("\nSeconds without the center search (M = 50, N = 500), to double P and n_t\n")
    print("| P | n_t | seconds |\n|---|---|---|")
    for n_manifolds, n_vectors in ((10, 300), (20, 300), (40, 300), (10, 600), (10, 1200)):
        points = clouds("gaussian", n_manifolds, 50, 500)
        elapsed = seconds(
            lambda p=points, n=n_vectors: analyze_manifolds(p, center_rank=0, n_gaussian_vectors=n)
        )
        print(f"| {n_manifolds} | {n_vectors} | {elapsed:.3f} |", flush=True)


def large():
    print("\nSeconds of whole calls (n_t = 300), and the memory that they add to the points\n")
    print(
        "| clouds | P | M | N | seconds | points, MB | added, MB |\n|---|---|---|---|---|---|---|"
    )
    shapes = ((10, 50, 500), (10, 50, 5000), (10, 50, 65_536), (100, 50, 2000))
    for kind in ("gaussian", "relu"):
        for shape in shapes:
            points = clouds(kind, *shape)
            elapsed = seconds(lambda p=points: analyze_manifolds(p), 2)
            tracemalloc.start()
            analyze_manifolds(points)
            added = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            print(
                f"| {kind} | {' | '.join(map(str, shape))} | {elapsed:.2f} "
                f"| {points.nbytes / 1e6:.0f} | {added / 1e6:.0f} |",
                flush=True,
            )


def main():
    print("Seconds: P = 10, n_t = 300; center search with 10 starts per K; ratios to the loop\n")
    print(
        "| clouds | M | N | loop | anchors | ratio | center search | to anchors | whole call "
        "| ratio | whole call, default starts |"
    )
    print("|---" * 11 + "|")
    for kind in ("gaussian", "relu"):
        for n_points, n_features in ((30, 3072), (50, 5000), (200, 5000), (200, 64), (30, 10)):
            compare(kind, n_points, n_features)
    scaling()
    large()


if __name__ == "__main__":
    main()
