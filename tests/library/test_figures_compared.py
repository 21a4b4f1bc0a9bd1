"""The figures that compare the networks of a run: a line for each."""

import numpy as np
import pandas as pd
import pytest

from figure_tables import (
    LAYERS,
    LEVELS,
    about,
    draw,
    make_accuracy,
    make_summary,
    value,
    visible_text,
)
from manifold_robustness.declarations import read_declaration
from manifold_robustness.errors import DataError
from manifold_robustness.figures import style
from manifold_robustness.figures.strengths import log_places

NETWORKS = ["zeta", "alpha", "$mid_$"]  # in the order of the configuration, not of the alphabet
LAST = {"zeta": LAYERS, "alpha": LAYERS[:2], "$mid_$": LAYERS}


@pytest.fixture
def accuracy():
    tables = [make_accuracy(network=name, loss=0.08 * (i + 1)) for i, name in enumerate(NETWORKS)]
    return pd.concat(tables).sort_values("strength", kind="stable")


@pytest.fixture
def summary():
    return pd.concat(make_summary(LAST[name], network=name) for name in NETWORKS)


def lines(axes):
    """The lines of a panel by network: the values at clean and at the other strengths."""
    drawn, clean = {}, None
    for line in axes.lines:
        if line.get_label() in NETWORKS:
            drawn[line.get_label()] = clean, line
        clean = line
    return drawn


def bars(axes):
    """The ends of the intervals of each network."""
    return [np.array(bar.get_segments())[:, :, 1] for bar in axes.collections]


@pytest.mark.parametrize("count", [2, 15])
def test_marks_of_many_networks_stay_within_the_axes(count):
    names = [f"network-{i}" for i in range(count)]
    levels = [0.0, 0.05, 0.1]
    tables = [make_accuracy(levels, network=name) for name in names]
    figure, _ = draw("compared_accuracy", accuracy=pd.concat(tables))
    (axes,) = figure.axes
    left, right = axes.get_xlim()
    bars = [np.array(bar.get_segments())[:, 0, 0] for bar in axes.collections]
    assert len(bars) == count
    places = np.concatenate(bars)
    assert left < places.min() and places.max() < right
    assert len(np.unique(places.round(9))) >= count * len(levels)  # apart from each other


def test_every_network_has_a_line_of_its_accuracies(accuracy):
    figure, text = draw("compared_accuracy", accuracy=accuracy)
    (axes,) = figure.axes
    drawn = lines(axes)
    assert list(drawn) == NETWORKS
    for i, (clean, line) in enumerate(drawn.values()):
        values = 90 - 8 * (i + 1) * np.arange(4)
        assert clean.get_ydata() == pytest.approx(values[:1])
        assert line.get_ydata() == pytest.approx(values[1:])
        assert line.get_xdata() == pytest.approx(log_places(LEVELS)[1:], abs=0.1)
        assert bars(axes)[i] == pytest.approx(np.column_stack([values - 3, values + 3]))
        assert clean.get_color() == line.get_color() and clean.get_marker() == line.get_marker()
    legend = [entry.get_text() for entry in axes.get_legend().get_texts()]
    assert legend == [*NETWORKS, "chance: 10 %"]
    assert figure.get_suptitle() == (
        "Gaussian noise: accuracy of each network against σ (1,000 images)"
    )
    assert text == (
        "Accuracy on 1,000 images, from clean to σ = 1: ``zeta`` 90.00 % → 66.00 %, ``alpha`` "
        "90.00 % → 42.00 %, :literal:`\\$mid\\_\\$` 90.00 % → 18.00 %."
    )


def test_every_network_has_a_line_of_its_own_last_layer_s_capacity(summary):
    figure, text = draw("compared_capacity", summary=summary)
    (axes,) = figure.axes
    drawn = lines(axes)
    assert list(drawn) == NETWORKS
    for i, (name, (clean, line)) in enumerate(drawn.items()):
        values = np.array([value("capacity", len(LAST[name]) - 1, j) for j in range(4)])
        assert clean.get_ydata() == pytest.approx(values[:1])
        assert line.get_ydata() == pytest.approx(values[1:])
        assert bars(axes)[i] == pytest.approx(np.column_stack([0.98 * values, 1.02 * values]))
    assert [entry.get_text() for entry in axes.get_legend().get_texts()] == NETWORKS
    assert " ".join(figure.get_suptitle().split()) == (
        "Gaussian noise: capacity of each network's last layer against σ "
        "(P = 10, M = 30, 3 replicates)"
    )
    assert text == (
        "Capacity of the last layer, from clean to σ = 1: ``zeta`` (``fc.1``) 0.300 → 0.330, "
        "``alpha`` (``layer1.0.conv1``) 0.200 → 0.230, "
        ":literal:`\\$mid\\_\\$` (``fc.1``) 0.300 → 0.330 "
        "(P = 10, M = 30, 3 replicates)."
    )


def test_networks_differ_by_colour_mark_and_dashes(accuracy):
    names = [f"network{i}" for i in range(8)]
    table = pd.concat(make_accuracy(network=name) for name in names)
    figure, _ = draw("compared_accuracy", accuracy=table)
    drawn = [line for line in figure.axes[0].lines if line.get_label() in names]
    for look in ("get_color", "get_marker", "_dash_pattern"):
        looks = {
            str(getattr(line, look)) if look[0] == "_" else getattr(line, look)() for line in drawn
        }
        assert len(looks) == 8, look


