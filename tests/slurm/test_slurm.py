"""The tiny experiment on a real Slurm, through profiles/slurm, and what can happen to it there."""

import io
import os
import signal
import socket
import subprocess

import h5netcdf

from slurm import processes
from workflow.conftest import PROJECT

GPU_RULES = ("train_network", "evaluate_accuracy", "perturb_images", "extract_activations")
CONDITIONS = ("clean", "gaussian/sigma-0.1", "gaussian/sigma-0.5")
PAIRS = [(condition, layer) for condition in CONDITIONS for layer in ("input", "head")]
SOLVES = [f"solve_geometry (small, {condition}, {layer})" for condition, layer in PAIRS]
ATTACK = "pgd/epsilon-0.1"
OTHERS = [f"solve_geometry (other, {condition}, head)" for condition in (*CONDITIONS, ATTACK)]
OTHERS += [f"solve_geometry (small, {ATTACK}, {layer})" for layer in ("input", "head")]
# What dies here is one network's; a whole run has both.
TARGETS = [f"results/tiny/small/geometry/{condition}/{layer}.h5" for condition, layer in PAIRS]
BEFORE = {*GPU_RULES, "select_images"}


def stale_solves(experiment):
    """Return how many solves a run would start; of what comes before them it must start nothing."""
    stale = experiment.stale(*TARGETS)
    assert not BEFORE & set(stale)
    return stale.get("solve_geometry", 0)


def states(experiment, part="solve_geometry"):
    return [job["state"] for job in experiment.jobs(part)]


def at_work(experiment):
    """Return the Slurm jobs whose solve started on the node where they run now."""
    started = [entry["SLURM_JOB_ID"] for entry in experiment.journal()]
    return [job for job in experiment.jobs() if job["state"] == "RUNNING" and job["id"] in started]


def solve_of(experiment, job):
    """Return the name of the solve that a Slurm job runs."""
    return next(e["job"] for e in experiment.journal() if e["SLURM_JOB_ID"] == job["id"])


def values(experiment):
    """The numbers of the geometry: the files' lineage knows the code that was edited."""
    found = {}
    for name, content in experiment.contents("small/geometry").items():
        with h5netcdf.File(io.BytesIO(content), "r") as file:
            names = [key for key in file.variables if key != "manifold"]
            found[name] = {key: file[key][...].tobytes() for key in names}
    return found


def assert_solved_as(local, experiment):
    assert values(experiment) == values(local) != {}
    assert experiment.stale(*TARGETS) == {}
    assert not list(experiment.result("").glob("**/.*.partial"))


def test_a_whole_run_is_the_local_one_bit_for_bit(fresh, local):
    fresh.succeed()
    assert fresh.stale() == {}
    for network in ("small", "other"):
        for folder, pattern in (("geometry", "**/*.h5"), ("weights", "*.safetensors")):
            name = f"{network}/{folder}"
            assert fresh.contents(name, pattern) == local.contents(name, pattern) != {}
    assert fresh.contents("tables", "*.csv") == local.contents("tables", "*.csv")

    assert sorted(fresh.started("solve")) == sorted(SOLVES + OTHERS)
    assert len(fresh.jobs()) == len(fresh.journal())  # each target is a Slurm job
    for entry in fresh.journal():
        on_gpu = entry["job"].startswith(GPU_RULES)
        assert entry["SLURM_JOB_PARTITION"] == ("gpu" if on_gpu else "cpu"), entry
        assert (entry["CUDA_VISIBLE_DEVICES"] in ("0", "1")) == on_gpu, entry
        if entry["job"] in SOLVES:
            assert entry["threads"] == 1, entry
    assert {job["cpus"] for job in fresh.jobs("solve_geometry")} == {"1"}
    attacks = [f"perturb_images ({network}, {ATTACK})" for network in ("other", "small")]
    assert sorted(fresh.started(ATTACK))[2:4] == attacks  # behind the extractions
    for folder in ("images", "accuracy"):
        found, wanted = (one.result(f"small/{folder}/pgd") for one in (fresh, local))
        assert [path.read_bytes() for path in found.iterdir()] == [
            path.read_bytes() for path in wanted.iterdir()
        ]

    log = fresh.result("logs/solve_geometry/small/gaussian/sigma-0.5/head.log").read_text()
    name = "solve_geometry (small, gaussian/sigma-0.5, head)"
    assert f"{name} starts on {socket.gethostname()}" in log
    assert f"{name} took " in log
    assert " s, peak memory " in log

    report = fresh.root / "report.html"
    fresh.succeed("--report", str(report), cores=1)
    assert report.stat().st_size > 100_000
    assert "solve_geometry" in fresh.succeed("--rulegraph", "mermaid-js", cores=1)


