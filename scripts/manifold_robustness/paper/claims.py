"""A verdict on each of the paper's claims, for every family of perturbations, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..collection import average_replicates
from ..conventions import NEGLIGIBLE
from ..files.csv import of_family
from ..intervals import bootstrap_difference, student_interval
from ..names import rst_literal, rst_text
from ..perturbations.gaussian import standard_deviation
from ..seeds import generator

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
NO_CLEAN = "no clean geometry: an exemplar manifold is a single point there"
THRESHOLD = 0.05  # σ of Gaussian noise after which the paper says that the geometry changes
SAMPLE = ["n_manifolds", "n_points", "n_replicates", "n_images"]
MEAN_FIELD, JOINT = "mean field", "joint"


@dataclass(frozen=True)
class Claim:
    """What the paper says: a quantity, and the sign of its change from clean.

    ``theory`` says by which of the two the quantity is measured; the accuracy is by none.
    """

    number: int
    statement: str
    quantity: str
    sign: int
    theory: str = ""


ACCURACY = Claim(1, "Accuracy falls", "accuracy", -1)
GEOMETRY = [
    Claim(2, "Capacity falls", "capacity", -1, MEAN_FIELD),
    Claim(2, "Capacity falls", "joint_capacity", -1, JOINT),
    Claim(3, "Dimension grows", "dimension", 1, MEAN_FIELD),
    Claim(3, "Dimension grows", "joint_dimension", 1, JOINT),
    Claim(4, "Radius grows", "radius", 1, MEAN_FIELD),
    Claim(4, "Radius grows", "joint_radius", 1, JOINT),
    Claim(5, "Center correlation falls", "center_correlation", -1, MEAN_FIELD),
]


@dataclass(frozen=True)
class JudgedFamily:
    """A family of perturbations, as the claims speak of it.

    Attributes
    ----------
    name, title, symbol : str
        As the run names it; in words; of its strength.
    parameterization : {None, "standard_deviation", "variance"}
        Of Gaussian noise, of which the paper has a threshold; None for another family.
    """

    name: str
    title: str
    symbol: str
    parameterization: str | None = None

    @property
    def is_gaussian(self) -> bool:
        """Whether the paper's threshold is of this family."""
        return self.parameterization is not None

    @property
    def unit(self) -> str:
        """The symbol of the strengths that are judged: those of noise are standard deviations."""
        return "σ" if self.is_gaussian else self.symbol

    @property
    def onward(self) -> str:
        """From where on a change of the geometry counts, in words."""
        if self.is_gaussian:
            return f"after σ = {THRESHOLD}"
        return "once accuracy falls"

    def strengths(self, values: np.ndarray) -> np.ndarray:
        """Return strengths in the unit in which they are judged."""
        if self.is_gaussian:
            return standard_deviation(values, self.parameterization)
        return values


@dataclass(frozen=True)
class Series:
    """A quantity against the strength, clean (0) first.

    ``mean`` and ``bounds`` (n, 2) are its values with their own 95 % intervals; ``effects``
    (n - 1, 3) the paired differences from clean at the other levels: mean, low, high. ``unit`` is
    the symbol of the strength.
    """

    strengths: np.ndarray
    mean: np.ndarray
    bounds: np.ndarray
    effects: np.ndarray
    unit: str = "σ"

    def level(self, strength: float) -> str:
        """Return a strength in words."""
        return f"{self.unit} = {strength:.4g}"


def judge_claims(
    geometry: pd.DataFrame,
    summary: pd.DataFrame,
    accuracy: pd.DataFrame,
    families: Sequence[JudgedFamily],
    seed: int,
) -> pd.DataFrame:
    """Return one row per (network, family, claim, theory, layer) with its verdict.

    Of each network and family the accuracy comes first. Claims on capacity, dimension and radius
    are judged by the mean-field theory and, where the run has measured it, by the joint program.
    Where the tables have no clean geometry, they are undecided.

    Parameters
    ----------
    geometry, summary, accuracy
        The tables of :mod:`manifold_robustness.collection`. The networks stand in the order of the
        accuracy's rows.
    families
        Those to judge, in their order.
    seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        Verdict and its reason (:func:`give_verdict`); clean's value, a mean over replicates; the
        paired difference from clean at the strongest level (``effect``) and at the first level
        that counts (``first_effect``), each with its 95 % interval and in % of clean's value;
        Spearman's coefficient of mean value and strength over all levels; :func:`find_onset`; the
        sample. The first level that counts is, for Gaussian noise, the first above the paper's
        σ = 0.05; for another family the first that lowers the accuracy. The accuracy is the
        network's: its ``layer`` is empty.
    """
    rows = []
    for network in dict.fromkeys(accuracy["network"]):
        own = [table[table["network"] == network] for table in (geometry, summary, accuracy)]
        for family in families:
            parts = [of_family(table, family.name) for table in own]
            place = {"network": network, "family": family.name, "family_title": family.title}
            rows += [place | row for row in _judge_family(*parts, family, seed)]
    return pd.DataFrame(rows).astype(dict.fromkeys([*SAMPLE, "layer_index"], "Int64"))


