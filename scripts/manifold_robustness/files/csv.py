"""CSV files of tables: written whole, read with names as names."""

from pathlib import Path

import pandas as pd

from ..conditions import CLEAN
from .atomic import written_beside

# Columns of names, however much a name looks like a number or like nothing.
TEXT = (
    "network",
    "network_a",
    "network_b",
    "condition",
    "family",
    "layer",
    "layer_a",
    "layer_b",
    "layer_label",
    "manifold",
)
NAMES = dict.fromkeys(TEXT, str)


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV, whole or not at all; floats to their last digit."""
    with written_beside(path) as partial:
        table.to_csv(partial, index=False)


def read_table(path: str | Path) -> pd.DataFrame:
    """Return a table of :func:`write_table`; a class may be named ``NA`` or ``7``."""
    columns = pd.read_csv(path, nrows=0).columns
    empty = {name: [""] for name in columns if name not in NAMES}
    return pd.read_csv(path, dtype=NAMES, keep_default_na=False, na_values=empty)


def of_family(table: pd.DataFrame, family: str) -> pd.DataFrame:
    """Return the rows of a table of clean and of one family, by strength.

    Parameters
    ----------
    table
        With the columns ``family`` and ``strength``; rows of one strength keep their order.
    family
        As the run names it.
    """
    return table[table["family"].isin([CLEAN, family])].sort_values("strength", kind="stable")
