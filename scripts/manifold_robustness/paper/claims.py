"""A verdict on each of the paper's claims about Gaussian noise, layer by layer."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..collection import average_replicates
from ..intervals import bootstrap_difference, student_interval
from ..names import rst_literal
from ..perturbations.gaussian import standard_deviation
from ..seeds import generator

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
THRESHOLD = 0.05  # σ after which the paper says that the geometry changes
NEGLIGIBLE = 0.05  # share of clean's value within which a change is none
SAMPLE = ["n_manifolds", "n_points", "n_replicates", "n_images"]


@dataclass(frozen=True)
class Claim:
    """What the paper says: a quantity, and the sign of its change from clean."""

    number: int
    statement: str
    quantity: str
    sign: int


ACCURACY = Claim(1, "Accuracy falls as σ grows", "accuracy", -1)
GEOMETRY = [
    Claim(2, "Capacity falls after σ = 0.05", "capacity", -1),
    Claim(3, "Dimension grows after σ = 0.05", "dimension", 1),
    Claim(4, "Radius grows after σ = 0.05", "radius", 1),
    Claim(5, "Center correlation falls after σ = 0.05", "center_correlation", -1),
]


@dataclass(frozen=True)
class Series:
    """A quantity against σ, clean (σ = 0) first.

    ``mean`` and ``bounds`` (n, 2) are its values with their own 95 % intervals; ``effects``
    (n - 1, 3) the paired differences from clean at the other levels: mean, low, high.
    """

    sigma: np.ndarray
    mean: np.ndarray
    bounds: np.ndarray
    effects: np.ndarray


def judge_claims(
    geometry: pd.DataFrame,
    summary: pd.DataFrame,
    accuracy: pd.DataFrame,
    parameterization: str,
    seed: int,
) -> pd.DataFrame:
    """Return one row per (network, claim, layer), a network's accuracy first, with its verdict.

    Parameters
    ----------
    geometry, summary, accuracy
        The tables of :mod:`manifold_robustness.collection`: clean and Gaussian noise. The networks
        stand in the order of the accuracy's rows.
    parameterization : {"standard_deviation", "variance"}
        Of the strengths; the claims speak of standard deviations.
    seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        Verdict and its reason (:func:`give_verdict`); clean's value, a mean over replicates; the
        paired difference from clean at the strongest level (``effect``) and at the first level
        that counts (``first_effect``), each with its 95 % interval and in % of clean's value;
        Spearman's coefficient of mean value and σ over all levels; :func:`find_onset`; the sample.
        The accuracy is the network's: its ``layer`` is empty.
    """
    replicates, rows = average_replicates(geometry), []
    for network, accuracies in accuracy.groupby("network", sort=False):
        parts = [table[table["network"] == network] for table in (replicates, summary)]
        judged = _judge_network(*parts, accuracies, parameterization, seed)
        rows += [{"network": network} | row for row in judged]
    return pd.DataFrame(rows).astype(dict.fromkeys([*SAMPLE, "layer_index"], "Int64"))


def give_verdict(series: Series, sign: int, first: int | None) -> tuple[str, str]:
    """Return the verdict on a claim, and the reason in words.

    *Holds*: at level `first` and at every stronger one, the interval of the paired difference has
    the claimed `sign` and excludes 0. *Fails*: at the strongest level it excludes 0 with the other
    sign, or lies within ± 5 % of clean's value. *Undecided*: anything else, and where there is
    no `first` level (None) or no interval.
    """
    if first is None:
        return UNDECIDED, f"no level above σ = {THRESHOLD}"
    low, high = series.effects[:, 1:].T
    claimed, contrary = (low > 0, high < 0) if sign > 0 else (high < 0, low > 0)
    sigma, last = series.sigma[1:], _level(series.sigma[-1])
    if claimed[first:].all():
        return HOLDS, f"{_word(sign)} at every level from {_level(sigma[first])}"
    if contrary[-1]:
        return FAILS, f"{_word(-sign)} at {last}"
    room = NEGLIGIBLE * abs(series.mean[0])
    if -room <= low[-1] and high[-1] <= room:
        return FAILS, f"within ± {100 * NEGLIGIBLE:g} % of clean at {last}"
    if np.isnan(series.effects[first:]).any():
        return UNDECIDED, "no interval: one replicate, or a value is unknown"
    unclear = [_level(level) for level in sigma[first:][~claimed[first:]]]
    return UNDECIDED, f"not shown to {_word(sign).removesuffix('s')} at {', '.join(unclear)}"


def find_onset(series: Series) -> float:
    """Return the least σ from which on every level's own interval is disjoint from clean's.

    NaN where there is none.
    """
    low, high = series.bounds.T
    disjoint = (low[1:] > high[0]) | (high[1:] < low[0])
    lasting = np.logical_and.accumulate(disjoint[::-1])[::-1]
    return float(series.sigma[1:][lasting][0]) if lasting.any() else np.nan


def rank_correlation(sigma: np.ndarray, values: np.ndarray) -> float:
    """Return Spearman's coefficient; NaN for values that are all the same or not all known.

    >>> round(rank_correlation([0, 0.1, 0.5], [3, 2, 1]), 3)
    -1.0
    """
    if np.ptp(values) == 0:
        return np.nan
    return float(np.corrcoef(rankdata(sigma), rankdata(values))[0, 1])


def describe_claims(claims: pd.DataFrame) -> str:
    """Return the verdict on the accuracy and those of the last layer, as a sentence each.

    Of several networks, a paragraph for each, with its name before it.
    """
    networks = claims.groupby("network", sort=False)
    described = {network: _describe_network(own) for network, own in networks}
    if len(described) == 1:
        return next(iter(described.values()))
    return "\n\n".join(f"{rst_literal(network)}: {text}" for network, text in described.items())


def _describe_network(claims):
    last = claims[claims["layer_index"] == claims["layer_index"].max()]
    verdicts = ", ".join(f"{row.statement.lower()}: {row.verdict}" for row in last.itertuples())
    first = claims.iloc[0]
    return (
        f"{first['statement']}: {first['verdict']}. In the last layer, "
        f"{rst_literal(last['layer'].iloc[0])}: {verdicts}."
    )


def _judge_network(replicates, summary, accuracy, parameterization, seed):
    rows = [_judge_accuracy(accuracy.sort_values("strength"), parameterization, seed)]
    for (_, layer), own in summary.groupby(["layer_index", "layer"]):
        values = replicates[replicates["layer"] == layer]
        own = own.sort_values("strength")
        rows += [_judge_geometry(claim, values, own, parameterization) for claim in GEOMETRY]
    return rows


def _judge_accuracy(accuracy, parameterization, seed):
    only_clean = accuracy["n_kept"] - accuracy["n_kept_correct"]
    only_noisy = accuracy["n_correct"] - accuracy["n_kept_correct"]
    counts = zip(only_clean, only_noisy, accuracy["n_images"], accuracy["condition"], strict=True)
    effects = [
        bootstrap_difference(lost, gained, n_images, generator(seed, "bootstrap", condition))
        for lost, gained, n_images, condition in counts
    ]
    series = Series(
        standard_deviation(accuracy["strength"].to_numpy(float), parameterization),
        accuracy["accuracy"].to_numpy(),
        accuracy[["accuracy_low", "accuracy_high"]].to_numpy(),
        np.array(effects[1:]),
    )
    falling = np.flatnonzero(series.effects[:, 2] < 0)
    first = falling[0] if falling.size else None
    place = {"layer": "", "layer_label": "", "layer_index": None}
    sample = dict.fromkeys(SAMPLE) | {"n_images": accuracy["n_images"].iloc[0]}
    strongest = len(series.effects) - 1
    verdict = give_verdict(series, ACCURACY.sign, strongest if first is None else first)
    return _row(ACCURACY, series, verdict, first, place, sample)


def _judge_geometry(claim, replicates, summary, parameterization):
    quantity = claim.quantity
    values = replicates.pivot(index="strength", columns="replicate", values=quantity)
    sigma = standard_deviation(values.index.to_numpy(float), parameterization)
    values = values.to_numpy()
    series = Series(
        sigma,
        values.mean(axis=1),
        summary[[f"{quantity}_low", f"{quantity}_high"]].to_numpy(),
        np.array([student_interval(level - values[0]) for level in values[1:]]),
    )
    above = np.flatnonzero(sigma[1:] > THRESHOLD * (1 + 1e-9))
    first = above[0] if above.size else None
    place = summary.iloc[0]
    sample = {name: place[name] for name in SAMPLE[:3]}
    sample["n_images"] = int(np.prod(list(sample.values())))
    names = {name: place[name] for name in ("layer", "layer_label", "layer_index")}
    return _row(claim, series, give_verdict(series, claim.sign, first), first, names, sample)


def _row(claim, series, verdict, first, names, sample):
    return {
        "claim": claim.number,
        "statement": claim.statement,
        "quantity": claim.quantity,
        **names,
        **dict(zip(("verdict", "reason"), verdict, strict=True)),
        "clean": series.mean[0],
        **_effect("", series, len(series.effects) - 1),
        **_effect("first_", series, first),
        "spearman": rank_correlation(series.sigma, series.mean),
        "onset": find_onset(series),
        **sample,
    }


def _effect(prefix, series, level):
    values = [np.nan] * 4
    if level is not None:
        values = [series.sigma[1 + level], *series.effects[level]]
    names = ["sigma", "effect", "effect_low", "effect_high"]
    found = {f"{prefix}{name}": value for name, value in zip(names, values, strict=True)}
    return found | {f"{prefix}change_percent": 100 * values[1] / series.mean[0]}


def _level(sigma):
    return f"σ = {sigma:.4g}"


def _word(sign):
    return "grows" if sign > 0 else "falls"
