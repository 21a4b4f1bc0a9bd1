"""The figure of the last layer's geometry against the strength."""

import numpy as np
import pytest

from figure_tables import (
    LEVELS,
    PANELS,
    about,
    draw,
    make_published,
    make_published_layers,
    make_summary,
    value,
)
from manifold_robustness.figures import style
from manifold_robustness.figures.strengths import log_places


def test_the_last_layer_is_drawn_against_the_strength():
    figure, _ = draw("last_layer", summary=make_summary())
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
    assert figure.get_suptitle() == (
        "Gaussian noise: manifold geometry of fc.1 (P = 10, M = 30, 3 replicates)"
    )


def test_the_last_layer_has_the_published_values_of_its_frame():
    subject = about(published=make_published())
    figure, text = draw("last_layer", subject, summary=make_summary())
    capacity, dimension, *others = figure.axes
    (marks,) = capacity.containers
    assert marks.lines[0].get_ydata() == pytest.approx([0.8])
    assert marks.lines[0].get_xdata() == pytest.approx(log_places(LEVELS)[:1])
    (marks,) = dimension.containers
    assert marks.lines[0].get_ydata() == pytest.approx([40])
    assert dimension.get_ylim()[1] > 40.5 and dimension.get_legend() is not None
    assert not any(axes.containers for axes in others)
    assert text.endswith(" Open marks are published values (“Figure 4”), with their errors.")
    rank, _ = draw("last_layer", subject, summary=make_summary(), frame="rank")
    assert [len(axes.containers) for axes in rank.axes] == [1, 0, 0, 0]


def test_the_last_layer_has_what_was_published_for_it_by_name():
    subject = about(published=make_published_layers())
    figure, _ = draw("last_layer", subject, summary=make_summary())
    (marks,) = figure.axes[0].containers
    assert marks.lines[0].get_ydata() == pytest.approx([60])


def test_the_last_layer_has_the_control_of_shuffled_classes():
    figure, text = draw("last_layer", summary=make_summary(shuffled=True))
    for axes, column in zip(figure.axes, PANELS, strict=True):
        clean, others = axes.lines[-2:]
        values = [value(f"shuffled_{column}", 2, j) for j in range(4)]
        assert clean.get_ydata() == pytest.approx(values[:1])
        assert others.get_ydata() == pytest.approx(values[1:])
        assert others.get_xdata() == pytest.approx(log_places(LEVELS)[1:])
        assert others.get_linestyle() == ":" and others.get_marker() == "x"
        bottom, top = axes.get_ylim()
        assert bottom < min(values) and max(values) < top
        labels = [entry.get_text() for entry in axes.get_legend().get_texts()]
        assert labels == ["clean", "classes shuffled"]
    assert " Grey dotted: the same points, dealt out to the classes at random" in text
    rank, _ = draw("last_layer", summary=make_summary(shuffled=True), frame="rank")
    assert [len(axes.lines) for axes in rank.axes] == [5, 3, 5, 5]  # its dimension has no control


@pytest.mark.filterwarnings("error")
def test_the_last_layer_survives_infinite_and_unknown_values(tmp_path):
    summary = make_summary()
    last = summary["layer"] == "fc.1"
    summary.loc[last & (summary["strength"] == 0), "capacity_high"] = np.inf
    summary.loc[last & (summary["strength"] == 1), ["capacity", "capacity_low"]] = np.nan
    summary.loc[last, ["radius", "radius_low", "radius_high"]] = np.nan
    figure, text = draw("last_layer", summary=summary)
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    assert "capacity 0.300 (clean) to 0.320 (σ = 0.1), " in text and "radius unknown, " in text


def test_the_last_layer_in_words():
    _, text = draw("last_layer", summary=make_summary())
    assert text == (
        "Over 4 conditions, ``fc.1`` has capacity 0.300 (clean) to 0.330 (σ = 1), dimension 15.0 "
        "(clean) to 16.5 (σ = 1), radius 3.00 (clean) to 3.30 (σ = 1), center correlation 0.600 "
        "(clean) to 0.660 (σ = 1) (P = 10, M = 30, 3 replicates)."
    )
    _, alone = draw("last_layer", summary=make_summary(levels=[0.0]), frame="rank")
    assert "Over 1 condition, " in alone and "dimension (rank frame) 18.0, " in alone
