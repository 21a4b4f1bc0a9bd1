"""Capacities of the two theories beside direct simulation, on the activations of a finished run.

    python benchmarks/theory_against_simulation.py results/digits/resnet18 --csv table.csv

For every layer under every condition (`--layers`, `--conditions` for some of them), of one
replicate or `--replicates all`: the mean field with center directions searched and with none, the
joint program, and the simulation of the points as they are, about their global mean. Nothing is
projected out for the simulation, since the joint program speaks of the data at hand, as the truth
does.

A theory *agrees* where it is within the larger of 8 % and the 95 % interval of both errors
together, 1.96 sqrt(error^2 + simulated error^2). Pairs where simulation has no answer are counted
apart. Where no solver brings a joint program within its tolerance, the pair is named and counts as
a miss.

The simulation asks for the median over dichotomies of the least number of dimensions; the joint
program is its mean, exactly (see `simulate_capacity`). So `mean_capacity`, of the same simulated
dichotomies, tells a skewed distribution from an error of the program.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import argparse
import csv
import re
import sys
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "scripts")]

from manifold_robustness.errors import SolverError  # noqa: E402
from manifold_robustness.files.chunks import read_metadata  # noqa: E402
from manifold_robustness.files.stores import read_points  # noqa: E402
from manifold_robustness.files.zips import PlainZip  # noqa: E402
from manifold_robustness.geometry import (  # noqa: E402
    analyze_jointly,
    analyze_manifolds,
    simulate_capacity,
)
from manifold_robustness.geometry.joint import rounding_of  # noqa: E402
from manifold_robustness.lineage import Origin  # noqa: E402

SUFFIX = ".zarr.zip"
AGREEMENT = 0.08
THEORIES = {
    "joint": "joint program",
    "mean_field": "mean field, K searched",
    "uncorrected": "mean field, K = 0",
}
LARGEST_RESIDUAL = 1e-10
# Networks compute in single precision, whatever the coordinates are kept in.
PRECISION = rounding_of(np.dtype("float32"))
RESIDUALS = ("primal_residual", "dual_residual", "gap_residual")
# Columns of the table, and what they are of the joint geometry.
JOINT = {
    "joint": "capacity",
    "joint_error": "capacity_error",
    "rank": "rank",
    "floor": "capacity_floor",
    "zero_share": "zero_share",
    "inseparable_share": "inseparable_share",
    "second_solutions": "n_second_solutions",
}


def main():
    options = read_options()
    stores = find_stores(options.folder / "activations", options.layers, options.conditions)
    tasks = [(path, one) for path in stores for one in replicates_of(path, options.replicates)]
    rows = []
    start = time.perf_counter()
    with open_table(options.csv) as table, get_context("spawn").Pool(options.processes) as pool:
        writer = None
        work = partial(measure, n_dichotomies=options.dichotomies, seed=options.seed)
        for row in pool.imap(work, tasks):
            rows.append(row)
            if writer is None:
                print_head()
                writer = csv.DictWriter(table, row.keys(), lineterminator="\n")
                writer.writeheader()
            writer.writerow(row)
            table.flush()
            print_row(row)
        pool.close()
        pool.join()
    elapsed = time.perf_counter() - start
    cpu = np.median([row["cpu_seconds"] for row in rows])
    print(f"\n{len(rows)} pairs in {elapsed:.0f} s; {cpu:.1f} CPU seconds each, in the median\n")
    print_summary(rows)
    if options.figure:
        draw(rows, options.figure)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a network's, as results/digits/resnet18")
    parser.add_argument("--layers", nargs="+", help="some of them; all by default")
    parser.add_argument("--conditions", nargs="+", help="as clean gaussian/sigma-0.5")
    parser.add_argument("--replicates", default="1", choices=["1", "all"])
    parser.add_argument("--dichotomies", type=int, default=101)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2, choices=[1, 2])
    parser.add_argument("--csv", default=os.devnull)
    parser.add_argument("--figure", help="a PNG or SVG file")
    return parser.parse_args()


def open_table(path):
    return open(path, "w", newline="", encoding="utf-8")


def find_stores(folder, layers, conditions):
    """Paths of the stores, by family, strength and place of the layer in the network."""
    found = []
    for path in folder.rglob(f"*{SUFFIX}"):
        condition = path.parent.relative_to(folder).as_posix()
        layer = path.name.removesuffix(SUFFIX)
        if (not layers or layer in layers) and (not conditions or condition in conditions):
            attributes = read_attributes(path)
            strength = attributes.get("perturbation", {}).get("strength", 0.0)
            place = int(re.search(r"\d+", attributes["layer_label"])[0])
            family = "" if condition == "clean" else condition.split("/")[0]
            found.append(((family, strength, place), path))
    if not found:
        sys.exit(f"Need activations of a finished run. Got none such below {folder}.")
    return [path for _, path in sorted(found)]


def read_attributes(path):
    with PlainZip(path) as file:
        return read_metadata(file, "group")["attributes"]


def read_replicates(path):
    """The clouds of each replicate. The store is taken for what it says it was made from."""
    attributes = read_attributes(path)
    origin = Origin(*(attributes[key] for key in ("network", "condition", "layer", "lineage")))
    return read_points(path, origin)


def replicates_of(path, wanted):
    return [0] if wanted == "1" else range(len(read_replicates(path)[0]))


def measure(task, n_dichotomies, seed):
    """All that is said of one layer under one condition, by name."""
    path, replicate = task
    points, attributes = read_replicates(path)
    clouds = points[replicate]
    start = time.process_time()
    seed = (seed, replicate)
    mean_field, uncorrected = (
        analyze_manifolds(clouds, seed=seed, center_rank=rank, warn_if_transposed=False)
        for rank in ("auto", 0)
    )
    joint = solve_jointly(clouds, seed)
    simulated = simulate_capacity(clouds, n_dichotomies, seed=seed)
    residuals = [getattr(found, name) for found in (mean_field, uncorrected) for name in RESIDUALS]
    # A dichotomy that nothing separates stands at rank + 1/2 in the mean.
    least = simulated.separable_from
    least = np.where(np.isfinite(least), least, joint["rank"] + 0.5)
    mean_least = least.mean() - 0.5
    mean_capacity = len(clouds) / mean_least
    return {
        "network": attributes["network"],
        "condition": attributes["condition"],
        "layer": attributes["layer"],
        "replicate": replicate,
        "n_features": attributes["n_features"],
        "simulated": simulated.capacity,
        "simulated_error": simulated.capacity_error,
        "simulated_low": simulated.capacity_low,
        "simulated_high": simulated.capacity_high,
        "n_half": simulated.n_dimensions,
        "mean_capacity": mean_capacity,
        "mean_capacity_error": mean_capacity / mean_least * least.std(ddof=1) / len(least) ** 0.5,
        "mean_field": mean_field.mean_capacity,
        "mean_field_error": mean_field.mean_capacity_error,
        "center_rank": mean_field.center_rank,
        "uncorrected": uncorrected.mean_capacity,
        "uncorrected_error": uncorrected.mean_capacity_error,
        "never_separable": 1 - np.isfinite(simulated.separable_from).mean(),
        **joint,
        "residual": float(np.max([*residuals, joint["residual"]])),
        "cpu_seconds": time.process_time() - start,
    }


def solve_jointly(clouds, seed):
    """The joint program's part of a row, NaN where no solver meets the tolerance."""
    try:
        found = analyze_jointly(clouds, seed=seed, precision=PRECISION)
    except SolverError as error:
        return dict.fromkeys(JOINT, np.nan) | {"residual": np.nan, "problem": str(error)}
    values = {name: getattr(found, attribute) for name, attribute in JOINT.items()}
    residual = max(getattr(found, name) for name in RESIDUALS)
    return values | {"residual": residual, "problem": ""}