def give_verdict(
    series: Series, sign: int, first: int | None, without: str = "no level that counts"
) -> tuple[str, str]:
    """Return the verdict on a claim, and the reason in words.

    *Holds*: at level `first` and at every stronger one, the interval of the paired difference has
    the claimed `sign` and excludes 0. *Fails*: at the strongest level it excludes 0 with the other
    sign, or lies within ± 5 % of clean's value. *Undecided*: anything else, and where there is
    no `first` level (None) or no interval.
    """
    if first is None:
        return UNDECIDED, without
    low, high = series.effects[:, 1:].T
    claimed, contrary = (low > 0, high < 0) if sign > 0 else (high < 0, low > 0)
    levels, last = series.strengths[1:], series.level(series.strengths[-1])
    if claimed[first:].all():
        return HOLDS, f"{_word(sign)} at every level from {series.level(levels[first])}"
    if contrary[-1]:
        return FAILS, f"{_word(-sign)} at {last}"
    room = NEGLIGIBLE * abs(series.mean[0])
    if -room <= low[-1] and high[-1] <= room:
        return FAILS, f"within ± {100 * NEGLIGIBLE:g} % of clean at {last}"
    if np.isnan(series.effects[first:]).any():
        return UNDECIDED, "no interval: one replicate, or a value is unknown"
    unclear = [series.level(level) for level in levels[first:][~claimed[first:]]]
    return UNDECIDED, f"not shown to {_word(sign).removesuffix('s')} at {', '.join(unclear)}"


def find_onset(series: Series) -> float:
    """Return the least strength from which on every level's own interval is disjoint from clean's.

    NaN where there is none.
    """
    low, high = series.bounds.T
    disjoint = (low[1:] > high[0]) | (high[1:] < low[0])
    lasting = np.logical_and.accumulate(disjoint[::-1])[::-1]
    return float(series.strengths[1:][lasting][0]) if lasting.any() else np.nan


def rank_correlation(strengths: np.ndarray, values: np.ndarray) -> float:
    """Return Spearman's coefficient; NaN for values that are all the same or not all known.

    >>> round(rank_correlation([0, 0.1, 0.5], [3, 2, 1]), 3)
    -1.0
    """
    if np.ptp(values) == 0:
        return np.nan
    return float(np.corrcoef(rankdata(strengths), rankdata(values))[0, 1])


def describe_claims(claims: pd.DataFrame) -> str:
    """Return the verdicts on the accuracy and on the last layer, a sentence per network and family.

    Where a claim is judged by both theories, the joint program's verdict follows in brackets.
    """
    places = claims[["network", "family"]].drop_duplicates()
    several = places["network"].nunique() > 1
    described = []
    for (network, _), own in claims.groupby(["network", "family"], sort=False):
        title = rst_text(own["family_title"].iloc[0])
        of = f"{rst_literal(network)}, {title}" if several else title
        last = own[own["layer_index"] == own["layer_index"].max()]
        described.append(
            f"{of}: {', '.join(verdicts_in_words(own))} (in the last layer, "
            f"{rst_literal(last['layer'].iloc[0])})."
        )
    return "\n\n".join(described)


def verdicts_in_words(claims: pd.DataFrame, mark: str = "") -> list[str]:
    """Return the verdicts on one network under one family: the accuracy and the last layer.

    Parameters
    ----------
    claims
        Its rows of the table of :func:`judge_claims`.
    mark
        Stands before and after each verdict.

    Returns
    -------
    list of str
        As "Capacity falls after σ = 0.05: holds (joint: fails)".
    """
    last = claims[claims["layer_index"].isna() | claims["is_last"]]
    words = []
    for (_, statement), own in last.groupby(["claim", "statement"], sort=False):
        said = own.set_index("theory")["verdict"]
        joint = f" ({JOINT}: {mark}{said[JOINT]}{mark})" if JOINT in said else ""
        words.append(f"{statement}: {mark}{said.drop(JOINT, errors='ignore').iloc[0]}{mark}{joint}")
    return words


