"""Checked reading of the tables that the figures show."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from manifold_robustness.errors import ConfigurationError, DataError

CLEAN = "clean"
LABELS = {"path": "layer", "reference": "layer_label"}
SUMMARY_COLUMNS = [
    "condition",
    "family",
    "strength",
    "layer",
    "layer_index",
    "layer_label",
    "n_replicates",
    "n_manifolds",
    "n_points",
]


def require(table: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise `DataError` unless `table` has rows and all `columns`."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"The {name} table needs the columns {missing}; it has {list(table)}.")
    if table.empty:
        raise DataError(f"The {name} table needs at least one row; it has none.")


def family(table: pd.DataFrame) -> str:
    """Return the one perturbation family of `table`, or "clean" where it holds nothing else."""
    families = sorted(set(table["family"]) - {CLEAN})
    if len(families) > 1:
        raise DataError(
            f"A figure needs the rows of clean and of one perturbation family; the families here "
            f"are {families}. Select one."
        )
    return families[0] if families else CLEAN


def subject(table: pd.DataFrame) -> str:
    """Return what the images of `table` went through, for a title."""
    name = family(table)
    return "clean images" if name == CLEAN else f"{name} perturbation"


def strengths(table: pd.DataFrame) -> list[float]:
    """Return the strengths of `table` in ascending order: 0, where present, is clean."""
    return sorted(float(value) for value in set(table["strength"]))


def layers(summary: pd.DataFrame, labels: str = "path") -> list[str]:
    """Return the names of the layers in forward order.

    They are the modules' paths (``layer4.1.conv2``) or, with `labels="reference"`, the labels of
    the field's reference extractor (``layer_49_Conv2d``).
    """
    if labels not in LABELS:
        raise ConfigurationError(f"labels needs to be one of {list(LABELS)}; it is {labels!r}.")
    ordered = summary.sort_values("layer_index").drop_duplicates("layer")
    return list(ordered[LABELS[labels]])


def grid(summary: pd.DataFrame, column: str) -> np.ndarray:
    """Return `column` as an array (n_layers, n_strengths), NaN where the table has no row.

    Its order is that of `layers` and of `strengths`.
    """
    table = summary.pivot(index="layer", columns="strength", values=column)
    table = table.reindex(index=layers(summary), columns=strengths(summary))
    return table.to_numpy(dtype=float)


def span(column: pd.Series) -> str:
    """Return the range of a column of whole numbers, such as "3" or "2–3"."""
    low, high = int(column.min()), int(column.max())
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def count(number: int | str, noun: str) -> str:
    """Return "1 layer" or "3 layers"."""
    return f"{number} {noun}{'' if str(number) == '1' else 's'}"


def decimal(value: float) -> str:
    """Return a measure to three digits, such as "1.00", or "unknown"."""
    return f"{value:#.3g}".rstrip(".") if np.isfinite(value) else "unknown"


def sample(summary: pd.DataFrame) -> str:
    """Return what one estimate rests on, such as "P = 10, M = 30, 3 replicates"."""
    return (
        f"P = {span(summary['n_manifolds'])}, M = {span(summary['n_points'])}, "
        f"{count(span(summary['n_replicates']), 'replicate')}"
    )


def limits(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """Return the limits of an axis that shows every value, and the intervals as far as is useful.

    A few replicates can give an interval many times wider than all the values, or an infinite one:
    it runs out of the axis once it exceeds half the range of the values. No measure is negative.
    """
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    bottom, top = values.min(), values.max()
    room = 0.5 * (top - bottom) or 0.5 * abs(top) or 0.5
    bottom = np.nanmin([bottom, *np.clip(low.ravel(), bottom - room, None)])
    top = np.nanmax([top, *np.clip(high.ravel(), None, top + room)])
    margin = 0.05 * (top - bottom) or 0.1 * room
    return max(0.0, float(bottom - margin)), float(top + margin)
