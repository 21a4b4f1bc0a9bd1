"""Tables: rows, means and intervals against numbers worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from manifold_robustness.collection import (
    COORDINATES,
    PER_MANIFOLD,
    PER_REPLICATE,
    SUMMARISED,
    average_replicates,
    collect_accuracy,
    collect_geometry,
    collect_subsets,
    read_measured,
    summarise_geometry,
)
from manifold_robustness.errors import StoreError
from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.files.geometry import VARIABLES
from manifold_robustness.files.predictions import write_predictions
from result_files import image_sums, origin, write

T2, T3 = 12.706204736432095, 4.302652729911275  # Student's t for 95 %, 1 and 2 degrees of freedom


def place(condition="clean", strength=0.0, layer="conv1", index=0, network="resnet18"):
    family = condition.partition("/")[0]
    values = network, condition, family, strength, layer, index
    return dict(zip(COORDINATES, values, strict=True))


def at(network="resnet18", condition="clean", layer="conv1", **_):
    """Return the origin of a file with such coordinates."""
    return origin(network, condition, layer)


def collect(*files):
    """Return the geometry of (coordinates, path), all made with the same settings."""
    return collect_geometry(
        read_measured((coordinates, at(**coordinates).lineage, path) for coordinates, path in files)
    )


def count(*files):
    """Return the accuracy of (coordinates, path), all made with the same settings."""
    return collect_accuracy(
        (coordinates, at(**coordinates).lineage, path) for coordinates, path in files
    )


def test_there_is_a_row_per_network_condition_layer_replicate_and_manifold(tmp_path):
    first = write(tmp_path / "1.h5", capacity=np.array([[1, 2], [3, 4], [5, 6.0]]))
    other = place("gaussian/sigma-0.1", 0.1, "fc", 1, network="own")
    rho = np.array([0.25])
    second = write(tmp_path / "2.h5", 7, at(**other), n_replicates=1, center_correlation=rho)
    table = collect((place(), first), (other, second))
    assert len(table) == 3 * 2 + 2
    assert list(table["capacity"][:6]) == [1, 2, 3, 4, 5, 6]
    assert list(table["replicate"]) == [0, 0, 1, 1, 2, 2, 0, 0]
    assert list(table["manifold"]) == ["ant", "bee"] * 4
    assert list(table["condition"]) == ["clean"] * 6 + ["gaussian/sigma-0.1"] * 2
    assert (
        table.columns[0] == "network" and list(table["network"]) == ["resnet18"] * 6 + ["own"] * 2
    )
    assert list(table["layer_index"]) == [0] * 6 + [1] * 2
    assert list(table["center_correlation"]) == [1] * 6 + [0.25] * 2
    assert list(table["n_features"]) == [100] * 6 + [7] * 2
    assert set(table["layer_label"]) == {"layer_1_Conv2d"}
    assert set(table["n_points"]) == {6} and set(table["n_manifolds"]) == {2}
    assert {*COORDINATES, *PER_MANIFOLD, *PER_REPLICATE} <= set(table.columns)


def test_what_was_not_measured_has_no_column(tmp_path):
    off = [name for name, variable in VARIABLES.items() if variable.settings]
    path = write(tmp_path / "1.h5", without=off)
    table = collect((place(), path))
    assert len(off) > 20 and not set(off) & set(table.columns) and "capacity" in table
    summary = summarise_geometry(table)
    assert "capacity_low" in summary and not any("joint" in name for name in summary)


def test_subsets_have_a_row_each_and_so_have_all_points(tmp_path):
    values = {
        "subset_points": np.array([[2, 4]] * 2),
        "subset_capacity": np.array([[0.5, 0.4], [0.7, 0.6]]),
        "subset_joint_capacity": np.array([[0.25, 0.2], [0.35, 0.3]]),
        "capacity": np.array([[1, 3], [0.5, 0.5]]),
        "joint_capacity": np.array([0.1, 0.2]),
    }
    first = write(tmp_path / "1.h5", n_replicates=2, **values)
    other = place("gaussian/sigma-0.1", 0.1, "fc", 1, network="own")
    second = write(tmp_path / "2.h5", of=at(**other), n_replicates=2, **values)
    files = [(one, at(**one).lineage, path) for one, path in ((place(), first), (other, second))]
    measured = read_measured(files)
    table = collect_subsets(measured, collect_geometry(measured))
    assert list(table["n_points"]) == [2, 4, 6] * 4
    assert list(table["replicate"]) == [0, 0, 0, 1, 1, 1] * 2
    assert list(table["network"]) == ["resnet18"] * 6 + ["own"] * 6
    assert list(table["layer"]) == ["conv1"] * 6 + ["fc"] * 6
    assert list(table["capacity"][:6]) == [0.5, 0.4, 1.5, 0.7, 0.6, 0.5]  # harmonic over manifolds
    assert list(table["joint_capacity"][:6]) == [0.25, 0.2, 0.1, 0.35, 0.3, 0.2]
    assert not table.isna().any().any() and {"radius", "dimension"} < set(table)


def changed(stage, **entry):
    """Return the lineage of a file of ours with another entry of a stage."""
    lineage = origin().lineage
    lineage["resnet18"][stage] |= entry
    return lineage


SOLVED = origin().lineage["resnet18"]["solve_geometry"]["settings"]


@pytest.mark.parametrize(
    ("lineage", "words"),
    [
        (
            changed("solve_geometry", settings={**SOLVED, "geometry": {"margin": 0.25}}),
            r"1\.h5, which is not: in the solve .*resnet18, geometry\.margin was 0\.5 and is 0\.25",
        ),
        (changed("solve_geometry", settings={**SOLVED, "seed": 2}), "solve .*seed was 1 and is 2"),
        (changed("train_network", settings={"seed": 2}), "the training .*seed was 1 and is 2"),
        (changed("train_network", code="x"), "the training .*its code was another; remove it with"),
        ({"resnet18": {"train_network": {}}}, "the training .*settings"),
    ],
)
def test_a_file_of_other_settings_is_refused(tmp_path, lineage, words):
    path = write(tmp_path / "1.h5")
    good, bad = (place(), origin().lineage, path), (place(), lineage, path)
    assert len(collect_geometry(read_measured([good]))) == 6
    with pytest.raises(StoreError, match=words):
        read_measured([good, bad])


def test_files_of_two_trainings_of_one_network_are_refused(tmp_path):
    """Each is what the configuration asks for, and they don't belong together."""
    files, answers = [], []
    for layer, weights in (("conv1", "ab"), ("fc", "ab"), ("head", "cd")):
        of = origin(layer=layer, weights_sha256=weights)
        files.append((place(layer=layer), write(tmp_path / f"{layer}.h5", of=of)))
    assert len(collect(*files[:2])) == 12
    with pytest.raises(StoreError, match=r"conv1\.h5 and .*head\.h5, .* other weights .*resnet18"):
        collect(*files)
    for coordinates, weights in ((CLEAN, "ab"), (NOISY, "cd")):
        path = make_predictions(tmp_path / f"{weights}.h5", [True], coordinates, weights)
        answers.append((coordinates, path))
    with pytest.raises(StoreError, match=r"ab\.h5 and .*cd\.h5, .* other weights .*own"):
        count(*answers)


