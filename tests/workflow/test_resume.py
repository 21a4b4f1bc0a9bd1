"""A run that is killed in any stage ends, resumed, at the same results bit for bit."""

import os
import signal
import subprocess
import time

import pytest

# One job of every stage: the log that it opens as it starts.
STAGES = [
    "train_model",
    "evaluate_accuracy/clean",
    "select_images",
    "perturb_images/gaussian/sigma-0.5",
    "extract_activations/gaussian/sigma-0.1",
    "solve_geometry/gaussian/sigma-0.5/head",
    "collect_geometry",
    "plot_layers/gaussian",
]


def kill_in(experiment, stage, cores, timeout=120):
    """Start a run; kill it and all its processes once a stage's job is at work."""
    log = experiment.result(f"logs/{stage}.log")
    log.unlink(missing_ok=True)
    process = subprocess.Popen(
        experiment.command(cores=cores),
        cwd=experiment.root,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + timeout
    while not log.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    running = process.poll() is None and log.exists()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return running


@pytest.mark.parametrize("cores", [1])
def test_killed_in_every_stage_and_resumed(fresh, finished, cores):
    for stage in STAGES:
        assert kill_in(fresh, stage, cores), f"{stage} was not caught at work"
        fresh.succeed("--unlock")
    fresh.succeed(cores=cores)
    assert fresh.contents("geometry") == finished.contents("geometry")
    assert fresh.contents("model", "*.safetensors") == finished.contents("model", "*.safetensors")
    assert not list(fresh.result("").glob("**/.*.partial"))
    assert fresh.stale() == {}
