"""A figure by its name: its inputs read, drawn in one style, its caption put together."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from ..configuration import fill_defaults
from ..declarations import read_declaration
from ..files.csv import of_family, read_table
from ..lineage import Origin
from .about import About
from .reading import StoredFile
from .style import in_style

PER_CONDITION = ("images", "predictions")
OF_MANIFOLDS = {"summary", "geometry", "subsets", "matched"}  # the tables of the geometry
EXEMPLARS = (
    " A manifold is one image here, under M draws of the perturbation, and not a class; a clean "
    "image is a single point, and has no geometry."
)


@in_style
def draw_figure(
    name: str, inputs: Mapping[str, Any], about: About, **options: Any
) -> tuple[Figure, str]:
    """Return a figure, and its caption as reStructuredText.

    Parameters
    ----------
    name
        Of the figure: its file in this folder, without ``.py``.
    inputs
        What the figure's declaration asks for, as :func:`read_inputs` returns it.
    about
        What the figure is of.
    **options
        The figure's settings; those left out have their declared defaults.

    Raises
    ------
    ConfigurationError
        For a name that no figure has, and for an option out of its range.
    DataError
        For a table without the rows or columns that the figure shows.

    Examples
    --------
    >>> history = pd.DataFrame({"epoch": [1], "learning_rate": 0.1, "best": True} | {
    ...     f"{split}_{quantity}": 0.9
    ...     for split in ("train", "validation", "test") for quantity in ("accuracy", "loss")})
    >>> figure, caption = draw_figure("training", {"history": history}, About(), size=[8, 3])
    >>> figure.get_suptitle()
    'Training over 1 epoch'
    """
    declared = read_declaration("figures", name, "figure")
    draw = import_module(f"{__package__}.{name}").draw
    figure, sentences = draw(inputs, about, **fill_defaults(options, declared["options"]))
    exemplars = about.manifolds == "exemplar" and OF_MANIFOLDS & set(declared["inputs"])
    caption = declared["caption"] + (EXEMPLARS if exemplars else "")
    return figure, f"{caption}\n\n{sentences}"


def read_inputs(
    files: Mapping[str, str | Sequence[str]],
    network: str = "",
    family: str = "",
    origins: Sequence[Origin] = (),
) -> dict[str, Any]:
    """Return the inputs of a figure, of one network and one family or all of them.

    Parameters
    ----------
    files
        By name: the path of a table, or ``images`` and ``predictions``, a path per condition.
    network
        Whose rows to keep; empty for those of every network, in their order.
    family
        Whose rows to keep, with those of clean, by strength; empty for all rows as they stand.
    origins
        Of the files per condition, in their order: what they must be of.

    Returns
    -------
    dict
        Tables as DataFrames, files as a dict of condition to
        :class:`~manifold_robustness.figures.reading.StoredFile`.
    """
    inputs = {}
    for name, found in files.items():
        if name in PER_CONDITION:
            inputs[name] = {
                origin.condition: StoredFile(path, origin)
                for path, origin in zip(found, origins, strict=True)
            }
        elif name == "history":  # stands in its network's own folder
            inputs[name] = read_table(found)
        else:
            inputs[name] = select_rows(read_table(found), network, family)
    return inputs


def select_rows(table: pd.DataFrame, network: str = "", family: str = "") -> pd.DataFrame:
    """Return the rows of one network, and of clean and one family by strength.

    Where `network` or `family` is empty, it selects nothing. Rows of one strength keep their order.
    """
    if network:
        table = table[table["network"] == network]
    return of_family(table, family) if family else table