def test_an_edit_of_the_geometry_then_a_node_down_a_cancelled_job_and_a_killed_one(
    experiment, local
):
    cluster = experiment.cluster
    assert stale_solves(experiment) == 6
    experiment.held.write_text("solve_geometry")
    driver = experiment.start(*TARGETS)
    first = cluster.wait(lambda: len(jobs := at_work(experiment)) == 6 and jobs)
    node = first[0]["node"]
    lost = [job["id"] for job in first if job["node"] == node]
    cluster.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    for job in lost:  # a node that is down has no processes; and Slurm would wait for two minutes
        cluster.wait(
            lambda job=job: job in [j["id"] for j in experiment.jobs() if j["state"] == "PENDING"]
        )
        processes.kill(processes.of_slurm_job(job))
        cluster.call("scontrol", "update", f"JobId={job}", "StartTime=now")
    cluster.wait(lambda: len(experiment.started("solve")) == 6 + len(lost))
    moved = at_work(experiment)
    assert {job["id"] for job in moved} == {job["id"] for job in first}
    assert node not in {job["node"] for job in moved}
    cluster.call("scontrol", "update", f"NodeName={node}", "State=RESUME")

    cancelled, killed, *_ = moved
    again = {solve_of(experiment, cancelled), solve_of(experiment, killed)}
    cluster.call("scancel", cancelled["id"])
    scripts = processes.of_slurm_job(killed["id"])
    processes.kill(pid for pid, command in scripts.items() if ".solve_geometry.py" in command)
    experiment.held.unlink()
    experiment.finish(driver)
    assert_solved_as(local, experiment)
    assert set(experiment.started("solve")[6 + len(lost) :]) == again
    assert not experiment.started("extract") + experiment.started("train")
    ends = {job["id"]: job["state"] for job in experiment.jobs()}
    assert (ends[cancelled["id"]], ends[killed["id"]]) == ("CANCELLED", "FAILED")
    assert len(ends) == 8


def test_bad_layers_leave_their_siblings_and_are_solved_alone(experiment, local):
    bad = [("clean", "head"), ("gaussian/sigma-0.5", "input")]
    stores = {
        pair: experiment.result("small/activations/{}/{}.zarr.zip".format(*pair)) for pair in bad
    }
    contents = {pair: store.read_bytes() for pair, store in stores.items()}
    experiment.held.write_text("solve_geometry")  # what is bad before the plan is made anew
    driver = experiment.start(*TARGETS, "--retries", "1")
    experiment.cluster.wait(lambda: len(at_work(experiment)) == 6)
    for pair, store in stores.items():
        store.write_bytes(contents[pair][:1000])
    experiment.held.unlink()
    assert driver.wait(300) != 0
    for condition, layer in bad:
        log = f"results/tiny/logs/solve_geometry/small/{condition}/{layer}.log"
        assert log in experiment.output.read_text()
        message = (
            f"solve_geometry (small, {condition}, {layer}) failed: results/tiny/small/activations/"
        )
        assert message in (experiment.root / log).read_text()
    names = [f"solve_geometry (small, {condition}, {layer})" for condition, layer in bad]
    runs = {solve: experiment.started().count(solve) for solve in SOLVES}
    assert runs == {solve: 2 if solve in names else 1 for solve in SOLVES}
    good = values(local)
    for condition, layer in bad:
        del good[f"{condition}/{layer}.h5"]
    assert values(experiment) == good

    for pair, store in stores.items():
        store.write_bytes(contents[pair])
    assert stale_solves(experiment) == 2
    experiment.succeed(*TARGETS)
    assert sorted(experiment.started()[8:]) == names
    assert_solved_as(local, experiment)


