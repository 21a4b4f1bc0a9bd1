"""An experiment that runs on the private cluster through profiles/slurm."""

import json
import subprocess

from workflow.conftest import Experiment

# Faster than a real cluster needs it; this one has no accounting database, so no sacct.
QUICK = {
    "--slurm-status-command": "squeue",
    "--slurm-init-seconds-before-status-checks": "4",
    "--latency-wait": "5",
}
# Each job says in journal.txt that it starts, and waits while `hold` names a part of it.
JOURNAL = """\
    keys = ("SLURM_JOB_ID", "SLURM_JOB_PARTITION", "CUDA_VISIBLE_DEVICES")
    entry = {"job": name, "threads": len(os.listdir("/proc/self/task"))}
    with open("journal.txt", "a") as journal:
        print(json.dumps({**entry, **{key: os.getenv(key) for key in keys}}), file=journal)
    end, hold = time.monotonic() + 400, pathlib.Path("hold")
    while hold.exists() and hold.read_text() in name and time.monotonic() < end:
        time.sleep(0.05)
"""


class ClusterExperiment(Experiment):
    """An experiment whose jobs go to the private cluster."""

    def __init__(self, root, cluster):
        super().__init__(root)
        self.cluster = cluster
        self.held = self.root / "hold"
        self.output = self.root / "driver.log"
        self.drivers = []

    def command(self, *arguments, cores=None):
        """Return the command line: with `cores` that of a local run."""
        local = super().command(*arguments, cores=cores)
        if cores is not None:
            return local
        at = local.index("--cores")
        options = ["--profile", "profiles/slurm"]
        for name, value in QUICK.items():
            options += [name, value] if name not in arguments else []
        return [*local[:at], *options, *local[at + 2 :]]

    def run(self, *arguments, cores=None, timeout=1200):
        driver = self.start(*arguments, cores=cores)
        driver.wait(timeout)
        return subprocess.CompletedProcess(driver.args, driver.returncode, self.output.read_text())

    def start(self, *arguments, cores=None):
        """Start a driver, which writes to the file `output`, and return its process."""
        with open(self.output, "w") as output:
            driver = subprocess.Popen(
                # Should the tests be killed outright, so is the driver.
                ["setpriv", "--pdeathsig", "KILL", *self.command(*arguments, cores=cores)],
                cwd=self.root,
                env={**self.cluster.environment, "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.drivers.append(driver)
            return driver

    def finish(self, driver):
        """Wait for a driver that must succeed."""
        assert driver.wait(300) == 0, self.output.read_text()[-6000:]

    def end(self):
        """Kill the drivers that still run."""
        for driver in self.drivers:
            driver.kill()
            driver.wait()

    def instrument(self):
        """Have the jobs keep the journal. No digest counts jobs.py, so nothing is stale by it."""
        jobs, line = "scripts/manifold_robustness/jobs.py", "    start = time.perf_counter()\n"
        self.replace(jobs, line, JOURNAL + line)
        self.replace(jobs, "import logging\n", "import json, os, pathlib\nimport logging\n")

    def edit_the_geometry(self):
        """Make every solve stale without another result."""
        self.replace(
            "scripts/manifold_robustness/measures/__init__.py",
            "= [{} for _ in clouds]",
            "= [dict() for _ in clouds]",
        )

    def journal(self):
        """Return what started, in order: dicts of job and some of its environment."""
        path = self.root / "journal.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def started(self, part=""):
        """Return the names of the jobs that started and have `part` in their name."""
        return [entry["job"] for entry in self.journal() if part in entry["job"]]

    def jobs(self, part=""):
        """Return this experiment's Slurm jobs whose comment holds `part`."""
        queue = self.cluster.queue()
        return [job for job in queue if part in job["comment"] and job["folder"] == str(self.root)]
