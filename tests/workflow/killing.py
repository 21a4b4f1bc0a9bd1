"""Runs that are killed, with all their processes, at a moment of the test's choice."""

import os
import signal
import subprocess
import time


def at_work(experiment, rule, since):
    """Return whether a job of a rule opened its log after `since`, a time in nanoseconds."""
    logs = [
        *experiment.result("logs").glob(f"{rule}.log"),
        *experiment.result(f"logs/{rule}").glob("**/*.log"),
    ]
    return any(log.stat().st_mtime_ns > since for log in logs)


def kill_in(experiment, rule, cores):
    """Start a run; kill it and all its processes once a job of a rule is at work."""
    since = time.time_ns()
    return kill_when(experiment, cores, lambda: at_work(experiment, rule, since))


def kill_when(experiment, cores, is_time, timeout=120):
    """Start a run; kill it and all its processes once ``is_time()``; return whether it came."""
    process = subprocess.Popen(
        experiment.command(cores=cores),
        cwd=experiment.root,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + timeout
    while not (caught := is_time()):
        if process.poll() is not None or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return caught
