"""Several trainings of a network: their entries, seeds, table and figure."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from scipy.stats import t, ttest_ind

from figure_tables import LEVELS, about, draw, make_accuracy, make_summary, make_trainings
from helpers import NETWORK, read_config, read_schema
from manifold_robustness.configuration import merge
from manifold_robustness.errors import ConfigurationError, DataError
from manifold_robustness.experiment import read_experiment
from manifold_robustness.figures.comparison import COLOURS
from manifold_robustness.networks import list_networks
from manifold_robustness.trainings import compare_trainings

RECIPES = {"a-1": "a", "a-2": "a", "a-3": "a", "b-1": "b", "b-2": "b", "c": "c"}


def networks(*entries):
    config = read_config("tests/configs/tiny.yaml")
    entries = [{"architecture": NETWORK, "weights": "none", **entry} for entry in entries]
    schema = read_schema()["properties"]["training"]
    return list_networks(merge(config, {"networks": entries}), schema)


def test_an_entry_with_repeats_is_several_networks():
    found = networks({"name": "a", "repeats": 3, "training": {"epochs": 7}}, {"name": "b"})
    assert [one.name for one in found] == ["a-1", "a-2", "a-3", "b"]
    assert [one.recipe for one in found] == ["a", "a", "a", "b"]
    assert [one.training["epochs"] for one in found] == [7, 7, 7, 2]


def test_every_training_has_a_seed_of_its_own_and_a_single_one_the_run_s():
    found = networks({"name": "a", "repeats": 3}, {"name": "b", "repeats": 2}, {"name": "c"})
    seeds = [one.training_seed(42) for one in found]
    assert len(set(seeds[:3])) == 3 and seeds[3:5] == seeds[:2] and seeds[5] == 42
    assert not {*seeds[:3]} & {one.training_seed(43) for one in found}
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_names_that_meet_are_refused():
    with pytest.raises(ConfigurationError, match="holds the name a-2 2 times"):
        networks({"name": "a", "repeats": 2}, {"name": "a-2"})
    with pytest.raises(ConfigurationError, match="holds the name a 2 times"):
        networks({"name": "a", "repeats": 2}, {"name": "a"})  # tables of trainings name the entry


def test_weights_of_ones_own_are_not_trained_again(tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(b"x")
    with pytest.raises(ConfigurationError, match="repeats is 2, but its weights are a file"):
        networks({"name": "a", "weights": str(path), "repeats": 2})


def test_the_figure_is_of_runs_with_several_trainings_only():
    config = read_config("tests/configs/tiny.yaml")
    assert "trainings" not in read_experiment(config).figures
    config["networks"][0]["repeats"] = 2
    experiment = read_experiment(config)
    assert experiment.repeated and "trainings" in experiment.figures


def tables():
    """Each training's values are a factor of its own times those of the made-up tables."""
    factors = {name: 1 + 0.1 * place for place, name in enumerate(RECIPES)}
    summary, accuracy = [], []
    for name, factor in factors.items():
        one = make_summary(network=name)
        measures = [c for c in one if c.startswith(("capacity", "readout_accuracy"))]
        summary.append(one.assign(**{column: factor * one[column] for column in measures}))
        two = make_accuracy(network=name)
        ends = ["accuracy", "accuracy_low", "accuracy_high"]
        accuracy.append(two.assign(**{column: two[column] / factor for column in ends}))
    return pd.concat(summary), pd.concat(accuracy), factors


def row(table, recipe, quantity, condition="clean", layer="fc.1"):
    chosen = (table["recipe"] == recipe) & (table["quantity"] == quantity)
    chosen &= (table["condition"] == condition) & (table["layer"] == layer)
    (found,) = table[chosen].to_dict("records")
    return found


