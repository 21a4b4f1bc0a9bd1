"""The figure of capacity against accuracy, and labels beside points."""

import matplotlib
import numpy as np
import pytest

from figure_tables import LAYERS, LEVELS, draw, make_accuracy, make_summary, value
from manifold_robustness.errors import ConfigurationError, DataError
from manifold_robustness.figures import style
from manifold_robustness.figures.labels import group, place_labels
from manifold_robustness.figures.strengths import colours


@pytest.mark.parametrize("layer, index", [("last", 2), ("input", 0)])
def test_capacity_accuracy_has_one_point_per_condition(layer, index):
    tables = {"summary": make_summary(), "accuracy": make_accuracy()}
    figure, _ = draw("capacity_accuracy", **tables, layer=layer)
    axes = figure.axes[0]
    points = axes.collections[-1]
    expected = [[90 - 20 * j, value("capacity", index, j)] for j in range(4)]
    np.testing.assert_allclose(points.get_offsets(), expected[::-1])
    np.testing.assert_allclose(points.get_facecolors(), colours(LEVELS)[::-1])
    across, upward = (bars.get_segments() for bars in axes.collections[:2])
    np.testing.assert_allclose(across[1][:, 0], [67, 73])
    np.testing.assert_allclose(upward[1][:, 1], [0.98 * expected[1][1], 1.02 * expected[1][1]])
    assert figure.get_suptitle().split("\n") == [
        f"Gaussian noise: capacity of {LAYERS[index]} against accuracy",
        "(P = 10, M = 30, 3 replicates)",
    ]
    assert axes.get_ylabel() == "capacity $α_M$ (manifolds per dimension)"
    assert {"clean", "0.01", "0.1", "1"} <= {text.get_text() for text in axes.texts}


def test_capacity_accuracy_says_how_many_images_the_accuracy_is_of():
    table = make_accuracy()
    _, text = draw("capacity_accuracy", summary=make_summary(), accuracy=table)
    assert text.startswith("The accuracy is that on 1,000 images. ``fc.1`` has the capacity")
    table["n_images"] = table["n_images"].where(table["strength"] == 0, 300)
    _, text = draw("capacity_accuracy", summary=make_summary(), accuracy=table)
    assert text.startswith("The accuracy is that on 1,000 images when clean and 300 of them when")


def test_points_that_coincide_share_a_label_and_labels_never_overlap():
    levels = [0, 0.0001, 0.0005, 0.001, 0.01, 0.1, 1]
    summary, accuracy = make_summary(levels=levels), make_accuracy(levels)
    near = accuracy["strength"] < 0.01
    accuracy.loc[near, "accuracy"] = 0.9
    summary.loc[summary["strength"] < 0.01, "capacity"] = 0.3
    figure, _ = draw("capacity_accuracy", summary=summary, accuracy=accuracy)
    figure.draw_without_rendering()
    labels = [text for text in figure.axes[0].texts if text.get_text() != "chance"]
    assert [text.get_text() for text in labels] == ["clean … 0.001 (4 points)", "0.01", "0.1", "1"]
    for text in labels:
        text.update_positions(figure.canvas.get_renderer())
    boxes = [matplotlib.text.Text.get_window_extent(text) for text in labels]
    for i, box in enumerate(boxes):
        assert box.count_overlaps(boxes[i + 1 :]) == 0
    assert [group(np.zeros((3, 2)), 1), group(np.eye(2) * 9, 1)] == [[[0, 1, 2]], [[0], [1]]]


def test_crowded_labels_make_room_for_one_another():
    figure = style.new_figure((4, 4))
    axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1))
    points = np.column_stack([np.full(5, 0.5), 0.5 + 0.02 * np.arange(5)])
    style.settle(figure)
    labels = place_labels(axes, points, list("abcde"), avoid=np.empty((0, 2, 2)))
    assert [label.get_text() for label in labels] == list("abcde")


def test_a_label_keeps_off_lines():
    def placed(avoid):
        figure = style.new_figure((4, 4))
        axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1))
        style.settle(figure)
        return place_labels(axes, np.array([[0.5, 0.5]]), ["text"], np.array(avoid))[0].xyann

    assert placed(np.empty((0, 2, 2))) == (6, 0)
    assert placed([[[0.5, 0.5], [0.9, 0.5]]]) != (6, 0)
    assert placed([[[0.5, 0.5], [np.nan, 0.5]]]) == (6, 0)


@pytest.mark.filterwarnings("error")
def test_capacity_accuracy_survives_infinite_and_unknown_values(tmp_path):
    summary = make_summary()
    last = summary["layer"] == "fc.1"
    summary.loc[last & (summary["strength"] == 0), "capacity_high"] = np.inf
    summary.loc[last & (summary["strength"] == 0.1), "capacity_low"] = -np.inf
    summary.loc[last & (summary["strength"] == 1), ["capacity", "capacity_low"]] = np.nan
    figure, text = draw("capacity_accuracy", summary=summary, accuracy=make_accuracy())
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    assert "1" not in [text.get_text() for text in figure.axes[0].texts]
    assert "and unknown where it is 30.00 % (σ = 1)" in text


def test_capacity_accuracy_in_words():
    summary = make_summary()
    summary.loc[(summary["layer"] == "fc.1") & (summary["strength"] == 1), "capacity"] = 9
    _, text = draw("capacity_accuracy", summary=summary, accuracy=make_accuracy())
    assert text == (
        "The accuracy is that on 1,000 images. ``fc.1`` has the capacity 0.300 where the accuracy "
        "is 90.00 % (clean), and 9.00 where it is 30.00 % (σ = 1). Their rank correlation over 4 "
        "conditions is -1.00."
    )


def test_capacity_accuracy_names_what_is_missing():
    with pytest.raises(ConfigurationError, match="'fc'"):
        draw("capacity_accuracy", summary=make_summary(), accuracy=make_accuracy(), layer="fc")
    with pytest.raises(DataError, match="gaussian/sigma-1"):
        draw("capacity_accuracy", summary=make_summary(), accuracy=make_accuracy(LEVELS[:-1]))
