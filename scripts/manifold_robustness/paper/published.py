"""Published values of an experiment like this one, beside those of a run."""

import numpy as np
import pandas as pd

from ..perturbations.gaussian import standard_deviation

COLUMNS = ["quantity", "source", "label", "sigma", "value", "error"]
MEASURED = ["capacity", "dimension"]  # of the last layer, from the summary
ACCURACIES = ["accuracy", "kept_accuracy"]
SAME = 1e-3  # two σ that differ by less, relatively, are one level


def published_table(sources: dict, values: list[dict]) -> pd.DataFrame:
    """Return one row per published value and σ, with `COLUMNS`; `source` is the source's title.

    Parameters
    ----------
    sources : dict of dict
        By key, each with a ``title``.
    values : list of dict
        As ``rules/published`` holds them, with `COLUMNS`: `source` is a key of `sources`, `sigma` a
        list of the standard deviations for which the value stands, `label` the level as it is
        printed at the source, `error` the reading error.

    Examples
    --------
    >>> read = {"quantity": "dimension", "source": "figure_4", "label": "0 to 0.01",
    ...         "sigma": [0, 0.01], "value": 2.2, "error": 0.3}
    >>> published_table({"figure_4": {"title": "Figure 4"}}, [read])[["source", "sigma"]].values
    array([['Figure 4', 0.0],
           ['Figure 4', 0.01]], dtype=object)
    """
    table = pd.DataFrame(values, columns=COLUMNS).explode("sigma", ignore_index=True)
    table["source"] = [sources[source]["title"] for source in table["source"]]
    return table.astype({"sigma": float, "value": float, "error": float})


def compare_published(
    published: pd.DataFrame, summary: pd.DataFrame, accuracy: pd.DataFrame, parameterization: str
) -> pd.DataFrame:
    """Return the published values with ours: each network's accuracies and last layer's geometry.

    Parameters
    ----------
    published
        Of :func:`published_table`.
    summary, accuracy
        The tables of a run: clean and Gaussian noise.
    parameterization : {"standard_deviation", "variance"}
        Of the run's strengths.

    Returns
    -------
    pandas.DataFrame
        One row per network, published value and σ: ``published``, ``reading_error``, ``ours`` with
        its 95 % interval ``ours_low`` and ``ours_high``, and ``difference``, ours less the
        published one. Ours is empty (NaN) where the run has no such level.
    """
    rows = []
    for network, accuracies in accuracy.groupby("network", sort=False):
        own = summary[summary["network"] == network]
        last = own[own["layer_index"] == own["layer_index"].max()]
        tables = dict.fromkeys(MEASURED, last) | dict.fromkeys(ACCURACIES, accuracies)
        rows += [
            {
                "network": network,
                "quantity": row.quantity,
                "layer": last["layer"].iloc[0] if row.quantity in MEASURED else "",
                "source": row.source,
                "label": row.label,
                "sigma": row.sigma,
                "published": row.value,
                "reading_error": row.error,
                **_ours(tables[row.quantity], row.quantity, row.sigma, parameterization),
            }
            for row in published.itertuples()
        ]
    table = pd.DataFrame(rows)
    return table.assign(difference=table["ours"] - table["published"])


def _ours(table, quantity, sigma, parameterization):
    levels = standard_deviation(table["strength"].to_numpy(dtype=float), parameterization)
    rows = table[np.isclose(levels, sigma, rtol=SAME, atol=0)]
    names = {"ours": quantity, "ours_low": f"{quantity}_low", "ours_high": f"{quantity}_high"}
    if rows.empty:
        return {"condition": "", **dict.fromkeys(names, np.nan)}
    row = rows.iloc[0]
    return {"condition": row["condition"], **{name: row[column] for name, column in names.items()}}