def test_more_networks_than_colours_differ_all_the_same():
    names = [f"network{i}" for i in range(20)]
    table = pd.concat(make_accuracy(network=name) for name in names)
    figure, _ = draw("compared_accuracy", accuracy=table)
    drawn = [line for line in figure.axes[0].lines if line.get_label() in names]
    assert len({(line.get_color(), line.get_marker()) for line in drawn}) == 20


@pytest.mark.parametrize(("recipes", "trainings"), [(1, 10), (9, 2), (5, 3)])
def test_trainings_of_many_recipes_or_many_of_one_differ(recipes, trainings):
    kinds = {f"r{i}-{k}": f"r{i}" for i in range(recipes) for k in range(trainings)}
    table = pd.concat(make_accuracy(network=name) for name in kinds)
    figure, _ = draw("compared_accuracy", about(recipes=kinds), accuracy=table)
    drawn = [line for line in figure.axes[0].lines if line.get_label() in kinds]
    looks = {(line.get_color(), line.get_marker(), str(line._dash_pattern)) for line in drawn}
    assert len(looks) == len(drawn) == recipes * trainings
    colours = {kinds[line.get_label()]: line.get_color() for line in drawn}
    assert all(line.get_color() == colours[kinds[line.get_label()]] for line in drawn)


@pytest.mark.parametrize("name", ["compared_accuracy", "compared_capacity"])
def test_trainings_by_one_recipe_have_its_colour_and_marks_of_their_own(name, accuracy, summary):
    recipes = {"zeta": "first", "alpha": "second", "$mid_$": "first"}
    given = {"accuracy": accuracy, "summary": summary}
    (needed,) = read_declaration("figures", name, "figure")["inputs"]
    figure, text = draw(name, about(recipes=recipes), **{needed: given[needed]})
    first, second, third = (line for _, line in lines(figure.axes[0]).values())
    assert first.get_color() == third.get_color() != second.get_color()
    assert first.get_linestyle() == third.get_linestyle() == "-" != second.get_linestyle()
    assert first.get_marker() != third.get_marker()
    said = "Trainings by the same recipe have the same colour."
    assert said in text and said not in draw(name, **{needed: given[needed]})[1]


def test_marks_of_one_strength_stand_apart_but_nearer_than_the_next(accuracy):
    figure, _ = draw("compared_accuracy", accuracy=accuracy)
    places = np.array([line.get_xdata() for _, line in lines(figure.axes[0]).values()])
    assert (np.diff(places, axis=0) > 0).all()
    assert np.ptp(places, axis=0).max() < np.diff(log_places(LEVELS)).min()
    assert places.mean(axis=0) == pytest.approx(log_places(LEVELS)[1:])


def test_the_key_stands_beside_the_axes_and_below_the_title(accuracy):
    names = {"zeta": "torchvision_convnext_tiny_imagenet_fine_tuned_with_noise"}
    figure, _ = draw("compared_accuracy", accuracy=accuracy.replace({"network": names}))
    figure.draw_without_rendering()
    key, (axes,) = figure.axes[0].get_legend().get_window_extent(), figure.axes
    assert key.x0 > axes.get_window_extent().x1 and key.x1 <= figure.bbox.x1
    assert not key.overlaps(figure._suptitle.get_window_extent())


@pytest.mark.filterwarnings("error")
def test_a_network_without_a_condition_and_infinite_intervals_are_drawn(summary, tmp_path):
    last = (summary["network"] == "zeta") & (summary["layer"] == "fc.1")
    summary.loc[last & (summary["strength"] == 0), "capacity_high"] = np.inf
    summary = summary[~((summary["network"] == "alpha") & (summary["strength"] == 1))]
    figure, text = draw("compared_capacity", summary=summary)
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    edge = figure.axes[0].get_ylim()[1]
    zeta = figure.axes[0].collections[0].get_segments()
    assert zeta[0][:, 1] == pytest.approx([0.98 * value("capacity", 2, 0), edge])
    assert np.isnan(lines(figure.axes[0])["alpha"][1].get_ydata()).tolist() == [False, False, True]
    assert "``alpha`` (``layer1.0.conv1``) 0.200 → unknown" in text


def test_one_condition_has_no_ends_to_go_between(accuracy):
    _, text = draw("compared_accuracy", accuracy=accuracy[accuracy["strength"] == 0])
    assert text.startswith("Accuracy on 1,000 images, clean: ``zeta`` 90.00 %, ")


def test_a_network_s_name_is_no_formula(accuracy):
    figure, _ = draw("compared_accuracy", about(title="$f_$"), accuracy=accuracy)
    figure.draw_without_rendering()
    assert "$mid_$" in visible_text(figure)


def test_a_comparison_needs_the_column_network(accuracy, summary):
    with pytest.raises(DataError, match="network"):
        draw("compared_accuracy", accuracy=accuracy.drop(columns="network"))
    with pytest.raises(DataError, match="network"):
        draw("compared_capacity", summary=summary.drop(columns="network"))
