"""Invariants of the finished tables: what must hold whatever the data are."""

import numpy as np
import pandas as pd

from .attacks import BROKEN
from .collection import PER_MANIFOLD, PER_REPLICATE
from .conditions import CLEAN
from .conventions import SLACK
from .errors import VerificationError
from .files.geometry import OPTIONAL

PLACE = ["network", "condition", "layer"]


def verify_results(
    geometry: pd.DataFrame,
    summary: pd.DataFrame,
    accuracy: pd.DataFrame,
    attacks: pd.DataFrame | None,
    certified: pd.DataFrame | None,
    *,
    coordinates: list[tuple[str, str, str]],
    expected: dict,
    measures: list[str],
    tolerance: float,
    test_accuracy: dict[str, float],
    min_accuracy: dict[str, float],
    limits: dict[str, dict],
) -> list[str]:
    """Return the checks that hold and the warnings, each with its figures; raise where one fails.

    Parameters
    ----------
    geometry, summary, accuracy
        The tables of :mod:`manifold_robustness.collection`.
    attacks
        That of :func:`.compare_attacks`; None where the run has nothing to compare.
    certified
        That of :func:`.collect_certificates`; None where the run certifies nothing.
    coordinates : list of (network, condition, layer)
        What the configuration asks for.
    expected
        ``replicates`` and ``n_manifolds``.
    measures
        Names of the variables that the run measures.
    tolerance
        Greatest scaled KKT residual.
    test_accuracy
        Of each network, as measured when its weights were made; recorded activations have none.
    min_accuracy
        That the training of each network must reach.
    limits
        Of each perturbed condition what its family declares: ``norm`` and ``budget``, in pixel
        units, ``low`` and ``high``; None where it declares none.

    Returns
    -------
    list of str
        "holds: ..." or, of a hint that a network's gradients may lead nowhere, "warns: ...".

    Raises
    ------
    VerificationError
        Names every broken invariant with the coordinates that break it.
    """
    asked = [name for name in PER_MANIFOLD + PER_REPLICATE if name in measures]
    there = [name for name in asked if name in geometry]
    checks = [
        _complete(geometry, coordinates, expected),
        _summary_complete(summary, coordinates),
        _accuracy_complete(accuracy, coordinates, test_accuracy),
        _measured(geometry, asked),
        _finite(geometry, [name for name in there if name not in OPTIONAL]),
        *(_positive(geometry, name) for name in there if name.endswith("capacity")),
        *(_within(geometry, name, tolerance) for name in there if name.endswith("_residual")),
        _same_images(accuracy),
        _within_budgets(accuracy, limits),
        _within_ranges(accuracy, limits),
        *(_same_accuracy(accuracy, network, found) for network, found in test_accuracy.items()),
        *(
            _accurate(network, test_accuracy[network], least)
            for network, least in min_accuracy.items()
        ),
        *([] if certified is None else [_certified(certified)]),
    ]
    broken = [message for holds, message in checks if not holds]
    compared = [] if attacks is None else list(attacks.itertuples())
    broken += [f"{row.network}: {row.statement}" for row in compared if row.verdict == BROKEN]
    if broken:
        raise VerificationError("; ".join(broken))
    found = [f"holds: {message}" for _, message in checks]
    return found + [f"{row.verdict}: {row.network}: {row.statement}" for row in compared]


def _complete(geometry, coordinates, expected):
    rows = expected["replicates"] * expected["n_manifolds"]
    unique = geometry.drop_duplicates([*PLACE, "replicate", "manifold"])
    counts = unique.groupby(PLACE).size()
    short = [place for place in coordinates if counts.get(place, 0) != rows]
    extra = sorted(set(counts.index) - set(coordinates))
    return not short and not extra and len(unique) == len(geometry), (
        f"geometry.csv: {len(coordinates)} (network, condition, layer) places x {rows} rows"
        + _where(", missing or incomplete", short)
        + _where(", not asked for", extra)
        + (", with repeated rows" if len(unique) != len(geometry) else "")
    )


def _summary_complete(summary, coordinates):
    found = list(summary[PLACE].itertuples(index=False, name=None))
    return sorted(found) == sorted(coordinates), (
        f"summary.csv: one row per (network, condition, layer), {len(found)} of {len(coordinates)}"
    )


def _accuracy_complete(accuracy, coordinates, networks):
    wanted = {(network, condition) for network, condition, _ in coordinates if network in networks}
    wanted |= {(network, CLEAN) for network, _ in wanted}  # where it has no geometry, too
    found = set(accuracy[["network", "condition"]].itertuples(index=False, name=None))
    missing = sorted(wanted - found)
    return not missing and len(accuracy) == len(wanted), (
        f"accuracy.csv: one row per (network, condition), {len(accuracy)} of {len(wanted)}"
        + _where(", missing", missing)
    )


