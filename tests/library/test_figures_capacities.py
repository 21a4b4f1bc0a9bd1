"""The figure of mean-field and joint capacity."""

import numpy as np
import pytest

from figure_tables import LAYERS, LEVELS, curves, draw, make_summary, open_marks, value
from manifold_robustness.errors import DataError
from manifold_robustness.figures import style
from manifold_robustness.figures.strengths import colours, log_places

FLOOR = "floor of the joint capacity, P / rank"
OPEN = "floor binds: at least 5 % of draws"


def on_floor(summary, layer="fc.1", strength=1.0, share=1.0, floor=0.36):
    """The summary with the joint capacity on its floor at one place."""
    place = (summary["layer"] == layer) & (summary["strength"] == strength)
    summary = summary.copy()
    summary.loc[place, "joint_zero_share"] = share
    summary.loc[place, ["joint_capacity", "joint_capacity_floor"]] = floor
    return summary


def named(axes):
    """The lines of a panel that the legend names."""
    return {line.get_label(): line for line in axes.lines if line.get_label()[0] != "_"}


def test_both_capacities_of_the_last_layer_differ_by_colour_and_mark():
    figure, _ = draw("capacities", summary=make_summary())
    axes = figure.axes[0]
    lines = named(axes)
    assert list(lines) == ["mean field (published theory)", "joint program"]
    for line, column, bars in zip(
        lines.values(), ("capacity", "joint_capacity"), axes.collections, strict=True
    ):
        values = np.array([value(column, 2, j) for j in range(4)])
        assert line.get_ydata() == pytest.approx(values[1:])
        assert line.get_xdata() == pytest.approx(log_places(LEVELS)[1:], abs=0.05)
        ends = np.array(bars.get_segments())[:, :, 1]
        assert ends == pytest.approx(np.column_stack([0.98 * values, 1.02 * values]))
    assert len({line.get_color() for line in lines.values()}) == 2
    assert len({line.get_marker() for line in lines.values()}) == 2
    assert axes.get_title("left") == "(a) Capacity of fc.1"


def test_the_floor_is_drawn_where_it_binds_only():
    plain, _ = draw("capacities", summary=make_summary())
    figure, text = draw("capacities", summary=on_floor(make_summary()))
    assert FLOOR not in legend(plain) and OPEN not in legend(plain)
    assert {FLOOR, OPEN} <= set(legend(figure))
    (floor,) = [line for line in figure.axes[0].collections if line.get_label() == FLOOR]
    ((start, end),) = floor.get_segments()
    places = log_places(LEVELS)
    assert [start[1], end[1]] == pytest.approx([0.36, 0.36])
    assert [start[0], end[0]] == pytest.approx([places[2:].mean(), places[3]])
    assert figure.axes[0].get_ylim()[1] > 0.36
    assert "The floor P / rank binds, in at least 5 % of the draws, at 1 of 12 places" in text
    _, text = draw("capacities", summary=on_floor(make_summary(), share=0.049))
    assert "at 0 of 12 places" in text


def test_the_shares_share_the_axis_of_strengths():
    figure, _ = draw("capacities", summary=make_summary())
    capacities, _, shares, _ = figure.axes[:4]
    assert shares.get_shared_x_axes().joined(capacities, shares)
    lines = named(shares)
    columns = {
        "inseparable dichotomies": "joint_inseparable_share",
        "draws on the floor": "joint_zero_share",
    }
    for name, column in columns.items():
        assert lines[name].get_ydata() == pytest.approx(
            [100 * value(column, 2, j) for j in (1, 2, 3)]
        )
    looks = {line.get_color() for line in (*lines.values(), *named(capacities).values())}
    assert len(looks) == 4
    assert shares.get_ylim() == (-4, 104)
    labels = [label.get_text() for label in shares.get_xticklabels()]
    assert labels == ["clean", "0.01", "0.1", "1"]


