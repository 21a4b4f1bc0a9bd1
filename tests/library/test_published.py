"""Published values: as the notes have them, and matched to a run's levels."""

import numpy as np
import pandas as pd
import pytest

from figure_tables import make_accuracy, make_summary, value
from helpers import read_yaml
from manifold_robustness.paper.published import COLUMNS, compare_published, published_table

CIFAR10 = read_yaml("rules/published/gaussian_cifar10.yaml")
OURS = [0.0, 0.01, 0.1, 1.0]
LEVELS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0]


def of(quantity, source=""):
    table = published_table(**CIFAR10)
    chosen = (table["quantity"] == quantity) & table["source"].str.contains(source)
    return table[chosen].sort_values("sigma")


def test_every_value_has_a_source_and_a_reading_error():
    table = published_table(**CIFAR10)
    assert list(table) == COLUMNS and not table.isna().any(axis=None)
    assert all(source["title"] and source["note"] for source in CIFAR10["sources"].values())
    assert {entry["source"] for entry in CIFAR10["values"]} == set(CIFAR10["sources"])
    assert (table["error"] >= 0).all() and (table["error"] < table["value"] / 5).all()
    assert not table.duplicated(["quantity", "source", "sigma"]).any()
    assert "swapped" in CIFAR10["sources"]["figure_4"]["note"]


def test_figure_3_is_moved_by_one_place():
    """The value at a level is printed at the label of the level before it."""
    figure = of("accuracy", "Figure 3")
    assert list(figure["sigma"]) == LEVELS
    assert list(figure["value"]) == [0.939] * 5 + [0.7, 0.29, 0.13, 0.105, 0.1, 0.1]
    labels = dict(zip(figure["sigma"], figure["label"], strict=True))
    for level, before in zip(LEVELS[5:], LEVELS[4:], strict=False):
        assert float(labels[level]) == before


def test_the_notebook_s_levels_are_variances():
    notebook = of("kept_accuracy")
    printed = notebook["label"].astype(float)
    assert notebook["sigma"].to_numpy() == pytest.approx(np.sqrt(printed), rel=1e-6)
    assert notebook["value"].iloc[0] == 1 and len(notebook) == 12


def test_both_sources_of_the_accuracy_agree_where_they_meet():
    """Of the images right when clean, 93.9 % of all; guessing has the other images right too."""
    figure, notebook = (
        of(*which).set_index("sigma")["value"] for which in (("accuracy", "3"), ("kept_accuracy",))
    )
    for level in (0.1, 0.5, 1.0):
        assert figure[level] == pytest.approx(0.939 * notebook[level], abs=0.02)


def test_the_last_layer_s_plateau_stands_for_every_level_below():
    for quantity, plateau, strongest in (("capacity", 0.835, 0.15), ("dimension", 2.2, 7)):
        table = of(quantity)
        assert list(table["sigma"]) == [0, *LEVELS[:5], 0.05, 0.1, 0.25, 0.5, 1.0]
        assert set(table["value"][:6]) == {plateau} and table["value"].iloc[-1] == strongest


def read(quantity="capacity", sigma=0.1, published=0.25, error=0.01):
    names = [quantity, "figure", "here", [sigma], published, error]
    return published_table(
        {"figure": {"title": "Figure"}}, [dict(zip(COLUMNS, names, strict=True))]
    )


def make_tables(levels, network="resnet18"):
    """Return the summary and the accuracy of a network."""
    bounds = {"kept_accuracy_low": np.nan, "kept_accuracy_high": np.nan}
    accuracy = make_accuracy(list(levels)).assign(network=network, **bounds)
    return make_summary(levels=levels).assign(network=network), accuracy


def compare(published, levels=(0.0, 0.01, 0.1), parameterization="standard_deviation"):
    table = compare_published(published, *make_tables(levels), parameterization)
    return table.iloc[0]


@pytest.mark.parametrize(("sigma", "level"), [(0.0, 0), (0.01, 1), (0.1, 2), (0.10005, 2)])
def test_ours_is_the_last_layer_s_at_the_same_level(sigma, level):
    row = compare(read(sigma=sigma))
    ours = value("capacity", 2, level)
    assert (row["ours"], row["ours_low"]) == (pytest.approx(ours), pytest.approx(0.98 * ours))
    assert row["difference"] == pytest.approx(ours - 0.25)
    assert (row["published"], row["reading_error"], row["layer"]) == (0.25, 0.01, "fc.1")
    assert row["source"] == "Figure" and row["condition"].startswith("gaussian" if sigma else "cl")


@pytest.mark.parametrize("sigma", [0.05, 0.1002, 1e-9, 1.0])
def test_ours_is_empty_where_the_run_has_no_such_level(sigma):
    row = compare(read(sigma=sigma))
    assert np.isnan([row["ours"], row["ours_low"], row["ours_high"], row["difference"]]).all()
    assert row["condition"] == ""


def test_a_grid_of_variances_is_matched_by_its_square_roots():
    row = compare(read(sigma=0.31623), parameterization="variance")
    assert row["condition"] == "gaussian/sigma-0.1" and row["sigma"] == 0.31623
    assert row["ours"] == pytest.approx(value("capacity", 2, 2))


@pytest.mark.parametrize(("quantity", "ours"), [("accuracy", 0.5), ("kept_accuracy", 0.6)])
def test_accuracies_are_of_the_network(quantity, ours):
    row = compare(read(quantity, published=0.4))
    assert row["ours"] == pytest.approx(ours) and row["layer"] == ""
    assert row["difference"] == pytest.approx(ours - 0.4)


def test_no_row_is_lost():
    published = published_table(**CIFAR10)
    table = compare_published(published, *make_tables(OURS), "standard_deviation")
    assert len(table) == len(published) and table["sigma"].tolist() == published["sigma"].tolist()
    known = table[table["ours"].notna()]
    assert known.groupby("quantity")["sigma"].apply(list).to_dict() == {
        quantity: [0, 0.01, 0.1, 1]
        for quantity in ("accuracy", "kept_accuracy", "capacity", "dimension")
    }


def test_every_network_stands_beside_the_published_values():
    summary, accuracy = make_tables(OURS, "plain")
    other, better = make_tables(OURS, "robust")
    other, better = other.assign(capacity=2 * other["capacity"]), better.assign(accuracy=0.75)
    # The last layer of this network is another, and of another depth.
    other = other[other["layer"] != "fc.1"]
    tables = pd.concat([summary, other]), pd.concat([accuracy, better])
    published = pd.concat([read(sigma=0.1), read("accuracy", 0.1)], ignore_index=True)
    table = compare_published(published, *tables, "standard_deviation")
    assert table.columns[0] == "network"
    assert table["network"].tolist() == ["plain"] * 2 + ["robust"] * 2
    assert table["layer"].tolist() == ["fc.1", "", "layer1.0.conv1", ""]
    capacities = value("capacity", 2, 2), 2 * value("capacity", 1, 2)
    assert table["ours"][[0, 2]].tolist() == pytest.approx(capacities)
    assert table["ours"][[1, 3]].tolist() == pytest.approx([0.5, 0.75])
