"""Each figure shows the table it was given: data, labels, gaps, and the same bytes every time."""

import os
import subprocess
import sys
from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from PIL import Image

from manifold_robustness.errors import ConfigurationError, DataError
from manifold_robustness.figures import style, tables
from manifold_robustness.figures.accuracy import describe_accuracy, plot_accuracy
from manifold_robustness.figures.capacity_accuracy import (
    describe_capacity_accuracy,
    plot_capacity_accuracy,
)
from manifold_robustness.figures.examples import describe_examples, plot_examples
from manifold_robustness.figures.heatmaps import describe_heatmaps, plot_heatmaps
from manifold_robustness.figures.labels import group, place_labels
from manifold_robustness.figures.layers import describe_layers, plot_layers
from manifold_robustness.figures.strengths import Strength, colours, log_places, short, spread
from manifold_robustness.figures.training import describe_training, plot_training

SIGMA = Strength()
LAYERS = ["input", "layer1.0.conv1", "fc.1"]
LEVELS = [0.0, 0.01, 0.1, 1.0]
MEASURES = {
    "capacity": 0.1,
    "radius": 1.0,
    "dimension": 5.0,
    "rank_dimension": 6.0,
    "center_correlation": 0.2,
}
PANELS = ["capacity", "dimension", "radius", "center_correlation"]


def value(measure: str, layer: int, level: int) -> float:
    return MEASURES[measure] * (1 + layer + 0.1 * level)


def condition(strength: float) -> dict:
    clean = strength == 0
    return {
        "condition": "clean" if clean else f"gaussian/sigma-{strength:g}",
        "family": "clean" if clean else "gaussian",
        "strength": strength,
    }


def make_summary(layers=LAYERS, levels=LEVELS, replicates=3) -> pd.DataFrame:
    rows = []
    for j, level in enumerate(levels):
        for i, layer in enumerate(layers):
            row = condition(level) | {
                "layer": layer,
                "layer_index": i,
                "n_manifolds": 10,
                "n_replicates": replicates,
                "n_points": 30,
            }
            for measure in MEASURES:
                width = 0.02 * value(measure, i, j) if replicates > 1 else np.nan
                row[measure] = value(measure, i, j)
                row[f"{measure}_low"] = row[measure] - width
                row[f"{measure}_high"] = row[measure] + width
            rows.append(row)
    # The order of rows is nobody's promise.
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def make_accuracy(levels=LEVELS) -> pd.DataFrame:
    rows = [
        condition(level)
        | {
            "n_images": 1000,
            "n_correct": 900 - 200 * j,
            "accuracy": 0.9 - 0.2 * j,
            "accuracy_low": 0.87 - 0.2 * j,
            "accuracy_high": 0.93 - 0.2 * j,
        }
        for j, level in enumerate(levels)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=1)


def make_history(n_epochs=4) -> pd.DataFrame:
    epoch = np.arange(1, n_epochs + 1)
    table = pd.DataFrame(
        {
            "epoch": epoch,
            "learning_rate": np.where(epoch < 3, 1e-3, 1e-4),
            "best": epoch == min(3, n_epochs),
        }
    )
    for i, name in enumerate(["train", "validation", "test"]):
        table[f"{name}_accuracy"] = 0.5 + 0.1 * epoch - 0.01 * i
        table[f"{name}_loss"] = 2 - 0.1 * epoch + 0.01 * i
    return table


def make_images(n: int, channels: int = 3) -> list[np.ndarray]:
    return [np.full((channels, 4, 4), i / n) for i in range(n)]


NAMES = ["training", "examples", "accuracy", "layers", "heatmaps", "capacity_accuracy"]


def make_figure(name, levels=LEVELS, layers=LAYERS, replicates=3):
    summary, accuracy = make_summary(layers, levels, replicates), make_accuracy(levels)
    labels = ["car"] + ["truck"] * (len(levels) - 1)
    makers = {
        "training": lambda: plot_training(make_history()),
        "examples": lambda: plot_examples(make_images(len(levels)), levels, labels, "car", SIGMA),
        "accuracy": lambda: plot_accuracy(accuracy, SIGMA, 10),
        "layers": lambda: plot_layers(summary, SIGMA),
        "heatmaps": lambda: plot_heatmaps(summary, SIGMA),
        "capacity_accuracy": lambda: plot_capacity_accuracy(summary, accuracy, SIGMA, 10),
    }
    return makers[name]()


def visible_text(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_visible()]


def curves(axes) -> dict:
    """Lines of a panel of layers by colour, as tuples of RGBA."""
    return {matplotlib.colors.to_rgba(line.get_color()): line for line in axes.lines}


# Style and files


@pytest.mark.parametrize("name", NAMES)
def test_two_saves_of_a_figure_and_of_its_twin_are_the_same_bytes(name, tmp_path):
    figure, twin = make_figure(name), make_figure(name)
    written = []
    for i, drawn in enumerate([figure, figure, twin]):
        paths = tmp_path / f"{i}.svg", tmp_path / f"{i}.png"
        style.save_figure(drawn, *paths, dpi=50)
        written.append(tuple(path.read_bytes() for path in paths))
    assert written[0] == written[1] == written[2]
    assert b"dc:date" not in written[0][0]
    assert b"Software" not in written[0][1]


def test_dpi_scales_the_png(tmp_path):
    figure = plot_training(make_history(), size=(6, 3))
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", dpi=50)
    assert Image.open(tmp_path / "a.png").size == (300, 150)