def agrees(row, theory, truth="simulated"):
    error = 1.96 * np.hypot(row[f"{theory}_error"], row[f"{truth}_error"])
    return abs(row[theory] - row[truth]) <= max(error, AGREEMENT * row[truth])


def deviation(row, theory, truth="simulated"):
    return row[theory] / row[truth] - 1


def name_of(row):
    name = f"{row['condition']}, {row['layer']}"
    return name + (f", replicate {row['replicate']}" if row["replicate"] else "")


def print_head():
    print(
        "| condition, layer | simulated | 95 % | joint | off | mean field (K) | off | K = 0 "
        "| floor | inseparable |\n" + "|---" * 10 + "|"
    )


def print_row(row):
    print(
        f"| {name_of(row)} | {row['simulated']:.3f} "
        f"| {row['simulated_low']:.3f} to {row['simulated_high']:.3f} "
        f"| {row['joint']:.3f} ± {row['joint_error']:.3f} | {deviation(row, 'joint'):+.1%} "
        f"| {row['mean_field']:.3f} ({row['center_rank']}) | {deviation(row, 'mean_field'):+.1%} "
        f"| {row['uncorrected']:.3f} | {row['floor']:.3f} | {row['inseparable_share']:.2f} |",
        flush=True,
    )


def print_summary(rows):
    answered = [row for row in rows if np.isfinite(row["simulated"])]
    print(f"Simulation answers for {len(answered)} of {len(rows)} pairs.")
    for row in rows:
        if not np.isfinite(row["simulated"]):
            print(
                f"- Not for {name_of(row)}: {row['never_separable']:.0%} of dichotomies "
                f"inseparable in {row['rank']} dimensions; joint {row['joint']:.3f} on a floor of "
                f"{row['floor']:.3f}, mean field {row['mean_field']:.3f}"
            )
    for theory, words in THEORIES.items():
        print_agreement(answered, theory, "simulated", f"{words}, against simulation")
    print_agreement(rows, "joint", "mean_capacity", "joint program, against the mean least n")
    residuals = np.array([row["residual"] for row in rows])
    print(f"\nGreatest scaled residual of any program: {np.nanmax(residuals):.1e}")
    for row in rows:
        if row["problem"]:
            print(f"No solution: {name_of(row)}. {row['problem']}")
    if not (residuals <= LARGEST_RESIDUAL).all():
        sys.exit(f"Need residuals <= {LARGEST_RESIDUAL:g} of every program.")


