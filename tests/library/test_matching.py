"""Families at equal accuracy: interpolated, compared and never extrapolated."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from claim_tables import make_accuracy, make_geometry
from manifold_robustness.matching import COLUMNS, crossing, match_families

CLEAN = np.array([1.0, 1.1, 1.3])
LEVELS = [0.0, 0.1, 0.5]
NOISY = {0.1: 1.0, 0.5: 3.0}  # added to clean
COUNTS = [(180, 0), (720, 0)]  # of 900 that are right when clean: .72 and .18 of 1000


def make_family(name, changes, counts=COUNTS, levels=LEVELS):
    geometry, _ = make_geometry(changes, strengths=levels, clean=CLEAN)
    tables = [geometry, make_accuracy(counts, levels)]
    for table in tables:
        noisy = table["strength"] > 0
        table.loc[noisy, "family"] = name
        table.loc[noisy, "condition"] = table["condition"].str.replace("gaussian", name)
    return tables


def joined(*families):
    """The tables of several families: clean stands once."""
    first, *others = families
    parts = zip(first, *[[t[t["strength"] > 0] for t in other] for other in others], strict=True)
    return [pd.concat(tables, ignore_index=True) for tables in parts]


def match(*families, share=0.5, names=("gaussian", "pgd")):
    return match_families(*joined(*families), names, "gaussian", share)


def row(table, family, quantity, layer="fc.1"):
    found = table[(table["family"] == family) & (table["quantity"] == quantity)]
    return found[found["layer"] == layer].iloc[0]


SHARED = {("radius", "fc.1"): NOISY, ("capacity", "fc.1"): {0.1: -0.2, 0.5: -0.6}}
WEIGHT = (0.72 - 0.45) / (0.72 - 0.18)


def test_a_measure_is_interpolated_in_the_accuracy():
    table = match(make_family("gaussian", SHARED), make_family("pgd", SHARED))
    found = row(table, "pgd", "radius")
    assert (found["accuracy"], found["below"], found["above"]) == (0.45, 0.1, 0.5)
    assert found["weight"] == pytest.approx(WEIGHT)
    ends = [CLEAN + NOISY[level] for level in LEVELS[1:]]
    values = (1 - WEIGHT) * ends[0] + WEIGHT * ends[1]
    assert found["value"] == pytest.approx(values.mean())
    slope = 2.0 / (0.72 - 0.18)
    error = slope * np.sqrt(0.45 * 0.55 / 1000) * 1.959964
    spread = student.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
    half = np.hypot(error, spread)
    assert found["value_low"] == pytest.approx(values.mean() - half)
    assert found["value_high"] == pytest.approx(values.mean() + half)
    assert found["n_replicates"] == 3


def test_a_capacity_is_interpolated_as_its_inverse():
    table = match(make_family("gaussian", SHARED), make_family("pgd", SHARED))
    found = row(table, "pgd", "capacity")
    ends = [1 / (CLEAN - change) for change in (0.2, 0.6)]
    inverse = ((1 - WEIGHT) * ends[0] + WEIGHT * ends[1]).mean()
    assert found["value"] == pytest.approx(1 / inverse)
    assert found["value_low"] < found["value"] < found["value_high"]


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, "undecided"), (3.0, "differs"), (0.2, "differs")]
)
def test_families_are_compared_replicate_by_replicate(factor, verdict):
    changed = {("radius", "fc.1"): {level: factor * one for level, one in NOISY.items()}}
    table = match(make_family("gaussian", SHARED), make_family("pgd", changed))
    found, base = row(table, "pgd", "radius"), row(table, "gaussian", "radius")
    assert base["value"] == pytest.approx(found["reference_value"])
    change = 100 * (found["value"] / base["value"] - 1)
    assert found["change_percent"] == pytest.approx(change, abs=1e-9)
    assert found["verdict"] == verdict
    assert found["change_percent_low"] < change < found["change_percent_high"]
    assert pd.isna(base["verdict"]) and pd.isna(base["change_percent"])


def test_a_difference_that_is_sure_to_be_small_is_none():
    """Paired: the replicates themselves lie 15 % apart."""
    tiny = {("radius", "fc.1"): {0.1: 0.001, 0.5: 0.002}}
    table = match(make_family("gaussian", tiny), make_family("pgd", tiny))
    assert row(table, "pgd", "radius")["verdict"] == "same"


def test_a_capacity_s_change_is_that_of_the_capacity():
    low = {("capacity", "fc.1"): {0.1: -0.3, 0.5: -0.7}}
    table = match(make_family("gaussian", SHARED), make_family("pgd", low))
    found, base = row(table, "pgd", "capacity"), row(table, "gaussian", "capacity")
    assert found["change_percent"] == pytest.approx(100 * (found["value"] / base["value"] - 1))
    assert found["change_percent_low"] < found["change_percent"] < found["change_percent_high"]
    wide = {("capacity", "fc.1"): {0.1: [-0.2, -1.0, -1.2], 0.5: [-0.6, 3, -1.2]}}
    found = row(match(make_family("gaussian", SHARED), make_family("pgd", wide)), "pgd", "capacity")
    assert found["change_percent_high"] == np.inf and found["verdict"] == "undecided"


def test_what_never_crosses_the_target_is_named_and_not_extrapolated():
    weak = make_family("pgd", SHARED, [(10, 0), (20, 0)])
    table = match(make_family("gaussian", SHARED), weak)
    (found,) = table[table["family"] == "pgd"].to_dict("records")
    assert found["reason"] == "accuracy stays at or above 88 %, and 45 % is to be crossed"
    assert np.isnan(found["value"]) and found["accuracy"] == 0.45


def test_a_crossing_from_clean_needs_the_geometry_of_clean():
    sudden = make_family("pgd", SHARED, [(800, 0), (850, 0)])
    tables = joined(make_family("gaussian", SHARED), sudden)
    found = match_families(*tables, ["pgd"], "gaussian", 0.5)
    assert set(found["below"]) == {0.0} and found["value"].notna().all()
    tables[0] = tables[0][tables[0]["strength"] > 0]
    (found,) = match_families(*tables, ["pgd"], "gaussian", 0.5).to_dict("records")
    assert found["reason"] == "no geometry at strength 0"


def test_without_the_reference_families_stand_alone():
    tables = joined(make_family("gaussian", SHARED, [(1, 0), (2, 0)]), make_family("pgd", SHARED))
    table = match_families(*tables, ["gaussian", "pgd"], "gaussian", 0.5)
    found = row(table, "pgd", "radius")
    assert found["value"] > 1 and pd.isna(found["verdict"])
    assert list(table) == COLUMNS


def test_the_first_crossing_counts():
    assert crossing(np.array([0.9, 0.4, 0.6, 0.3]), 0.5) == 0
    assert crossing(np.array([0.9, 0.5, 0.3]), 0.5) == 1
    assert crossing(np.array([0.4, 0.3]), 0.5) is None
