"""Invariants of the finished tables: what must hold whatever the data are."""

import numpy as np

from .errors import VerificationError
from .geometry_files import OPTIONAL
from .tables import PER_MANIFOLD, PER_REPLICATE


def verify_results(
    geometry, summary, accuracy, *, coordinates, expected, tolerance, test_accuracy, min_accuracy
):
    """Return the checks that hold, each with its figures; raise where one does not.

    Parameters
    ----------
    geometry, summary, accuracy : pandas.DataFrame
        The tables of :mod:`manifold_robustness.tables`.
    coordinates : list of (condition, layer)
        What the configuration asks for.
    expected : dict
        ``replicates`` and ``n_manifolds``.
    tolerance : float
        Greatest scaled KKT residual.
    test_accuracy : float
        Of the model, as measured when it was made.
    min_accuracy : float
        That a training must reach.

    Raises
    ------
    VerificationError
        Names every broken invariant with the coordinates that break it.
    """
    checks = [
        _complete(geometry, coordinates, expected),
        _summary_complete(summary, coordinates),
        _accuracy_complete(accuracy, coordinates),
        _finite(geometry, [name for name in PER_MANIFOLD + PER_REPLICATE if name not in OPTIONAL]),
        _positive(geometry, "capacity"),
        *(_within(geometry, f"{kind}_residual", tolerance) for kind in ("primal", "dual", "gap")),
        _same_images(accuracy),
        _same_accuracy(accuracy, test_accuracy),
        (test_accuracy >= min_accuracy, f"test accuracy {test_accuracy:.4f}, least {min_accuracy}"),
    ]
    broken = [message for holds, message in checks if not holds]
    if broken:
        raise VerificationError("; ".join(broken))
    return [message for _, message in checks]


def _complete(geometry, coordinates, expected):
    rows = expected["replicates"] * expected["n_manifolds"]
    keys = ["condition", "layer", "replicate", "manifold"]
    unique = geometry.drop_duplicates(keys)
    counts = unique.groupby(["condition", "layer"]).size()
    short = [key for key in coordinates if counts.get(key, 0) != rows]
    extra = sorted(set(counts.index) - set(coordinates))
    return not short and not extra and len(unique) == len(geometry), (
        f"geometry.csv: {len(coordinates)} (condition, layer) pairs x {rows} rows"
        + _where(", missing or incomplete", short)
        + _where(", not asked for", extra)
        + (", with repeated rows" if len(unique) != len(geometry) else "")
    )


def _summary_complete(summary, coordinates):
    found = list(summary[["condition", "layer"]].itertuples(index=False, name=None))
    return sorted(found) == sorted(coordinates), (
        f"summary.csv: one row per (condition, layer), {len(found)} of {len(coordinates)}"
    )


def _accuracy_complete(accuracy, coordinates):
    wanted = {condition for condition, _ in coordinates}
    missing = sorted(wanted - set(accuracy["condition"]))
    return not missing and len(accuracy) == len(wanted), (
        f"accuracy.csv: one row per condition, {len(accuracy)} of {len(wanted)}"
        + _where(", missing", missing)
    )


def _finite(table, columns):
    bad = table.loc[~np.isfinite(table[columns]).all(axis=1)]
    return bad.empty, "every number of geometry.csv is finite" + _rows(", but not at", bad)


def _positive(table, column):
    bad = table.loc[~(table[column] > 0)]
    return bad.empty, f"every {column} is positive, least {table[column].min():.3g}" + _rows(
        ", but not at", bad
    )


def _within(table, column, tolerance):
    bad = table.loc[~(table[column] <= tolerance)]
    return bad.empty, f"{column} at most {tolerance:g}, greatest {table[column].max():.3g}" + _rows(
        ", exceeded at", bad
    )


def _same_images(accuracy):
    counts = sorted(set(accuracy["n_images"]))
    return len(counts) == 1, f"every condition has the same number of test images: {counts}"


def _same_accuracy(accuracy, test_accuracy):
    clean = accuracy.loc[accuracy["condition"] == "clean"]
    if clean.empty:
        return False, "accuracy.csv has no row clean"
    found, n_images = float(clean["accuracy"].iloc[0]), int(clean["n_images"].iloc[0])
    slack = max(1, n_images // 1000)  # another device may round a tie the other way
    return np.rint(abs(found - test_accuracy) * n_images) <= slack, (
        f"clean accuracy {found:.4f} is the model's test accuracy {test_accuracy:.4f}, "
        f"to within {slack / n_images:.4f}"
    )


def _rows(words, bad):
    return _where(
        words,
        list(bad[["condition", "layer"]].drop_duplicates().itertuples(index=False, name=None)),
    )


def _where(words, items):
    if not items:
        return ""
    shown = ", ".join(str(item) for item in items[:5])
    return f"{words}: {shown}" + (f" and {len(items) - 5} more" if len(items) > 5 else "")