@pytest.fixture
def summary(tmp_path):
    """Of three replicates in one layer and a single one in another."""
    capacity = np.array([[1, 3], [0.5, 0.5], [2, 2]])  # harmonic means 3/2, 1/2, 2
    radius = np.array([[1, 3], [2, 4], [3, 5.0]])  # means 2, 3, 4
    three = write(tmp_path / "3.h5", capacity=capacity, radius=radius)
    few = {"capacity": capacity[:1], "radius": radius[:1]}
    one = write(tmp_path / "1.h5", of=at(layer="fc"), n_replicates=1, **few)
    table = collect((place(), three), (place(layer="fc", index=1), one))
    return summarise_geometry(table).set_index("layer")


def test_the_capacity_is_averaged_harmonically(summary):
    inverse = np.array([2 / 3, 2, 1 / 2])
    mean, error = inverse.mean(), inverse.std(ddof=1) / math.sqrt(3)
    row = summary.loc["conv1"]
    assert row["capacity"] == pytest.approx(18 / 19)  # 3 / (2/3 + 2 + 1/2)
    assert row["capacity_low"] == pytest.approx(1 / (mean + T3 * error))
    assert row["capacity_high"] == math.inf  # the interval of 1/α reaches below 0
    assert mean - T3 * error < 0


