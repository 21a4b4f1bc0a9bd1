"""The figure of the joint program's geometry in every layer."""

import numpy as np
import pytest

from figure_tables import LAYERS, LEVELS, curves, draw, make_summary, open_marks, value
from manifold_robustness.figures import style
from manifold_robustness.figures.strengths import colours

COLUMNS = [
    "joint_dimension",
    "joint_radius",
    "joint_utility",
    "joint_center_alignment",
    "joint_axis_alignment",
    "joint_center_axis_alignment",
]


def test_six_panels_show_a_line_per_strength():
    figure, _ = draw("joint_geometry", summary=make_summary())
    for axes, letter, column in zip(figure.axes[:6], "abcdef", COLUMNS, strict=True):
        assert axes.get_title("left").startswith(f"({letter}) ")
        for j, colour in enumerate(colours(LEVELS)):
            drawn = curves(axes)[tuple(colour)].get_ydata()
            assert drawn == pytest.approx([value(column, i, j) for i in range(3)])
        assert len(axes.collections) == 4
    assert [label.get_text() for label in figure.axes[4].get_xticklabels()] == LAYERS
    labels = [label.get_text() for label in figure.axes[6].get_yticklabels()]
    assert labels == ["clean (- -)", "0.01", "0.1", "1"]
    assert not figure.legends


def test_alignments_may_be_negative_and_sizes_may_not():
    summary = make_summary()
    summary["joint_utility_low"] = -1
    figure, _ = draw("joint_geometry", summary=summary)
    utility, alignment = figure.axes[2], figure.axes[3]
    assert utility.get_ylim()[0] == 0
    bottom, top = alignment.get_ylim()
    lows = [1.02 * value(COLUMNS[3], i, j) for i in range(3) for j in range(4)]
    assert bottom < min(lows) and max(lows) < top < 0


def test_values_that_are_not_unique_have_open_marks():
    summary = make_summary()
    place = (summary["layer"] == LAYERS[1]) & (summary["strength"] == 0.1)
    summary.loc[place, "joint_zero_share"] = 0.05
    figure, text = draw("joint_geometry", summary=summary)
    for axes, column in zip(figure.axes[:6], COLUMNS, strict=True):
        (mark,) = open_marks(axes)
        assert mark.get_xdata().tolist() == [1]
        assert mark.get_ydata() == pytest.approx([value(column, 1, 2)])
        assert tuple(mark.get_color()) == tuple(colours(LEVELS)[2])
    (key,) = figure.legends
    assert [entry.get_text() for entry in key.get_texts()] == [
        "not unique: at least 5 % of draws on the floor"
    ]
    assert " At 1 of 12 places the values are not unique" in text


@pytest.mark.filterwarnings("error")
def test_an_infinite_radius_is_a_triangle_at_the_edge(tmp_path):
    summary = make_summary()
    last = (summary["layer"] == "fc.1") & (summary["strength"] == 1)
    summary.loc[last, "joint_radius"] = np.inf
    summary.loc[last, ["joint_radius_low", "joint_radius_high"]] = np.nan
    summary.loc[summary["strength"] == 0.1, "joint_axis_alignment"] = np.nan
    figure, text = draw("joint_geometry", summary=summary)
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    radius = figure.axes[1]
    (triangle,) = [line for line in radius.lines if line.get_marker() == "^"]
    assert triangle.get_xdata().tolist() == [2]
    assert triangle.get_ydata() == pytest.approx([radius.get_ylim()[1]])
    assert tuple(triangle.get_color()) == tuple(colours(LEVELS)[3])
    assert np.isfinite(radius.get_ylim()).all()
    assert "joint radius 2.40 → infinite, " in text


def test_joint_geometry_in_words():
    _, text = draw("joint_geometry", summary=make_summary())
    assert text == (
        "In the last layer, ``fc.1``, from clean to σ = 1: joint dimension 12.0 → 13.2, joint "
        "radius 2.40 → 2.64, joint utility 0.750 → 0.825, center alignment -0.300 → -0.330, axis "
        "alignment 0.150 → 0.165, center-axis alignment -0.0600 → -0.0660 (P = 10, M = 30, 3 "
        "replicates). At 0 of 12 places the values are not unique: the floor binds there, in at "
        "least 5 % of the draws."
    )