def test_what_is_cancelled_in_the_queue_is_named_and_leaves_no_old_results_as_new(experiment):
    cluster = experiment.cluster
    cluster.call("scontrol", "update", "NodeName=cpu[1-2]", "State=DRAIN", "Reason=test")
    driver = experiment.start(*TARGETS, "--retries", "0")
    cluster.wait(lambda: states(experiment) == ["PENDING"] * 6)
    cluster.call("scancel", *(job["id"] for job in experiment.jobs()))
    assert driver.wait(120) != 0
    cluster.call("scontrol", "update", "NodeName=cpu[1-2]", "State=RESUME")
    for target in TARGETS:
        assert target in experiment.output.read_text()
    assert stale_solves(experiment) == 6


def test_a_killed_driver_goes_on_where_it_was(experiment, local):
    cluster = experiment.cluster
    experiment.held.write_text("sigma-0.5")
    driver = experiment.start(*TARGETS)
    cluster.wait(lambda: "4/6  " in experiment.output.read_text())
    cluster.wait(lambda: len(experiment.started("sigma-0.5")) == 2)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    in_flight, other = (solve_of(experiment, job) for job in at_work(experiment))
    experiment.held.write_text(other)
    cluster.wait(lambda: states(experiment).count("COMPLETED") == 5)
    make = ["make", "-f", f"{PROJECT}/Makefile", "cancel"]
    subprocess.run(make, cwd=experiment.root, env=cluster.environment, check=True)
    cluster.wait(lambda: "CANCELLED" in states(experiment))
    experiment.held.unlink()
    experiment.succeed("--unlock", cores=1)
    assert stale_solves(experiment) == 2

    experiment.succeed(TARGETS[SOLVES.index(in_flight)], "--touch", cores=1)
    assert stale_solves(experiment) == 1
    experiment.succeed(*TARGETS)
    assert experiment.started()[6:] == [other]
    assert_solved_as(local, experiment)


def test_a_job_over_its_memory_is_sent_again_with_more(fresh):
    fresh.replace("rules/common.smk", "return attempt * amount", "return attempt**2 * amount // 26")
    fresh.succeed("results/tiny/small/weights/weights.safetensors")
    first, second = sorted(fresh.jobs("train_network"), key=lambda job: int(job["id"]))
    assert first["state"] in ("OUT_OF_MEMORY", "FAILED", "CANCELLED")
    assert second["state"] == "COMPLETED"


def test_the_solves_in_one_slurm_job(experiment, local):
    command = " ".join(experiment.command(cores=2))
    cluster = experiment.cluster
    job = subprocess.run(
        ["sbatch", "--parsable", "--cpus-per-task=2", "--wrap", command],
        cwd=experiment.root,
        env=cluster.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    ended = ("COMPLETED", "FAILED", "CANCELLED")
    cluster.wait(lambda: cluster_state(cluster, job) in ended)
    assert cluster_state(cluster, job) == "COMPLETED"
    assert sorted(experiment.started("solve")) == sorted(SOLVES + OTHERS)
    assert {entry["SLURM_JOB_ID"] for entry in experiment.journal()} == {job}
    assert values(experiment) == values(local) != {}
    assert experiment.stale() == {}


def cluster_state(cluster, job):
    return next(each["state"] for each in cluster.queue() if each["id"] == job)
