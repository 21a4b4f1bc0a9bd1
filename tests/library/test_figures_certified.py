"""The figure of certificates: shares against the radius, radii of classes, capacities of layers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from figure_tables import (
    CLASSES,
    LAYERS,
    about,
    curves,
    draw,
    make_certified,
    make_certified_classes,
    make_geometry,
    make_summary,
    value,
    visible_text,
)
from manifold_robustness.errors import DataError
from manifold_robustness.figures.about import About
from manifold_robustness.figures.comparison import COLOURS

NOISE = "gaussian/sigma-0.1"
SMOOTHED = {"sigma-0.1": NOISE, "sigma-0.25": "clean"}


def given(**changes):
    inputs = {
        "certified": make_certified(),
        "certified_classes": make_certified_classes(),
        "geometry": make_geometry(),
        "summary": make_summary(),
    }
    return inputs | changes


def drawn(subject=None, **changes):
    return draw("certified", subject or about(smoothed=SMOOTHED), **given(**changes))


def test_a_line_per_noise_falls_to_the_greatest_radius():
    figure, text = drawn()
    axes = figure.axes[0]
    for sigma, colour in zip((0.1, 0.25), COLOURS, strict=False):
        line = curves(axes)[to_rgba(colour)]
        assert line.get_xdata()[-1] == pytest.approx(2.4 * sigma)
        assert line.get_ydata()[[0, -1]] == pytest.approx([80, 0])
        assert line.get_label() == f"σ = {sigma:g}"
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(84) and "200 test images" in figure.get_suptitle()
    assert "for 80.0 % of 200 images (76.0 to 84.0 %), for 46.7 % within the radius 0.1" in text
    assert "it abstains for 10.0 %" in text and "1000 draws can prove at alpha 0.001" in text


def test_classes_stand_at_their_capacity_under_the_same_noise():
    figure, text = drawn()
    scatter = figure.axes[1].collections
    for sigma, level, dots in zip((0.1, 0.25), (2, 0), scatter, strict=True):
        factors = [1 + 0.02 * place + 0.01 * np.arange(3) for place in range(10)]
        capacities = [value("capacity", 2, level) * 3 / (1 / one).sum() for one in factors]
        radii = [sigma * (1 - 0.05 * place) for place in range(10)]
        np.testing.assert_allclose(dots.get_offsets(), np.column_stack([capacities, radii]))
    assert {*CLASSES} <= {*visible_text(figure)}
    assert f"with the capacity of ``fc.1`` (``{NOISE}``) is -1.00" in text
    assert "(``clean``) is -1.00" in text


def test_layers_have_their_capacity_under_each_noise_and_clean():
    axes = drawn()[0].axes[2]
    lines = curves(axes)
    for colour, level in (("black", 0), (COLOURS[0], 2)):
        expected = [value("capacity", layer, level) for layer in range(3)]
        assert lines[to_rgba(colour)].get_ydata() == pytest.approx(expected)
    assert [label.get_text() for label in axes.get_xticklabels()] == LAYERS


def test_published_certificates_stand_beside_those_of_the_same_noise():
    published = {"title": "elsewhere", "radius": [0, 0.25], "certified_accuracy": [0.7, 0.5]}
    levels = {"sigma-0.25": [published], "sigma-1": [published]}
    subject = about(smoothed=SMOOTHED, certificates=levels)
    figure, _ = drawn(subject)
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "s"]
    (mark,) = marks
    assert mark.get_ydata() == pytest.approx([70, 50]) and mark.get_color() == COLOURS[1]
    assert mark.get_label() == "published, σ = 0.25: elsewhere"


def test_exemplars_have_no_classes_to_compare():
    measured = make_geometry(levels=[0.01, 0.1])
    exemplars = measured.assign(manifold="test image 7")
    summary = make_summary(levels=[0.01, 0.1])
    figure, text = drawn(geometry=exemplars, summary=summary)
    assert "no manifold of this run is a class" in visible_text(figure)
    assert "rank correlation" not in text


def test_classes_that_are_all_wrong_or_lack_images_have_no_correlation():
    nothing = make_certified_classes().assign(mean_radius=0.0)
    _, text = drawn(certified_classes=nothing)
    assert "rank correlation" not in text and "nan" not in text
    some = make_certified_classes()
    some.loc[some["manifold"] == "class 3", ["n_images", "mean_radius"]] = [0, np.nan]
    figure, text = drawn(certified_classes=some)
    assert "Over 9 classes with 20 images each" in text
    assert "class 3" not in visible_text(figure)


def test_exemplars_without_geometry_under_the_noise_say_so():
    summary = make_summary(levels=[0.01])
    measured = make_geometry(levels=[0.01])
    figure, _ = drawn(geometry=measured, summary=summary)
    assert "no geometry under this noise" in visible_text(figure)
    assert figure.axes[2].get_title("left") == "(c) Capacity along the network"


def test_a_table_without_its_columns_is_refused():
    with pytest.raises(DataError, match="Need a table certified with the columns"):
        drawn(certified=make_certified().drop(columns="abstained"))


def test_every_network_has_its_line_in_every_panel():
    networks = pd.concat([make_certified("plain"), make_certified("noisy")])
    lower = networks["network"] == "noisy"
    columns = ["certified_accuracy", "certified_accuracy_low", "certified_accuracy_high"]
    networks.loc[lower, columns] *= 0.5
    figure, text = draw("compared_certified", About(), certified=networks)
    assert [axes.get_title("left") for axes in figure.axes] == ["σ = 0.1", "σ = 0.25"]
    for axes in figure.axes:
        lines = {line.get_label(): line for line in axes.lines}
        assert lines["plain"].get_ydata()[0] == pytest.approx(80)
        assert lines["noisy"].get_ydata()[0] == pytest.approx(40)
    assert "``noisy`` 40.0 % (38.0 to 42.0), mean radius" in text
    # Trainings by one recipe have its colour, and marks of their own.
    recipes = {"plain": "one", "noisy": "one"}
    together, text = draw("compared_certified", About(recipes=recipes), certified=networks)
    first, second = together.axes[0].lines
    assert first.get_color() == second.get_color()
    assert first.get_marker() != second.get_marker()
    assert len({line.get_color() for line in figure.axes[0].lines}) == 2
    assert text.endswith("Trainings by the same recipe have the same colour.")
