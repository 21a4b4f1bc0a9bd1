"""The console: what is printed for a reader who stops reading."""

import logging
import os
import subprocess
import sys
import types

from helpers import ROOT
from manifold_robustness.console import OneLinePerJob, TimeLeft


def test_a_listing_that_nobody_reads_to_its_end_ends_quietly():
    code = "from manifold_robustness.console import print_all; print_all('a line\\n' * 10**5)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"a line\n"
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait(60) == 0


def test_the_time_that_is_left_follows_the_jobs_of_its_kind(monkeypatch):
    """Two at once: solves of 10 s and plots of 2 s, of which 6 and 3 are left."""
    now = [0.0]
    monkeypatch.setattr("manifold_robustness.console.time.monotonic", lambda: now[0])
    lines = OneLinePerJob()

    def event(name, **fields):
        record = logging.makeLogRecord({"event": types.SimpleNamespace(name=name), **fields})
        return record.msg if lines.filter(record) else None

    counts = {"solve": 10, "plot": 4, "all": 1, "total": 15}
    assert event("RUN_INFO", stats=counts) is not None, "the engine's own table passes"
    for pair in range(2):
        for job in (2 * pair, 2 * pair + 1):
            event("JOB_INFO", jobid=job, rule_msg=f"Solve {job}", rule_name="solve")
        now[0] += 10
        for job in (2 * pair, 2 * pair + 1):
            event("JOB_FINISHED", job_id=job)
        told = event("PROGRESS", done=2 * pair + 2, total=15)
    assert told.endswith(" 4/15  Solve 3  (more than half a minute left)")
    event("JOB_INFO", jobid=9, rule_msg="Plot", rule_name="plot")
    now[0] += 2
    event("JOB_FINISHED", job_id=9)
    told = event("PROGRESS", done=5, total=15)
    assert told.endswith(" 5/15  Plot  (about 1 min left)")  # (6 x 10 + 3 x 2) / (42 / 22)


def test_nothing_is_said_of_the_time_before_something_is_known():
    left = TimeLeft({"solve": 5, "total": 5})
    assert left.told(0.0) == ""
    left.finished("solve", 1.0)
    assert left.told(1.0) == ""
    for _ in range(4):
        left.finished("solve", 1.0)
    assert left.told(5.0) == "", "nothing is left"
