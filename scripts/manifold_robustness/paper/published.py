"""Published values of an experiment like this one, beside those of a run."""

import numpy as np
import pandas as pd

COLUMNS = ["quantity", "layer", "source", "label", "strength", "value", "error"]
MEASURED = ["capacity", "dimension", "radius", "center_correlation"]  # from the summary
LAST = ""  # the layer of a value that stands for the last one, or for no layer
SAME = 1e-3  # two strengths that differ by less, relatively, are one level
LEVELS_PER_PIXEL_UNIT = 255


def published_table(sources: dict, values: list[dict]) -> pd.DataFrame:
    """Return one row per published value and strength, with `COLUMNS`.

    `source` is the source's title; `strength` is in pixel units, σ or ε; `layer` is `LAST` where
    none is named.

    Parameters
    ----------
    sources : dict of dict
        By key, each with a ``title``.
    values : list of dict
        As ``rules/published`` holds them, with `COLUMNS`: `source` is a key of `sources`,
        `strength` a list of those for which the value stands, `label` the level as it is printed
        at the source, `error` half the width within which the value is known. `layer` may be left
        out.

    Examples
    --------
    >>> read = {"quantity": "dimension", "source": "figure_4", "label": "0 to 0.01",
    ...         "strength": [0, 0.01], "value": 2.2, "error": 0.3}
    >>> published_table({"figure_4": {"title": "Figure 4"}}, [read])[["source", "strength"]].values
    array([['Figure 4', 0.0],
           ['Figure 4', 0.01]], dtype=object)
    """
    table = pd.DataFrame(values, columns=COLUMNS).explode("strength", ignore_index=True)
    table["source"] = [sources[source]["title"] for source in table["source"]]
    table["layer"] = table["layer"].astype(object).fillna(LAST)
    return table.astype({"layer": str, "strength": float, "value": float, "error": float})


def in_pixel_units(strengths: np.ndarray, parameterization: str | None) -> np.ndarray:
    """Return a family's strengths as σ or ε in pixel units.

    Parameters
    ----------
    strengths
    parameterization : {None, "standard_deviation", "variance", "fraction", "levels"}
        The family's option of this name; None where it has none.

    Examples
    --------
    >>> [float(in_pixel_units(np.array(0.25), name)) for name in ("variance", "fraction")]
    [0.5, 0.25]
    >>> float(in_pixel_units(np.array(51.0), "levels"))
    0.2
    """
    if parameterization == "levels":
        return strengths / LEVELS_PER_PIXEL_UNIT
    return np.sqrt(strengths) if parameterization == "variance" else strengths


def compare_published(
    published: pd.DataFrame,
    summary: pd.DataFrame,
    accuracy: pd.DataFrame,
    parameterization: str | None,
) -> pd.DataFrame:
    """Return the published values with ours: each network's accuracies and its layers' geometry.

    Parameters
    ----------
    published
        Of :func:`published_table`.
    summary, accuracy
        The tables of a run: clean and the family of the published values.
    parameterization
        Of the run's strengths, as :func:`in_pixel_units` has it.

    Returns
    -------
    pandas.DataFrame
        One row per network, published value and strength: ``published``, ``reading_error``,
        ``ours`` with its 95 % interval ``ours_low`` and ``ours_high``, and ``difference``, ours
        less the published one. Ours is empty (NaN) where the run has no such level or layer.
    """
    rows = []
    for network, accuracies in accuracy.groupby("network", sort=False):
        own = summary[summary["network"] == network]
        last = own.loc[own["layer_index"].idxmax(), "layer"]
        for row in published.itertuples():
            layer = (row.layer or last) if row.quantity in MEASURED else ""
            table = own[own["layer"] == layer] if layer else accuracies
            rows.append(
                {
                    "network": network,
                    "quantity": row.quantity,
                    "layer": layer,
                    "source": row.source,
                    "label": row.label,
                    "strength": row.strength,
                    "published": row.value,
                    "reading_error": row.error,
                    **_ours(table, row.quantity, row.strength, parameterization),
                }
            )
    table = pd.DataFrame(rows)
    return table.assign(difference=table["ours"] - table["published"])


def _ours(table, quantity, strength, parameterization):
    levels = in_pixel_units(table["strength"].to_numpy(dtype=float), parameterization)
    rows = table[np.isclose(levels, strength, rtol=SAME, atol=0)]
    names = {"ours": quantity, "ours_low": f"{quantity}_low", "ours_high": f"{quantity}_high"}
    if rows.empty:
        return {"condition": "", **dict.fromkeys(names, np.nan)}
    row = rows.iloc[0]
    return {"condition": row["condition"], **{name: row[column] for name, column in names.items()}}