def test_an_interval_of_the_capacity_is_that_of_its_inverse_turned_over(tmp_path):
    capacity = np.array([[0.1, 0.1], [0.125, 0.125]])  # inverses 10 and 8
    file = write(tmp_path / "2.h5", n_replicates=2, capacity=capacity)
    capacity = np.array([[0.1, 0.1], [0.1001, 0.1001]])
    near = write(tmp_path / "n.h5", of=at(layer="fc"), n_replicates=2, capacity=capacity)
    table = collect((place(), file), (place(layer="fc", index=1), near))
    far, close = summarise_geometry(table).to_dict("records")
    assert far["capacity"] == pytest.approx(1 / 9)
    assert far["capacity_low"] == pytest.approx(1 / (9 + T2))
    half = T2 * (10 - 1 / 0.1001) / 2
    middle = (10 + 1 / 0.1001) / 2
    assert close["capacity_low"] == pytest.approx(1 / (middle + half))
    assert close["capacity_high"] == pytest.approx(1 / (middle - half))


def test_other_measures_are_averaged_as_they_are(summary):
    row = summary.loc["conv1"]
    assert row["radius"] == 3 and row["n_replicates"] == 3
    assert row["radius_low"] == pytest.approx(3 - T3 / math.sqrt(3))
    assert row["radius_high"] == pytest.approx(3 + T3 / math.sqrt(3))
    assert row["dimension_low"] == row["dimension"] == row["dimension_high"] == 1


def test_one_replicate_has_no_interval(summary, tmp_path):
    row = summary.loc["fc"]
    assert row["capacity"] == pytest.approx(1.5) and row["radius"] == 2
    bounds = [name for name in summary.columns if name.endswith(("_low", "_high"))]
    assert len(bounds) == 2 * len(SUMMARISED) and row[bounds].isna().all()
    write_table(summary.reset_index(), tmp_path / "summary.csv")
    header, _, single = (tmp_path / "summary.csv").read_text().splitlines()
    cells = dict(zip(header.split(","), single.split(","), strict=True))
    assert cells["capacity_low"] == cells["radius_high"] == ""  # empty, never 0


def test_what_is_summarised_is_what_the_measures_declare(summary):
    published = ["capacity", "radius", "dimension", "rank_dimension", "center_correlation"]
    assert {*published, "center_rank", "participation_ratio", "n_components"} <= set(SUMMARISED)
    assert {*SUMMARISED, *(f"{name}_low" for name in SUMMARISED)} <= set(summary.columns)
    assert not {"rank", "capacity_error", "primal_residual"} & set(summary.columns)


@pytest.mark.parametrize(
    ("name", "wanted"), [("network", "own"), ("condition", "gaussian/x-1"), ("layer", "fc")]
)
def test_a_file_of_another_place_is_refused(tmp_path, name, wanted):
    """Two files that were exchanged would exchange their numbers."""
    path = write(tmp_path / "1.h5")
    words = rf"Need a file of the {name} {wanted}\. Got .*1\.h5, which is of the {name}"
    with pytest.raises(StoreError, match=words):
        collect((place() | {name: wanted}, path))
    if name != "layer":
        path = make_predictions(tmp_path / "c.h5", np.ones(10, bool))
        with pytest.raises(StoreError, match=f"Need a file of the {name}"):
            count((CLEAN | {name: wanted + "!"}, path))


