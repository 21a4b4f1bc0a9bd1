"""The figure of the geometry against the layer, and how layers are called in every figure."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from figure_tables import (
    LAYERS,
    LEVELS,
    PANELS,
    about,
    curves,
    draw,
    make_accuracy,
    make_published,
    make_published_layers,
    make_summary,
    value,
)
from manifold_robustness.errors import ConfigurationError, DataError
from manifold_robustness.figures.strengths import Strength, colours


@pytest.mark.parametrize(
    "frame, dimension", [("reference", "dimension"), ("rank", "rank_dimension")]
)
def test_layers_draw_one_line_per_strength_with_its_values(frame, dimension):
    figure, _ = draw("layers", summary=make_summary(), frame=frame)
    columns = [PANELS[0], dimension, *PANELS[2:]]
    for axes, letter, column in zip(figure.axes[:4], "abcd", columns, strict=True):
        assert axes.get_title("left").startswith(f"({letter})")
        lines = curves(axes)
        assert len(axes.lines) == len(lines) == 4
        for j, colour in enumerate(colours(LEVELS)):
            expected = [value(column, i, j) for i in range(3)]
            assert lines[tuple(colour)].get_ydata() == pytest.approx(expected)
        assert lines[(0, 0, 0, 1)].is_dashed()
        assert len(axes.collections) == 4  # a band each
    assert [label.get_text() for label in figure.axes[2].get_xticklabels()] == LAYERS
    assert figure.get_suptitle() == (
        "Gaussian noise: manifold geometry of each layer (P = 10, M = 30, 3 replicates)"
    )
    assert ("rank frame" in figure.axes[1].get_title("left")) == (frame == "rank")


@pytest.mark.parametrize("divisor", [1, 255])
def test_published_values_of_layers_are_marks_in_the_colour_of_their_strength(divisor):
    strength = Strength("epsilon", "ε", "budget", divisor=divisor)
    published = make_published_layers()
    published["strength"] /= divisor
    subject = about(strength=strength, published=published)
    figure, text = draw("layers", subject, summary=make_summary())
    capacity, *others = figure.axes[:4]
    (marks,) = capacity.containers  # neither the unknown layer nor the unknown strength
    line = marks.lines[0]
    assert line.get_xdata().tolist() == [0, 2] and line.get_ydata().tolist() == [0.5, 60]
    assert to_rgba(line.get_color()) == tuple(colours(LEVELS)[LEVELS.index(0.1)])
    assert line.get_markerfacecolor() == "none" and capacity.get_ylim()[1] > 60.1
    assert not any(axes.containers for axes in others)
    assert text.endswith(
        " Open marks are published values (“elsewhere”), in the colour of their strength."
    )
    assert "published: elsewhere" in [entry.get_text() for entry in figure.legends[0].get_texts()]


def test_values_of_the_last_layer_alone_are_not_drawn_along_the_network():
    subject = about(published=make_published())
    figure, text = draw("layers", subject, summary=make_summary())
    assert not any(axes.containers for axes in figure.axes[:4]) and "published values" not in text


def test_layers_have_one_key_for_all_panels():
    figure, _ = draw("layers", summary=make_summary())
    assert len(figure.axes) == 5
    labels = [label.get_text() for label in figure.axes[4].get_yticklabels()]
    assert labels == ["clean (- -)", "0.01", "0.1", "1"]


def test_a_band_is_its_interval_and_an_infinite_one_ends_at_the_edge():
    summary = make_summary(levels=[0.0])
    summary.loc[summary["layer"] == "fc.1", "capacity_high"] = np.inf
    axes = draw("layers", summary=summary)[0].axes[0]
    corners = axes.collections[0].get_paths()[0].vertices
    at_first, at_last = (corners[corners[:, 0] == place, 1] for place in (0, 2))
    assert [at_first.min(), at_first.max()] == pytest.approx([0.098, 0.102])
    assert at_last.max() == pytest.approx(axes.get_ylim()[1])
    assert np.isfinite(axes.get_ylim()).all()


def test_layers_have_the_control_of_shuffled_clean_images():
    figure, text = draw("layers", summary=make_summary(shuffled=True))
    for axes, column in zip(figure.axes[:4], PANELS, strict=True):
        *lines, control = axes.lines
        values = [value(f"shuffled_{column}", i, 0) for i in range(3)]
        assert control.get_ydata() == pytest.approx(values)
        assert len(lines) == 4 and control.get_linestyle() == ":"
        bottom, top = axes.get_ylim()
        assert bottom < min(values) and max(values) < top
    (legend,) = figure.legends
    assert [entry.get_text() for entry in legend.get_texts()] == ["classes shuffled"]
    assert " Grey dotted: the same points of the clean images, dealt out" in text
    plain, text = draw("layers", summary=make_summary())
    assert not plain.legends and "Grey dotted" not in text


def test_one_replicate_has_no_band():
    axes = draw("layers", summary=make_summary(replicates=1))[0].axes[0]
    assert all(
        len(band.get_paths()) == 0 or band.get_paths()[0].vertices.size == 0
        for band in axes.collections
    )
    assert len(axes.lines) == 4


def test_a_missing_layer_is_a_gap():
    summary = make_summary()
    summary = summary[~((summary["layer"] == LAYERS[1]) & (summary["strength"] == 0))]
    line = curves(draw("layers", summary=summary)[0].axes[0])[(0, 0, 0, 1)]
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]


def test_layers_in_words():
    _, text = draw("layers", summary=make_summary())
    assert "``fc.1``, from clean to σ = 1" in text
    assert "capacity 0.300 → 0.330" in text
    assert "dimension 15.0 → 16.5" in text
    assert "radius 3.00 → 3.30" in text
    assert "center correlation 0.600 → 0.660" in text
    _, text = draw("layers", summary=make_summary(), frame="rank")
    assert "dimension (rank frame) 18.0 → 19.8" in text
    _, text = draw("layers", summary=make_summary(levels=[0.0]))
    assert "capacity 0.300," in text


def test_layers_refuse_no_rows_and_unknown_options():
    with pytest.raises(DataError, match="at least one row"):
        draw("layers", summary=make_summary().iloc[:0])
    with pytest.raises(ConfigurationError, match="'true'"):
        draw("layers", summary=make_summary(), frame="true")
    with pytest.raises(ConfigurationError, match=r"labels out of path, reference.*'name'"):
        draw("layers", summary=make_summary(), labels="name")


def test_layers_go_by_their_paths_or_by_the_reference_s_labels():
    tables = {"summary": make_summary(), "accuracy": make_accuracy()}
    names = ["layer_0_Conv2d", "layer_5_Conv2d", "layer_10_Conv2d"]
    drawn = {
        name: draw(name, summary=tables["summary"], labels="reference")
        for name in ("layers", "heatmaps", "last_layer", "compared_capacity")
    }
    drawn["capacity_accuracy"] = draw("capacity_accuracy", **tables, labels="reference")
    for _, text in drawn.values():
        assert f"``{names[2]}``" in text and "fc.1" not in text
    figures = {name: figure for name, (figure, _) in drawn.items()}
    ticks = figures["layers"].axes[2].get_xticklabels()
    assert [label.get_text() for label in ticks] == names
    ticks = figures["heatmaps"].axes[0].get_yticklabels()
    assert [label.get_text() for label in ticks] == names
    assert f"geometry of {names[2]} (" in figures["last_layer"].get_suptitle()
    chosen, _ = draw("capacity_accuracy", **tables, layer="input", labels="reference")
    assert f"capacity of {names[0]} against" in chosen.get_suptitle()


def test_a_name_of_a_layer_or_a_network_is_no_formula():
    summary = make_summary(layers=["$block_$0", "$fc^$"])
    figure, _ = draw("layers", about(network="$net_$", title="$f_$"), summary=summary)
    figure.draw_without_rendering()
    names = [label.get_text() for label in figure.axes[2].get_xticklabels()]
    assert names == ["$block_$0", "$fc^$"]
    assert figure.get_suptitle().startswith("$net_$, $f_$: ")
    assert figure.axes[0].yaxis.label.get_parse_math()  # but a symbol is one
