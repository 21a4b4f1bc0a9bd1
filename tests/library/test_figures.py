"""Each figure shows the numbers of its tables, and says them in words."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import same_color

from figure_tables import (
    LAYERS,
    LEVELS,
    PANELS,
    SIGMA,
    curves,
    make_accuracy,
    make_history,
    make_images,
    make_published,
    make_summary,
    value,
    visible_text,
)
from manifold_robustness.errors import ConfigurationError, DataError
from manifold_robustness.figures import style
from manifold_robustness.figures.accuracy import describe_accuracy, plot_accuracy
from manifold_robustness.figures.capacity_accuracy import (
    describe_capacity_accuracy,
    plot_capacity_accuracy,
)
from manifold_robustness.figures.examples import describe_examples, plot_examples
from manifold_robustness.figures.heatmaps import describe_heatmaps, plot_heatmaps
from manifold_robustness.figures.labels import group, place_labels
from manifold_robustness.figures.last_layer import describe_last_layer, plot_last_layer
from manifold_robustness.figures.layers import describe_layers, plot_layers
from manifold_robustness.figures.strengths import Strength, colours, log_places
from manifold_robustness.figures.training import describe_training, plot_training

# Figure 1


def test_training_shows_the_three_sets_and_the_kept_epoch():
    history = make_history()
    figure = plot_training(history)
    for axes, quantity, factor in zip(figure.axes, ["accuracy", "loss"], [100, 1], strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        for name in ("train", "validation", "test"):
            np.testing.assert_allclose(
                lines[name].get_ydata(), factor * history[f"{name}_{quantity}"]
            )
            np.testing.assert_allclose(lines[name].get_xdata(), history["epoch"])
        assert list(lines["weights kept"].get_xdata()) == [3, 3]
        assert list(lines["learning rate lowered"].get_xdata()) == [3, 3]
    assert "test accuracy 78.00 % at epoch 3" in visible_text(figure)
    dashes = {
        str(figure.axes[0].lines[i].get_linestyle()) + str(figure.axes[0].lines[i]._dash_pattern)
        for i in range(3)
    }
    assert len(dashes) == 3  # told apart without colour


def test_training_in_words():
    text = describe_training(make_history())
    assert "epoch 3 of 4" in text
    assert "78.00 % on the test set" in text
    assert "79.00 % on the validation set" in text
    assert "80.00 % on the training set" in text


def test_a_smooth_schedule_draws_no_steps():
    history = make_history(10)
    history["learning_rate"] = 1e-3 * 0.9 ** history["epoch"]
    labels = [line.get_label() for line in plot_training(history).axes[0].lines]
    assert "learning rate lowered" not in labels


# Figure 2


@pytest.mark.parametrize("channels", [1, 3])
def test_examples_show_each_image_with_its_sign(channels):
    images = make_images(4, channels)
    figure = plot_examples(images, LEVELS, ["car", "car", "truck", "car"], "car", SIGMA)
    assert [axes.get_title() for axes in figure.axes] == ["clean", "σ = 0.01", "σ = 0.1", "σ = 1"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["✓ car", "✓ car", "✗ truck", "✓ car"]
    assert same_color(figure.axes[2].xaxis.label.get_color(), style.WRONG)
    assert same_color(figure.axes[1].xaxis.label.get_color(), style.CORRECT)
    widths = [axes.spines["left"].get_linewidth() for axes in figure.axes]
    assert widths[2] > 2 * widths[1]
    for axes, image in zip(figure.axes, images, strict=True):
        np.testing.assert_allclose(np.unique(axes.images[0].get_array()), image.max())
    assert "“car”" in figure.get_suptitle()


def test_examples_keep_the_place_of_pixels_and_channels():
    image = np.arange(12).reshape(3, 2, 2) / 12
    shown = plot_examples([image], [0.0], ["a"], "a", SIGMA).axes[0].images[0].get_array()
    step = shown.shape[0] // 2
    np.testing.assert_allclose(shown[::step, ::step], image.transpose(1, 2, 0))


def test_examples_hide_the_empty_places():
    figure = plot_examples(make_images(7), range(7), ["a"] * 7, "a", SIGMA)
    assert [axes.get_visible() for axes in figure.axes] == [True] * 7 + [False]


def test_examples_in_words():
    labels = ["car", "truck", "bird", "bird"]
    assert describe_examples(LEVELS, labels, "car", SIGMA) == (
        "The image of class ``car`` is recognised under 1 of 4 conditions, and mistaken for "
        "``truck`` (σ = 0.01), ``bird`` (2 strengths, σ = 0.1 to σ = 1)."
    )
    assert describe_examples([0.0], ["car"], "car", SIGMA).endswith("under 1 of 1 condition.")


def test_examples_refuse_what_is_no_image():
    with pytest.raises(DataError, match=r"\[2, 4, 4\]"):
        plot_examples(make_images(2), LEVELS, ["a"] * 4, "a", SIGMA)
    with pytest.raises(DataError, match=r"\(2, 4, 4\)"):
        plot_examples([np.zeros((2, 4, 4))], [0.0], ["a"], "a", SIGMA)


# Figure 3


def test_accuracy_shows_points_intervals_and_the_levels_to_compare_with():
    figure = plot_accuracy(make_accuracy(), SIGMA, 10)
    axes = figure.axes[0]
    clean, chance, first, others = axes.lines
    assert clean.get_ydata() == pytest.approx([90, 90])
    assert chance.get_ydata() == pytest.approx([10, 10])
    assert first.get_ydata() == pytest.approx([90])
    assert others.get_ydata() == pytest.approx([70, 50, 30])
    assert others.get_xdata() == pytest.approx([-2, -1, 0])
    assert first.get_xdata()[0] < -2
    bars = np.concatenate([bar.get_segments() for bar in axes.collections[:2]])
    assert bars[:, :, 1] == pytest.approx(np.array([[87, 93], [67, 73], [47, 53], [27, 33]]))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["clean", "0.01", "0.1", "1"]
    assert "//" in visible_text(figure)
    assert "chance: 10 %" in visible_text(figure) and "clean: 90.00 %" in visible_text(figure)
    assert axes.get_xlabel() == "σ: standard deviation of the noise, pixel units"
    assert "1,000 images" in figure.get_suptitle()


def test_accuracy_in_words():
    text = describe_accuracy(make_accuracy(), SIGMA, 4)
    assert "1,000 images is 90.00 % (clean; 95 % interval 87.00 to 93.00 %)" in text
    assert "30.00 % (σ = 1; 95 % interval 27.00 to 33.00 %)" in text
    assert "less than half of the former at σ = 1." in text
    assert "Guessing among 4 classes gives 25 %." in text


@pytest.mark.parametrize("name, factor", [("sigma", 1), ("variance", 2)])
def test_accuracy_has_the_published_ones_in_the_same_axes(name, factor):
    strength = Strength(name)
    levels = [level**factor for level in LEVELS]
    axes = plot_accuracy(make_accuracy(levels), strength, 10, make_published()).axes[0]
    kept = next(line for line in axes.lines if line.get_label() == "ours: images right when clean")
    assert kept.get_ydata() == pytest.approx([100, 80, 60, 40])
    clean = log_places(levels)[0]
    figure, notebook = axes.containers
    assert figure.get_label() == "published: Figure 3"
    assert figure.lines[0].get_xdata() == pytest.approx([clean, -1 * factor])  # σ = 10 is off
    assert figure.lines[0].get_ydata() == pytest.approx([94, 30])
    assert figure.lines[2][0].get_segments()[1][:, 1] == pytest.approx([29, 31])
    assert notebook.lines[0].get_xdata() == pytest.approx([factor * np.log10(0.05)])
    assert notebook.lines[0].get_ydata() == pytest.approx([60])
    markers = {container.lines[0].get_marker() for container in axes.containers}
    assert len(markers) == 2 and axes.get_ylim() == (0, 104)


def test_without_published_values_there_is_one_curve():
    axes = plot_accuracy(make_accuracy(), SIGMA, 10).axes[0]
    assert not axes.containers and len(axes.lines) == 4


# The last layer


def test_the_last_layer_is_drawn_against_the_strength():
    figure = plot_last_layer(make_summary(), SIGMA)
    for axes, letter, column in zip(figure.axes, "abcd", PANELS, strict=True):
        assert axes.get_title("left").startswith(f"({letter})")
        values = [value(column, 2, j) for j in range(4)]
        reference, first, others = axes.lines
        assert reference.get_ydata() == pytest.approx([values[0]] * 2)
        assert first.get_ydata() == pytest.approx(values[:1])
        assert others.get_ydata() == pytest.approx(values[1:])
        assert others.get_xdata() == pytest.approx([-2, -1, 0])
        bars = np.concatenate([bar.get_segments() for bar in axes.collections[:2]])[:, :, 1]
        width = 0.02 * np.array(values)
        assert bars == pytest.approx(np.column_stack([values - width, values + width]))
        assert axes.get_legend() is None
    labels = [label.get_text() for label in figure.axes[2].get_xticklabels()]
    assert labels == ["clean", "0.01", "0.1", "1"]
    assert "fc.1, gaussian perturbation (P = 10, M = 30, 3 rep" in figure.get_suptitle()


def test_the_last_layer_has_the_published_values_of_its_frame():
    figure = plot_last_layer(make_summary(), SIGMA, published=make_published())
    capacity, dimension, *others = figure.axes
    (marks,) = capacity.containers
    assert marks.lines[0].get_ydata() == pytest.approx([0.8])
    assert marks.lines[0].get_xdata() == pytest.approx(log_places(LEVELS)[:1])
    (marks,) = dimension.containers
    assert marks.lines[0].get_ydata() == pytest.approx([40])
    assert dimension.get_ylim()[1] > 40.5 and dimension.get_legend() is not None
    assert not any(axes.containers for axes in others)
    rank = plot_last_layer(make_summary(), SIGMA, frame="rank", published=make_published())
    assert [len(axes.containers) for axes in rank.axes] == [1, 0, 0, 0]


@pytest.mark.filterwarnings("error")
def test_the_last_layer_survives_infinite_and_unknown_values(tmp_path):
    summary = make_summary()
    last = summary["layer"] == "fc.1"
    summary.loc[last & (summary["strength"] == 0), "capacity_high"] = np.inf
    summary.loc[last & (summary["strength"] == 1), ["capacity", "capacity_low"]] = np.nan
    summary.loc[last, ["radius", "radius_low", "radius_high"]] = np.nan
    figure = plot_last_layer(summary, SIGMA)
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    text = describe_last_layer(summary, SIGMA)
    assert "capacity 0.300 (clean) to 0.320 (σ = 0.1), " in text and "radius unknown, " in text


def test_the_last_layer_in_words():
    assert describe_last_layer(make_summary(), SIGMA) == (
        "Over 4 conditions, ``fc.1`` has capacity 0.300 (clean) to 0.330 (σ = 1), dimension 15.0 "
        "(clean) to 16.5 (σ = 1), radius 3.00 (clean) to 3.30 (σ = 1), center correlation 0.600 "
        "(clean) to 0.660 (σ = 1) (P = 10, M = 30, 3 replicates)."
    )
    alone = describe_last_layer(make_summary(levels=[0.0]), SIGMA, "rank")
    assert "Over 1 condition, " in alone and "dimension (rank frame) 18.0, " in alone


# Labels of layers


def test_layers_go_by_their_paths_or_by_the_reference_s_labels():
    summary, accuracy = make_summary(), make_accuracy()
    names = ["layer_0_Conv2d", "layer_5_Conv2d", "layer_10_Conv2d"]
    layers = plot_layers(summary, SIGMA, labels="reference")
    assert [label.get_text() for label in layers.axes[2].get_xticklabels()] == names
    heatmaps = plot_heatmaps(summary, SIGMA, labels="reference")
    assert [label.get_text() for label in heatmaps.axes[0].get_yticklabels()] == names
    last = plot_last_layer(summary, SIGMA, labels="reference")
    assert f"geometry of {names[2]}, " in last.get_suptitle()
    both = plot_capacity_accuracy(summary, accuracy, SIGMA, 10, "input", "reference")
    assert f"of {names[0]} (" in both.axes[0].get_ylabel()
    for text in (
        describe_layers(summary, SIGMA, labels="reference"),
        describe_last_layer(summary, SIGMA, labels="reference"),
        describe_capacity_accuracy(summary, accuracy, SIGMA, labels="reference"),
        describe_heatmaps(summary, SIGMA, labels="reference"),
    ):
        assert f"``{names[2]}``" in text and "fc.1" not in text


# Figure 4


@pytest.mark.parametrize(
    "frame, dimension", [("reference", "dimension"), ("rank", "rank_dimension")]
)
def test_layers_draw_one_line_per_strength_with_its_values(frame, dimension):
    figure = plot_layers(make_summary(), SIGMA, frame=frame)
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
    assert "P = 10, M = 30, 3 replicates" in figure.get_suptitle()
    assert ("rank frame" in figure.axes[1].get_title("left")) == (frame == "rank")


def test_layers_have_one_key_for_all_panels():
    figure = plot_layers(make_summary(), SIGMA)
    assert len(figure.axes) == 5
    labels = [label.get_text() for label in figure.axes[4].get_yticklabels()]
    assert labels == ["clean (- -)", "0.01", "0.1", "1"]


def test_a_band_is_its_interval_and_an_infinite_one_ends_at_the_edge():
    summary = make_summary(levels=[0.0])
    summary.loc[summary["layer"] == "fc.1", "capacity_high"] = np.inf
    axes = plot_layers(summary, SIGMA).axes[0]
    corners = axes.collections[0].get_paths()[0].vertices
    at_first, at_last = (corners[corners[:, 0] == place, 1] for place in (0, 2))
    assert [at_first.min(), at_first.max()] == pytest.approx([0.098, 0.102])
    assert at_last.max() == pytest.approx(axes.get_ylim()[1])
    assert np.isfinite(axes.get_ylim()).all()


def test_one_replicate_has_no_band():
    axes = plot_layers(make_summary(replicates=1), SIGMA).axes[0]
    assert all(
        len(band.get_paths()) == 0 or band.get_paths()[0].vertices.size == 0
        for band in axes.collections
    )
    assert len(axes.lines) == 4


def test_a_missing_layer_is_a_gap():
    summary = make_summary()
    summary = summary[~((summary["layer"] == LAYERS[1]) & (summary["strength"] == 0))]
    line = curves(plot_layers(summary, SIGMA).axes[0])[(0, 0, 0, 1)]
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]


def test_layers_in_words():
    text = describe_layers(make_summary(), SIGMA)
    assert "``fc.1``, from clean to σ = 1" in text
    assert "capacity 0.300 → 0.330" in text
    assert "dimension 15.0 → 16.5" in text
    assert "radius 3.00 → 3.30" in text
    assert "center correlation 0.600 → 0.660" in text
    assert "dimension (rank frame) 18.0 → 19.8" in describe_layers(make_summary(), SIGMA, "rank")
    assert "capacity 0.300," in describe_layers(make_summary(levels=[0.0]), SIGMA)


# Heatmaps


def test_heatmaps_show_the_tables_and_leave_missing_cells_blank():
    summary = make_summary()
    summary = summary[~((summary["layer"] == "input") & (summary["strength"] == 0.1))]
    summary.loc[(summary["layer"] == "fc.1") & (summary["strength"] == 1), "radius"] = np.nan
    figure = plot_heatmaps(summary, SIGMA)
    for axes, column in zip(figure.axes[:4], PANELS, strict=True):
        cells = axes.collections[0].get_array()
        blank = {(0, 2), (2, 3)} if column == "radius" else {(0, 2)}
        for i, j in np.ndindex(3, 4):
            assert bool(np.ma.getmaskarray(cells)[i, j]) == ((i, j) in blank)
            if (i, j) not in blank:
                assert cells[i, j] == pytest.approx(value(column, i, j))
        assert axes.patch.get_hatch()
        assert [label.get_text() for label in axes.get_xticklabels()] == [
            "clean",
            "0.01",
            "0.1",
            "1",
        ]
    assert figure.axes[0].get_ylim() == (3, 0)  # the first layer on top
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == LAYERS
    assert len(figure.axes) == 8  # a colour bar each


@pytest.mark.filterwarnings("error")
def test_heatmaps_without_one_known_value_are_drawn(tmp_path):
    summary = make_summary()
    summary["capacity"] = np.nan
    style.save_figure(plot_heatmaps(summary, SIGMA), tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert describe_heatmaps(summary, SIGMA) == ("No capacity is known: 12 of 12 cells are blank.")


def test_heatmaps_in_words():
    summary = make_summary()
    summary = summary[~((summary["layer"] == "input") & (summary["strength"] == 0.1))]
    assert describe_heatmaps(summary, SIGMA) == (
        "Capacity ranges from 0.100 (``input``, clean) to 0.330 (``fc.1``, σ = 1) over 3 layers "
        "and 4 conditions; 1 of 12 cells are blank (P = 10, M = 30, 3 replicates)."
    )


# Capacity against accuracy


@pytest.mark.parametrize("layer, index", [(None, 2), ("input", 0)])
def test_capacity_accuracy_has_one_point_per_condition(layer, index):
    figure = plot_capacity_accuracy(make_summary(), make_accuracy(), SIGMA, 10, layer=layer)
    axes = figure.axes[0]
    points = axes.collections[-1]
    expected = [[90 - 20 * j, value("capacity", index, j)] for j in range(4)]
    np.testing.assert_allclose(points.get_offsets(), expected[::-1])
    np.testing.assert_allclose(points.get_facecolors(), colours(LEVELS)[::-1])
    across, upward = (bars.get_segments() for bars in axes.collections[:2])
    np.testing.assert_allclose(across[1][:, 0], [67, 73])
    np.testing.assert_allclose(upward[1][:, 1], [0.98 * expected[1][1], 1.02 * expected[1][1]])
    assert LAYERS[index] in axes.get_ylabel()
    assert {"clean", "0.01", "0.1", "1"} <= {text.get_text() for text in axes.texts}


def test_points_that_coincide_share_a_label_and_labels_never_overlap():
    levels = [0, 0.0001, 0.0005, 0.001, 0.01, 0.1, 1]
    summary, accuracy = make_summary(levels=levels), make_accuracy(levels)
    near = accuracy["strength"] < 0.01
    accuracy.loc[near, "accuracy"] = 0.9
    summary.loc[summary["strength"] < 0.01, "capacity"] = 0.3
    figure = plot_capacity_accuracy(summary, accuracy, SIGMA, 10)
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
    figure = plot_capacity_accuracy(summary, make_accuracy(), SIGMA, 10)
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    assert "1" not in [text.get_text() for text in figure.axes[0].texts]
    text = describe_capacity_accuracy(summary, make_accuracy(), SIGMA)
    assert "and unknown where it is 30.00 % (σ = 1)" in text


def test_capacity_accuracy_in_words():
    summary = make_summary()
    summary.loc[(summary["layer"] == "fc.1") & (summary["strength"] == 1), "capacity"] = 9
    text = describe_capacity_accuracy(summary, make_accuracy(), SIGMA)
    assert text == (
        "``fc.1`` has the capacity 0.300 where the accuracy is 90.00 % (clean), and 9.00 where it "
        "is 30.00 % (σ = 1). Their rank correlation over 4 conditions is -1.00."
    )


def test_capacity_accuracy_names_what_is_missing():
    with pytest.raises(ConfigurationError, match="'fc'"):
        plot_capacity_accuracy(make_summary(), make_accuracy(), SIGMA, 10, layer="fc")
    with pytest.raises(DataError, match="gaussian/sigma-1"):
        plot_capacity_accuracy(make_summary(), make_accuracy(LEVELS[:-1]), SIGMA, 10)