def test_the_rows_of_exemplars_have_the_image_and_its_class(tmp_path):
    manifolds = {"manifold_class": [["7", "ant"]] * 3, "image_index": [[7, 3], [12, 5], [0, 44]]}
    path = write(tmp_path / "1.h5", manifolds=manifolds, radius=np.arange(6.0).reshape(3, 2))
    table = collect((place(), path))
    names = [f"image-{index}" for index in (7, 3, 12, 5, 0, 44)]
    assert table["manifold"].tolist() == names and table["radius"].tolist() == [*range(6)]
    assert table["class"].tolist() == ["7", "ant"] * 3
    write_table(table, tmp_path / "x.csv")
    assert read_table(tmp_path / "x.csv")["class"].tolist() == ["7", "ant"] * 3
    assert len(summarise_geometry(table)) == 1


def test_networks_are_summarised_apart(tmp_path):
    weak = write(tmp_path / "1.h5", of=at("weak"), radius=np.full((3, 2), 1.0))
    strong = write(tmp_path / "2.h5", of=at("strong"), radius=np.full((3, 2), 2.0))
    table = collect((place(network="weak"), weak), (place(network="strong"), strong))
    summary = summarise_geometry(table)
    assert summary.columns[0] == "network"
    assert summary[["network", "radius"]].values.tolist() == [["weak", 1], ["strong", 2]]


CLEAN = {"network": "own", "condition": "clean", "family": "clean", "strength": 0.0}
NOISY = {
    "network": "own",
    "condition": "gaussian/sigma-0.1",
    "family": "gaussian",
    "strength": 0.1,
}


def make_predictions(path, correct, of=CLEAN, weights="ab", indices=None, seen=None):
    """Write predictions of four classes that are correct where `correct` says."""
    indices = np.arange(len(correct)) if indices is None else indices
    labels = indices % 3
    predictions = np.where(correct, labels, 3)
    wanted = origin(of["network"], of["condition"], None, weights_sha256=weights)
    sums = image_sums(len(labels))
    write_predictions(path, predictions, labels, indices, list("abcd"), sums, wanted, seen)
    return path


def test_what_was_seen_of_a_perturbation_is_in_the_table(tmp_path):
    right, seen = np.ones(4, bool), {"lowest_pixel": -0.5, "highest_pixel": 1.5}
    counted = {"largest_norm": 0.1, "n_gradients": 9, "n_zero_gradients": 1}
    files = [(CLEAN, make_predictions(tmp_path / "c.h5", right))]
    files += [(NOISY, make_predictions(tmp_path / "n.h5", right, NOISY, seen=seen | counted))]
    path = tmp_path / "accuracy.csv"
    write_table(count(*files), path)
    clean, noisy = read_table(path).to_dict("records")
    assert {key: noisy[key] for key in seen | counted} == seen | counted
    assert all(np.isnan(clean[key]) for key in seen | counted)
    text = path.read_text().splitlines()
    assert text[1].endswith(",,,,,") and text[2].endswith("-0.5,1.5,0.1,9,1")


def test_the_kept_images_are_those_that_are_correct_when_clean(tmp_path):
    clean = np.array([True] * 6 + [False] * 4)
    noisy = np.array([True, True, False, False, False, True, True, True, True, False])
    files = [
        (NOISY, make_predictions(tmp_path / "n.h5", noisy, NOISY)),
        (CLEAN, make_predictions(tmp_path / "c.h5", clean)),
    ]
    row, kept = count(*files).to_dict("records")
    assert (row["n_correct"], row["n_kept"], row["n_kept_correct"]) == (6, 6, 3)
    assert row["kept_accuracy"] == 0.5 and kept["kept_accuracy"] == 1
    interval = [0.187616, 0.812384]  # Wilson, 3 of 6
    assert [row["kept_accuracy_low"], row["kept_accuracy_high"]] == pytest.approx(
        interval, abs=1e-6
    )


