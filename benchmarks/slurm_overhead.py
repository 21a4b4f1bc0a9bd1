"""What a Slurm job costs beside the solve in it, on the tests' private cluster.

    PYTHONPATH=tests:scripts .venv/bin/python benchmarks/slurm_overhead.py

Root and Slurm's packages are needed (make test-slurm installs them). The six solves of the tiny
experiment, under three conditions, run in each of the ways below; then the whole experiment. The
CPU time is that of all processes, so another load on the machine changes it little.
"""

import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from slurm.cluster import Cluster
from slurm.experiments import ClusterExperiment
from workflow.conftest import copy_project

TARGETS = [
    f"results/tiny/small/geometry/{condition}/{layer}.h5"
    for condition in ("clean", "gaussian/sigma-0.1", "gaussian/sigma-0.5")
    for layer in ("input", "head")
]
# What profiles/slurm says of groups, in comments.
COMMENTED = r"^( *)# (member|groups|group-components|set-resource-scopes|resources):"


def main():
    with tempfile.TemporaryDirectory() as folder:
        local, whole = (copy_project(Path(folder) / name) for name in ("local", "whole"))
        (Path(folder) / "cluster").mkdir()
        with Cluster(Path(folder) / "cluster") as cluster:
            experiment = ClusterExperiment(local.root, cluster)
            experiment.succeed(cores=2)
            print("| what | Slurm jobs | wall time | CPU time |\n|---|---|---|---|")
            name = "solves, one Slurm job each"
            measure(name, experiment, lambda: experiment.succeed(*TARGETS))
            group(experiment)
            name = "solves, one Slurm job a condition"
            measure(name, experiment, lambda: experiment.succeed(*TARGETS))
            measure("solves, one Slurm job for all", experiment, lambda: in_one_job(experiment))
            measure("solves, without Slurm", experiment, lambda: local.succeed(*TARGETS))
            experiment = ClusterExperiment(whole.root, cluster)
            measure("all, one Slurm job each", experiment, experiment.succeed)
            shutil.rmtree(whole.root / "results")
            measure("all, without Slurm", experiment, whole.succeed)


def measure(name, experiment, run):
    for path in experiment.result("small/geometry").glob("**/*.h5"):
        path.unlink()
    cluster = experiment.cluster
    before, start, cpu = len(experiment.jobs()), time.perf_counter(), cpu_time(cluster)
    run()
    wall, jobs = time.perf_counter() - start, len(experiment.jobs()) - before
    time.sleep(3)  # Slurm's own processes end after the jobs
    cpu = cpu_time(cluster) - cpu
    print(f"| {name} | {jobs} | {wall:.0f} s | {cpu:.0f} s |", flush=True)


def group(experiment):
    profile = experiment.root / "profiles/slurm/config.yaml"
    profile.write_text(re.sub(COMMENTED, r"\1\2:", profile.read_text(), flags=re.MULTILINE))


def in_one_job(experiment):
    script = " ".join(experiment.command(*TARGETS, cores=2))
    subprocess.run(
        ["sbatch", "--wait", "--cpus-per-task=2", "--wrap", script],
        cwd=experiment.root,
        env=experiment.cluster.environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def cpu_time(cluster):
    """Return the CPU seconds of what ended below this process: drivers, and the cluster's jobs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    stat = Path(f"/proc/{cluster.guardian.pid}/stat").read_text().rpartition(")")[2].split()
    jobs = (int(stat[13]) + int(stat[14])) / os.sysconf("SC_CLK_TCK")  # of children waited for
    return usage.ru_utime + usage.ru_stime + jobs


if __name__ == "__main__":
    main()
