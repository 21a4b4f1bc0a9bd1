"""Verification: each invariant, broken once, is caught and named."""

import numpy as np
import pandas as pd
import pytest

from manifold_robustness.errors import VerificationError
from manifold_robustness.geometry_files import OPTIONAL
from manifold_robustness.tables import (
    COORDINATES,
    PER_MANIFOLD,
    PER_REPLICATE,
    collect_geometry,
    summarise_geometry,
)
from manifold_robustness.verification import verify_results
from result_files import MADE_WITH, write

CONDITIONS = {"clean": 0.0, "gaussian/sigma-0.1": 0.1}
LAYERS = ["input", "fc.1"]
PAIRS = [(condition, layer) for condition in CONDITIONS for layer in LAYERS]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Geometry, summary and accuracy as they should be."""
    path = write(tmp_path_factory.mktemp("geometry") / "a.h5")
    places = [
        (condition, condition.partition("/")[0], CONDITIONS[condition], layer, LAYERS.index(layer))
        for condition, layer in PAIRS
    ]
    geometry = collect_geometry(
        [(dict(zip(COORDINATES, place, strict=True)), path) for place in places], MADE_WITH
    )
    accuracy = pd.DataFrame(
        {"condition": list(CONDITIONS), "accuracy": [0.95, 0.5], "n_images": 1000}
    )
    return {"geometry": geometry, "summary": summarise_geometry(geometry), "accuracy": accuracy}


def verify(tables, **changes):
    settings = {
        "coordinates": PAIRS,
        "expected": {"replicates": 3, "n_manifolds": 2, "n_points": 6},
        "tolerance": 1e-10,
        "test_accuracy": 0.95,
        "min_accuracy": 0.9,
    }
    return verify_results(**tables, **{**settings, **changes})


def refusal(tables, **changes):
    with pytest.raises(VerificationError) as caught:
        verify(tables, **changes)
    return str(caught.value)


def at(table, column, value, row=7):
    """Return a copy of a table with one cell changed (by default of clean, fc.1)."""
    table = table.copy()
    table.loc[row, column] = value
    return table


def test_sound_results_hold(tables):
    checks = verify(tables)
    assert len(checks) == 11 and all(isinstance(check, str) for check in checks)
    assert "4 (condition, layer) pairs x 6 rows" in checks[0]


def test_what_holds_is_not_named(tables):
    message = refusal({**tables, "geometry": at(tables["geometry"], "capacity", -1.0)})
    assert "every capacity is positive" in message and ";" not in message


REQUIRED = [name for name in PER_MANIFOLD + PER_REPLICATE if name not in OPTIONAL]


@pytest.mark.parametrize("column", REQUIRED)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_not_finite(tables, column, value):
    geometry = tables["geometry"].astype({column: float})
    message = refusal({**tables, "geometry": at(geometry, column, value)})
    assert "every number of geometry.csv is finite, but not at: ('clean', 'fc.1')" in message


def test_a_measure_that_is_optional_may_be_missing(tables):
    geometry = tables["geometry"].astype(dict.fromkeys(OPTIONAL, float))
    for name in OPTIONAL:
        geometry = at(geometry, name, np.nan)
    assert len(OPTIONAL) == 4 and verify({**tables, "geometry": geometry})


@pytest.mark.parametrize("value", [0.0, -0.1])
def test_a_capacity_that_is_not_positive(tables, value):
    message = refusal({**tables, "geometry": at(tables["geometry"], "capacity", value)})
    assert "positive" in message and f"least {value:.3g}, but not at: ('clean', 'fc.1')" in message


@pytest.mark.parametrize("kind", ["primal", "dual", "gap"])
def test_a_residual_over_the_tolerance(tables, kind):
    geometry = at(tables["geometry"], f"{kind}_residual", 2e-10, row=14)
    message = refusal({**tables, "geometry": geometry})
    assert f"{kind}_residual at most 1e-10, greatest 2e-10, exceeded at" in message
    assert "('gaussian/sigma-0.1', 'input')" in message
    assert verify({**tables, "geometry": geometry}, tolerance=2e-10)


def test_missing_rows(tables):
    geometry = tables["geometry"]
    message = refusal({**tables, "geometry": geometry.drop(7)})
    assert "geometry.csv" in message and "missing or incomplete: ('clean', 'fc.1')" in message
    message = refusal({**tables, "geometry": geometry[geometry["layer"] != "input"]})
    assert "missing or incomplete: ('clean', 'input'), ('gaussian/sigma-0.1', 'input')" in message


def test_a_row_in_place_of_another(tables):
    geometry = tables["geometry"].copy()
    geometry.loc[7] = geometry.loc[6]
    message = refusal({**tables, "geometry": geometry})
    assert "missing or incomplete: ('clean', 'fc.1')" in message and "repeated rows" in message


def test_rows_that_stand_twice_or_were_not_asked_for(tables):
    geometry = tables["geometry"]
    twice = pd.concat([geometry, geometry.iloc[:1]])
    assert "with repeated rows" in refusal({**tables, "geometry": twice})
    extra = pd.concat([geometry, geometry.iloc[:6].assign(layer="conv9")])
    message = refusal({**tables, "geometry": extra})
    assert "not asked for: ('clean', 'conv9')" in message


def test_a_summary_that_is_not_complete(tables):
    summary = tables["summary"]
    assert "3 of 4" in refusal({**tables, "summary": summary.iloc[1:]})
    twice = pd.concat([summary.iloc[:3], summary.iloc[:1]])
    assert "summary.csv: one row per" in refusal({**tables, "summary": twice})


def test_an_accuracy_that_is_missing(tables):
    accuracy = tables["accuracy"]
    message = refusal({**tables, "accuracy": accuracy.iloc[:1]})
    assert "1 of 2, missing: gaussian/sigma-0.1" in message
    message = refusal({**tables, "accuracy": accuracy.iloc[1:]})
    assert "missing: clean" in message and "has no row clean" in message
    message = refusal({**tables, "accuracy": at(accuracy, "condition", "other", row=1)})
    assert "2 of 2, missing: gaussian/sigma-0.1" in message
    assert "3 of 2" in refusal({**tables, "accuracy": pd.concat([accuracy, accuracy.iloc[:1]])})


@pytest.mark.parametrize(
    ("found", "n_images"), [(0.948, 1000), (0.952, 1000), (0.9, 10), (np.nan, 9)]
)
def test_a_clean_accuracy_that_is_not_the_model_s(tables, found, n_images):
    accuracy = at(at(tables["accuracy"], "accuracy", found, 0), "n_images", n_images, 0)
    message = refusal(
        {**tables, "accuracy": accuracy}, test_accuracy=0.95 if n_images > 10 else 0.7
    )
    assert f"clean accuracy {found:.4f} is the model's test accuracy 0." in message


def test_one_image_in_a_thousand_may_differ(tables):
    assert verify({**tables, "accuracy": at(tables["accuracy"], "accuracy", 0.951, 0)})


def test_all_that_is_broken_is_told_at_once(tables):
    geometry = at(at(tables["geometry"], "capacity", -1.0), "gap_residual", 1.0)
    message = refusal({**tables, "geometry": geometry}, test_accuracy=0.92)
    assert message.count("; ") == 2
    assert all(word in message for word in ("positive", "gap_residual", "clean accuracy"))


def test_long_lists_are_cut(tables):
    pairs = PAIRS + [("clean", f"conv{k}") for k in range(9)]
    assert "conv3'), ('clean', 'conv4') and 4 more" in refusal(tables, coordinates=pairs)


def test_a_model_below_the_least_accuracy(tables):
    assert "test accuracy 0.9500, least 0.96" in refusal(tables, min_accuracy=0.96)


def test_conditions_that_saw_different_test_sets(tables):
    accuracy = tables["accuracy"].assign(n_images=[1000, 990])
    assert "same number of test images: [990, 1000]" in refusal({**tables, "accuracy": accuracy})