def test_a_condition_s_counts_are_of_the_images_that_were_evaluated(tmp_path):
    """Images 1, 4, 6 and 9 of ten: the first two are right when clean, 4 and 6 under noise."""
    clean, indices = np.arange(10) < 6, np.array([1, 4, 6, 9])
    noisy = np.array([False, True, True, False])
    files = [
        (CLEAN, make_predictions(tmp_path / "c.h5", clean)),
        (NOISY, make_predictions(tmp_path / "n.h5", noisy, NOISY, indices=indices)),
    ]
    whole, row = count(*files).to_dict("records")
    assert (whole["n_images"], whole["n_kept"], whole["n_correct"]) == (10, 6, 6)
    assert (row["n_images"], row["n_correct"], row["accuracy"]) == (4, 2, 0.5)
    assert (row["n_kept"], row["n_kept_correct"], row["kept_accuracy"]) == (2, 1, 0.5)


def test_the_kept_images_of_a_network_are_its_own(tmp_path):
    clean = {"own": np.arange(10) < 6, "other": np.arange(10) >= 4}
    files = []
    for network, correct in clean.items():
        for condition, right in ((CLEAN, correct), (NOISY, np.arange(10) < 5)):
            own = {**condition, "network": network}
            files.append((own, make_predictions(tmp_path / f"{len(files)}.h5", right, own)))
    table = count(*files)
    assert table.columns[0] == "network" and list(table["network"]) == ["own"] * 2 + ["other"] * 2
    assert list(table["n_kept_correct"]) == [6, 5, 6, 1]


def test_a_network_that_has_nothing_right_keeps_nothing(tmp_path):
    file = make_predictions(tmp_path / "c.h5", np.zeros(10, bool))
    (row,) = count((CLEAN, file)).to_dict("records")
    assert row["n_kept"] == 0 and np.isnan(row["kept_accuracy"])
    assert np.isnan([row["kept_accuracy_low"], row["kept_accuracy_high"]]).all()


def test_a_value_that_is_unknown_leaves_the_mean_unknown(tmp_path):
    capacity = np.array([[1, 2], [np.nan, 4], [5, 6.0]])
    table = collect((place(), write(tmp_path / "1.h5", capacity=capacity)))
    means = average_replicates(table)["capacity"]
    assert means[[0, 2]].tolist() == pytest.approx([4 / 3, 60 / 11]) and np.isnan(means[1])
    assert np.isnan(summarise_geometry(table)["capacity"][0])


@pytest.mark.parametrize(
    ("n_correct", "low", "high"),
    [(0, 0, 0.277533), (5, 0.236593, 0.763407), (9, 0.595850, 0.982124), (10, 0.722467, 1)],
)
def test_accuracy_has_a_wilson_interval(tmp_path, n_correct, low, high):
    noisy = make_predictions(tmp_path / "a.h5", np.arange(10) < n_correct, NOISY)
    files = [(CLEAN, make_predictions(tmp_path / "c.h5", np.ones(10, bool))), (NOISY, noisy)]
    _, row = count(*files).to_dict("records")
    assert row["accuracy"] == n_correct / 10 and row["n_correct"] == n_correct
    assert (row["n_images"], row["n_classes"], row["strength"]) == (10, 4, 0.1)
    assert row["accuracy_low"] == pytest.approx(low, abs=1e-6)
    assert row["accuracy_high"] == pytest.approx(high, abs=1e-6)


def test_numbers_are_written_to_their_last_digit(tmp_path):
    table = pd.DataFrame({"x": [0.1 + 0.2, 1 / 3, 1e-300, np.inf]})
    write_table(table, tmp_path / "x.csv")
    assert pd.read_csv(tmp_path / "x.csv")["x"].tolist() == table["x"].tolist()


def test_names_that_look_like_nothing_stay_names(tmp_path):
    table = pd.DataFrame(
        {
            "network": ["50", "050", "5e1"],
            "manifold": ["NA", "7", "null"],
            "radius": [1.0, np.nan, 2.5],
        }
    )
    write_table(table, tmp_path / "x.csv")
    found = read_table(tmp_path / "x.csv")
    assert list(found["manifold"]) == ["NA", "7", "null"]
    assert list(found["network"]) == ["50", "050", "5e1"]
    np.testing.assert_array_equal(found["radius"], [1.0, np.nan, 2.5])