def _judge_family(geometry, summary, accuracy, family, seed):
    replicates = average_replicates(geometry)
    accuracy = accuracy.sort_values("strength")
    answers = _accuracy_series(accuracy, family, seed)
    falling = np.flatnonzero(answers.effects[:, 2] < 0)
    falls = falling[0] if falling.size else None
    rows = [_judge_accuracy(answers, falls, accuracy)]
    last = summary["layer_index"].max()
    claims = [claim for claim in GEOMETRY if claim.quantity in summary]
    for (index, layer), own in summary.groupby(["layer_index", "layer"]):
        values = replicates[replicates["layer"] == layer]
        own = own.sort_values("strength")
        rows += [
            _judge_geometry(claim, values, own, family, falls) | {"is_last": index == last}
            for claim in claims
        ]
    return rows


def _accuracy_series(accuracy, family, seed):
    only_clean = accuracy["n_kept"] - accuracy["n_kept_correct"]
    only_noisy = accuracy["n_correct"] - accuracy["n_kept_correct"]
    counts = zip(only_clean, only_noisy, accuracy["n_images"], accuracy["condition"], strict=True)
    effects = [
        bootstrap_difference(lost, gained, n_images, generator(seed, "bootstrap", condition))
        for lost, gained, n_images, condition in counts
    ]
    return Series(
        family.strengths(accuracy["strength"].to_numpy(float)),
        accuracy["accuracy"].to_numpy(),
        accuracy[["accuracy_low", "accuracy_high"]].to_numpy(),
        np.array(effects[1:]),
        family.unit,
    )


def _judge_accuracy(series, falls, accuracy):
    place = {"layer": "", "layer_label": "", "layer_index": None}
    sample = dict.fromkeys(SAMPLE) | {"n_images": accuracy["n_images"].iloc[-1]}
    strongest = len(series.effects) - 1
    verdict = give_verdict(series, ACCURACY.sign, strongest if falls is None else falls)
    statement = f"{ACCURACY.statement} as {series.unit} grows"
    return _row(ACCURACY, statement, series, verdict, falls, place, sample) | {"is_last": False}


def _judge_geometry(claim, replicates, summary, family, falls):
    quantity = claim.quantity
    values = replicates.pivot(index="strength", columns="replicate", values=quantity)
    bounds = summary.set_index("strength")[[f"{quantity}_low", f"{quantity}_high"]]
    is_there = 0 in values.index
    levels = values.index if is_there else [0.0, *values.index]
    values, bounds = values.reindex(levels), bounds.reindex(levels)  # without clean, it is unknown
    strengths = family.strengths(values.index.to_numpy(float))
    values = values.replace([np.inf, -np.inf], np.nan).to_numpy()
    series = Series(
        strengths,
        values.mean(axis=1),
        bounds.to_numpy(),
        np.array([student_interval(level - values[0]) for level in values[1:]]),
        family.unit,
    )
    first, without = falls, "no level lowers the accuracy"
    if not is_there:
        first, without = None, NO_CLEAN
    elif family.is_gaussian:
        above = np.flatnonzero(strengths[1:] > THRESHOLD * (1 + 1e-9))
        first, without = above[0] if above.size else None, f"no level above σ = {THRESHOLD}"
    place = summary.iloc[0]
    sample = {name: place[name] for name in SAMPLE[:3]}
    counted = SAMPLE[:3] if is_there else ["n_manifolds", "n_replicates"]  # a draw is no image
    sample["n_images"] = int(np.prod([sample[name] for name in counted]))
    names = {name: place[name] for name in ("layer", "layer_label", "layer_index")}
    statement = f"{claim.statement} {family.onward}"
    verdict = give_verdict(series, claim.sign, first, without)
    return _row(claim, statement, series, verdict, first, names, sample)


def _row(claim, statement, series, verdict, first, names, sample):
    return {
        "claim": claim.number,
        "theory": claim.theory,
        "statement": statement,
        "quantity": claim.quantity,
        **names,
        **dict(zip(("verdict", "reason"), verdict, strict=True)),
        "unit": series.unit,
        "clean": series.mean[0],
        **_effect("", series, len(series.effects) - 1),
        **_effect("first_", series, first),
        "spearman": rank_correlation(series.strengths, series.mean),
        "onset": find_onset(series),
        **sample,
    }


def _effect(prefix, series, level):
    values = [np.nan] * 4
    if level is not None:
        values = [series.strengths[1 + level], *series.effects[level]]
    names = ["strength", "effect", "effect_low", "effect_high"]
    found = {f"{prefix}{name}": value for name, value in zip(names, values, strict=True)}
    return found | {f"{prefix}change_percent": 100 * values[1] / series.mean[0]}


def _word(sign):
    return "grows" if sign > 0 else "falls"
