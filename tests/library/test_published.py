"""Published values: as the notes have them, and matched to a run's levels."""

import numpy as np
import pandas as pd
import pytest

from figure_tables import make_accuracy, make_summary, value
from helpers import read_config, read_published
from manifold_robustness.paper.published import (
    COLUMNS,
    compare_published,
    in_pixel_units,
    published_table,
)

CIFAR10 = read_published("gaussian_cifar10")
EXEMPLARS = read_published("exemplar_cifar10")
OURS = [0.0, 0.01, 0.1, 1.0]
LEVELS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0]


def of(quantity, source=""):
    table = published_table(**CIFAR10)
    chosen = (table["quantity"] == quantity) & table["source"].str.contains(source)
    return table[chosen].sort_values("strength")


@pytest.mark.parametrize("published", [CIFAR10, EXEMPLARS])
def test_every_value_has_a_source_and_an_error(published):
    table = published_table(**published)
    assert list(table) == COLUMNS and not table.isna().any(axis=None)
    assert all(source["title"] and source["note"] for source in published["sources"].values())
    assert {entry["source"] for entry in published["values"]} == set(published["sources"])
    assert (table["error"] >= 0).all() and (table["error"] < table["value"] / 5).all()
    assert not table.duplicated(["quantity", "layer", "source", "strength"]).any()


def test_the_paper_s_values_are_of_the_last_layer_with_its_panels_swapped():
    assert set(published_table(**CIFAR10)["layer"]) == {""}
    assert "swapped" in CIFAR10["sources"]["figure_4"]["note"]


def test_exemplars_have_four_measures_in_the_layers_that_the_overlay_analyses():
    table = published_table(**EXEMPLARS)
    layers = read_config("config.cifar10.exemplar.yaml")["activations"]["layers"]
    assert table.groupby("quantity")["layer"].apply(list).to_dict() == dict.fromkeys(
        ("capacity", "center_correlation", "dimension", "radius"), layers
    )
    assert set(table["strength"]) == {0.03137255}  # 8/255
    # To leading order a capacity is that of balls, which is more where they are small.
    values = table.pivot(index="layer", columns="quantity", values="value")
    balls = (1 + values["radius"] ** -2) / values["dimension"]
    assert (values["capacity"] / balls).between(0.2, 1.01).all()
    assert values["capacity"].idxmin() == balls.idxmin() == "conv1"


def test_figure_3_is_moved_by_one_place():
    """The value at a level is printed at the label of the level before it."""
    figure = of("accuracy", "Figure 3")
    assert list(figure["strength"]) == LEVELS
    assert list(figure["value"]) == [0.939] * 5 + [0.7, 0.29, 0.13, 0.105, 0.1, 0.1]
    labels = dict(zip(figure["strength"], figure["label"], strict=True))
    for level, before in zip(LEVELS[5:], LEVELS[4:], strict=False):
        assert float(labels[level]) == before


def test_the_notebook_s_levels_are_variances():
    notebook = of("kept_accuracy")
    printed = notebook["label"].astype(float)
    assert notebook["strength"].to_numpy() == pytest.approx(np.sqrt(printed), rel=1e-6)
    assert notebook["value"].iloc[0] == 1 and len(notebook) == 12


def test_both_sources_of_the_accuracy_agree_where_they_meet():
    """Of the images right when clean, 93.9 % of all; guessing has the other images right too."""
    both = of("accuracy", "3"), of("kept_accuracy")
    figure, notebook = (table.set_index("strength")["value"] for table in both)
    for level in (0.1, 0.5, 1.0):
        assert figure[level] == pytest.approx(0.939 * notebook[level], abs=0.02)


def test_the_last_layer_s_plateau_stands_for_every_level_below():
    for quantity, plateau, strongest in (("capacity", 0.835, 0.15), ("dimension", 2.2, 7)):
        table = of(quantity)
        assert list(table["strength"]) == [0, *LEVELS[:5], 0.05, 0.1, 0.25, 0.5, 1.0]
        assert set(table["value"][:6]) == {plateau} and table["value"].iloc[-1] == strongest


