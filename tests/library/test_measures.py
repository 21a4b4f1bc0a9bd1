"""Groups of measures: solved replicate by replicate, and added with one file."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from helpers import ROOT
from manifold_robustness.errors import GeometryError
from manifold_robustness.files.geometry import VARIABLES
from manifold_robustness.files.stores import ArraySpec, StoredArray, create_store
from manifold_robustness.geometry import SOLVERS, analyze_jointly
from manifold_robustness.geometry.solvers import programs
from manifold_robustness.lineage import Origin
from manifold_robustness.measures import (
    dimensionality,
    mean_field,
    shuffle,
    solve_replicates,
    subsets,
)
from manifold_robustness.seeds import entropy

SETTINGS = {
    "margin": 0.0,
    "n_gaussian_vectors": 10,
    "center_rank": "auto",
    "center_selection": "stable",
    "solver": "active_set",
    "tolerance": 1e-10,
    "joint": False,
    "readout": False,
    "subsets": [],
    "shuffle": False,
    "simulate": False,
}
ALL = {**SETTINGS, "joint": True, "readout": True, "shuffle": True, "simulate": True}
ALL["subsets"] = [4, 2]


def test_what_is_solved_is_what_a_file_takes():
    points = np.random.default_rng(0).standard_normal((2, 4, 5, 30)).astype(np.float32)
    first, second = (solve_replicates(points, ALL, seed=1) for _ in range(2))
    assert all(sorted(result) == sorted(VARIABLES) for result in first)
    for one, other in zip(first, second, strict=True):
        assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in VARIABLES)
    # Replicates have probes of their own; the second's don't depend on there being a first.
    same = solve_replicates(np.stack([points[0], points[0]]), ALL, seed=1)
    for name in ("capacity", "joint_capacity", "shuffled_capacity", "subset_capacity"):
        assert not np.array_equal(same[0][name], same[1][name]), name
        assert np.array_equal(same[0][name], first[0][name]), name


def test_what_is_switched_off_is_not_measured_and_changes_nothing_else():
    points = np.random.default_rng(0).standard_normal((1, 4, 5, 30))
    whole = solve_replicates(points, ALL, seed=1)[0]
    for setting in ("joint", "readout", "subsets", "shuffle", "simulate"):
        (found,) = solve_replicates(points, {**ALL, setting: SETTINGS[setting]}, seed=1)
        missing = {name for name, variable in VARIABLES.items() if setting in variable.settings}
        assert set(whole) - set(found) == missing and missing
        assert all(np.array_equal(found[k], whole[k], equal_nan=True) for k in found), setting
    off = {name for name, variable in VARIABLES.items() if not variable.settings}
    assert set(solve_replicates(points, SETTINGS, seed=1)[0]) == off


def test_the_joint_measures_are_those_of_the_library():
    points = np.random.default_rng(0).standard_normal((1, 6, 5, 30))
    (found,) = solve_replicates(points, ALL, seed=1)
    draws = entropy(1, "joint draws", 0)
    expected = analyze_jointly(points[0], n_draws=10, seed=draws)
    assert found["joint_capacity"] == expected.capacity
    assert found["joint_axis_alignment_error"] == expected.axis_alignment_error
    assert found["joint_rank"] == 29 and found["joint_capacity_floor"] == 6 / 29


def test_replicates_together_have_the_geometry_of_each_alone():
    points = np.random.default_rng(0).standard_normal((3, 6, 5, 30))
    together = solve_replicates(points, SETTINGS, seed=1)
    for replicate, found in enumerate(together):
        alone = mean_field.measure(points[replicate], SETTINGS, 1, replicate)
        for name, value in alone.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert len({found["capacity"][0] for found in together}) == 3


def test_a_group_gives_a_result_for_each_replicate(monkeypatch):
    points = np.random.default_rng(0).standard_normal((3, 6, 5, 30))
    whole = mean_field.measure_replicates
    monkeypatch.setattr(mean_field, "measure_replicates", lambda *given: whole(*given)[:2])
    words = r"each of 3 replicates from measure_replicates\(\) in measures/mean_field\.py\. Got 2"
    with pytest.raises(GeometryError, match=words):
        solve_replicates(points, SETTINGS, seed=1)


def test_subsets_are_nested_of_the_same_points_everywhere():
    points = np.random.default_rng(0).standard_normal((2, 4, 8, 30))
    seen = []

    def measure(clouds, *_):
        seen.append(np.asarray(clouds))
        return dict.fromkeys(["capacity", "radius", "dimension", "joint_capacity"], 1.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subsets.mean_field, "means", measure)
        patch.setattr(subsets.joint, "measure", lambda *_: {"joint_capacity": 1.0})
        for replicate in (0, 1, 0):
            settings = {**ALL, "subsets": [5, 3]}
            found = subsets.measure(points[replicate], settings, seed=1, replicate=replicate)
    assert list(found["subset_points"]) == [3, 5] and [len(one[0]) for one in seen[:2]] == [3, 5]
    assert np.array_equal(seen[0], seen[1][:, :3]) and np.array_equal(seen[4], seen[0])
    places = [
        [int((own == point).all(-1).argmax()) for point in part]
        for own, part in zip(points[0], seen[1], strict=True)
    ]
    assert all(len(set(own)) == 5 for own in places) and len({tuple(own) for own in places}) > 1


def test_shuffling_deals_all_points_out_to_manifolds_of_as_many():
    points = np.random.default_rng(0).standard_normal((4, 5, 30)) + 9 * np.eye(4, 30)[:, None]
    seen = []

    def means(clouds, *_):
        seen.append(np.asarray(clouds))
        names = ("capacity", "radius", "dimension", "center_correlation")
        return dict.fromkeys(names, 1.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffle.mean_field, "means", means)
        for seed, replicate in ((1, 0), (1, 0), (1, 1)):
            shuffle.measure(points, SETTINGS, seed, replicate)
    first, same, other = seen
    assert np.array_equal(first, same) and not np.array_equal(first, other)
    flat = [np.sort(clouds.reshape(20, 30), axis=0) for clouds in (points, first)]
    assert np.array_equal(*flat) and first.shape == points.shape
    assert all(len({int(point[:4].argmax()) for point in cloud}) > 1 for cloud in first)


def test_shuffled_classes_of_clouds_apart_have_the_capacity_of_no_structure():
    rng = np.random.default_rng(0)
    clouds = rng.standard_normal((1, 10, 12, 60)) + 6 * rng.standard_normal((1, 10, 1, 60))
    (found,) = solve_replicates(clouds, {**ALL, "n_gaussian_vectors": 50}, seed=1)
    assert found["joint_capacity"] > 4 * found["shuffled_joint_capacity"]
    assert found["readout_accuracy"] > 0.95 and found["shuffled_readout_accuracy"] < 0.3


def test_points_that_stay_on_disk_have_the_same_geometry_bit_for_bit(tmp_path):
    points = np.random.default_rng(0).standard_normal((2, 4, 5, 40), dtype=np.float32)
    spec = ArraySpec(points.shape, "float32", tuple("rmpf"), (1, 1, 5, 40))
    origin = Origin("small", "clean", "fc", {"small": {}})
    with create_store(tmp_path / "x.zarr.zip", {"activations": spec}, origin, {}) as arrays:
        for place in np.ndindex(2, 4):
            arrays["activations"][place] = points[place]
    stored = StoredArray(tmp_path / "x.zarr.zip", "activations", origin, points.shape)
    for settings in (SETTINGS, ALL):
        pairs = zip(
            solve_replicates(stored, settings, 1),
            solve_replicates(points, settings, 1),
            strict=True,
        )
        for one, other in pairs:
            assert all(np.array_equal(one[k], other[k], equal_nan=True) for k in other)


def test_the_spectrum_of_many_points_in_many_dimensions_is_left_out(monkeypatch):
    points = np.random.default_rng(0).standard_normal((1, 4, 5, 40))
    for limit, known in ((20, True), (19, False)):
        monkeypatch.setattr("manifold_robustness.limits.LARGEST_SPECTRUM", limit)
        result = solve_replicates(points, SETTINGS, 1)[0]
        for name in ("participation_ratio", "n_components"):
            assert np.isfinite(result[name]) == known
        assert np.isfinite(result["capacity"]).all()


def test_a_capacity_is_simulated_where_it_is_asked_for():
    points = np.random.default_rng(0).standard_normal((2, 10, 3, 60))
    plain, simulated, again = (
        solve_replicates(points, {**SETTINGS, "simulate": simulate}, seed=1)
        for simulate in (False, True, True)
    )
    for without, one, other in zip(plain, simulated, again, strict=True):
        assert "simulated_capacity" not in without
        assert np.array_equal(one["capacity"], without["capacity"])
        assert one["simulated_capacity"] == other["simulated_capacity"]
        mean = 1 / np.mean(1 / one["capacity"])
        assert one["simulated_capacity"] == pytest.approx(mean, rel=0.3)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_solver_is_that_of_the_settings(monkeypatch, solver):
    points = np.random.default_rng(0).standard_normal((1, 4, 5, 30))
    expected, used = solve_replicates(points, SETTINGS, 1)[0], []

    def load_solver(name):
        used.append(name)
        return programs_load_solver(name)

    programs_load_solver = programs.load_solver
    monkeypatch.setattr(programs, "load_solver", load_solver)
    (found,) = solve_replicates(points, {**SETTINGS, "solver": solver}, 1)
    assert used[0] == solver
    np.testing.assert_allclose(found["capacity"], expected["capacity"], rtol=1e-6)


@pytest.mark.filterwarnings("error")
def test_an_output_layer_is_not_taken_for_transposed():
    points = np.random.default_rng(0).standard_normal((1, 4, 9, 4))
    assert np.isfinite(solve_replicates(points, SETTINGS, 1)[0]["capacity"]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: found.pop("n_components"), "without n_components"),
        (lambda found: found.update(extra=1.0), "with the undeclared extra"),
        (
            lambda found: found.update(extra=found.pop("n_components")),
            "without n_components and with the undeclared extra",
        ),
        (lambda found: found.update(n_components=np.ones(4)), r"n_components.*shape \(4,\)"),
    ],
)
def test_a_measure_that_is_not_as_declared_is_an_error(monkeypatch, change, words):
    """Never a silent None or NaN in the file."""
    honest = dimensionality.measure

    def measure(*arguments):
        found = honest(*arguments)
        change(found)
        return found

    monkeypatch.setattr(dimensionality, "measure", measure)
    points = np.random.default_rng(0).standard_normal((1, 4, 5, 30))
    with pytest.raises(GeometryError, match=words) as caught:
        solve_replicates(points, SETTINGS, 1)
    assert "measures/dimensionality.py" in str(caught.value)


def test_who_reads_a_file_or_makes_a_table_loads_no_measure():
    code = "import sys, manifold_robustness.collection; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    loaded = subprocess.check_output(command, env=environment, text=True).split()
    ours = {name for name in loaded if name.startswith("manifold_robustness.")}
    assert "manifold_robustness.variables" in ours and "torch" not in loaded
    assert not {name for name in ours if name.split(".")[1] in ("geometry", "measures")}


SPREAD = """
import numpy as np

