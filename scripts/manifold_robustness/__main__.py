"""Analyse clouds of points from the shell: ``python -m manifold_robustness points.npy``."""

import argparse
import os
import sys
from pathlib import Path

from .console import print_all
from .errors import ConfigurationError, ManifoldRobustnessError
from .files.recordings import HDF5, KINDS, read_recording
from .geometry.inputs import check_seed
from .recorded import DEFAULTS, analyse, report, write
from .wording import listed


def main(arguments: list[str] | None = None) -> None:
    """Analyse, print a table, write an HDF5 file."""
    given = read_arguments(arguments)
    try:
        check_seed(given.seed)
        if given.draw is None and given.replicates > 1:
            raise ConfigurationError("Need the number of points for --replicates, too: --draw M.")
        output = Path(given.output or f"{Path(given.points).resolve().stem}-geometry.h5")
        require_output(output, Path(given.points), given.force)
        draws = [read_recording(given.points, given.array)]
        if given.draw is not None:
            draws = draws[0].drawn(given.draw, given.replicates, given.seed)
        settings = DEFAULTS | {
            "joint": given.joint,
            "readout": given.readout,
            "shuffle": given.shuffle,
            "subsets": sorted(set(given.subsets)),
            "n_gaussian_vectors": given.probes,
            "margin": given.margin,
            "center_rank": given.center_rank,
        }
        found = analyse(draws, settings, given.seed)
        print_all(report(draws, found))
        write(output, draws, found, settings, given.seed)
        print_all(f"Everything, by manifold and with equations: {output}")
    except (ManifoldRobustnessError, OSError) as error:
        sys.exit(f"manifold_robustness: {error}")


def require_output(output: Path, points: Path, force: bool) -> None:
    """Refuse, before anything is computed, an output that can't be, or would destroy the input.

    Raises
    ------
    ConfigurationError
    """
    advice = "Give a file: --output NAME.h5"
    real = output.resolve()
    if output.is_dir():
        raise ConfigurationError(f"Need a file for the output. {output} is a folder. {advice}.")
    if output.suffix.lower() not in HDF5:
        raise ConfigurationError(
            f"Need an output whose name ends with {listed(HDF5)}, since it is HDF5. Got {output}. "
            f"{advice}."
        )
    # A Zarr store is a folder that is one file to its reader.
    inside = points.suffix.lower() == ".zarr" and points.resolve() in real.parents
    if points.exists() and (points.resolve() == real or inside):
        raise ConfigurationError(
            f"Need an output that is not the input. {output} would be written into {points}. "
            f"{advice}."
        )
    if not real.parent.is_dir() or not os.access(real.parent, os.W_OK):
        lacking = "can't be written to" if real.parent.is_dir() else "is no folder that is there"
        raise ConfigurationError(f"Need a folder for the output. {output.parent} {lacking}.")
    if output.exists() and not force:
        raise ConfigurationError(
            f"{output} is there already. Give another file: --output NAME.h5, or --force to "
            "replace it."
        )


def read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m manifold_robustness",
        description="How separable are clouds of points? Capacity, radius, dimension and center "
        "correlation by mean-field theory, of your own recordings: one cloud for each class, "
        "stimulus or condition; rows are points, columns features (neurons, units, voxels).",
        epilog="Compare numbers only at as many points of each class, since few points make a "
        "capacity too high: --draw and --subsets help. docs/measures.md has every equation.",
    )
    parser.add_argument(
        "points",
        help="an array (n_manifolds, n_points, n_features), or one array (n_points, n_features) of "
        f"each manifold: {KINDS}",
    )
    parser.add_argument(
        "--array",
        metavar="NAME",
        nargs="+",
        default=[],
        help="the arrays, where a file has others too; give it behind the file",
    )
    parser.add_argument(
        "--draw", type=int, metavar="M", help="analyse M points of each manifold, drawn at random"
    )
    parser.add_argument(
        "--replicates",
        type=int,
        default=1,
        metavar="K",
        help="with --draw: K disjoint draws of M points, and intervals over them",
    )
    parser.add_argument(
        "--joint",
        action="store_true",
        help="the joint program too: no assumption on correlations; four manifolds or more, and no "
        "margin",
    )
    parser.add_argument(
        "--readout", action="store_true", help="accuracy of a linear readout too, cross-validated"
    )
    parser.add_argument(
        "--shuffle",
        action="store_true",
        help="the same with points dealt out at random: no classes",
    )
    parser.add_argument(
        "--subsets",
        type=int,
        nargs="+",
        default=[],
        metavar="M",
        help="the same with fewer points of each manifold, for the trend in M; give it behind the "
        "file",
    )
    parser.add_argument(
        "--probes",
        type=int,
        default=DEFAULTS["n_gaussian_vectors"],
        help="random vectors, two or more; %(default)s",
    )
    parser.add_argument("--margin", type=float, default=DEFAULTS["margin"], help="κ; %(default)s")
    parser.add_argument(
        "--center-rank",
        type=rank,
        default=DEFAULTS["center_rank"],
        help="directions that centers share and that are projected out: auto, supported, a number",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the probes and draws; %(default)s")
    parser.add_argument("--output", metavar="NAME.h5", help="<points>-geometry.h5, in this folder")
    parser.add_argument("--force", action="store_true", help="replace the output")
    return parser.parse_args(arguments)


def rank(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


if __name__ == "__main__":
    main()