def test_the_mean_over_trainings_and_its_interval():
    summary, accuracy, factors = tables()
    table = compare_trainings(summary, accuracy, RECIPES)
    found = row(table, "a", "accuracy", "gaussian/sigma-0.1", "")
    values = np.array([0.5 / factors[f"a-{k}"] for k in (1, 2, 3)])
    half = t.ppf(0.975, 2) * values.std(ddof=1) / 3**0.5
    expected = [values.mean(), values.mean() - half, values.mean() + half]
    assert [found[key] for key in ("value", "trainings_low", "trainings_high")] == pytest.approx(
        expected
    )
    widths = [0.03 / factors[f"a-{k}"] for k in (1, 2, 3)]
    assert found["images_high"] - found["value"] == pytest.approx(np.mean(widths))
    assert found["n_trainings"] == 3
    # A capacity has the harmonic mean, as everywhere.
    found = row(table, "b", "capacity")
    capacity = 0.1 * 3
    own = np.array([factors["b-1"], factors["b-2"]]) * capacity
    assert found["value"] == pytest.approx(1 / np.mean(1 / own))
    assert found["trainings_low"] < found["value"] < found["trainings_high"]
    ends = [1 / np.mean(1 / (own * factor)) for factor in (0.98, 1.02)]
    assert [found["images_low"], found["images_high"]] == pytest.approx(ends)


def test_one_training_has_no_interval_over_trainings():
    table = compare_trainings(*tables()[:2], RECIPES)
    found = row(table, "c", "readout_accuracy")
    assert np.isnan([found["trainings_low"], found["difference_low"]]).all()
    assert found["images_low"] < found["value"] < found["images_high"]


def test_an_interval_without_an_end_stays_so():
    summary, accuracy, _ = tables()
    summary["capacity_high"] = np.inf
    found = row(compare_trainings(summary, accuracy, RECIPES), "b", "capacity")
    assert found["images_high"] == np.inf and 0 < found["images_low"] < found["value"]


def test_differences_are_welch_s_of_the_first_recipe():
    summary, accuracy, factors = tables()
    table = compare_trainings(summary, accuracy, RECIPES)
    found = row(table, "b", "capacity", "gaussian/sigma-1")
    first, own = (
        np.array([factors[name] for name, recipe in RECIPES.items() if recipe == one]) * 0.1 * 3.3
        for one in "ab"
    )
    interval = ttest_ind(own, first, equal_var=False).confidence_interval(0.95)
    ends = found["difference"], found["difference_low"], found["difference_high"]
    assert ends == pytest.approx((own.mean() - first.mean(), interval.low, interval.high))
    assert row(table, "a", "capacity")["difference"] == 0


def test_rows_stand_in_the_order_of_the_recipes():
    table = compare_trainings(*tables()[:2], RECIPES)
    assert list(dict.fromkeys(table["recipe"])) == ["a", "b", "c"]
    assert len(table) == 3 * len(LEVELS) * (1 + 3 * 6)
    counts = table.groupby("recipe", sort=False)["n_trainings"].max()
    assert counts.to_dict() == {"a": 3, "b": 2, "c": 1}


def test_the_figure_shows_the_last_layer_and_both_intervals():
    figure, text = draw("trainings", about(), trainings=make_trainings())
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles[0] == "(a) accuracy (%)" and len(titles) == 4
    first = figure.axes[0]
    lines = {line.get_label(): line for line in first.lines}
    assert lines["plain"].get_ydata() == pytest.approx([70, 50, 30])
    assert lines["noisy"].get_ydata() == pytest.approx([63, 45, 27])
    bars = {}
    for one in first.collections:
        ends = np.array([segment[:, 1] for segment in one.get_segments() if len(segment)])
        bars[tuple(one.get_color()[0][:3]), one.get_linewidth()[0]] = ends
    plain = to_rgba(COLOURS[0])[:3]
    assert bars[plain, 5][0] == pytest.approx([85.5, 94.5])
    assert bars[plain, 1.2][0] == pytest.approx([72, 108])
    capacity = figure.axes[2]
    assert capacity.lines[1].get_ydata() == pytest.approx([0.1 * (3 + 0.1 * j) for j in (1, 2, 3)])
    assert "trainings of plain: 3, noisy: 1" in figure.get_suptitle()
    assert "``noisy`` -5.0 (-9.0 to -1.0)" in text and "``plain`` 90.0 % → 30.0 %" in text


def test_a_table_without_its_columns_is_refused():
    with pytest.raises(DataError, match="Need a table trainings with the columns"):
        draw("trainings", about(), trainings=make_trainings().drop(columns="images_low"))
