"""A run that is killed in any stage ends, resumed, at the same results bit for bit."""

import os
import signal
import subprocess
import time

STAGES = [
    "train_model",
    "evaluate_accuracy",
    "select_images",
    "perturb_images",
    "extract_activations",
    "solve_geometry",
    "collect_geometry",
    "plot_layers",
]


def at_work(experiment, rule, since):
    """Return whether a job of a rule opened its log after `since`, a time in nanoseconds."""
    logs = [
        *experiment.result("logs").glob(f"{rule}.log"),
        *experiment.result(f"logs/{rule}").glob("**/*.log"),
    ]
    return any(log.stat().st_mtime_ns > since for log in logs)


def kill_in(experiment, rule, cores, timeout=120):
    """Start a run; kill it and all its processes once a job of a rule is at work."""
    since = time.time_ns()
    process = subprocess.Popen(
        experiment.command(cores=cores),
        cwd=experiment.root,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + timeout
    while not (caught := at_work(experiment, rule, since)):
        if process.poll() is not None or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return caught


def test_killed_in_every_stage_and_resumed(fresh, finished):
    for rule in STAGES:
        assert kill_in(fresh, rule, cores=1), f"no job of {rule} was caught at work"
        fresh.succeed("--unlock")
    fresh.succeed(cores=1)
    assert fresh.contents("geometry") == finished.contents("geometry")
    assert fresh.contents("model", "*.safetensors") == finished.contents("model", "*.safetensors")
    assert not list(fresh.result("").glob("**/.*.partial"))
    assert fresh.stale() == {}