def test_the_settings_of_the_user_change_nothing(tmp_path):
    def saved(name):
        style.save_figure(
            plot_layers(make_summary(), SIGMA),
            tmp_path / f"{name}.svg",
            tmp_path / f"{name}.png",
            dpi=50,
        )
        return (tmp_path / f"{name}.svg").read_bytes()

    plain = saved("plain")
    with matplotlib.rc_context({"font.size": 25, "axes.facecolor": "yellow", "svg.hashsalt": "x"}):
        assert saved("odd") == plain
        assert matplotlib.rcParams["font.size"] == 25


def test_import_leaves_matplotlib_as_it_was(tmp_path):
    code = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy()\n"
        "import manifold_robustness.figures.layers, manifold_robustness.figures.training\n"
        "manifold_robustness.figures.style.new_figure((2, 2)).savefig(sys.argv[1])\n"
        "assert matplotlib.rcParams.copy() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "levels, layers, replicates",
    [
        (LEVELS, LAYERS, 3),
        (LEVELS, LAYERS, 1),
        ([0.0], LAYERS, 3),
        ([0.0], ["fc.1"], 1),
        ([0.25], ["fc.1"], 1),
        ([0.0, *np.geomspace(1e-4, 1, 30)], [f"layer{i}.conv1" for i in range(50)], 3),
    ],
)
def test_every_size_of_run_is_drawn(levels, layers, replicates, tmp_path):
    for name in NAMES:
        figure = make_figure(name, levels, layers, replicates)
        style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", dpi=40)


def test_tick_labels_do_not_overlap_at_22_layers_and_12_conditions():
    levels = [0, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1]
    layers = [f"layer{i}.0.downsample.0" for i in range(22)]
    for name in NAMES:
        figure = make_figure(name, levels, layers)
        figure.draw_without_rendering()
        for axes in figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                boxes = [
                    label.get_window_extent()
                    for label in axis.get_ticklabels()
                    if label.get_text() and label.get_visible()
                ]
                for first, second in pairwise(boxes):
                    assert not first.overlaps(second)


@pytest.mark.parametrize("name", NAMES)
def test_no_label_is_clipped(name):
    figure = make_figure(name)
    figure.draw_without_rendering()
    canvas, drawn = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert drawn.x0 >= canvas.x0 and drawn.x1 <= canvas.x1
    assert drawn.y0 >= canvas.y0 and drawn.y1 <= canvas.y1


# Strengths


def test_clean_is_black_and_the_others_lighten_with_strength():
    shades = colours([0, 0.1, 0.5, 1])
    assert same_color(shades[0], "black")
    lightness = shades[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0.05).all()
    assert colours([0.1, 1]).shape == (2, 4)


def test_clean_stands_apart_on_the_logarithmic_axis():
    places = log_places([0, 0.001, 0.1])
    assert places[1:] == pytest.approx([-3, -1])
    assert places[0] == pytest.approx(-3.25)
    assert log_places([0.0]) == pytest.approx([0])
    assert log_places([0.01]) == pytest.approx([-2])


def test_labels_are_spread_and_keep_both_ends():
    assert spread(range(12), 1) == list(range(12))
    assert spread([0, 0.1, 5, 9.9, 10], 1) == [0, 2, 4]
    assert spread([3], 1) == [0]


def test_strengths_in_words():
    assert SIGMA.value(0) == "clean"
    assert SIGMA.value(0.0001) == "σ = 0.0001"
    assert short(8 / 255) == "0.03137"


# Tables


def test_grid_orders_layers_and_strengths_and_marks_what_is_missing():
    summary = make_summary()
    summary = summary[~((summary["layer"] == "input") & (summary["strength"] == 0.1))]
    grid = tables.grid(summary, "capacity")
    expected = [[value("capacity", i, j) for j in range(4)] for i in range(3)]
    expected[0][2] = np.nan
    np.testing.assert_allclose(grid, expected)


def test_limits_hold_every_value_but_not_an_infinite_interval():
    values = np.array([1.0, 2.0])
    assert tables.limits(values, values, values) == pytest.approx((0.95, 2.05))
    bottom, top = tables.limits(values, np.array([-np.inf, np.nan]), np.array([np.inf, 2.1]))
    assert bottom == pytest.approx(0.4) and top == pytest.approx(2.6)
    assert tables.limits(np.array([np.nan]), values[:1], values[:1]) == (0, 1)


def test_sample_says_the_range_of_replicates():
    summary = make_summary()
    assert tables.sample(summary) == "P = 10, M = 30, 3 replicates"
    assert tables.sample(make_summary(replicates=1)) == "P = 10, M = 30, 1 replicate"
    summary.iloc[0, summary.columns.get_loc("n_replicates")] = 2
    assert tables.sample(summary) == "P = 10, M = 30, 2–3 replicates"


def test_two_families_missing_columns_and_no_rows_are_errors():
    both = make_accuracy()
    both.loc[both["strength"] == 1, "family"] = "pgd"
    with pytest.raises(DataError, match=r"\['gaussian', 'pgd'\]"):
        plot_accuracy(both, SIGMA, 10)
    with pytest.raises(DataError, match="accuracy_low"):
        plot_accuracy(make_accuracy().drop(columns="accuracy_low"), SIGMA, 10)
    with pytest.raises(DataError, match="at least one row"):
        plot_layers(make_summary().iloc[:0], SIGMA)
    with pytest.raises(ConfigurationError, match="'true'"):
        plot_layers(make_summary(), SIGMA, frame="true")


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
