"""Jobs: what a log and a screen show of one that ends well, fails, or breaks."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers import ROOT
from manifold_robustness.files.records import read_record
from manifold_robustness.files.stamps import file_sum
from manifold_robustness.jobs import job_name

JOB = """
import sys
sys.path.insert(0, sys.argv[1])
import logging
from pathlib import Path
from types import SimpleNamespace
from manifold_robustness.errors import DataError
from manifold_robustness.jobs import run_job

def well(job):
    logging.getLogger("manifold_robustness.somewhere").info("half way with %s", job.rule)

def known(job):
    raise DataError("class 3 has 7 images, but 9 are needed")

def unknown(job):
    raise ZeroDivisionError("a mistake of ours")

wildcards = {"condition": "gaussian/sigma-0.1", "layer": "fc.1"}
inputs, outputs = (sorted(Path(sys.argv[3]).glob(f"{kind}.*")) for kind in ("input", "output"))
job = dict(wildcards=wildcards, input=inputs, output=outputs, params={"seed": 1, "code": "ab"})
run_job(
    globals()[sys.argv[2]], SimpleNamespace(rule="solve_geometry", log=sys.argv[4:], **job)
)
"""
NAME = "solve_geometry (gaussian/sigma-0.1, fc.1)"


@pytest.fixture
def run(tmp_path):
    """Run a job in a process of its own; return it and its log.

    It reads and writes the files ``input.*`` and ``output.*`` that are there.
    """
    (tmp_path / "output.h5").touch()

    def run(main, *logs):
        logs = logs or [str(tmp_path / "job.log")]
        command = [sys.executable, "-c", JOB, str(ROOT / "scripts"), main, str(tmp_path), *logs]
        done = subprocess.run(command, capture_output=True, text=True)
        return done, Path(logs[0]).read_text() if Path(logs[0]).exists() else ""

    return run


def test_a_job_that_ends_well(run):
    done, log = run("well")
    assert done.returncode == 0 and done.stderr == ""
    lines = log.splitlines()
    assert f"{NAME} starts on " in lines[0] and "half way with solve_geometry" in lines[1]
    found = re.search(r"took (\d+\.\d) s, peak memory (\d+) MiB$", lines[2])
    assert NAME in lines[2] and 5 < int(found[2]) < 1000
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", lines[0])


def test_an_error_for_the_reader_is_one_sentence(run):
    done, log = run("known")
    sentence = f"{NAME} failed: class 3 has 7 images, but 9 are needed"
    assert done.returncode == 1 and done.stderr.strip() == sentence
    assert sentence in log and "Traceback" not in log + done.stderr


def test_a_mistake_of_ours_has_a_traceback_in_the_log(run):
    done, log = run("unknown")
    assert done.returncode == 1
    assert f"{NAME} failed" in log and "Traceback" in log
    assert "in unknown" in log and "ZeroDivisionError: a mistake of ours" in log
    assert "ZeroDivisionError" in done.stderr


def test_a_log_that_can_t_be_written_stops_no_job(run, tmp_path):
    log = tmp_path / "nowhere" / "job.log"
    done, _ = run("well", str(log))
    assert done.returncode == 0
    assert done.stderr == f"no log is kept in {log} (No such file or directory)\n"
    done, _ = run("known", str(log))
    assert done.returncode == 1 and "class 3 has 7 images" in done.stderr


def test_a_new_run_starts_a_new_log(run):
    run("known")
    assert "failed" not in run("well")[1]


def test_a_job_that_gathers_leaves_a_record(run, tmp_path):
    """Not one that fails, and none whose files say themselves what they were made from."""
    run("well")
    assert read_record(tmp_path / "job.log") is None
    (tmp_path / "output.h5").unlink()
    contents = {"input.h5": b"abc", "output.csv": b"a,b"}
    paths = [tmp_path / name for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    run("known")
    assert read_record(tmp_path / "job.log") is None
    done, _ = run("well")
    assert done.returncode == 0
    (source, sum_of_source), (target, sum_of_target) = (
        (str(path), file_sum(path)) for path in paths
    )
    assert read_record(tmp_path / "job.log") == {
        "params": {"seed": 1, "code": "ab"},
        "inputs": {source: sum_of_source},
        "outputs": {target: sum_of_target},
    }


@pytest.mark.parametrize(
    ("wildcards", "name"),
    [({}, "train_network"), ({"condition": "clean"}, "train_network (clean)")],
)
def test_a_job_is_named_by_its_rule_and_coordinates(wildcards, name):
    assert job_name(SimpleNamespace(rule="train_network", wildcards=wildcards)) == name
