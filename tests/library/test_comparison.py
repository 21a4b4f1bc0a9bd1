"""Networks side by side: differences and their intervals against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind, ttest_rel

from claim_tables import HOLDING, SIGMAS, condition, make_geometry
from manifold_robustness.comparison import compare_networks
from manifold_robustness.errors import DataError
from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.files.predictions import Predictions
from manifold_robustness.intervals import bootstrap_difference
from manifold_robustness.seeds import generator

STRENGTHS = [SIGMAS[0], SIGMAS[-1]]
CONDITIONS = [condition(strength)[0] for strength in STRENGTHS]
N_IMAGES = 4000
CLEAN_A, CLEAN_B = np.array([1.0, 1.1, 1.3]), np.array([2.0, 2.3, 2.2])


def make_predictions(correct, labels=None, indices=None):
    labels = np.arange(N_IMAGES) % 3 if labels is None else labels
    indices = np.arange(len(labels)) if indices is None else indices
    sums = np.zeros((len(labels), 32), np.uint8)
    return Predictions(np.where(correct, labels, 3), labels, indices, list("abcd"), sums, {})


def correct_images(network, strength):
    """`plain` has the first 3000 images right, `robust` the last 3600; fewer under noise."""
    lost = 2000 if strength else 0
    images = np.arange(N_IMAGES)
    return images < 3000 - lost if network == "plain" else images >= 400 + lost


@pytest.fixture
def predictions():
    return {
        (network, condition(strength)[0]): make_predictions(correct_images(network, strength))
        for network in ("plain", "robust")
        for strength in STRENGTHS
    }


@pytest.fixture
def geometry():
    """Two networks; the last layer of the second is another, and of another depth."""
    plain, _ = make_geometry({}, strengths=STRENGTHS, clean=CLEAN_A)
    changes = {("radius", "head"): HOLDING}
    layers = ("conv", "mid", "head")
    robust, _ = make_geometry(changes, layers, STRENGTHS, clean=CLEAN_B, network="robust")
    return pd.concat([plain.assign(network="plain"), robust], ignore_index=True)


IMAGES = np.arange(24).reshape(3, 4, 2)


def places(*networks, same_images=True):
    """Return the places of the images of every network; of the last one maybe others."""
    found = dict.fromkeys(networks, IMAGES)
    return found if same_images else found | {networks[-1]: IMAGES[::-1]}


def compare(geometry, predictions, same_images=True, seed=1):
    indices = places("plain", "robust", same_images=same_images)
    table = compare_networks(geometry, predictions, indices, seed)
    return table.set_index(["condition", "quantity"])


def test_there_is_a_row_per_pair_condition_and_quantity(geometry, predictions):
    third = {("third", name): predictions["plain", name] for name in CONDITIONS}
    copy = geometry[geometry["network"] == "plain"].assign(network="third")
    table = compare_networks(
        pd.concat([geometry, copy]), {**predictions, **third}, places("plain", "robust", "third"), 1
    )
    pairs = [("plain", "robust"), ("plain", "third"), ("robust", "third")]
    quantities = ["accuracy", "capacity", "joint_capacity", "radius", "dimension"]
    quantities += ["center_correlation", "readout_accuracy"]
    expected = [
        (*pair, name, quantity) for pair in pairs for name in CONDITIONS for quantity in quantities
    ]
    keys = ["network_a", "network_b", "condition", "quantity"]
    assert list(table[keys].itertuples(index=False, name=None)) == expected
    same = table[(table["network_a"] == "plain") & (table["network_b"] == "third")]
    assert (same[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)


@pytest.mark.parametrize(("name", "strength"), list(zip(CONDITIONS, STRENGTHS, strict=True)))
def test_accuracies_are_compared_image_by_image(geometry, predictions, name, strength):
    row = compare(geometry, predictions, same_images=False).loc[name, "accuracy"]
    a, b = (correct_images(network, strength) for network in ("plain", "robust"))
    assert (row["value_a"], row["value_b"]) == (a.mean(), b.mean())
    random = generator(1, "bootstrap", "plain", "robust", name)
    counts = (a & ~b).sum(), (b & ~a).sum()
    expected = bootstrap_difference(*counts, N_IMAGES, random)
    assert tuple(row[["difference", "difference_low", "difference_high"]]) == expected
    assert row["difference"] == pytest.approx(b.mean() - a.mean())
    assert row["paired"] and row["n"] == N_IMAGES and row["layer_a"] == row["layer_b"] == ""


def test_geometry_of_the_same_images_is_paired(geometry, predictions):
    found = compare(geometry, predictions)
    for name, change in zip(CONDITIONS, (0.0, np.array(HOLDING[0.5])), strict=True):
        row, second = found.loc[name, "radius"], CLEAN_B + change
        interval = ttest_rel(second, CLEAN_A).confidence_interval(0.95)
        assert row["value_a"] == pytest.approx(CLEAN_A.mean())
        assert row["value_b"] == pytest.approx(second.mean())
        assert row["difference"] == pytest.approx(second.mean() - CLEAN_A.mean())
        assert row["difference_low"] == pytest.approx(interval.low)
        assert row["difference_high"] == pytest.approx(interval.high)
        assert row["paired"] and row["n"] == 3
        assert (row["layer_a"], row["layer_b"]) == ("fc.1", "head")


def test_geometry_of_other_images_is_not_paired(geometry, predictions):
    row = compare(geometry, predictions, same_images=False).loc["clean", "capacity"]
    interval = ttest_ind(CLEAN_B, CLEAN_A, equal_var=False).confidence_interval(0.95)
    assert row["difference"] == pytest.approx(CLEAN_B.mean() - CLEAN_A.mean())
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(
        (interval.low, interval.high)
    )
    assert not row["paired"]


def test_replicates_are_paired_by_their_number_whatever_the_order(geometry, predictions):
    shuffled = geometry.sample(frac=1, random_state=3)
    expected, found = compare(geometry, predictions), compare(shuffled, predictions)
    columns = ["difference", "difference_low", "difference_high"]
    pd.testing.assert_frame_equal(found.loc[expected.index, columns], expected[columns])


def test_one_replicate_has_no_interval(geometry, predictions):
    for same_images in (True, False):
        row = compare(geometry[geometry["replicate"] == 0], predictions, same_images).loc[
            "clean", "radius"
        ]
        assert row["difference"] == pytest.approx(1.0)
        assert np.isnan([row["difference_low"], row["difference_high"]]).all()


def test_networks_that_were_tested_on_other_images_are_refused(geometry, predictions):
    right = np.ones(N_IMAGES, bool)
    others = [
        make_predictions(right, np.arange(N_IMAGES) % 2),
        make_predictions(right, indices=np.arange(N_IMAGES) + 3),  # of the same classes
    ]
    for other in others:
        with pytest.raises(
            DataError, match=r"same test images\. Got 4000 of plain .* gaussian/sigma"
        ):
            compare(geometry, {**predictions, ("robust", CONDITIONS[-1]): other})


def test_accuracies_on_a_part_of_the_test_images_are_paired(geometry, predictions):
    """The part is the same for both networks; clean accuracies are of all images."""
    part, name = np.arange(0, N_IMAGES, 8), CONDITIONS[-1]
    for network in ("plain", "robust"):
        correct = correct_images(network, STRENGTHS[-1])[part]
        predictions[network, name] = make_predictions(correct, part % 3, part)
    found = compare(geometry, predictions)
    row = found.loc[name, "accuracy"]
    a, b = (correct_images(network, STRENGTHS[-1])[part] for network in ("plain", "robust"))
    counts = (a & ~b).sum(), (b & ~a).sum()
    random = generator(1, "bootstrap", "plain", "robust", name)
    expected = bootstrap_difference(*counts, len(part), random)
    assert tuple(row[["difference", "difference_low", "difference_high"]]) == expected
    assert row["n"] == 500 and found.loc["clean", "accuracy"]["n"] == N_IMAGES


def test_without_clean_geometry_the_clean_accuracies_are_compared(geometry, predictions):
    """As of exemplar manifolds."""
    whole = compare(geometry, predictions)
    found = compare(geometry[geometry["strength"] > 0], predictions)
    assert [quantity for name, quantity in found.index if name == "clean"] == ["accuracy"]
    assert (found["family"].iloc[0], found["strength"].iloc[0]) == ("clean", 0)
    pd.testing.assert_frame_equal(found, whole.loc[found.index])


def test_the_table_survives_its_file(geometry, predictions, tmp_path):
    table = compare_networks(geometry, predictions, places("plain", "robust"), 1)
    write_table(table, tmp_path / "comparison.csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "comparison.csv"), table, check_dtype=False)