def print_agreement(rows, theory, truth, words):
    if not rows:
        return
    misses = [row for row in rows if not agrees(row, theory, truth)]
    off = np.array([deviation(row, theory, truth) for row in rows])
    print(
        f"\n{words}: agrees in {len(rows) - len(misses)} of {len(rows)} "
        f"({1 - len(misses) / len(rows):.1%}); deviation {np.nanmedian(np.abs(off)):.1%} in the "
        f"median, signed {np.nanmedian(off):+.1%}, from {np.nanmin(off):+.1%} to "
        f"{np.nanmax(off):+.1%}"
    )
    if theory == "joint":
        for row in misses:
            shown = (truth, "joint", "mean_capacity")
            of_truth, of_joint, of_mean = (
                f"{row[key]:.4f} ± {row[f'{key}_error']:.4f}" for key in shown
            )
            print(
                f"- {name_of(row)}: {of_truth}, joint {of_joint}, "
                f"{deviation(row, theory, truth):+.1%}; of the mean least n {of_mean}"
            )


def draw(rows, path):
    """Theory against simulation, on logarithmic axes; what the simulation answers."""
    from manifold_robustness.figures.style import CORRECT, QUIET, WRONG, in_style, new_figure

    answered = [row for row in rows if np.isfinite(row["simulated"])]
    column = {key: np.array([row[key] for row in answered]) for key in answered[0]}
    marks = {
        "mean_field": {"color": WRONG, "marker": "^", "markerfacecolor": "none"},
        "joint": {"color": CORRECT, "marker": "o", "markeredgewidth": 0},
    }
    bars = [column["simulated"] - column["simulated_low"]]
    bars.append(column["simulated_high"] - column["simulated"])

    def picture():
        figure = new_figure((5.2, 4.8))
        axes = figure.add_subplot()
        values = np.concatenate([column[key] for key in ("simulated", *marks)])
        ends = np.nanmin(values) / 1.12, np.nanmax(values) * 1.12
        axes.plot(ends, ends, color=QUIET, linewidth=0.9, zorder=1)
        for theory, style in marks.items():
            agreeing = sum(agrees(row, theory) for row in answered)
            axes.errorbar(
                column["simulated"],
                column[theory],
                xerr=bars,
                yerr=1.96 * column[f"{theory}_error"],
                label=f"{THEORIES[theory]}: agrees in {agreeing} of {len(answered)}",
                linestyle="none",
                markersize=3.6,
                elinewidth=0.4,
                **style,
            )
        axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
        ticks = [tick for tick in (0.05, 0.1, 0.2, 0.5, 1, 2) if ends[0] <= tick <= ends[1]]
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
            axis.set_ticks([], minor=True)
        axes.grid(True)
        axes.set_xlabel("simulated capacity: P / n, half of the dichotomies separable in n")
        axes.set_ylabel("capacity of the theory")
        axes.legend(loc="upper left")
        figure.savefig(path, dpi=120, metadata={"Software": None} if path.endswith("png") else None)

    in_style(picture)()


if __name__ == "__main__":
    main()
