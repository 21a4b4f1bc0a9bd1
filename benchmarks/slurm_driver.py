"""CPU time that the driver takes to send a job: slurm_driver.py [conditions] [layers]

Stand-ins for sbatch and squeue write an empty result at once and say that the job is completed;
only solves are in the plan. By default 10 conditions x 100 layers, a minute.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from dag_size import PROJECT, write_overlay

SBATCH = r"""#!/bin/sh
coordinates='.*:network=\([^, ]*\),condition=\([^, ]*\),layer=\(layer[0-9]*\).*'
target=$(echo "$*" | sed -n "s|$coordinates|\1/geometry/\2/\3|p")
[ -n "$target" ] || exit 1
: > "results/synthetic/$target.h5"
echo "$$|COMPLETED" >> queue
echo $$
"""
SQUEUE = "#!/bin/sh\ncat queue\n"
SCONTROL = "#!/bin/sh\necho 'MinJobAge = 3600 sec'\n"
PARTS = ("Snakefile", "config.yaml", "rules", "scripts", "envs", "profiles")


def main(conditions=10, layers=100):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for part in PARTS:
            (folder / part).symlink_to(PROJECT / part)
        (folder / "bin").mkdir()
        stand_ins = {"sbatch": SBATCH, "squeue": SQUEUE, "sinfo": SQUEUE, "scontrol": SCONTROL}
        for name, script in stand_ins.items():
            (folder / "bin" / name).write_text(script)
            (folder / "bin" / name).chmod(0o755)
        (folder / "queue").touch()
        with open(folder / "overlay.yaml", "w") as file:
            names = write_overlay(file, conditions, layers)
        targets = [make_room(folder, name, layer) for name in names for layer in range(layers)]
        seconds = send(folder, targets)
        print(f"{len(targets)} solves: {1000 * seconds / len(targets):.0f} ms of CPU time each")


def make_room(folder, condition, layer):
    """Write the empty input of a solve and return its result's path."""
    results = folder / "results/synthetic/network-0"
    store = results / f"activations/{condition}/layer{layer}.zarr.zip"
    target = results / f"geometry/{condition}/layer{layer}.h5"
    for path in (store, target):
        path.parent.mkdir(parents=True, exist_ok=True)
    store.touch()
    return str(target.relative_to(folder))


def send(folder, targets):
    """Run the driver and return the CPU seconds of it and the stand-ins."""
    command = [sys.executable, "-m", "snakemake", *targets, "--allowed-rules", "solve_geometry"]
    options = {
        "--profile": "profiles/slurm",
        "--configfile": "overlay.yaml",
        "--slurm-status-command": "squeue",
        "--slurm-init-seconds-before-status-checks": "1",
    }
    subprocess.run(
        [*command, *(word for pair in options.items() for word in pair)],
        cwd=folder,
        env={"PATH": f"{folder}/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
