"""The verdicts on the paper's claims, on tables in which each is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr, ttest_rel

from claim_tables import CLEAN, HOLDING, SIGMAS, make_accuracy, make_geometry
from manifold_robustness.collection import summarise_geometry
from manifold_robustness.paper.claims import (
    ACCURACY,
    GEOMETRY,
    NO_CLEAN,
    JudgedFamily,
    Series,
    describe_claims,
    find_onset,
    give_verdict,
    judge_claims,
    rank_correlation,
)

FALLING = [(0, 0), (5, 5), (100, 5), (500, 10)]


NOISE = JudgedFamily("gaussian", "Gaussian noise", "σ", "standard_deviation")
ATTACK = JudgedFamily("gaussian", "An attack", "ε")


def judge(
    changes, counts=FALLING, strengths=SIGMAS, clean=CLEAN, family=NOISE, seed=1, theory=None
):
    """Return the verdicts, by (claim, layer): of the mean-field theory, or of `theory`."""
    geometry, summary = make_geometry(changes, strengths=strengths, clean=clean)
    accuracy = make_accuracy(counts, strengths)
    claims = judge_claims(geometry, summary, accuracy, [family], seed)
    chosen = claims["theory"].isin(["", theory] if theory else ["", "mean field"])
    return claims[chosen].set_index(["claim", "layer"])


def with_sign(changes, sign):
    return {level: sign * np.asarray(change) for level, change in changes.items()}


# The geometry


CASES = {
    "the claimed sign at every level above 0.05": (HOLDING, "holds", "at every level from σ = 0.1"),
    "nor does it matter what is below": (
        {0.01: -0.5, 0.05: -0.5, **HOLDING},
        "holds",
        "at every level from σ = 0.1",
    ),
    "a tiny change that is sure": ({0.1: 0.001, 0.5: 0.002}, "holds", "from σ = 0.1"),
    "the other sign": ({0.1: 0.3, 0.5: [-0.4, -0.5, -0.45]}, "fails", "at σ = 0.5"),
    "no change": ({0.1: 0.3, 0.5: [-0.01, 0.01, 0.0]}, "fails", "within ± 5 % of clean at σ = 0.5"),
    "no change at all": ({}, "fails", "within ± 5 %"),
    "unsure at the strongest": ({0.1: 0.3, 0.5: [-0.5, 0.8, 0.3]}, "undecided", "at σ = 0.5"),
    "unsure before it": ({0.1: [-0.5, 0.8, 0.3], 0.5: 0.5}, "undecided", "at σ = 0.1"),
    "the other sign before it": ({0.1: -0.3, 0.5: 0.5}, "undecided", "at σ = 0.1"),
    "unknown at the strongest": ({0.1: 0.3, 0.5: [0.3, np.nan, 0.3]}, "undecided", "unknown"),
    "unknown before the other sign": ({0.1: np.nan, 0.5: -0.4}, "fails", "at σ = 0.5"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("claim", GEOMETRY, ids=lambda claim: claim.quantity)
def test_verdicts_on_the_geometry(claim, case):
    changes, verdict, reason = CASES[case]
    changed = {(claim.quantity, "fc.1"): with_sign(changes, claim.sign)}
    found = judge(changed, theory=claim.theory)
    row = found.loc[claim.number, "fc.1"]
    assert row["verdict"] == verdict and reason in row["reason"], row["reason"]
    assert found.loc[claim.number, "conv"]["verdict"] == "fails"  # nothing changes there


def test_one_replicate_decides_nothing():
    row = judge({("radius", "fc.1"): HOLDING | {0.5: 0.4}}, clean=CLEAN[:1]).loc[4, "fc.1"]
    assert row["verdict"] == "undecided" and "one replicate" in row["reason"]
    assert row["effect"] == pytest.approx(0.4) and np.isnan(row["effect_low"])


def test_without_a_level_above_the_threshold_nothing_is_decided():
    changes = {("radius", "fc.1"): {0.01: 0.3, 0.05: 0.4}}
    row = judge(changes, FALLING[:2], SIGMAS[:3]).loc[4, "fc.1"]
    assert row["verdict"] == "undecided" and row["reason"] == "no level above σ = 0.05"
    assert np.isnan(row["first_strength"]) and np.isnan(row["first_effect"])
    assert (row["strength"], row["effect"]) == (0.05, pytest.approx(0.4))


@pytest.mark.parametrize("family", [NOISE, ATTACK])
def test_without_clean_geometry_only_the_accuracy_is_judged(family):
    """As of exemplar manifolds, 2 images in each of 3 replicates."""
    geometry, summary = make_geometry({("radius", "fc.1"): HOLDING})
    noisy = [table[table["strength"] > 0] for table in (geometry, summary)]
    claims = judge_claims(*noisy, make_accuracy(FALLING), [family], 1)
    whole = judge_claims(geometry, summary, make_accuracy(FALLING), [family], 1)
    assert len(claims) == len(whole) == 15
    pd.testing.assert_series_equal(claims.iloc[0], whole.iloc[0])
    rest = claims.iloc[1:]
    assert set(rest["verdict"]) == {"undecided"} and set(rest["reason"]) == {NO_CLEAN}
    columns = ["clean", "effect", "effect_low", "first_strength", "first_effect", "spearman"]
    assert rest[[*columns, "change_percent", "onset"]].isna().all(axis=None)
    assert set(rest["strength"]) == {0.5} and set(rest["n_images"]) == {6}


def test_variances_are_compared_by_their_square_roots():
    """So 0.0025 is no level above 0.05, and 0.01 is."""
    strengths = [sigma**2 for sigma in SIGMAS]
    changes = {("radius", "fc.1"): HOLDING}
    squared = {("radius", "fc.1"): {level**2: change for level, change in HOLDING.items()}}
    expected = judge(changes).loc[4, "fc.1"]
    variance = JudgedFamily("gaussian", "Gaussian noise", "σ²", "variance")
    row = judge(squared, strengths=strengths, family=variance).loc[4, "fc.1"]
    assert row["verdict"] == expected["verdict"] == "holds"
    assert row["unit"] == "σ"
    for name in ("strength", "first_strength", "effect", "first_effect_low", "spearman", "onset"):
        assert row[name] == pytest.approx(expected[name], nan_ok=True), name
    as_sigma = judge(squared, strengths=strengths).loc[4, "fc.1"]
    assert as_sigma["first_strength"] == 0.25


@pytest.mark.parametrize("claim", GEOMETRY, ids=lambda claim: claim.quantity)
def test_effects_are_paired_differences_with_their_t_intervals(claim):
    changes = with_sign({0.1: [0.1, 0.3, 0.2], 0.5: [0.4, 0.5, 0.6]}, claim.sign)
    found = judge({(claim.quantity, "conv"): changes}, theory=claim.theory)
    row = found.loc[claim.number, "conv"]
    assert (row["first_strength"], row["strength"]) == (0.1, 0.5)
    for prefix, level in (("first_", 0.1), ("", 0.5)):
        test = ttest_rel(CLEAN + changes[level], CLEAN).confidence_interval(0.95)
        effect = np.mean(changes[level])
        assert row[f"{prefix}effect"] == pytest.approx(effect)
        found = [row[f"{prefix}effect_low"], row[f"{prefix}effect_high"]]
        assert found == pytest.approx([test.low, test.high])
        assert row[f"{prefix}change_percent"] == pytest.approx(100 * effect / CLEAN.mean())
    assert row["clean"] == pytest.approx(CLEAN.mean())
    assert (row["n_manifolds"], row["n_points"], row["n_replicates"], row["n_images"]) == (
        2,
        6,
        3,
        36,
    )


def test_the_rows_of_the_tables_may_stand_in_any_order():
    geometry, summary = make_geometry({("radius", "fc.1"): {0.1: 2.0, 0.5: [2.0, 2.0, 2.1]}})
    tables = geometry, summary, make_accuracy(FALLING)
    expected = judge_claims(*tables, [NOISE], 1)
    shuffled = (table.sample(frac=1, random_state=3) for table in tables)
    pd.testing.assert_frame_equal(judge_claims(*shuffled, [NOISE], 1), expected)
    assert expected["onset"].notna().sum() == 2
    assert list(expected["layer"]) == [""] + ["conv"] * 7 + ["fc.1"] * 7
    assert list(expected["claim"]) == [1] + [2, 2, 3, 3, 4, 4, 5] * 2
    assert list(expected["theory"]) == [""] + (["mean field", "joint"] * 3 + ["mean field"]) * 2
    assert list(expected["is_last"]) == [False] * 8 + [True] * 7


# The accuracy


@pytest.mark.parametrize(
    ("counts", "verdict", "reason", "first"),
    [
        (FALLING, "holds", "falls at every level from σ = 0.1", 0.1),
        ([(100, 0), (110, 0), (120, 0), (130, 0)], "holds", "from σ = 0.01", 0.01),
        ([(0, 0)] * 4, "fails", "within ± 5 % of clean at σ = 0.5", None),
        ([(0, 0), (0, 0), (0, 0), (2, 80)], "fails", "grows at σ = 0.5", None),
        ([(100, 0), (0, 0), (0, 0), (0, 0)], "fails", "within ± 5 %", 0.01),
        ([(100, 0), (50, 50), (100, 0), (200, 0)], "undecided", "at σ = 0.05", 0.01),
        ([(0, 0)] * 3 + [(900, 900)], "undecided", "not shown to fall at σ = 0.5", None),
    ],
)
def test_verdicts_on_the_accuracy(counts, verdict, reason, first):
    n_images = 2000 if counts[-1] == (900, 900) else 1000
    geometry, summary = make_geometry({})
    accuracy = make_accuracy(counts, n_images=n_images)
    row = judge_claims(geometry, summary, accuracy, [NOISE], 1).iloc[0]
    assert row["claim"] == ACCURACY.number and row["layer"] == row["layer_label"] == ""
    assert row["verdict"] == verdict and reason in row["reason"], row["reason"]
    assert row["n_images"] == n_images
    if first is None:  # no level counts
        assert np.isnan(row["first_strength"]) and np.isnan(row["first_effect"])
    else:
        assert row["first_strength"] == first
    assert pd.isna(row["n_points"]) and pd.isna(row["layer_index"])


def test_the_bootstrap_depends_on_seed_and_condition_alone():
    whole = judge({}).loc[(1, ""), "effect_low"]
    part = judge({}, [FALLING[-1]], [0.0, 0.5]).loc[(1, ""), "effect_low"]
    other = judge({}, seed=2).loc[(1, ""), "effect_low"]
    assert np.all(part == whole) and np.all(other != whole)


# Beside the verdict


def series(bounds):
    levels = np.arange(len(bounds)) / 10
    bounds = np.array(bounds, dtype=float)
    return Series(levels, bounds.mean(axis=1), bounds, np.zeros((len(bounds) - 1, 3)))


@pytest.mark.parametrize(
    ("bounds", "onset"),
    [
        ([(1, 2), (1, 2), (3, 4), (5, 6)], 0.2),
        ([(1, 2), (3, 4), (5, 6), (0, 0.5)], 0.1),  # disjoint at either side
        ([(1, 2), (3, 4), (1, 3), (5, 6)], 0.3),  # leaves, returns, leaves
        ([(1, 2), (3, 4), (5, 6), (1, 3)], np.nan),  # returns in the end
        ([(1, 2), (2, 3), (2, 4), (2, 4)], np.nan),  # touches
        ([(1, 2), (3, 4), (np.nan, np.nan), (5, 6)], 0.3),
        ([(np.nan, np.nan), (3, 4), (5, 6), (7, 8)], np.nan),
        ([(1, np.inf), (3, 4), (5, 6), (0.1, 0.5)], 0.3),
    ],
)
def test_the_onset_is_where_the_intervals_part_for_good(bounds, onset):
    assert find_onset(series(bounds)) == pytest.approx(onset, nan_ok=True)


def test_the_onset_is_of_the_summary_s_intervals():
    apart = {0.1: 2.0, 0.5: [2.0, 2.0, 2.1]}
    found = judge({("radius", "fc.1"): {0.05: 0.2, **apart}})
    assert found.loc[(4, "fc.1"), "onset"].item() == 0.1
    assert np.isnan(found.loc[(4, "conv"), "onset"].item())
    assert found.loc[(1, ""), "onset"].item() == 0.1  # of ± 2 % around 0.9, 0.9, 0.805


@pytest.mark.parametrize("values", [[1, 2, 3, 4, 5.0], [3, 1, 1, 0, -1.0], [0, 5, 5, 1, 2.0]])
def test_spearman_s_coefficient(values):
    assert rank_correlation(SIGMAS, values) == pytest.approx(spearmanr(SIGMAS, values).statistic)


@pytest.mark.filterwarnings("error")
def test_spearman_s_coefficient_of_values_without_order():
    assert np.isnan(rank_correlation(SIGMAS, [1.0] * 5))
    assert np.isnan(rank_correlation(SIGMAS, [1, 2, 3, np.nan, 5]))
    assert judge({("radius", "fc.1"): HOLDING}).loc[(4, "fc.1"), "spearman"].item() > 0.8


def test_a_claim_that_holds_is_asked_first():
    tiny = Series(np.array([0, 0.1]), np.ones(2), np.zeros((2, 2)), np.array([[-0.01, -0.02, 0]]))
    assert give_verdict(tiny, -1, 0)[0] == "fails"  # holds 0, but is within 5 %
    tiny.effects[0, 2] = -1e-9
    assert give_verdict(tiny, -1, 0) == ("holds", "falls at every level from σ = 0.1")
    assert give_verdict(tiny, 1, 0) == ("fails", "falls at σ = 0.1")


# Several networks


def tables_of(networks):
    """Return the tables of networks, by name: changes and counts of each."""
    parts = [
        (*make_geometry(changes, network=name), make_accuracy(counts, network=name))
        for name, (changes, counts) in networks.items()
    ]
    return [pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True)]


NETWORKS = {
    "plain": ({("radius", "fc.1"): HOLDING}, FALLING),
    "robust": ({("capacity", "fc.1"): with_sign(HOLDING, -1)}, [(0, 0)] * 4),
}


def test_each_network_is_judged_by_its_own_rows():
    claims = judge_claims(*tables_of(NETWORKS), [NOISE], 1)
    assert claims.columns[0] == "network"
    assert list(claims["network"]) == ["plain"] * 15 + ["robust"] * 15
    for name, (changes, counts) in NETWORKS.items():
        alone = judge(changes, counts).reset_index()
        found = claims[(claims["network"] == name) & (claims["theory"] != "joint")]
        found = found.reset_index(drop=True)
        pd.testing.assert_frame_equal(found[alone.columns].assign(network="resnet18"), alone)


def test_several_networks_in_words():
    claims = judge_claims(*tables_of(NETWORKS), [NOISE], 1)
    first, second = describe_claims(claims).split("\n\n")
    start = "Gaussian noise: Accuracy falls as σ grows"
    assert first.startswith(f"``plain``, {start}: holds, Capacity falls after σ = 0.05: fails (joi")
    assert second.startswith(f"``robust``, {start}: fails, ")
    assert "Radius grows after σ = 0.05: holds (joint: fails)" in first
    assert "Capacity falls after σ = 0.05: holds (joint: fails)" in second


def test_the_claims_in_words():
    geometry, summary = make_geometry({("radius", "fc.1"): HOLDING})
    found = judge_claims(geometry, summary, make_accuracy(FALLING), [NOISE], 1)
    assert describe_claims(found) == (
        "Gaussian noise: Accuracy falls as σ grows: holds, Capacity falls after σ = 0.05: fails "
        "(joint: fails), Dimension grows after σ = 0.05: fails (joint: fails), Radius grows after "
        "σ = 0.05: holds (joint: fails), Center correlation falls after σ = 0.05: fails (in the "
        "last layer, ``fc.1``)."
    )


# Several families


def test_what_counts_of_an_attack_begins_where_the_accuracy_falls():
    changes = {("radius", "fc.1"): {0.01: -0.5, 0.05: -0.5, **HOLDING}}
    row = judge(changes, family=ATTACK).loc[4, "fc.1"]
    assert row["statement"] == "Radius grows once accuracy falls" and row["unit"] == "ε"
    assert row["verdict"] == "holds" and row["reason"] == "grows at every level from ε = 0.1"
    assert row["first_strength"] == 0.1
    early = [(100, 0), (110, 0), (120, 0), (130, 0)]
    row = judge(changes, early, family=ATTACK).loc[4, "fc.1"]
    assert row["verdict"] == "undecided" and row["first_strength"] == 0.01
    row = judge(changes, [(0, 0)] * 4, family=ATTACK).loc[4, "fc.1"]
    assert (row["verdict"], row["reason"]) == ("undecided", "no level lowers the accuracy")


def test_each_family_is_judged_by_its_own_rows_and_clean():
    tables = [*make_geometry({("radius", "fc.1"): HOLDING}), make_accuracy(FALLING)]
    clean = SIGMAS[:1] + SIGMAS[3:]
    other = [
        *make_geometry({("radius", "fc.1"): with_sign(HOLDING, -1)}, strengths=clean),
        make_accuracy(FALLING[2:], clean),
    ]
    joined = []
    for table, added in zip(tables, other, strict=True):
        added = added[added["strength"] > 0].assign(family="pgd")
        added["condition"] = added["condition"].str.replace("gaussian", "pgd")
        joined.append(pd.concat([table, added], ignore_index=True))
    attack = JudgedFamily("pgd", "PGD", "ε")
    claims = judge_claims(*joined, [NOISE, attack], 1)
    radius = claims[claims["quantity"] == "radius"].set_index(["family", "layer"])["verdict"]
    assert radius["gaussian", "fc.1"] == "holds" and radius["pgd", "fc.1"] == "fails"
    assert list(dict.fromkeys(claims["family_title"])) == ["Gaussian noise", "PGD"]
    alone = judge_claims(*tables, [NOISE], 1)
    pd.testing.assert_frame_equal(claims[claims["family"] == "gaussian"], alone)


def test_a_run_without_the_joint_program_is_judged_by_the_theory_alone():
    joint = [name for name in make_geometry({})[0] if name.startswith("joint_")]
    geometry = make_geometry({})[0].drop(columns=joint)
    claims = judge_claims(
        geometry, summarise_geometry(geometry), make_accuracy(FALLING), [NOISE], 1
    )
    assert set(claims["theory"]) == {"", "mean field"} and len(claims) == 9
    assert "joint" not in describe_claims(claims)


def test_an_infinite_radius_is_unknown():
    clean = np.array([1.0, np.inf, 1.3])
    row = judge({}, clean=clean, theory="joint").loc[4, "fc.1"]
    assert row["verdict"] == "undecided" and "unknown" in row["reason"]
