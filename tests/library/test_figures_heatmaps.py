"""The figure of the geometry as heatmaps, layer against strength."""

import numpy as np
import pytest

from figure_tables import LAYERS, PANELS, draw, make_summary, value
from manifold_robustness.figures import style


def test_heatmaps_show_the_tables_and_leave_missing_cells_blank():
    summary = make_summary()
    summary = summary[~((summary["layer"] == "input") & (summary["strength"] == 0.1))]
    summary.loc[(summary["layer"] == "fc.1") & (summary["strength"] == 1), "radius"] = np.nan
    figure, _ = draw("heatmaps", summary=summary)
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
    assert figure.get_suptitle() == (
        "Gaussian noise: manifold geometry of each layer (P = 10, M = 30, 3 replicates)"
    )
    assert figure.axes[0].get_ylim() == (3, 0)  # the first layer on top
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == LAYERS
    assert len(figure.axes) == 8  # a colour bar each


@pytest.mark.filterwarnings("error")
def test_heatmaps_without_one_known_value_are_drawn(tmp_path):
    summary = make_summary()
    summary["capacity"] = np.nan
    figure, text = draw("heatmaps", summary=summary)
    style.save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png", 40)
    assert text == "No capacity is known: 12 of 12 cells are blank."


def test_heatmaps_in_words():
    summary = make_summary()
    summary = summary[~((summary["layer"] == "input") & (summary["strength"] == 0.1))]
    _, text = draw("heatmaps", summary=summary)
    assert text == (
        "Capacity ranges from 0.100 (``input``, clean) to 0.330 (``fc.1``, σ = 1) over 3 layers "
        "and 4 conditions; 1 of 12 cells are blank (P = 10, M = 30, 3 replicates)."
    )
