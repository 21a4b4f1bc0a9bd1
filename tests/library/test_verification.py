"""Verification: each invariant, broken once, is caught and named."""

import numpy as np
import pandas as pd
import pytest

from figure_tables import make_certified
from manifold_robustness.collection import (
    COORDINATES,
    PER_MANIFOLD,
    PER_REPLICATE,
    collect_geometry,
    read_measured,
    summarise_geometry,
)
from manifold_robustness.errors import VerificationError
from manifold_robustness.files.geometry import OPTIONAL, VARIABLES
from manifold_robustness.verification import verify_results
from result_files import origin, write

CONDITIONS = {"clean": 0.0, "gaussian/sigma-0.1": 0.1}
LAYERS = {"plain": ["input", "fc.1"], "robust": ["head"]}
PLACES = [
    (network, condition, layer)
    for network, layers in LAYERS.items()
    for condition in CONDITIONS
    for layer in layers
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Geometry, summary and accuracy as they should be."""
    folder, files = tmp_path_factory.mktemp("geometry"), []
    for network, condition, layer in PLACES:
        family, index = condition.partition("/")[0], LAYERS[network].index(layer)
        place = network, condition, family, CONDITIONS[condition], layer, index
        coordinates = dict(zip(COORDINATES, place, strict=True))
        wanted = origin(network, condition, layer)
        path = write(folder / f"{len(files)}.h5", of=wanted)
        files.append((coordinates, wanted.lineage, path))
    geometry = collect_geometry(read_measured(files))
    accuracy = pd.DataFrame(
        {
            "network": ["plain", "plain", "robust", "robust"],
            "condition": [*CONDITIONS, *CONDITIONS],
            "accuracy": [0.95, 0.5, 0.8, 0.7],
            "n_images": 1000,
            "lowest_pixel": [np.nan, 0.0] * 2,
            "highest_pixel": [np.nan, 1.0] * 2,
            "largest_norm": [np.nan, 0.1] * 2,
        }
    )
    return {"geometry": geometry, "summary": summarise_geometry(geometry), "accuracy": accuracy}


LIMITS = {"gaussian/sigma-0.1": {"norm": "l2", "budget": 0.1, "low": 0.0, "high": 1.0}}


def verify(tables, attacks=None, **changes):
    settings = {
        "coordinates": PLACES,
        "expected": {"replicates": 3, "n_manifolds": 2, "n_points": 6},
        "measures": list(VARIABLES),
        "tolerance": 1e-10,
        "test_accuracy": {"plain": 0.95, "robust": 0.8},
        "min_accuracy": {"plain": 0.9, "robust": 0},
        "limits": LIMITS,
    }
    settings = {"attacks": attacks, "certified": None, **settings, **changes}
    return verify_results(**tables, **settings)


def test_certified_accuracies_that_can_t_be_are_named(tables):
    table = make_certified("plain", [0.25]).assign(n_certified=0)
    table["certified_accuracy"] = (200 * table["certified_accuracy"]).round() / 200
    table["n_certified"] = (200 * table["certified_accuracy"]).round().astype(int)
    assert any("certified accuracies" in line for line in verify(tables, certified=table))
    for row, column, wrong in (
        (3, "certified_accuracy", 0.95),
        (0, "n_certified", 100),
        (0, "abstained", 0.5),
    ):
        changed = table.copy()
        changed.loc[row, column] = wrong
        with pytest.raises(VerificationError, match=r"but not: plain at sigma 0\.25 and radius 0"):
            verify(tables, certified=changed)


def refusal(tables, **changes):
    with pytest.raises(VerificationError) as caught:
        verify(tables, **changes)
    return str(caught.value)


def at(table, column, value, row=7):
    """Return a copy of a table with one cell changed (by default of plain, clean, fc.1)."""
    table = table.copy()
    table.loc[row, column] = value
    return table


def test_sound_results_hold(tables):
    checks = verify(tables)
    assert len(checks) == 23 and all(check.startswith("holds: ") for check in checks)
    assert "6 (network, condition, layer) places x 6 rows" in checks[0]


def test_what_holds_is_not_named(tables):
    message = refusal({**tables, "geometry": at(tables["geometry"], "capacity", -1.0)})
    assert "every capacity is positive" in message and ";" not in message


REQUIRED = [name for name in PER_MANIFOLD + PER_REPLICATE if name not in OPTIONAL]


@pytest.mark.parametrize("column", REQUIRED)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_not_finite(tables, column, value):
    geometry = tables["geometry"].astype({column: float})
    message = refusal({**tables, "geometry": at(geometry, column, value)})
    assert (
        "every number of geometry.csv is finite, but not at: ('plain', 'clean', 'fc.1')" in message
    )


def test_a_measure_that_is_optional_may_be_missing(tables):
    geometry = tables["geometry"].astype(dict.fromkeys(OPTIONAL, float))
    for name in OPTIONAL:
        geometry = at(geometry, name, np.nan)
    assert len(OPTIONAL) == 7 and verify({**tables, "geometry": geometry})


def test_a_measure_that_the_run_should_have(tables):
    geometry = tables["geometry"].drop(columns=["radius", "joint_capacity"])
    message = refusal({**tables, "geometry": geometry})
    assert "measures, without: radius, joint_capacity" in message
    off = [name for name in VARIABLES if name not in ("radius", "joint_capacity")]
    assert verify({**tables, "geometry": geometry}, measures=off)


@pytest.mark.parametrize("value", [0.0, -0.1])
def test_a_capacity_that_is_not_positive(tables, value):
    message = refusal({**tables, "geometry": at(tables["geometry"], "capacity", value)})
    assert (
        "positive" in message
        and f"least {value:.3g}, but not at: ('plain', 'clean', 'fc.1')" in message
    )


@pytest.mark.parametrize("kind", ["primal", "dual", "gap"])
def test_a_residual_over_the_tolerance(tables, kind):
    geometry = at(tables["geometry"], f"{kind}_residual", 2e-10, row=14)
    message = refusal({**tables, "geometry": geometry})
    assert f"{kind}_residual at most 1e-10, greatest 2e-10, exceeded at" in message
    assert "('plain', 'gaussian/sigma-0.1', 'input')" in message
    assert verify({**tables, "geometry": geometry}, tolerance=2e-10)


def test_missing_rows(tables):
    geometry = tables["geometry"]
    message = refusal({**tables, "geometry": geometry.drop(7)})
    assert (
        "geometry.csv" in message and "missing or incomplete: ('plain', 'clean', 'fc.1')" in message
    )
    message = refusal({**tables, "geometry": geometry[geometry["layer"] != "input"]})
    assert "incomplete: ('plain', 'clean', 'input'), ('plain', 'gaussian/sigma-0.1'," in message


def test_a_row_in_place_of_another(tables):
    geometry = tables["geometry"].copy()
    geometry.loc[7] = geometry.loc[6]
    message = refusal({**tables, "geometry": geometry})
    assert (
        "missing or incomplete: ('plain', 'clean', 'fc.1')" in message
        and "repeated rows" in message
    )


def test_rows_that_stand_twice_or_were_not_asked_for(tables):
    geometry = tables["geometry"]
    twice = pd.concat([geometry, geometry.iloc[:1]])
    assert "with repeated rows" in refusal({**tables, "geometry": twice})
    extra = pd.concat([geometry, geometry.iloc[:6].assign(layer="conv9")])
    message = refusal({**tables, "geometry": extra})
    assert "not asked for: ('plain', 'clean', 'conv9')" in message


def test_a_summary_that_is_not_complete(tables):
    summary = tables["summary"]
    assert "5 of 6" in refusal({**tables, "summary": summary.iloc[1:]})
    twice = pd.concat([summary.iloc[:5], summary.iloc[:1]])
    assert "summary.csv: one row per" in refusal({**tables, "summary": twice})


def test_an_accuracy_that_is_missing(tables):
    accuracy = tables["accuracy"]
    message = refusal({**tables, "accuracy": accuracy.iloc[[0, 2, 3]]})
    assert "3 of 4, missing: ('plain', 'gaussian/sigma-0.1')" in message
    message = refusal({**tables, "accuracy": accuracy.iloc[[0, 1, 3]]})
    assert "missing: ('robust', 'clean')" in message and "has no row clean of robust" in message
    message = refusal({**tables, "accuracy": at(accuracy, "condition", "other", row=1)})
    assert "4 of 4, missing: ('plain', 'gaussian/sigma-0.1')" in message
    assert "5 of 4" in refusal({**tables, "accuracy": pd.concat([accuracy, accuracy.iloc[:1]])})


@pytest.mark.parametrize(
    ("found", "n_images"), [(0.948, 1000), (0.952, 1000), (0.9, 10), (np.nan, 9)]
)
def test_a_clean_accuracy_that_is_not_the_network_s(tables, found, n_images):
    accuracy = at(tables["accuracy"], "accuracy", found, 0).assign(n_images=n_images)
    known = 0.95 if n_images > 10 else 0.7
    message = refusal(
        {**tables, "accuracy": accuracy}, test_accuracy={"plain": known, "robust": 0.8}
    )
    assert f"clean accuracy {found:.4f} of plain is its test accuracy {known:.4f}" in message
    assert "robust" not in message


def test_one_image_in_a_thousand_may_differ(tables):
    assert verify({**tables, "accuracy": at(tables["accuracy"], "accuracy", 0.951, 0)})


def test_all_that_is_broken_is_told_at_once(tables):
    geometry = at(at(tables["geometry"], "capacity", -1.0), "gap_residual", 1.0)
    test_accuracy = {"plain": 0.92, "robust": 0.8}
    message = refusal({**tables, "geometry": geometry}, test_accuracy=test_accuracy)
    assert message.count("; ") == 2
    assert all(word in message for word in ("positive", "gap_residual", "clean accuracy"))


def test_long_lists_are_cut(tables):
    places = PLACES + [("plain", "clean", f"conv{k}") for k in range(9)]
    message = refusal(tables, coordinates=places)
    assert "conv3'), ('plain', 'clean', 'conv4') and 4 more" in message


def test_clean_may_have_an_accuracy_alone(tables):
    """As of exemplar manifolds; without it, it is missing all the same."""
    noisy = {
        name: tables[name][tables[name]["condition"] != "clean"] for name in ("geometry", "summary")
    }
    places = [one for one in PLACES if one[1] != "clean"]
    checks = verify({**tables, **noisy}, coordinates=places)
    assert "3 (network, condition, layer) places x 6 rows" in checks[0]
    accuracy = tables["accuracy"].iloc[[0, 1, 3]]
    message = refusal({**tables, **noisy, "accuracy": accuracy}, coordinates=places)
    assert "3 of 4, missing: ('robust', 'clean')" in message


def test_a_network_below_its_least_accuracy(tables):
    message = refusal(tables, min_accuracy={"plain": 0.96, "robust": 0.8})
    assert message == "test accuracy 0.9500 of plain, least 0.96"


def test_the_layers_of_one_network_are_not_those_of_another(tables):
    places = [*PLACES, ("robust", "clean", "fc.1")]
    assert "incomplete: ('robust', 'clean', 'fc.1')" in refusal(tables, coordinates=places)


def test_conditions_that_saw_different_test_sets(tables):
    for counts, words in (
        ([1000, 1000, 1000, 990], "[1000] clean, [990, 1000] perturbed"),
        ([1000, 300, 990, 300], "[990, 1000] clean, [300] perturbed"),
        ([300, 1000, 300, 1000], "[300] clean, [1000] perturbed"),
    ):
        accuracy = tables["accuracy"].assign(n_images=counts)
        assert f"every perturbation: {words}" in refusal({**tables, "accuracy": accuracy})
    part = tables["accuracy"].assign(n_images=[1000, 300, 1000, 300])
    assert any(
        "[1000] clean, [300] perturbed" in one for one in verify({**tables, "accuracy": part})
    )


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("largest_norm", 0.1001, "within its budget, the largest at 1.0010 of it, but not at"),
        ("largest_norm", np.nan, "within its budget, the largest at 1.0000 of it, but not at"),
        ("lowest_pixel", -0.01, "finite and within its family's range, from -0.01 to 1, but not"),
        ("highest_pixel", 1.01, "finite and within its family's range, from 0 to 1.01, but not"),
        ("highest_pixel", np.inf, "finite and within its family's range, from 0 to inf, but not"),
        ("lowest_pixel", np.nan, "finite and within its family's range, from 0 to 1, but not at"),
    ],
)
def test_perturbed_images_beyond_what_their_family_declares(tables, column, value, words):
    accuracy = at(tables["accuracy"], column, value, row=3)
    message = refusal({**tables, "accuracy": accuracy})
    assert words in message and ";" not in message
    assert message.endswith("at: ('robust', 'gaussian/sigma-0.1')")


def test_a_family_without_a_budget_or_a_range_may_go_anywhere(tables):
    accuracy = tables["accuracy"].assign(largest_norm=np.nan, lowest_pixel=-9.0, highest_pixel=9.0)
    free = {"norm": None, "budget": 0.1, "low": None, "high": None}
    checks = verify({**tables, "accuracy": accuracy}, limits={"gaussian/sigma-0.1": free})
    assert "holds: every perturbation of 0 conditions is within its budget" in checks
    assert any("range, from -9 to 9" in check for check in checks)
    assert verify({**tables, "accuracy": accuracy}, limits={})


def attacks(verdict):
    verdicts = ["holds", verdict]
    statements = ["a leaves less than b", "c leaves more than d"]
    return pd.DataFrame({"network": "plain", "verdict": verdicts, "statement": statements})


def test_hints_are_told_and_fail_nothing(tables):
    checks = verify(tables, attacks("warns"))
    assert checks[:23] == verify(tables)
    said = ["holds: plain: a leaves less than b", "warns: plain: c leaves more than d"]
    assert checks[23:] == said


def test_attacks_that_are_not_what_they_must_be(tables):
    assert refusal(tables, attacks=attacks("broken")) == "plain: c leaves more than d"