DECLARATION = {
    "variables": {
        "spread": {
            "axes": "manifold",
            "long_name": "standard deviation of all coordinates",
            "equation": "std",
            "summarised": "harmonic",
        },
        "size": {"axes": "replicate", "long_name": "greatest coordinate", "equation": "max |x|"},
    }
}


def measure(points, settings, seed, replicate):
    return {
        "spread": np.array([cloud.std() for cloud in points]),
        "size": max(np.abs(cloud).max() for cloud in points),
    }
"""
FLOW = """
import json, sys
import numpy as np
from manifold_robustness.collection import (
    COORDINATES, collect_geometry, read_measured, summarise_geometry)
from manifold_robustness.files.geometry import read_geometry, write_geometry
from manifold_robustness.lineage import Origin
from manifold_robustness.measures import solve_replicates

points = np.random.default_rng(0).standard_normal((2, 4, 5, 30))
results = solve_replicates(points, json.loads(sys.argv[1]), 1)
origin = Origin("net", "clean", "fc", {"net": {}})
attributes = {"layer_label": "layer_0_X", "n_points": 5, "n_features": 30}
write_geometry("a.h5", results, {"manifold_class": [list("abcd")] * 2}, origin, attributes)
values, _, _ = read_geometry("a.h5", origin)
place = dict(zip(COORDINATES, ("net", "clean", "clean", 0.0, "fc", 0)))
table = collect_geometry(read_measured([(place, origin.lineage, "a.h5")]))
(summary,) = summarise_geometry(table).to_dict("records")
print(json.dumps([
    values["spread"].tolist(), table["spread"].tolist(), table["size"].tolist(),
    summary["spread"], sorted(summary)
]))
"""


def test_a_measure_is_one_file_and_reaches_every_table(tmp_path):
    library = tmp_path / "scripts/manifold_robustness"
    shutil.copytree(ROOT / "scripts/manifold_robustness", library)
    (library / "measures/spread.py").write_text(SPREAD)
    command = [sys.executable, "-c", FLOW, json.dumps(SETTINGS)]
    environment = {**os.environ, "PYTHONPATH": str(library.parent)}
    output = subprocess.check_output(command, env=environment, cwd=tmp_path, text=True)
    stored, column, sizes, mean, names = json.loads(output)
    points = np.random.default_rng(0).standard_normal((2, 4, 5, 30))
    spread = points.std(axis=(2, 3))
    np.testing.assert_array_equal(stored, spread)
    np.testing.assert_array_equal(column, spread.ravel())
    np.testing.assert_array_equal(sizes, np.repeat(np.abs(points).max(axis=(1, 2, 3)), 4))
    assert mean == pytest.approx(1 / np.mean(1 / spread))
    assert {"spread_low", "spread_high"} <= set(names) and "size" not in names