def read(quantity="capacity", strength=0.1, published=0.25, error=0.01, layer=None):
    names = [quantity, layer, "figure", "here", [strength], published, error]
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


@pytest.mark.parametrize(("strength", "level"), [(0.0, 0), (0.01, 1), (0.1, 2), (0.10005, 2)])
def test_ours_is_the_last_layer_s_at_the_same_level(strength, level):
    row = compare(read(strength=strength))
    ours = value("capacity", 2, level)
    assert (row["ours"], row["ours_low"]) == (pytest.approx(ours), pytest.approx(0.98 * ours))
    assert row["difference"] == pytest.approx(ours - 0.25)
    assert (row["published"], row["reading_error"], row["layer"]) == (0.25, 0.01, "fc.1")
    assert row["condition"].startswith("gaussian" if strength else "clean")
    assert row["source"] == "Figure"


@pytest.mark.parametrize("strength", [0.05, 0.1002, 1e-9, 1.0])
def test_ours_is_empty_where_the_run_has_no_such_level(strength):
    row = compare(read(strength=strength))
    assert np.isnan([row["ours"], row["ours_low"], row["ours_high"], row["difference"]]).all()
    assert row["condition"] == ""


@pytest.mark.parametrize("level", [0, 1, 2])
def test_ours_is_that_of_a_named_layer(level):
    strength = (0.0, 0.01, 0.1)[level]
    row = compare(read("center_correlation", strength, layer="input"))
    assert row["layer"] == "input"
    assert row["ours"] == pytest.approx(value("center_correlation", 0, level))


def test_ours_is_empty_where_the_run_has_no_such_layer():
    row = compare(read(layer="layer3"))
    assert row["layer"] == "layer3" and np.isnan(row["ours"]) and row["condition"] == ""


def test_strengths_are_compared_in_pixel_units():
    strengths = np.array([0.0, 1.0, 4.0])
    for name in (None, "standard_deviation", "fraction"):
        assert in_pixel_units(strengths, name).tolist() == [0, 1, 4]
    assert in_pixel_units(strengths, "variance").tolist() == [0, 1, 2]
    assert in_pixel_units(strengths, "levels") == pytest.approx([0, 1 / 255, 4 / 255])
    assert compare(read(strength=0.1 / 255), parameterization="levels")["ours"] > 0


def test_a_grid_of_variances_is_matched_by_its_square_roots():
    row = compare(read(strength=0.31623), parameterization="variance")
    assert row["condition"] == "gaussian/sigma-0.1" and row["strength"] == 0.31623
    assert row["ours"] == pytest.approx(value("capacity", 2, 2))


@pytest.mark.parametrize(("quantity", "ours"), [("accuracy", 0.5), ("kept_accuracy", 0.6)])
def test_accuracies_are_of_the_network(quantity, ours):
    row = compare(read(quantity, published=0.4))
    assert row["ours"] == pytest.approx(ours) and row["layer"] == ""
    assert row["difference"] == pytest.approx(ours - 0.4)


def test_no_row_is_lost():
    published = published_table(**CIFAR10)
    table = compare_published(published, *make_tables(OURS), "standard_deviation")
    assert table["strength"].tolist() == published["strength"].tolist()
    known = table[table["ours"].notna()]
    assert known.groupby("quantity")["strength"].apply(list).to_dict() == {
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
    published = pd.concat([read(strength=0.1), read("accuracy", 0.1)], ignore_index=True)
    table = compare_published(published, *tables, "standard_deviation")
    assert table.columns[0] == "network"
    assert table["network"].tolist() == ["plain"] * 2 + ["robust"] * 2
    assert table["layer"].tolist() == ["fc.1", "", "layer1.0.conv1", ""]
    capacities = value("capacity", 2, 2), 2 * value("capacity", 1, 2)
    assert table["ours"][[0, 2]].tolist() == pytest.approx(capacities)
    assert table["ours"][[1, 3]].tolist() == pytest.approx([0.5, 0.75])
