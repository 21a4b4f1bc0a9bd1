"""Checked reading of the tables that the figures show, and their numbers as words."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import ConfigurationError, DataError
from ..lineage import Origin
from .measures import Measure

LAST = "last"
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
ACCURACY_COLUMNS = [
    "condition",
    "family",
    "strength",
    "n_classes",
    "n_images",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
]


@dataclass(frozen=True)
class StoredFile:
    """A file of one condition, read where it is shown, and the origin that it must be of."""

    path: str | Path
    wanted: Origin


def require_rows(
    table: pd.DataFrame, columns: Iterable[str], name: str, *, several: bool = False
) -> None:
    """Raise `DataError` unless `table` has rows and all `columns`.

    They must be of one family at most, but where `several` may be there.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"Need a table {name} with the columns {missing}. Got {list(table)}.")
    if table.empty:
        raise DataError(f"Need at least one row in the table {name}. Got none.")
    if "family" in table.columns and not several:
        families = sorted(set(table.loc[table["strength"] > 0, "family"]))
        if len(families) > 1:
            raise DataError(
                f"Need rows of clean and of one perturbation family in the table {name}. Got the "
                f"families {families}; select one of them."
            )


def with_interval(columns: Iterable[str]) -> list[str]:
    """Return each column with those of its interval.

    >>> with_interval(["radius"])
    ['radius', 'radius_low', 'radius_high']
    """
    return [column + end for column in columns for end in ("", "_low", "_high")]


def require_summary(
    summary: pd.DataFrame, shown: Iterable[Measure], *, several: bool = False
) -> None:
    """Raise `DataError` unless `summary` has rows with the measures `shown` and their intervals.

    `several`: whether they may be of several families.
    """
    columns = with_interval(measure.column for measure in shown)
    require_rows(summary, [*SUMMARY_COLUMNS, *columns], "summary", several=several)


def require_accuracies(
    summary: pd.DataFrame, accuracy: pd.DataFrame, *, several: bool = False
) -> None:
    """Raise `DataError` unless `accuracy` has a row for every condition of `summary`.

    `several`: whether they may be of several families.
    """
    require_rows(accuracy, ACCURACY_COLUMNS, "accuracy", several=several)
    unknown = sorted(set(summary["condition"]) - set(accuracy["condition"]))
    if unknown:
        raise DataError(
            f"Need every condition of the table summary in the table accuracy. Got none of "
            f"{unknown}."
        )


def strengths(table: pd.DataFrame) -> list[float]:
    """Return the strengths of `table` in ascending order: 0, where present, is clean."""
    return sorted(float(value) for value in set(table["strength"]))


def layers(summary: pd.DataFrame, labels: str = "path") -> list[str]:
    """Return the names of the layers in forward order.

    They are the modules' paths (``layer4.1.conv2``) or, with `labels="reference"`, the labels of
    the field's reference extractor (``layer_49_Conv2d``).
    """
    if labels not in LABELS:
        raise ConfigurationError(f"Need labels out of {', '.join(LABELS)}. Got {labels!r}.")
    ordered = summary.sort_values("layer_index").drop_duplicates("layer")
    return list(ordered[LABELS[labels]])


def choose_layer(table: pd.DataFrame, layer: str) -> str:
    """Return the path of a layer of `table`, of its last one for ``last``.

    Raises
    ------
    ConfigurationError
        For a layer that the table does not have.
    """
    paths = layers(table)
    if layer not in (LAST, *paths):
        raise ConfigurationError(f"Need a layer out of {paths}, or {LAST}. Got {layer!r}.")
    return paths[-1] if layer == LAST else layer


def last_layer(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the last layer, by strength."""
    last = summary[summary["layer_index"] == summary["layer_index"].max()]
    return last.sort_values("strength").reset_index(drop=True)


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


def evaluated(accuracy: pd.DataFrame) -> str:
    """Return how many test images accuracies are of, in words: perturbed ones may be fewer.

    >>> evaluated(pd.DataFrame({"strength": [0, 0.1], "n_images": [1000, 1000]}))
    '1,000 images'
    >>> evaluated(pd.DataFrame({"strength": [0, 0.1], "n_images": [1000, 300]}))
    '1,000 images when clean and 300 of them when perturbed'
    """
    clean = accuracy["strength"] == 0
    numbers = [span(part["n_images"]) for part in (accuracy[clean], accuracy[~clean]) if len(part)]
    if len(set(numbers)) == 1:
        return count(numbers[0], "image")
    return f"{numbers[0]} images when clean and {numbers[1]} of them when perturbed"


def count(number: int | str, noun: str) -> str:
    """Return "1 layer" or "3 layers"."""
    return f"{number} {noun}{'' if str(number) == '1' else 's'}"


def decimal(value: float) -> str:
    """Return a measure to three digits, such as "1.00", or "infinite" or "unknown"."""
    if np.isposinf(value):
        return "infinite"
    return f"{value:#.3g}".rstrip(".") if np.isfinite(value) else "unknown"


def sample(summary: pd.DataFrame) -> str:
    """Return what one estimate rests on, such as "P = 10, M = 30, 3 replicates"."""
    return (
        f"P = {span(summary['n_manifolds'])}, M = {span(summary['n_points'])}, "
        f"{count(span(summary['n_replicates']), 'replicate')}"
    )


def limits(
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    least: float = 0,
    greatest: float = np.inf,
) -> tuple[float, float]:
    """Return the limits of an axis that shows every value, and the intervals as far as is useful.

    A few replicates can give an interval many times wider than all the values, or an infinite one:
    it runs out of the axis once it exceeds half the range of the values. `least` is the least value
    that the measure can have, and the axis does not go below it: few measures can be negative. Nor
    does it go beyond `greatest`, of a measure that has such a value.

    >>> limits(np.array([90.0]), np.array([60.0]), np.array([120.0]), greatest=104)
    (57.0, 104)
    """
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    bottom, top = values.min(), values.max()
    room = 0.5 * (top - bottom) or 0.5 * abs(top) or 0.5
    bottom = np.nanmin([bottom, *np.clip(low.ravel(), bottom - room, None)])
    top = np.nanmax([top, *np.clip(high.ravel(), None, top + room)])
    margin = 0.05 * (top - bottom) or 0.1 * room
    return max(least, float(bottom - margin)), min(greatest, float(top + margin))
