"""A run in one file that is opened without the project."""

import json
import zipfile

import numpy as np
import pandas as pd
import xarray
import yaml

TARGET = "results/tiny/export/tiny.zip"


def test_a_run_in_one_file(experiment, tmp_path):
    assert not experiment.result("export").exists(), "it is made when it is asked for only"
    experiment.succeed(TARGET)
    with zipfile.ZipFile(experiment.root / TARGET) as file:
        file.extractall(tmp_path / "out")
    folder = tmp_path / "out/tiny"

    for inner in ("tables", "figures"):
        wanted = {
            path.relative_to(experiment.result(inner)): path.read_bytes()
            for path in experiment.result(inner).rglob("*")
            if path.is_file()
        }
        got = {
            path.relative_to(folder / inner): path.read_bytes()
            for path in (folder / inner).rglob("*")
            if path.is_file()
        }
        assert got and got == {name: wanted[name] for name in got}
        assert {name for name in wanted if name.suffix in (".csv", ".png")} <= set(got)

    summary = pd.read_csv(folder / "tables/summary.csv")
    accuracy = pd.read_csv(folder / "tables/accuracy.csv")
    grid = xarray.open_dataset(folder / "summary.nc")
    for _, row in summary.iterrows():
        cell = grid.sel({axis: row[axis] for axis in ("network", "condition", "layer")})
        for name in ("capacity", "capacity_low", "joint_capacity_high", "readout_accuracy"):
            assert float(cell[name]) == row[name]
    assert list(grid.condition.values) == list(accuracy.condition)
    assert np.array_equal(grid.strength, accuracy.strength)
    assert np.array_equal(grid.accuracy.squeeze(), accuracy.accuracy)
    assert all(grid[name].attrs["long_name"] for name in grid.data_vars)
    assert "Chung" in grid.capacity.attrs["equation"]

    config = yaml.safe_load((folder / "configuration.yaml").read_text())
    assert config["run"] == "tiny" and config["training"]["optimizer"] == "adam"
    made = json.loads((folder / "provenance.json").read_text())
    assert made["lineage"]["small"]["clean"]["small"]["train_network"]["code"]
    assert len(made["weights_sha256"]["small"]) == 64 and made["exported_with"]["numpy"]
    assert "Phys. Rev. X" in (folder / "CITATION.md").read_text()
    assert "manifold-robustness" in (folder / "CITATION.cff").read_text()
    assert "make run" in (folder / "README.txt").read_text()

    before = (experiment.root / TARGET).read_bytes()
    assert experiment.stale() == {} == experiment.stale(TARGET)
    experiment.configure(lambda config: config["perturbations"][0]["strengths"].append(0.2))
    assert "export_run" not in experiment.stale(), "a plain run leaves it alone"
    assert experiment.stale(TARGET)["export_run"] == 1
    assert (experiment.root / TARGET).read_bytes() == before
    (experiment.root / TARGET).unlink()
    experiment.configure(lambda config: config["perturbations"][0]["strengths"].pop())
    experiment.succeed(TARGET)
    assert (experiment.root / TARGET).read_bytes() == before, "the same run, the same bytes"


def test_an_old_export_is_no_business_of_a_run_or_a_report(experiment):
    experiment.succeed(TARGET)
    experiment.configure(lambda config: config["geometry"].update(layers=["head"]))
    experiment.succeed()
    assert "export" not in experiment.succeed("--dry-run")
    experiment.succeed("--report", "report.html", cores=1)
    assert experiment.stale(TARGET) == {"export_run": 1}
