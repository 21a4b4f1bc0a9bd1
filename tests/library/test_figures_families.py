"""The figures that compare the families of a run: a line for each, the same look everywhere."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from figure_tables import (
    EPSILON,
    FAMILIES,
    LAYERS,
    LEVELS,
    NEVER,
    SIGMA,
    about,
    draw,
    make_accuracy,
    make_matched,
    make_summary,
    matched_value,
    of_families,
    value,
)
from manifold_robustness.errors import DataError
from manifold_robustness.figures import style
from manifold_robustness.figures.about import FamilyNames, make_about
from manifold_robustness.figures.families import COLOURS, look_of
from manifold_robustness.figures.families_accuracy import group_by_unit
from manifold_robustness.figures.strengths import Strength, log_places

MEASURES = [
    "capacity",
    "joint_capacity",
    "dimension",
    "radius",
    "center_correlation",
    "readout_accuracy",
]
FACTORS = [1, 1, 1, 1, 1, 100]
COMPARED = list(FAMILIES)[:2]  # the third never crosses the target
ABOUT = about(title="", families=FAMILIES)
KEY = ["Gaussian noise", "PGD", "JSMA", "compared at 45 %", "chance: 10 %", "clean"]


@pytest.fixture
def inputs():
    return {
        "summary": of_families(make_summary()),
        "accuracy": of_families(make_accuracy()),
        "matched": make_matched(),
    }


def drawn(name, inputs, subject=ABOUT, **changes):
    needed = {
        "families_geometry": ("summary", "accuracy", "matched"),
        "families_profile": ("summary", "matched"),
        "families_accuracy": ("accuracy", "matched"),
    }[name]
    return draw(name, subject, **{key: (inputs | changes)[key] for key in needed})


def test_without_clean_geometry_no_line_and_no_key_is_of_clean():
    """As of exemplar manifolds."""
    summary = make_summary()
    tables = {
        "summary": of_families(summary[summary["strength"] > 0]),
        "accuracy": of_families(make_accuracy()),
        "matched": make_matched(levels=LEVELS[1:]),
    }
    subject = about(title="", families=FAMILIES, manifolds="exemplar")
    figure, text = drawn("families_geometry", tables, subject)
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == KEY[:-1]
    assert text.startswith("Of 9 conditions, none is clean (P = 10, M = 30, 3 replicates). At 45 %")
    figure, text = drawn("families_profile", tables, subject)
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == KEY[:2]
    assert "clean" not in text


def line_of(axes, family, marked=True):
    """The line of a family in a panel: that with its marks, or that without."""
    look = look_of(ABOUT, family)
    (line,) = (
        line
        for line in axes.lines
        if same_color(line.get_color(), look["color"]) and (line.get_marker() != "") == marked
    )
    return line


def key_of(figure):
    return [entry.get_text() for entry in figure.legends[0].get_texts()]


# Geometry against accuracy


def test_the_last_layer_stands_against_the_accuracy_of_every_family(inputs):
    figure, _ = drawn("families_geometry", inputs)
    panels = figure.axes
    assert [axes.get_title("left")[4:] for axes in panels] == [
        "Capacity",
        "Joint capacity",
        "Dimension",
        "Radius",
        "Center correlation",
        "Accuracy of a linear readout",
    ]
    for axes, measure, factor in zip(panels, MEASURES, FACTORS, strict=True):
        values = [factor * value(measure, 2, level) for level in range(4)]
        for family in FAMILIES:
            line, marks = line_of(axes, family, marked=False), line_of(axes, family)
            assert line.get_xdata() == pytest.approx([90, 70, 50, 30])
            assert line.get_ydata() == pytest.approx(values)
            assert marks.get_ydata() == pytest.approx(values[1:])  # clean has a mark of its own
        (clean,) = (line for line in axes.lines if line.get_label() == "clean")
        assert clean.get_xydata() == pytest.approx(np.array([[90, values[0]]]))
        assert clean.get_color() == "black"
        left, right = axes.get_xlim()
        assert left > 93 > 10 > right  # from high to low
        (target,) = (line for line in axes.lines if "compared" in line.get_label())
        assert target.get_xdata() == pytest.approx([45, 45])
    assert key_of(figure) == KEY
    assert figure.get_suptitle().startswith("Manifold geometry of fc.1 against accuracy")


def test_both_intervals_are_bars(inputs):
    figure, _ = drawn("families_geometry", inputs)
    upright, across = (bars.get_segments() for bars in figure.axes[0].collections[:2])
    values = [value("capacity", 2, level) for level in range(4)]
    assert [tuple(bar[:, 1]) for bar in upright] == [
        pytest.approx((0.98 * one, 1.02 * one)) for one in values
    ]
    assert [tuple(bar[:, 0]) for bar in across] == [
        pytest.approx((x - 3, x + 3)) for x in (90, 70, 50, 30)
    ]


def test_what_a_run_has_not_measured_has_no_panel(inputs):
    bare = inputs["summary"].drop(columns=["joint_capacity"])
    figure, _ = drawn("families_geometry", inputs, summary=bare)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 5 and len(figure.axes) == 6
    assert [bool(axes.get_xlabel()) for axes in shown] == [False, False, True, True, True]
    bare = bare.drop(columns=["readout_accuracy"])
    assert len(drawn("families_geometry", inputs, summary=bare)[0].axes) == 4
    assert len(drawn("families_profile", inputs, summary=bare)[0].axes) == 4


def test_the_geometry_in_words(inputs):
    _, text = drawn("families_geometry", inputs)
    assert text == (
        "Of the clean images, ``fc.1`` has capacity 0.300, joint capacity 0.360, dimension 15.0, "
        "radius 3.00, center correlation 0.600, accuracy of a linear readout 90.0 % (P = 10, "
        "M = 30, 3 replicates). At 45 % accuracy, over 2 families: capacity 0.320 (Gaussian noise) "
        "to 0.384 (PGD), joint capacity 0.384 (Gaussian noise) to 0.461 (PGD), dimension 16.0 "
        "(Gaussian noise) to 19.2 (PGD), radius 3.20 (Gaussian noise) to 3.84 (PGD), center "
        "correlation 0.640 (Gaussian noise) to 0.768 (PGD), accuracy of a linear readout 96.0 % "
        f"(Gaussian noise) to 115 % (PGD). Not matched: JSMA ({NEVER})."
    )


def test_the_conditions_of_the_summary_need_an_accuracy(inputs):
    fewer = inputs["accuracy"].query("family != 'pgd'")
    with pytest.raises(DataError, match=r"pgd/epsilon-0\.01"):
        drawn("families_geometry", inputs, accuracy=fewer)


# Layers at equal accuracy


def test_every_matched_family_has_a_line_over_the_layers(inputs):
    figure, _ = drawn("families_profile", inputs)
    for axes, measure, factor in zip(figure.axes, MEASURES, FACTORS, strict=True):
        assert len(axes.lines) == 3  # clean and two families
        clean = next(line for line in axes.lines if line.get_color() == "black")
        assert clean.get_ydata() == pytest.approx(
            [factor * value(measure, layer, 0) for layer in range(3)]
        )
        assert clean.is_dashed()
        for i, family in enumerate(COMPARED):
            values = [factor * matched_value(measure, layer, i) for layer in range(3)]
            assert line_of(axes, family).get_ydata() == pytest.approx(values)
    ticks = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert ticks == LAYERS
    assert key_of(figure) == ["Gaussian noise", "PGD", "clean"]
    assert figure.get_suptitle().startswith("Each layer where 45 % accuracy is left")


def test_the_bands_are_the_intervals(inputs):
    band = drawn("families_profile", inputs)[0].axes[0].collections[1]  # clean's comes first
    heights = band.get_paths()[0].vertices[:, 1]
    ends = [matched_value("capacity", layer, 0) for layer in (0, 2)]
    assert (heights.min(), heights.max()) == pytest.approx((0.95 * ends[0], 1.05 * ends[1]))


def test_the_profile_in_words(inputs):
    _, text = drawn("families_profile", inputs)
    assert text == (
        "At 45 % accuracy, the capacities of 2 families lie furthest apart, in proportion, in "
        "``fc.1``: 0.320 (Gaussian noise) to 0.384 (PGD); that of the clean images is 0.300. "
        f"Not matched: JSMA ({NEVER})."
    )
    _, text = drawn("families_profile", inputs, matched=make_matched().query("family != 'pgd'"))
    assert text.startswith("One family alone has values at 45 % accuracy: Gaussian noise. Not")


@pytest.mark.parametrize("name", ["families_geometry", "families_profile", "families_accuracy"])
def test_a_run_in_which_no_family_crosses_the_target_is_drawn_all_the_same(name, inputs):
    none = [
        {"network": "plain", "family": family, "accuracy": 0.45, "reason": NEVER}
        for family in FAMILIES
    ]
    matched = pd.DataFrame(none, columns=make_matched().columns)
    figure, text = drawn(name, inputs, matched=matched)
    figure.draw_without_rendering()
    listed = "; ".join(f"{family.title} ({NEVER})" for family in FAMILIES.values())
    assert text.endswith(f" Not matched: {listed}.")
    if name != "families_geometry":
        assert text.startswith("No family has values at 45 %") or "under no family" in text


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["families_geometry", "families_profile"])
def test_one_replicate_and_infinite_intervals_are_drawn(name, inputs, tmp_path):
    summary, matched = of_families(make_summary(replicates=1)), inputs["matched"]
    matched["value_high"] = np.inf
    figure, _ = drawn(name, inputs, summary=summary, matched=matched)
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert all(np.isfinite(axes.get_ylim()).all() for axes in figure.axes)


# Accuracy


def test_families_stand_in_one_panel_where_their_strengths_have_one_unit():
    levels = Strength("epsilon", "ε", "in levels", "linf", 255.0)
    pixels = Strength("epsilon", "ε", "pixel units", "linf")
    squared = Strength("variance", "σ²", "variance")
    given = {"a": SIGMA, "b": levels, "c": pixels, "d": squared, "e": SIGMA}
    families = {name: FamilyNames(name, strength) for name, strength in given.items()}
    groups = group_by_unit(about(families=families))
    assert list(groups.values()) == [["a", "e"], ["b", "c"], ["d"]]


def test_every_family_has_a_line_against_its_strength_in_pixel_units(inputs):
    figure, _ = drawn("families_accuracy", inputs)
    panels = dict(zip(FAMILIES, figure.axes, strict=True))
    titles = ["(a) strength σ", "(b) L∞ norm", "(c) strength γ"]
    assert [axes.get_title("left") for axes in figure.axes] == titles
    for family, axes in panels.items():
        divisor = 255 if family == "pgd" else 1
        line = line_of(axes, family)
        assert line.get_xdata() == pytest.approx(np.log10(np.array(LEVELS[1:]) / divisor))
        assert line.get_ydata() == pytest.approx([70, 50, 30])
        (clean,) = (one for one in axes.lines if one.get_label() == "clean")
        first = log_places([level / divisor for level in LEVELS])[0]
        assert clean.get_xydata() == pytest.approx(np.array([[first, 90]]))
        heights = {one.get_label(): one.get_ydata()[0] for one in axes.lines}
        assert heights["compared at 45 %"] == pytest.approx(45)
        assert heights["chance: 10 %"] == pytest.approx(10)
        bars = axes.collections[0].get_segments()
        assert [tuple(bar[:, 1]) for bar in bars] == [
            pytest.approx((one - 3, one + 3)) for one in (70, 50, 30)
        ]
    assert " ".join(figure.axes[1].get_xlabel().split()) == (
        "ε: L∞ norm of the change, pixel units"
    )
    assert key_of(figure) == KEY


def test_marks_of_one_panel_stand_apart(inputs):
    same = {name: FamilyNames(one.title, EPSILON) for name, one in FAMILIES.items()}
    figure, _ = drawn("families_accuracy", inputs, about(title="", families=same))
    (axes,) = figure.axes
    places = np.array([line_of(axes, family).get_xdata() for family in FAMILIES])
    assert (np.diff(places, axis=0) > 0).all()
    assert places.mean(axis=0) == pytest.approx(np.log10(np.array(LEVELS[1:]) / 255))


def test_the_accuracies_in_words(inputs):
    _, text = drawn("families_accuracy", inputs)
    assert text == (
        "Accuracy on 1,000 images, 90.00 % when clean, falls below 45 % under Gaussian noise "
        "between σ = 0.1 and σ = 1, PGD between ε = 0.1 and ε = 1. "
        f"Not matched: JSMA ({NEVER})."
    )


# All of them


def test_nine_families_differ_by_colour_mark_and_dashes_and_none_is_black():
    families = {f"family{i}": FamilyNames(f"Family {i}", SIGMA) for i in range(20)}
    looks = [look_of(about(families=families), name) for name in families]
    for key in ("color", "marker", "linestyle"):
        assert len({str(look[key]) for look in looks[:9]}) == 9
    assert len({(look["color"], look["marker"]) for look in looks}) == 20
    assert not any(same_color(colour, "black") for colour in COLOURS)


def test_a_job_names_every_family_and_its_unit():
    settings = {"families": {"pgd": {"title": "PGD", "strength": vars(EPSILON)}}}
    assert make_about(settings, {}).families == {"pgd": FamilyNames("PGD", EPSILON)}
    assert make_about(settings, {}).heading("accuracy") == "Accuracy"


def test_a_table_of_several_families_is_refused_elsewhere(inputs):
    with pytest.raises(DataError, match=r"families \['gaussian', 'jsma', 'pgd'\]; select one"):
        draw("last_layer", summary=inputs["summary"])
    with pytest.raises(DataError, match=r"table matched with the columns \['reason'"):
        drawn("families_profile", inputs, matched=make_matched().drop(columns="reason"))
