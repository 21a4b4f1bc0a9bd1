"""CSV files of tables: written whole, read with names as names."""

import pandas as pd

from .atomic import written_beside

NAMES = {"condition": str, "family": str, "layer": str, "layer_label": str, "manifold": str}


def write_table(table, path):
    """Write a table as CSV, whole or not at all; floats to their last digit."""
    with written_beside(path) as partial:
        table.to_csv(partial, index=False)


def read_table(path):
    """Return a table of :func:`write_table`; a class may be named ``NA`` or ``7``."""
    columns = pd.read_csv(path, nrows=0).columns
    empty = {name: [""] for name in columns if name not in NAMES}
    return pd.read_csv(path, dtype=NAMES, keep_default_na=False, na_values=empty)


def of_family(table, family):
    """Return the rows of a table of clean and of one family, by strength.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns ``family`` and ``strength``.
    family : str
    """
    return table[table["family"].isin(["clean", family])].sort_values("strength", kind="stable")
