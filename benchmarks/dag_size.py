"""Time and memory of a large plan: dag_size.py [conditions] [layers] [networks]

By default 100 conditions × 200 layers of one network, 20,000 solves; exits with an error above 2
minutes of CPU time or 2 GiB. Nothing is run: the names of the layers are made up.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[1]
SECONDS, GIB = 120, 2


def main(conditions=100, layers=200, networks=1):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        write_overlay(file, conditions, layers, networks)
        file.flush()
        seconds, gib = plan(file.name)
    size = f"{networks} x {conditions} x {layers}"
    print(f"{size} (networks, conditions, layers): {seconds:.0f} s of CPU time, {gib:.2f} GiB")
    if seconds > SECONDS or gib > GIB:
        sys.exit(f"more than {SECONDS} s or {GIB} GiB")


def write_overlay(file, conditions, layers, networks=1):
    """Write a configuration of that many conditions and layers; return the conditions' names."""
    strengths = [index / 1000 for index in range(conditions)]
    overlay = {
        "run": "synthetic",
        "networks": [
            {"name": f"network-{index}", "architecture": "resnet18", "weights": "none"}
            for index in range(networks)
        ],
        "perturbations": [{"family": "gaussian", "strengths": strengths}],
        "activations": {"layers": [f"layer{index}" for index in range(layers)]},
    }
    yaml.safe_dump(overlay, file)
    return ["clean", *(f"gaussian/sigma-{strength:g}" for strength in strengths[1:])]


def plan(config):
    """Return the CPU seconds and the GiB of a dry-run."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--profile", "profiles/slurm"]
    subprocess.run(
        [*command, "--configfile", config],
        cwd=PROJECT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