def test_every_layer_has_its_joint_capacity_and_the_ratio():
    summary = make_summary()
    summary.loc[summary["layer"] == "input", "capacity"] *= 2
    figure, _ = draw("capacities", summary=summary)
    _, joint, _, ratio = figure.axes[:4]
    for j, colour in enumerate(colours(LEVELS)):
        line = curves(joint)[tuple(colour)]
        assert line.get_ydata() == pytest.approx([value("joint_capacity", i, j) for i in range(3)])
        line = curves(ratio)[tuple(colour)]
        assert line.get_ydata() == pytest.approx([2 / 1.2, 1 / 1.2, 1 / 1.2])
    assert ratio.get_yscale() == "log"
    bottom, top = ratio.get_ylim()
    assert bottom * top == pytest.approx(1) and top > 2 / 1.2
    assert ratio.lines[0].get_ydata() == pytest.approx([1, 1])
    assert [label.get_text() for label in ratio.get_xticklabels()] == LAYERS
    ticks = [label.get_text() for label in ratio.get_yticklabels()]
    assert "1" in ticks and len(ticks) >= 3


def test_marks_are_open_where_the_floor_binds():
    figure, _ = draw("capacities", summary=on_floor(make_summary()))
    for axes, height in zip(figure.axes[1:4:2], (0.36, 0.33 / 0.36), strict=True):
        (mark,) = open_marks(axes)
        assert mark.get_xdata().tolist() == [2]
        assert mark.get_ydata() == pytest.approx([height])
        assert tuple(mark.get_color()) == tuple(colours(LEVELS)[3])


def test_the_control_of_shuffled_classes():
    figure, text = draw("capacities", summary=make_summary(shuffled=True))
    lines = named(figure.axes[0])
    for theory, column in (("mean field", "capacity"), ("joint program", "joint_capacity")):
        line = lines[f"classes shuffled, {theory}"]
        assert line.get_ydata() == pytest.approx(
            [value(f"shuffled_{column}", 2, j) for j in (1, 2, 3)]
        )
        assert line.get_linestyle() == ":"
    assert {line.get_marker() for name, line in lines.items() if "shuffled" in name} == {"x", "+"}
    control = figure.axes[1].lines[-1]
    assert control.get_ydata() == pytest.approx(
        [value("shuffled_joint_capacity", i, 0) for i in range(3)]
    )
    assert "Grey dotted: the same points (in (c), of the clean images), dealt out" in text
    assert {"classes shuffled, mean field", "classes shuffled, joint program"} < set(legend(figure))


def test_capacities_in_words():
    summary = make_summary()
    summary.loc[(summary["layer"] == "input") & (summary["strength"] == 0.1), "capacity"] = 0.6
    summary.loc[(summary["layer"] == "fc.1") & (summary["strength"] == 0), "capacity"] = 0.036
    _, text = draw("capacities", summary=summary)
    assert text == (
        "Mean-field over joint capacity ranges from 0.100 (``fc.1``, clean) to 4.17 (``input``, "
        "σ = 0.1). The floor P / rank binds, in at least 5 % of the draws, at 0 of 12 places "
        "(P = 10, M = 30, 3 replicates)."
    )
    summary["joint_capacity"] = np.nan
    _, text = draw("capacities", summary=summary)
    assert text.startswith("Mean-field over joint capacity is unknown everywhere. ")


@pytest.mark.filterwarnings("error")
def test_capacities_survive_infinite_and_unknown_values(tmp_path):
    summary = on_floor(make_summary(shuffled=True), "input", 0.0)
    last = summary["layer"] == "fc.1"
    summary.loc[last & (summary["strength"] == 0), "joint_capacity_high"] = np.inf
    summary.loc[last & (summary["strength"] == 1), ["capacity", "capacity_low"]] = np.nan
    summary["joint_zero_share_high"] = np.nan
    summary = summary[~((summary["layer"] == LAYERS[1]) & (summary["strength"] == 0.1))]
    figure, text = draw("capacities", summary=summary)
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert all(np.isfinite(axes.get_ylim()).all() for axes in figure.axes)
    assert "ranges from 0.278 (``input``, clean) to 0.833 (" in text


def test_capacities_need_the_measures_of_the_joint_program():
    for column in ("joint_capacity", "joint_zero_share_low", "joint_capacity_floor"):
        with pytest.raises(DataError, match=f"'{column}"):
            draw("capacities", summary=make_summary().drop(columns=column))


def legend(figure):
    (key,) = figure.legends
    return [entry.get_text() for entry in key.get_texts()]
