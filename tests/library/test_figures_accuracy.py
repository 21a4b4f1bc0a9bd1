"""The figure of the accuracy against the strength."""

import numpy as np
import pytest

from figure_tables import LEVELS, about, draw, make_accuracy, make_published, visible_text
from manifold_robustness.errors import DataError
from manifold_robustness.figures.strengths import Strength, log_places


def test_accuracy_shows_points_intervals_and_the_levels_to_compare_with():
    figure, _ = draw("accuracy", accuracy=make_accuracy())
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
    assert figure.get_suptitle() == "Gaussian noise: accuracy against σ (1,000 images)"


def test_accuracy_in_words():
    _, text = draw("accuracy", accuracy=make_accuracy().assign(n_classes=4))
    assert "1,000 images is 90.00 % (clean; 95 % interval 87.00 to 93.00 %)" in text
    assert "30.00 % (σ = 1; 95 % interval 27.00 to 33.00 %)" in text
    assert "less than half of the former at σ = 1." in text
    assert "Guessing among 4 classes gives 25 %." in text


def test_accuracy_says_where_it_is_that_of_fewer_images_when_perturbed():
    table = make_accuracy()
    table["n_images"] = table["n_images"].where(table["strength"] == 0, 300)
    figure, text = draw("accuracy", accuracy=table)
    words = "1,000 images when clean and 300 of them when perturbed"
    assert figure.get_suptitle().endswith(f"({words})")
    assert text.startswith(f"The accuracy on {words} is 90.00 % (clean;")


@pytest.mark.parametrize("name, factor", [("sigma", 1), ("variance", 2)])
def test_accuracy_has_the_published_ones_in_the_same_axes(name, factor):
    levels = [level**factor for level in LEVELS]
    subject = about(strength=Strength(name, "s", "of the noise"), published=make_published())
    (axes,) = draw("accuracy", subject, accuracy=make_accuracy(levels))[0].axes
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
    (axes,) = draw("accuracy", accuracy=make_accuracy())[0].axes
    assert not axes.containers and len(axes.lines) == 4


def test_the_sentences_say_what_the_open_marks_are():
    published = make_published()
    _, text = draw("accuracy", about(published=published), accuracy=make_accuracy())
    assert text.endswith(
        " Open marks are published accuracies, with their errors. Those of “notebook” are "
        "of the images that are classified correctly when clean, as is the dashed curve of this "
        "run."
    )
    published = published[published["quantity"] == "accuracy"]
    _, text = draw("accuracy", about(published=published), accuracy=make_accuracy())
    assert text.endswith(" Open marks are published accuracies, with their errors.")
    assert "Open marks" not in draw("accuracy", accuracy=make_accuracy())[1]


def test_accuracy_names_the_family_and_the_strength_as_people_do():
    strength = Strength("epsilon", "ε", "budget of the attack, pixel units")
    subject = about(network="vit", title="FGSM", strength=strength)
    figure, text = draw("accuracy", subject, accuracy=make_accuracy())
    assert figure.get_suptitle() == "vit, FGSM: accuracy against ε (1,000 images)"
    assert figure.axes[0].get_xlabel() == "ε: budget of the attack, pixel units"
    assert "(ε = 1; " in text


def test_accuracy_refuses_two_families_and_missing_columns():
    both = make_accuracy()
    both.loc[both["strength"] == 1, "family"] = "pgd"
    with pytest.raises(DataError, match=r"\['gaussian', 'pgd'\]"):
        draw("accuracy", accuracy=both)
    with pytest.raises(DataError, match="accuracy_low"):
        draw("accuracy", accuracy=make_accuracy().drop(columns="accuracy_low"))
