"""What the figures share: style, files, titles, strengths, reading of reading."""

import os
import subprocess
import sys
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import same_color
from PIL import Image

from figure_tables import (
    LAYERS,
    LEVELS,
    NAMES,
    SIGMA,
    draw,
    draw_example,
    make_history,
    make_summary,
    value,
)
from manifold_robustness.figures import reading, style
from manifold_robustness.figures.files import write_figure
from manifold_robustness.figures.strengths import colours, log_places, short, spread

# Style and files


@pytest.mark.parametrize("name", NAMES)
def test_two_saves_of_a_figure_and_of_its_twin_are_the_same_bytes(name, tmp_path):
    figure, twin = draw_example(name, tmp_path), draw_example(name, tmp_path)
    written = []
    for i, drawn in enumerate([figure, figure, twin]):
        paths = tmp_path / f"{i}.svg", tmp_path / f"{i}.png"
        style.save_figure(drawn, *paths, dpi=50)
        written.append(tuple(path.read_bytes() for path in paths))
    assert written[0] == written[1] == written[2]
    assert b"dc:date" not in written[0][0]
    assert b"Software" not in written[0][1]


def test_dpi_scales_the_png(tmp_path):
    figure, _ = draw("training", history=make_history(), size=(6, 3))
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", dpi=50)
    assert Image.open(tmp_path / "a.png").size == (300, 150)


def test_the_settings_of_the_user_change_nothing(tmp_path):
    def saved(name):
        style.save_figure(
            draw("layers", summary=make_summary())[0],
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
        "import manifold_robustness.figures.drawing, manifold_robustness.figures.about\n"
        "import manifold_robustness.figures.layers, manifold_robustness.figures.examples\n"
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


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "levels, layers, replicates, shuffled, exemplar",
    [
        (LEVELS, LAYERS, 3, True, False),
        (LEVELS, LAYERS, 1, False, False),
        ([0.0], LAYERS, 3, False, False),
        ([0.0], ["fc.1"], 1, True, False),
        ([0.25], ["fc.1"], 1, True, False),
        (
            [0.0, *np.geomspace(1e-4, 1, 30)],
            [f"layer{i}.conv1" for i in range(50)],
            3,
            False,
            False,
        ),
        (LEVELS, LAYERS, 3, True, True),
        ([0.0, 0.1, 1.0], ["fc.1"], 1, True, True),
    ],
)
def test_every_size_of_run_is_drawn(levels, layers, replicates, shuffled, exemplar, tmp_path):
    for name in NAMES:
        if name.startswith("families_") and len(levels) == 1:
            continue  # a run without perturbations has no families to compare
        figure = draw_example(name, tmp_path, levels, layers, replicates, shuffled, exemplar)
        style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", dpi=40)


def test_tick_labels_do_not_overlap_at_22_layers_and_12_conditions(tmp_path):
    levels = [0, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1]
    layers = [f"layer{i}.0.downsample.0" for i in range(22)]
    for name in NAMES:
        figure = draw_example(name, tmp_path, levels, layers)
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
@pytest.mark.parametrize(
    "names",
    [{}, {"network": "resnet18_trained_with_noise", "title": "Gaussian noise (notebook_variance)"}],
)
def test_no_label_is_clipped(name, names, tmp_path):
    figure = draw_example(name, tmp_path, **names)
    figure.draw_without_rendering()
    canvas, drawn = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert drawn.x0 >= canvas.x0 and drawn.x1 <= canvas.x1
    assert drawn.y0 >= canvas.y0 and drawn.y1 <= canvas.y1


def test_a_title_takes_the_lines_that_it_needs():
    figure = style.new_figure((4, 3))
    style.set_title(figure, "Gaussian noise: accuracy", "9 images")
    assert figure.get_suptitle() == "Gaussian noise: accuracy (9 images)"
    style.set_title(figure, "Gaussian noise: accuracy against σ", "1,000 images")
    assert figure.get_suptitle() == "Gaussian noise: accuracy against σ\n(1,000 images)"
    style.set_title(figure, "A title that takes no less than two lines of the narrow figure")
    assert len(figure.get_suptitle().split("\n")) == 2


def test_a_figure_and_its_caption_are_written_whole(tmp_path):
    paths = {kind: tmp_path / f"figure.{kind}" for kind in ("svg", "png", "text")}
    figure, _ = draw("training", history=make_history())
    write_figure(figure, "Caption.\n\nNumbers: σ.", **paths)
    assert paths["text"].read_text(encoding="utf-8") == "Caption.\n\nNumbers: σ.\n"
    assert sorted(tmp_path.iterdir()) == sorted(paths.values())


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


# Reading


def test_grid_orders_layers_and_strengths_and_marks_what_is_missing():
    summary = make_summary()
    summary = summary[~((summary["layer"] == "input") & (summary["strength"] == 0.1))]
    grid = reading.grid(summary, "capacity")
    expected = [[value("capacity", i, j) for j in range(4)] for i in range(3)]
    expected[0][2] = np.nan
    np.testing.assert_allclose(grid, expected)


def test_limits_hold_every_value_but_not_an_infinite_interval():
    values = np.array([1.0, 2.0])
    assert reading.limits(values, values, values) == pytest.approx((0.95, 2.05))
    bottom, top = reading.limits(values, np.array([-np.inf, np.nan]), np.array([np.inf, 2.1]))
    assert bottom == pytest.approx(0.4) and top == pytest.approx(2.6)
    assert reading.limits(np.array([np.nan]), values[:1], values[:1]) == (0, 1)


def test_limits_go_below_zero_only_for_what_can_be_negative():
    values, low, high = np.array([-0.2, 0.1]), np.array([-0.25, 0.0]), np.array([-0.1, 0.2])
    assert reading.limits(values, low, high) == pytest.approx((0, 0.2225))
    assert reading.limits(values, low, high, -np.inf) == pytest.approx((-0.2725, 0.2225))


def test_measures_in_words():
    words = [reading.decimal(value) for value in (0.5, 100, np.inf, np.nan)]
    assert words == ["0.500", "100", "infinite", "unknown"]


def test_sample_says_the_range_of_replicates():
    summary = make_summary()
    assert reading.sample(summary) == "P = 10, M = 30, 3 replicates"
    assert reading.sample(make_summary(replicates=1)) == "P = 10, M = 30, 1 replicate"
    summary.iloc[0, summary.columns.get_loc("n_replicates")] = 2
    assert reading.sample(summary) == "P = 10, M = 30, 2–3 replicates"
