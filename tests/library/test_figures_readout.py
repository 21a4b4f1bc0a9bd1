"""The figure of linear readouts, and of the network's own accuracy beside them."""

import numpy as np
import pytest

from figure_tables import LAYERS, LEVELS, curves, draw, make_accuracy, make_summary, value
from manifold_robustness.errors import DataError
from manifold_robustness.figures import style
from manifold_robustness.figures.strengths import colours, log_places


def accuracies(layer):
    return np.array([100 * value("readout_accuracy", layer, j) for j in range(4)])


def test_every_layer_has_its_readout_and_chance():
    accuracy = make_accuracy().assign(n_classes=100)  # of which 10 are the manifolds
    figure, _ = draw("readout", summary=make_summary(), accuracy=accuracy)
    along = figure.axes[0]
    for j, colour in enumerate(colours(LEVELS)):
        expected = [accuracies(i)[j] for i in range(3)]
        assert curves(along)[tuple(colour)].get_ydata() == pytest.approx(expected)
    assert along.get_ylim() == (0, 104)
    for axes in (along, figure.axes[1]):
        chance = axes.lines[0]
        assert chance.get_ydata() == pytest.approx([10, 10])
        assert chance.get_label() == "chance: 10 %"
    assert [label.get_text() for label in along.get_xticklabels()] == LAYERS


def test_the_last_readout_stands_beside_the_network():
    figure, _ = draw("readout", summary=make_summary(), accuracy=make_accuracy())
    axes = figure.axes[1]
    lines = {line.get_label(): line for line in axes.lines}
    network = 90 - 20 * np.arange(4)
    widths = [0.02 * accuracies(2), np.full(4, 3)]
    for name, values, width, bars in zip(
        ("linear readout of fc.1", "the network itself"),
        (accuracies(2), network),
        widths,
        axes.collections,
        strict=True,
    ):
        assert lines[name].get_ydata() == pytest.approx(values[1:])
        assert lines[name].get_xdata() == pytest.approx(log_places(LEVELS)[1:], abs=0.05)
        ends = np.array(bars.get_segments())[:, :, 1]
        assert ends == pytest.approx(
            np.column_stack([values - width, values + width]).clip(max=100)
        )
    (key,) = figure.legends
    assert [entry.get_text() for entry in key.get_texts()] == [
        "chance: 10 %",
        "linear readout of fc.1",
        "the network itself",
    ]
    assert axes.get_title("left") == "(b) fc.1 and the network"


def test_the_control_of_shuffled_classes():
    summary = make_summary(shuffled=True)
    figure, text = draw("readout", summary=summary, accuracy=make_accuracy())
    control = [100 * value("shuffled_readout_accuracy", i, 0) for i in range(3)]
    assert figure.axes[0].lines[-1].get_ydata() == pytest.approx(control)
    (line,) = [line for line in figure.axes[1].lines if line.get_label() == "classes shuffled"]
    control = [100 * value("shuffled_readout_accuracy", 2, j) for j in (1, 2, 3)]
    assert line.get_ydata() == pytest.approx(control)
    assert " Grey dotted: the same points (in (a), of the clean images), dealt out" in text


def test_readouts_in_words():
    summary = make_summary()
    best = (summary["layer"] == LAYERS[1]) & (summary["strength"] == 1)
    summary.loc[best, "readout_accuracy"] = 0.995
    _, text = draw("readout", summary=summary, accuracy=make_accuracy())
    assert text == (
        "Accuracy, from clean to σ = 1: a readout of ``fc.1`` 90.0 % → 99.0 %, the network 90.0 % "
        "→ 30.0 % (P = 10, M = 30, 3 replicates). At σ = 1, the best readout of all layers is that "
        "of ``layer1.0.conv1``, with 99.5 %."
    )


@pytest.mark.filterwarnings("error")
def test_layers_too_large_for_a_readout_are_gaps(tmp_path):
    summary, columns = make_summary(), [f"readout_accuracy{end}" for end in ("", "_low", "_high")]
    summary.loc[summary["layer"] == "input", columns] = np.nan
    figure, text = draw("readout", summary=summary, accuracy=make_accuracy())
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    line = curves(figure.axes[0])[(0, 0, 0, 1)]
    assert np.isnan(line.get_ydata()).tolist() == [True, False, False]
    assert "that of ``fc.1``, with 99.0 %" in text
    summary[columns] = np.nan
    figure, text = draw("readout", summary=summary, accuracy=make_accuracy())
    style.save_figure(figure, tmp_path / "b.svg", tmp_path / "b.png", 40)
    assert "a readout of ``fc.1`` unknown → unknown" in text and "best" not in text


def test_a_readout_needs_the_accuracy_of_every_condition():
    with pytest.raises(DataError, match="gaussian/sigma-1"):
        draw("readout", summary=make_summary(), accuracy=make_accuracy(LEVELS[:-1]))
