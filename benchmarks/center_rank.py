"""Rules for the number K of center directions, on planted structures, beside direct simulation.

    python benchmarks/center_rank.py                       the table of capacities
    python benchmarks/center_rank.py --manifolds 10 30     of these P only
    python benchmarks/center_rank.py --seeds 0.5           half as many cases (at least one a row)
    python benchmarks/center_rank.py --recovery 20         the share of ranks found, 20 seeds each

A center is s times a random unit vector of an r-dimensional subspace plus sqrt(1 - s^2) times an
isotropic unit vector, scaled to norm 1; "power a" has centers with variances k^-a along the axes
instead. On each is a sphere of 4 dimensions, 15 points, radius 0.25 in norms of the center. One
thread; the recovery table is not part of the default.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import argparse
import functools
import sys
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1] / "scripts")]

from manifold_robustness.geometry import (  # noqa: E402
    analyze_jointly,
    analyze_manifolds,
    find_center_structure,
    find_center_structures,
    remove_directions,
    simulate_capacity,
)
from manifold_robustness.geometry.center_rank import (  # noqa: E402
    mean_isotropic_gain,
    supported_rank,
)

RULES = ("K = 0", "auto", "supported", "95 %", "eigenvalues")
# Features, seeds, dichotomies, draws of the joint program, for each number of manifolds.
SIZES = {
    10: (300, 8, 101, 300),
    30: (100, 2, 51, 200),
    60: (120, 1, 51, 100),
    100: (200, 1, 21, 50),
}
# Rank and strength; a rank of "power" has the exponent instead.
STRUCTURES = {
    10: [(0, 0), (1, 0.7), (1, 0.95), (3, 0.7), (3, 0.95), (6, 1), ("power", 1), ("power", 2)],
    30: [(0, 0), (1, 0.7), (3, 0.7), (3, 0.95), (6, 0.7), (6, 0.95), ("power", 1), ("power", 2)],
    60: [(0, 0), (1, 0.7), (3, 0.7), (3, 0.95), (6, 0.7), (6, 0.95)],
    100: [(0, 0), (3, 0.95)],
}
RECOVERY = [(0, 0), *((rank, strength) for rank in (1, 3, 6) for strength in (0.7, 0.8, 0.95))]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def planted_centers(n_manifolds, n_features, rank, strength, seed):
    if rank == "power":
        key = [seed, n_manifolds, n_features, round(strength * 100)]
        spread = np.arange(1, n_features + 1) ** (-strength / 2)
        generator = np.random.default_rng(np.random.SeedSequence(key))
        return unit(generator.standard_normal((n_manifolds, n_features)) * spread)
    key = [seed, n_manifolds, n_features, rank, round(strength * 1000)]
    generator = np.random.default_rng(np.random.SeedSequence(key))
    isotropic = unit(generator.standard_normal((n_manifolds, n_features)))
    if rank == 0:
        return isotropic
    basis = np.linalg.qr(generator.standard_normal((n_features, rank)))[0]
    shared = unit(generator.standard_normal((n_manifolds, rank))) @ basis.T
    return unit(strength * shared + np.sqrt(1 - strength**2) * isotropic)


def spheres(centers, seed, n_dimensions=4, radius=0.25, n_points=15):
    generator = np.random.default_rng(np.random.SeedSequence([seed, 77]))
    clouds = []
    for center in centers:
        axes = np.linalg.qr(generator.standard_normal((centers.shape[1], n_dimensions)))[0]
        offsets = unit(generator.standard_normal((n_points, n_dimensions))) @ axes.T
        clouds.append(center + radius * np.linalg.norm(center) * offsets)
    return np.array(clouds)


@functools.cache
def isotropic_gain(n_manifolds, n_features):
    return mean_isotropic_gain(
        n_manifolds,
        n_features,
        lambda sets: [one.residual_correlation for one in find_center_structures(sets)],
    )


def spectrum(centers):
    units = unit(centers - centers.mean(0))
    return np.linalg.eigvalsh(units @ units.T)[::-1]


@functools.cache
def isotropic_spectrum(n_manifolds, n_features):
    """Quantile 0.95 of each eigenvalue of the cosines of isotropic centers, from 200 draws."""
    generator = np.random.default_rng(0)
    draws = generator.standard_normal((200, n_manifolds, n_features))
    return np.quantile([spectrum(unit(draw)) for draw in draws], 0.95, axis=0)


def ranks_found(centers):
    """K by each rule, from one search."""
    size = centers.shape
    searched = find_center_structure(centers)
    correlations = searched.residual_correlation
    supported = supported_rank(
        correlations, size[1], size[0], functools.partial(isotropic_gain, *size)
    )
    reduction = 1 - correlations / correlations[0]
    share = 0
    if reduction.max() > 0.1 and reduction.max() > isotropic_gain(*size):
        share = int(np.argmax(reduction >= 0.95 * reduction.max()))
    beyond = spectrum(centers) > isotropic_spectrum(*size)
    eigenvalues = min(int(np.argmin(beyond)), len(correlations) - 1)
    return dict(zip(RULES, (0, searched.rank, supported, share, eigenvalues), strict=True))


def capacities(clouds, ranks):
    """Mean-field capacity at each K."""
    found = {}
    for rank in set(ranks):
        directions = find_center_structure(clouds.mean(1), rank).directions
        kept = remove_directions(clouds - clouds.mean((0, 1)), directions)
        geometry = analyze_manifolds(
            kept, center_rank=0, n_gaussian_vectors=200, warn_if_transposed=False
        )
        found[rank] = geometry.mean_capacity
    return found


def measure(n_manifolds, structure, n_seeds):
    """Simulated capacities and their errors; by rule (and the joint program) K and ratios."""
    n_features, _, n_dichotomies, n_draws = SIZES[n_manifolds]
    simulated, errors, ranks, ratios = [], [], [], []
    for seed in range(n_seeds):
        clouds = spheres(planted_centers(n_manifolds, n_features, *structure, seed), seed)
        direct = simulate_capacity(clouds, n_dichotomies, seed)
        found = ranks_found(clouds.mean(1))
        by_rank = capacities(clouds, found.values())
        joint = analyze_jointly(clouds, n_draws).capacity
        simulated.append(direct.capacity)
        errors.append(direct.capacity_error)
        ranks.append([found[rule] for rule in RULES])
        theory = np.array([by_rank[found[rule]] for rule in RULES] + [joint])
        ratios.append(theory / direct.capacity)
    error = np.sqrt((np.array(errors) ** 2).sum()) / n_seeds
    return np.mean(simulated), error, np.array(ranks), np.array(ratios)


def written_ranks(ranks):
    return str(ranks.min()) if ranks.min() == ranks.max() else f"{ranks.min()}-{ranks.max()}"


def compare(numbers, scale):
    print("K found (least-greatest over seeds): capacity / simulated, their mean over seeds.\n")
    print("| P | N | r, s | seeds | simulated | " + " | ".join(RULES) + " | joint |")
    print("|---" * (6 + len(RULES)) + "|", flush=True)
    for n_manifolds in numbers:
        n_features, n_seeds = SIZES[n_manifolds][:2]
        n_seeds = max(round(n_seeds * scale), 1)
        means = []
        for structure in STRUCTURES[n_manifolds]:
            simulated, error, ranks, ratios = measure(n_manifolds, structure, n_seeds)
            mean = ratios.mean(0)
            cells = [f"{written_ranks(k)}: {r:.2f}" for k, r in zip(ranks.T, mean, strict=False)]
            name = (
                " ".join(map(str, structure))
                if structure[0] == "power"
                else (f"{structure[0]}, {structure[1]}")
            )
            print(
                f"| {n_manifolds} | {n_features} | {name} | {n_seeds} "
                f"| {simulated:.3f} ± {error:.3f} | {' | '.join(cells)} | {mean[-1]:.2f} |",
                flush=True,
            )
            if structure[0] != "power" and structure[1] < 1:
                means.append(mean - 1)
        off = np.abs(means).mean(0)
        print(
            f"| {n_manifolds} | {n_features} | planted, s < 1: mean distance | | | "
            + " | ".join(f"{value:.1%}" for value in off)
            + " |",
            flush=True,
        )


def recover(n_seeds, n_manifolds=60, n_features=120):
    rules = RULES[1:]
    print(f"Share of {n_seeds} seeds whose rank is found, P = {n_manifolds}, N = {n_features}.\n")
    print("| r, s | " + " | ".join(rules) + " |\n" + "|---" * (1 + len(rules)) + "|", flush=True)
    for rank, strength in RECOVERY:
        hits = np.zeros(len(rules))
        for seed in range(n_seeds):
            centers = planted_centers(n_manifolds, n_features, rank, strength, seed)
            found = ranks_found(spheres(centers, seed).mean(1))
            hits += [found[rule] == rank for rule in rules]
        cells = " | ".join(f"{share:.0%}" for share in hits / n_seeds)
        print(f"| {rank}, {strength} | {cells} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifolds", type=int, nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--seeds", type=float, default=1.0, help="times the seeds of each row")
    parser.add_argument("--recovery", type=int, help="only this table, with so many seeds")
    arguments = parser.parse_args()
    start = time.process_time()
    if arguments.recovery:
        recover(arguments.recovery)
    else:
        compare(arguments.manifolds, arguments.seeds)
    print(f"\n{time.process_time() - start:.0f} CPU seconds.")


if __name__ == "__main__":
    main()
