"""The figure of one image under every condition."""

import numpy as np
import pytest
from matplotlib.colors import same_color

from figure_tables import LEVELS, about, draw, make_pictures, visible_text, write_examples
from manifold_robustness.errors import DataError
from manifold_robustness.figures import style


def draw_examples(folder, pictures, predicted, true_class, levels=LEVELS, **options):
    """Return the figure and its sentences for one image under each condition."""
    inputs = write_examples(folder, pictures, predicted, true_class, levels)
    return draw("examples", about(levels), **inputs, **options)


@pytest.mark.parametrize("channels", [1, 3])
def test_examples_show_each_image_with_its_sign(channels, tmp_path):
    pictures = make_pictures(4, channels)
    figure, _ = draw_examples(tmp_path, pictures, ["car", "car", "truck", "car"], "car")
    assert [axes.get_title() for axes in figure.axes] == ["clean", "σ = 0.01", "σ = 0.1", "σ = 1"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["✓ car", "✓ car", "✗ truck", "✓ car"]
    assert same_color(figure.axes[2].xaxis.label.get_color(), style.WRONG)
    assert same_color(figure.axes[1].xaxis.label.get_color(), style.CORRECT)
    widths = [axes.spines["left"].get_linewidth() for axes in figure.axes]
    assert widths[2] > 2 * widths[1]
    for axes, picture in zip(figure.axes, pictures, strict=True):
        np.testing.assert_allclose(np.unique(axes.images[0].get_array()), picture.max())
    assert figure.get_suptitle().startswith("Gaussian noise: one image of class “car”")


def test_examples_keep_the_place_of_pixels_and_channels(tmp_path):
    picture = np.arange(12, dtype=np.float32).reshape(3, 2, 2) / 12
    figure, _ = draw_examples(tmp_path, [picture], ["a"], "a", [0.0])
    shown = figure.axes[0].images[0].get_array()
    step = shown.shape[0] // 2
    np.testing.assert_allclose(shown[::step, ::step], picture.transpose(1, 2, 0))


def test_pixels_beyond_the_range_are_shown_at_its_ends(tmp_path):
    picture = np.array([-1, 0.25, 0.5, 7], dtype=np.float32).reshape(1, 2, 2)
    figure, _ = draw_examples(tmp_path, [picture], ["a"], "a", [0.0])
    np.testing.assert_allclose(np.unique(figure.axes[0].images[0].get_array()), [0, 0.25, 0.5, 1])


def test_examples_hide_the_empty_places(tmp_path):
    figure, _ = draw_examples(tmp_path, make_pictures(7), ["a"] * 7, "a", [*map(float, range(7))])
    assert [axes.get_visible() for axes in figure.axes] == [True] * 7 + [False]


def test_a_long_name_of_a_class_takes_two_lines_and_no_more(tmp_path):
    name = "great white shark, man-eater, man-eating shark, Carcharodon carcharias"
    levels = [float(level) for level in range(6)]
    figure, _ = draw_examples(tmp_path, make_pictures(6), ["car"] + [name] * 5, "car", levels)
    figure.draw_without_rendering()
    boxes = [axes.xaxis.label.get_window_extent() for axes in figure.axes]
    assert not any(boxes[i].overlaps(boxes[i + 1]) for i in range(5))
    label = figure.axes[1].get_xlabel()
    assert label.startswith("✗ great white") and label.endswith("…") and label.count("\n") == 1


def test_examples_in_words(tmp_path):
    _, text = draw_examples(tmp_path, make_pictures(4), ["car", "truck", "bird", "bird"], "car")
    assert text == (
        "The image of class ``car`` is recognised under 1 of 4 conditions, and mistaken for "
        "``truck`` (σ = 0.01), ``bird`` (2 strengths, σ = 0.1 to σ = 1)."
    )
    _, text = draw_examples(tmp_path, make_pictures(1), ["car"], "car", [0.0])
    assert text.endswith("under 1 of 1 condition.")


def test_a_name_of_a_class_is_no_formula(tmp_path):
    figure, _ = draw_examples(tmp_path, make_pictures(1), ["$x^2_$"], "$x^2_$", [0.0])
    figure.draw_without_rendering()
    assert {"✓ $x^2_$"} < set(visible_text(figure))


def test_examples_refuse_what_is_no_image(tmp_path):
    with pytest.raises(DataError, match=r"\(2, 4, 4\) in .*clean"):
        draw_examples(tmp_path, make_pictures(1, channels=2), ["a"], "a", [0.0])
