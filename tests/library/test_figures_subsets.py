"""The figure of capacity, dimension and radius against the number of points."""

import numpy as np
import pytest

from figure_tables import COUNTS, LAYERS, LEVELS, curves, draw, make_subsets, subset_value, value
from manifold_robustness.errors import ConfigurationError, DataError
from manifold_robustness.figures import style
from manifold_robustness.figures.strengths import colours

COLUMNS = ["capacity", "dimension", "radius"]


def of_replicates(column, layer, level, n_points):
    return np.array([subset_value(column, layer, level, one, n_points) for one in range(3)])


def interval(values):
    """Mean and 95 % interval of three values: Student's t is 4.3027 for two degrees of freedom."""
    half = 4.302653 * values.std(ddof=1) / 3**0.5
    return np.array([values.mean(), values.mean() - half, values.mean() + half])


@pytest.mark.parametrize("layer, rows", [("last", [2]), ("fc.1", [2]), ("input", [2, 0])])
def test_a_row_of_the_last_layer_and_one_of_another(layer, rows):
    figure, _ = draw("subsets", subsets=make_subsets(joint=False), layer=layer)
    panels = np.reshape(figure.axes[: 3 * len(rows)], (len(rows), 3))
    assert len(figure.axes) == panels.size + 1  # and the key
    letters = iter("abcdef")
    for row, index in zip(panels, rows, strict=True):
        for axes, column in zip(row, COLUMNS, strict=True):
            name = column[0].upper() + column[1:]
            assert axes.get_title("left") == f"({next(letters)}) {name} of {LAYERS[index]}"
            for j, colour in enumerate(colours(LEVELS)):
                found = [of_replicates(column, index, j, count) for count in COUNTS]
                if column == "capacity":
                    expected = [1 / np.mean(1 / values) for values in found]
                else:
                    expected = [values.mean() for values in found]
                line = curves(axes)[tuple(colour)]
                assert line.get_ydata() == pytest.approx(expected)
                assert line.get_xdata().tolist() == COUNTS
    assert [label.get_text() for label in panels[-1, 0].get_xticklabels()] == ["10", "20", "30"]


def test_bands_are_intervals_over_replicates_the_capacity_s_turned_over():
    figure, _ = draw("subsets", subsets=make_subsets(levels=[0.0], joint=False))
    for axes, column in zip(figure.axes, COLUMNS, strict=True):
        corners = axes.collections[0].get_paths()[0].vertices
        at_first = corners[corners[:, 0] == COUNTS[0], 1]
        values = of_replicates(column, 2, 0, COUNTS[0])
        if column == "capacity":
            _, high, low = 1 / interval(1 / values)
        else:
            _, low, high = interval(values)
        assert [at_first.min(), at_first.max()] == pytest.approx([low, high])


def test_the_joint_capacity_is_dashed_where_there_is_one():
    figure, _ = draw("subsets", subsets=make_subsets())
    capacity, dimension, _ = figure.axes[:3]
    assert len(capacity.lines) == 8 and len(dimension.lines) == 4
    dashed = {tuple(line.get_color()): line for line in capacity.lines if line.is_dashed()}
    for j, colour in enumerate(colours(LEVELS)):
        found = [of_replicates("joint_capacity", 2, j, count) for count in COUNTS]
        expected = [1 / np.mean(1 / values) for values in found]
        assert dashed[tuple(colour)].get_ydata() == pytest.approx(expected)
    (key,) = figure.legends
    assert [entry.get_text() for entry in key.get_texts()] == ["mean field", "joint program"]
    plain, _ = draw("subsets", subsets=make_subsets(joint=False))
    assert not plain.legends and not any(line.is_dashed() for line in plain.axes[0].lines)


def changed(table, last):
    """The clean capacities of the last layer by replicate at the greatest number of points."""
    table = table.copy()
    place = (table["layer"] == "fc.1") & (table["strength"] == 0) & (table["n_points"] == 30)
    table.loc[place, "capacity"] = table.loc[place, "replicate"].map(dict(enumerate(last)))
    return table


@pytest.mark.parametrize(
    "last, words",
    [
        (None, "The fall from M = 20 to 30 is more than the scatter over replicates explains"),
        ([0.2, 0.5, 0.3], "is no more than the scatter over replicates explains"),
        ([0.5, 0.51, 0.52], "The change from M = 20 to 30 is a rise"),
    ],
)
def test_subsets_say_whether_the_capacity_still_falls(last, words):
    table = make_subsets()
    _, text = draw("subsets", subsets=table if last is None else changed(table, last))
    assert words in text
    assert ("more points would probably lower it further" in text) == (last is None)


def test_subsets_in_words():
    _, text = draw("subsets", subsets=make_subsets())
    first, last = (value("capacity", 2, 0) * (1 + 3 / count) for count in (10, 30))
    mean = 3 / sum(1 / (1 + 0.01 * one) for one in range(3))
    assert text.startswith(
        f"From M = 10 to 30, the capacity of ``fc.1`` (clean) changes from {first * mean:.3f} to "
        f"{last * mean:.3f}, by -15.4 %; by -4.3 % from M = 20 on. "
    )
    assert text.endswith(" (P = 10, M = 10–30, 3 replicates).")
    _, text = draw("subsets", subsets=make_subsets(replicates=1))
    assert "Whether the change from M = 20 to 30 is more than scatter, one replicate does" in text
    two = make_subsets()
    _, text = draw("subsets", subsets=two[two["n_points"] > 10])
    assert "by -4.3 %. The fall" in text


@pytest.mark.filterwarnings("error")
def test_subsets_survive_infinite_and_unknown_values(tmp_path):
    table = make_subsets()
    last = (table["layer"] == "fc.1") & (table["n_points"] == 10)
    table.loc[last & (table["strength"] == 0), "radius"] = np.inf
    table.loc[last & (table["strength"] == 0.1), "joint_capacity"] = np.nan
    table.loc[last & (table["strength"] == 1) & (table["replicate"] == 0), "capacity"] = 1e-6
    figure, _ = draw("subsets", subsets=table)
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert all(np.isfinite(axes.get_ylim()).all() for axes in figure.axes)


def test_subsets_name_what_is_missing():
    with pytest.raises(ConfigurationError, match="'fc'"):
        draw("subsets", subsets=make_subsets(), layer="fc")
    table = make_subsets()
    with pytest.raises(DataError, match=r"two numbers of points.*geometry\.subsets"):
        draw("subsets", subsets=table[table["n_points"] == 30])
    with pytest.raises(DataError, match="'n_points'"):
        draw("subsets", subsets=table.drop(columns="n_points"))


def test_layers_may_go_by_the_reference_s_labels():
    figure, text = draw("subsets", subsets=make_subsets(), layer="input", labels="reference")
    assert figure.axes[0].get_title("left") == "(a) Capacity of layer_10_Conv2d"
    assert figure.axes[3].get_title("left") == "(d) Capacity of layer_0_Conv2d"
    assert "of ``layer_10_Conv2d`` (clean)" in text