def _measured(table, columns):
    missing = [name for name in columns if name not in table]
    return not missing, f"geometry.csv: {len(columns)} measures" + _where(", without", missing)


def _finite(table, columns):
    bad = table.loc[~np.isfinite(table[columns]).all(axis=1)]
    return bad.empty, "every number of geometry.csv is finite" + _rows(", but not at", bad)


def _positive(table, column):
    """Where it is known at all: whether it may be unknown, another check says."""
    bad = table.loc[table[column] <= 0]
    return bad.empty, f"every {column} is positive, least {table[column].min():.3g}" + _rows(
        ", but not at", bad
    )


def _within(table, column, tolerance):
    bad = table.loc[~(table[column] <= tolerance)]
    return bad.empty, f"{column} at most {tolerance:g}, greatest {table[column].max():.3g}" + _rows(
        ", exceeded at", bad
    )


def _same_images(accuracy):
    """All clean images, and under every perturbation as many of them."""
    is_clean = accuracy["condition"] == CLEAN
    clean, perturbed = (sorted(set(accuracy.loc[own, "n_images"])) for own in (is_clean, ~is_clean))
    same = len(clean) == 1 and len(perturbed) <= 1 and all(n <= clean[0] for n in perturbed)
    holds = accuracy.empty or same
    return holds, (
        "every network has the same number of test images, and as many of them under every "
        f"perturbation: {clean} clean, {perturbed} perturbed"
    )


def _within_budgets(accuracy, limits):
    budgets = {name: one["budget"] for name, one in limits.items() if one["norm"]}
    rows = accuracy[accuracy["condition"].isin(budgets)]
    budget, largest = rows["condition"].map(budgets), rows["largest_norm"]
    greatest = f", the largest at {(largest / budget).max():.4f} of it" if len(rows) else ""
    return (largest <= budget + SLACK).all(), (
        f"every perturbation of {len(budgets)} conditions is within its budget{greatest}"
        + _conditions(", but not at", rows[~(largest <= budget + SLACK)])
    )


def _within_ranges(accuracy, limits):
    rows = accuracy[accuracy["condition"].isin(limits)]
    low, high = (
        rows["condition"].map({name: one[end] for name, one in limits.items()}).astype(float)
        for end in ("low", "high")
    )
    pixels = rows[["lowest_pixel", "highest_pixel"]].astype(float)
    inside = np.isfinite(pixels).all(axis=1)
    inside &= ~(pixels["lowest_pixel"] < low - SLACK) & ~(pixels["highest_pixel"] > high + SLACK)
    found = f", from {pixels.min(axis=None):g} to {pixels.max(axis=None):g}" if len(rows) else ""
    return inside.all(), (
        f"every pixel of {len(limits)} perturbed conditions is finite and within its family's "
        f"range{found}" + _conditions(", but not at", rows[~inside])
    )


def _same_accuracy(accuracy, network, test_accuracy):
    of_clean = (accuracy["network"] == network) & (accuracy["condition"] == CLEAN)
    clean = accuracy.loc[of_clean]
    if clean.empty:
        return False, f"accuracy.csv has no row {CLEAN} of {network}"
    found, n_images = float(clean["accuracy"].iloc[0]), int(clean["n_images"].iloc[0])
    slack = max(1, n_images // 1000)  # another device may round a tie the other way
    return np.rint(abs(found - test_accuracy) * n_images) <= slack, (
        f"clean accuracy {found:.4f} of {network} is its test accuracy {test_accuracy:.4f}, "
        f"to within {slack / n_images:.4f}"
    )


def _accurate(network, test_accuracy, least):
    return test_accuracy >= least, (
        f"test accuracy {test_accuracy:.4f} of {network}, least {least}"
    )


def _certified(table):
    """Certified accuracies are shares of the images, and fall as the radius grows."""
    share = table["certified_accuracy"]
    rises = table.groupby(["network", "sigma"], sort=False)["certified_accuracy"].diff() > 0
    wrong = rises | ((share - table["n_certified"] / table["n_images"]).abs() > SLACK)
    wrong |= (share < 0) | (share > 1 - table["abstained"] + SLACK)
    places = [
        f"{row.network} at sigma {row.sigma:g} and radius {row.radius:g}"
        for row in table[wrong].itertuples()
    ]
    asked = "certified accuracies are shares of the images, and fall as the radius grows"
    return not places, asked + _where(", but not", places)


def _conditions(words, bad):
    return _where(words, list(bad[["network", "condition"]].itertuples(index=False, name=None)))


def _rows(words, bad):
    return _where(words, list(bad[PLACE].drop_duplicates().itertuples(index=False, name=None)))


def _where(words, items):
    if not items:
        return ""
    shown = ", ".join(str(item) for item in items[:5])
    return f"{words}: {shown}" + (f" and {len(items) - 5} more" if len(items) > 5 else "")
