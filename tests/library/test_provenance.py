"""Finished files are proved against the configuration, by the standard library alone."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

from helpers import ROOT, flip_bit
from manifold_robustness.errors import StoreError
from manifold_robustness.files.examined import Examined
from manifold_robustness.files.images import write_images
from manifold_robustness.files.layers import write_layers
from manifold_robustness.files.metrics import read_metrics, write_metrics
from manifold_robustness.files.predictions import write_predictions
from manifold_robustness.files.records import read_record, write_record
from manifold_robustness.files.stamps import damage, file_sum, read_origin
from manifold_robustness.lineage import Origin
from manifold_robustness.network.weights import save_weights
from manifold_robustness.provenance import PlannedJob, Stale, date_now, describe, find_stale

SUMS = np.zeros((2, 32), np.uint8)
TRAINED = {"train_network": {"settings": {"seed": 1}, "code": "a"}}
EVALUATED = TRAINED | {"evaluate_accuracy": {"settings": {"batch_size": 5}, "code": "b"}}
SELECTED = EVALUATED | {"select_images": {"settings": {"n_points": 2}, "code": "c"}}


def origin(lineage, condition=None, network="small"):
    return Origin(network, condition, lineage={network: lineage})


class Run:
    """Files of a made-up run in a folder, and the jobs that made them."""

    def __init__(self, folder):
        self.folder = folder
        self.weights_sum = self.write_weights(folder / "weights")
        known = {"train_network": {"weights_sha256": self.weights_sum}}
        self.write_answers(folder / "clean.h5", known)
        self.write_images(folder / "clean.zarr.zip", known)
        (folder / "table.csv").write_text("a,b\n")
        self.log = folder / "logs/collect_accuracy.log"
        self.log.parent.mkdir()
        read = {str(folder / "clean.h5"): file_sum(folder / "clean.h5")}
        write_record(self.log, {"n": 1}, read, [folder / "table.csv"])

    def write_weights(self, folder, bias=0.0, network="small"):
        folder.mkdir(exist_ok=True)
        module = nn.Linear(2, 2)
        torch.nn.init.constant_(module.weight, 0.5)
        torch.nn.init.constant_(module.bias, bias)
        of = origin(TRAINED, network=network)
        found = save_weights(module, folder / "weights.safetensors", of)
        write_layers(folder / "layers.json", {"architecture": "x", "code": None}, ["input"])
        (folder / "history.csv").write_text("epoch\n1\n")
        beside = [folder / n for n in ("weights.safetensors", "layers.json", "history.csv")]
        write_metrics(folder / "metrics.json", {"test_accuracy": 0.5}, of, beside)
        return found

    def write_answers(self, path, known, **place):
        of = origin(EVALUATED, "clean").completed({"small": known}).at(**place)
        write_predictions(path, *[np.array([0, 1])] * 3, ["a", "b"], SUMS, of)

    def write_images(self, path, known):
        of = origin(SELECTED, "clean").completed({"small": known})
        images = np.zeros((1, 1, 2, 3, 4, 4), np.float32)
        write_images(path, images, *[np.zeros((1, 1, 2), int)] * 2, of, {"classes": ["a"]})

    def jobs(self, trained=None, selected=None, gathered=None):
        """The jobs as a configuration asks for them, with other settings where they are given."""

        def asked(lineage, condition=None):
            lineage = json.loads(json.dumps(lineage))
            lineage["train_network"]["settings"] |= trained or {}
            if "select_images" in lineage:
                lineage["select_images"]["settings"] |= selected or {}
            return {"origin": origin(lineage, condition).attributes()}

        names = ("weights.safetensors", "metrics.json", "layers.json", "history.csv")
        weights = tuple(f"{self.folder}/weights/{name}" for name in names)
        answers, images = f"{self.folder}/clean.h5", f"{self.folder}/clean.zarr.zip"
        table = f"{self.folder}/table.csv"
        gathered = {"n": 1} | (gathered or {})
        return [
            PlannedJob("train_network", (), weights, "", asked(TRAINED)),
            PlannedJob("evaluate_accuracy", weights[:1], (answers,), "", asked(EVALUATED, "clean")),
            PlannedJob("select_images", (answers,), (images,), "", asked(SELECTED, "clean")),
            PlannedJob("collect_accuracy", (answers,), (table,), str(self.log), gathered),
        ]

    def stale(self, **asked):
        examined = Examined(self.folder / "logs/examined.json")
        found = find_stale(self.jobs(**asked), examined)
        return {os.path.relpath(one.path, self.folder): one.reason for one in found}


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_a_finished_run_is_proved(run):
    assert run.stale() == {}


def test_a_setting_makes_its_stage_and_those_behind_it_stale(run):
    reason = "in the selection of images of the network small, n_points was 2 and is 3"
    assert run.stale(selected={"n_points": 3}) == {"clean.zarr.zip": reason}
    stale = run.stale(trained={"seed": 2})
    assert list(stale) == ["weights/weights.safetensors", "clean.h5", "clean.zarr.zip"]
    assert set(stale.values()) == {"in the training of the network small, seed was 1 and is 2"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clean.h5", "clean.zarr.zip"])
def test_no_flipped_bit_of_a_file_ends_in_a_traceback(run, name):
    """What says it is whole reads whatever stands there, and so does what reads its origin."""
    path = run.folder / name
    content = path.read_bytes()
    missed = []
    for place in range(0, len(content), 1 + len(content) // 1500):
        path.write_bytes(flip_bit(content, place, place % 8))
        read_origin(path)
        if not damage(path):
            missed.append(place)
    allowed = 0 if name.endswith(".h5") else 0.1 * len(content)  # fields of a zip that say nothing
    assert len(missed) <= allowed


@pytest.mark.parametrize("name", ["clean.h5", "clean.zarr.zip"])
def test_a_flipped_bit_or_a_cut_makes_a_file_stale(run, name):
    path = run.folder / name
    content = path.read_bytes()
    path.write_bytes(flip_bit(content, len(content) // 2))
    assert "damaged" in run.stale()[name]
    path.write_bytes(content[:-30])
    assert "damaged" in run.stale()[name]
    path.write_bytes(content)
    assert run.stale() == {}


def test_a_file_of_another_place_is_stale(run):
    known = {"train_network": {"weights_sha256": run.weights_sum}}
    run.write_answers(run.folder / "clean.h5", known, condition="gaussian/sigma-1")
    stale = run.stale()
    assert stale["clean.h5"] == "it is of the condition gaussian/sigma-1"
    assert stale["table.csv"] == f"{run.folder}/clean.h5, which it was made from, was another"


def test_a_file_that_says_nothing_of_its_origin_is_stale(run):
    shutil.copy(run.folder / "table.csv", run.folder / "clean.h5")
    assert "damaged" in run.stale()["clean.h5"]


def test_files_of_other_weights_are_stale(run):
    run.write_weights(run.folder / "weights", bias=1.0)
    stale = run.stale()
    assert list(stale) == ["clean.h5", "clean.zarr.zip"]
    assert set(stale.values()) == {"it was made from other weights of the network small"}


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "metrics.json", "layers.json", "history.csv"]
)
def test_damaged_weights_stop_with_a_sentence(run, name):
    path = run.folder / "weights" / name
    content = path.read_bytes()
    path.write_bytes(flip_bit(content, len(content) // 2))
    with pytest.raises(StoreError, match=rf"Need .*{name} .*put the whole folder back"):
        run.stale()


def test_edited_metrics_stop_with_a_sentence(run):
    path = run.folder / "weights/metrics.json"
    path.write_text(path.read_text().replace('"test_accuracy": 0.5', '"test_accuracy": 0.9'))
    with pytest.raises(StoreError, match=r"as it was written\. Got one that differs"):
        run.stale()


def test_weights_of_another_network_stop_with_a_sentence(run):
    run.write_weights(run.folder / "weights", network="other")
    with pytest.raises(StoreError, match=r"of the network small\. Got .* of the network other"):
        run.stale()


def test_a_network_of_an_older_version_is_kept(run):
    (run.folder / "weights/metrics.json").write_text('{"test_accuracy": 0.9}')
    with pytest.raises(StoreError, match=r"older version.*To keep the trained weights, move"):
        run.stale()


def test_another_file_of_given_weights_is_seen(run):
    given = run.folder / "mine.pth"
    given.write_bytes(b"weights")
    jobs = run.jobs()
    jobs[0] = PlannedJob("train_network", (str(given),), *list(vars(jobs[0]).values())[2:])
    (stale, *_) = find_stale(jobs, Examined(run.folder / "logs/examined.json"))
    assert stale.reason == f"the file that the weights come from is another ({given})"


def test_files_that_are_missing_are_left_to_the_plan(run):
    (run.folder / "clean.h5").unlink()
    assert run.stale() == {}


def test_what_gathers_is_proved_by_its_record(run):
    assert run.stale(gathered={"n": 2}) == {"table.csv": "n was 1 and is 2"}
    said = "it was gathered by other code, in another order, or of other files"
    assert run.stale(gathered={"code": "x"}) == {"table.csv": said}
    (run.folder / "table.csv").write_text("a,c\n")
    assert run.stale() == {"table.csv": "table.csv is not as it was written"}


def test_without_a_whole_record_it_is_gathered_again(run):
    record = run.log.with_suffix(".json")
    record.write_text(record.read_text().replace('"n": 1', '"n": 2'))
    assert read_record(run.log) is None
    assert run.stale() == {"table.csv": "there is no record of how it was made"}
    record.unlink()
    assert run.stale() == {"table.csv": "there is no record of how it was made"}


def test_files_are_read_once_while_nobody_touches_them(run, monkeypatch):
    path, listed = run.folder / "clean.h5", run.folder / "logs/examined.json"
    monkeypatch.setattr(time, "time_ns", lambda: path.stat().st_ctime_ns + 10**10)
    first = Examined(listed)
    assert first.sum_of(path) == file_sum(path) and first.damage_of(path) == ""
    first.save()
    monkeypatch.setattr("manifold_robustness.files.examined.file_sum", None)  # reads nothing
    assert Examined(listed).sum_of(path) == file_sum(path)


def test_a_change_with_the_old_date_and_size_is_seen(run, monkeypatch):
    path, listed = run.folder / "clean.h5", run.folder / "logs/examined.json"
    monkeypatch.setattr(time, "time_ns", lambda: path.stat().st_ctime_ns + 10**10)
    first = Examined(listed)
    first.damage_of(path)
    first.save()
    before = path.stat()
    path.write_bytes(flip_bit(path.read_bytes(), 100))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "checksum" in Examined(listed).damage_of(path)


def test_a_file_that_changed_just_now_is_not_listed(run, monkeypatch):
    path, listed = run.folder / "clean.h5", run.folder / "logs/examined.json"
    monkeypatch.setattr(time, "time_ns", lambda: path.stat().st_ctime_ns + 10**6)
    examined = Examined(listed)
    examined.sum_of(path)
    examined.save()
    assert not listed.exists() or json.loads(listed.read_text())["files"] == {}


def test_a_damaged_list_knows_nothing(run):
    listed = run.folder / "logs/examined.json"
    listed.write_text('{"files": {"x": []}, "sha256": "no"}')
    assert Examined(listed)._known == {}
    listed.write_bytes(b"\xff")
    assert Examined(listed)._known == {}


def test_origins_read_without_the_formats_libraries_are_those_written(run):
    for name in ("clean.h5", "clean.zarr.zip"):
        found = read_origin(run.folder / name)
        assert (found["network"], found["condition"]) == ("small", "clean")
        assert found["lineage"]["small"]["train_network"]["weights_sha256"] == run.weights_sum
        assert damage(run.folder / name) == ""
    found = read_origin(run.folder / "weights/weights.safetensors")
    assert found["lineage"] == {"small": TRAINED} and found["sha256"] == run.weights_sum


def test_proving_imports_no_numerical_library():
    code = (
        "import sys; sys.path.insert(0, 'scripts'); import manifold_robustness.provenance; "
        "print([m for m in ('numpy', 'torch', 'zarr', 'h5py', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_metrics_of_another_lineage_are_refused(run):
    path = run.folder / "weights/metrics.json"
    assert read_metrics(path, origin(TRAINED))["test_accuracy"] == 0.5
    other = {"train_network": {"settings": {"seed": 2}, "code": "a"}}
    with pytest.raises(StoreError, match="seed was 1 and is 2"):
        read_metrics(path, origin(other))


def test_a_file_of_the_future_is_dated_now(run):
    path = run.folder / "clean.h5"
    before = path.stat().st_mtime_ns
    assert date_now(run.jobs()) == [] and path.stat().st_mtime_ns == before
    os.utime(path, (2 * 10**9, 2 * 10**9))
    assert date_now(run.jobs()) == [str(path)]
    assert abs(path.stat().st_mtime - time.time()) < 60
    assert run.stale() == {}


def test_a_line_stands_for_all_files_of_one_reason():
    lines = describe([Stale("a", "n"), Stale("b", "n"), Stale("c", "n"), Stale("d", "m")])
    assert lines == ["Out of date: a and 2 other files: n", "Out of date: d: m"]
