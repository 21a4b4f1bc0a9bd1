"""Several trainings of one network: what is common to them, and how far they scatter.

An interval over images or replicates holds one network fixed, so that it says nothing of another
training by the same recipe. Of a recipe, only several trainings tell.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .conventions import ARITHMETIC, from_averaging_scale, to_averaging_scale
from .files.geometry import VARIABLES
from .intervals import student_interval, welch_interval

PLACE = ["condition", "family", "strength", "layer", "layer_index"]
QUANTITIES = (
    "capacity",
    "joint_capacity",
    "dimension",
    "radius",
    "center_correlation",
    "readout_accuracy",
)


def compare_trainings(
    summary: pd.DataFrame, accuracy: pd.DataFrame, recipes: Mapping[str, str]
) -> pd.DataFrame:
    """Return one row per (recipe, condition, layer, quantity); the accuracy's has no layer.

    Parameters
    ----------
    summary, accuracy
        The tables of :func:`.summarise_geometry` and :func:`.collect_accuracy`.
    recipes
        By network, the name of the recipe that it is a training of, in the order of the tables. A
        recipe may have one training only.

    Returns
    -------
    pandas.DataFrame
        ``value``, the mean over trainings of each one's value, with ``trainings_low`` and
        ``trainings_high`` (95 %, Student's t over trainings; NaN for one), and ``images_low`` and
        ``images_high``, the ends of the trainings' own intervals over images, averaged.
        ``difference`` is the value less that of the first recipe, with its 95 % interval of
        independent trainings (Welch). The harmonic mean is taken where the quantity has one; a
        difference is that of arithmetic means.
    """
    long = pd.concat([_accuracies(accuracy), *_measures(summary)], ignore_index=True)
    long["recipe"] = long["network"].map(recipes)
    names = list(dict.fromkeys(recipes.values()))
    rows = []
    for key, group in long.groupby([*PLACE, "quantity"], sort=False, dropna=False):
        place = dict(zip([*PLACE, "quantity"], key, strict=True))
        values = {name: group[group["recipe"] == name] for name in names}
        first = values[names[0]]["value"].to_numpy(float)
        for name in names:
            if len(values[name]):
                rows.append({"recipe": name} | place | _row(values[name], place["quantity"], first))
    table = pd.DataFrame(rows)
    table["layer_index"] = table["layer_index"].astype("Int64")
    order = {name: place for place, name in enumerate(names)}
    return table.sort_values("recipe", key=lambda one: one.map(order), kind="stable").reset_index(
        drop=True
    )


def _row(group: pd.DataFrame, quantity: str, first: np.ndarray) -> dict:
    """What the trainings of one recipe say of a quantity, beside those of the first."""
    how = VARIABLES[quantity].summarised if quantity in VARIABLES else ARITHMETIC
    scaled = {
        end: to_averaging_scale(group[end].to_numpy(float), how) for end in ("value", "low", "high")
    }
    value, *over = from_averaging_scale(*student_interval(scaled["value"]), how)
    ends = sorted(float(np.mean(scaled[end])) for end in ("low", "high"))
    _, *images = from_averaging_scale(scaled["value"][0], *ends, how)
    own = group["value"].to_numpy(float)
    difference = welch_interval(first, own) if len(first) else (np.nan,) * 3
    names = ["trainings_low", "trainings_high", "images_low", "images_high"]
    names += ["difference", "difference_low", "difference_high"]
    numbers = dict(zip(names, [*over, *images, *difference], strict=True))
    return {"n_trainings": len(group), "value": value} | numbers


def _accuracies(accuracy: pd.DataFrame) -> pd.DataFrame:
    table = accuracy[["network", "condition", "family", "strength"]].copy()
    table[["layer", "layer_index", "quantity"]] = ["", pd.NA, "accuracy"]
    return table.assign(**_ends(accuracy, "accuracy"))


def _measures(summary: pd.DataFrame) -> list[pd.DataFrame]:
    return [
        summary[["network", *PLACE]].assign(quantity=name, **_ends(summary, name))
        for name in QUANTITIES
        if name in summary
    ]


def _ends(table: pd.DataFrame, name: str) -> dict:
    ends = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
    return {end: table[column].to_numpy(float) for end, column in ends.items()}
