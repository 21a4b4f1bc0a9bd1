"""CSV files of tables: written whole, read with names as names.

A spreadsheet takes a cell that begins with one of ``=+-@``, a tab or a line's end for a formula. In
a text that does, or begins with an apostrophe, an apostrophe stands before it; :func:`read_table`
takes it away. Numbers are written as they are.
"""

import csv
from pathlib import Path

import pandas as pd

from ..conditions import CLEAN
from .atomic import written_beside

# Columns of names, however much a name looks like a number or like nothing.
TEXT = (
    "network",
    "network_a",
    "network_b",
    "recipe",
    "condition",
    "family",
    "family_title",
    "layer",
    "layer_a",
    "layer_b",
    "layer_label",
    "manifold",
    "class",
    "theory",
    "reason",
    "reference",
)
NAMES = dict.fromkeys(TEXT, str)
# With their wide forms, which some spreadsheets take for them; and with the apostrophe itself.
MARKED = tuple("=+-@\t\r\n＝＋－＠'")
MARK = "'"


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV, whole or not at all; floats to their last digit.

    In a spreadsheet no name is a formula: see the head of this module.
    """
    with written_beside(path) as partial:
        written = _of_texts(table, _mark)
        # Python before 3.13 leaves a carriage return without quotes, at which a row would end.
        returns = any("\r" in str(value) for name in _texts(written) for value in written[name])
        quoting = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
        written.to_csv(partial, index=False, quoting=quoting)


def read_table(path: str | Path) -> pd.DataFrame:
    """Return a table of :func:`write_table`; a class may be named ``NA``, ``7`` or ``=1+1``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "table.csv"
    >>> write_table(pd.DataFrame({"manifold": ["=1+1", "'quoted'", "cat"], "change": -0.5}), path)
    >>> print(path.read_text())
    manifold,change
    '=1+1,-0.5
    ''quoted',-0.5
    cat,-0.5
    <BLANKLINE>
    >>> read_table(path)["manifold"].tolist()
    ['=1+1', "'quoted'", 'cat']
    """
    columns = pd.read_csv(path, nrows=0).columns
    empty = {name: [""] for name in columns if name not in NAMES}
    table = pd.read_csv(
        path, dtype=NAMES, keep_default_na=False, na_values=empty, skip_blank_lines=False
    )
    return _of_texts(table, _unmark)


def _of_texts(table, change):
    """The table with its texts changed; numbers and what is unknown stay."""
    changed = {
        name: table[name].map(lambda value: change(value) if isinstance(value, str) else value)
        for name in _texts(table)
    }
    return table.assign(**changed)


def _texts(table):
    return table.select_dtypes(include=["object", "str"]).columns


def _mark(text):
    return MARK + text if text.startswith(MARKED) else text


def _unmark(text):
    return text.removeprefix(MARK)


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
