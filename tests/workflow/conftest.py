"""Real runs of a tiny experiment, in copies of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from manifold_robustness.declarations import plugin_names
from sharing import make_once

PROJECT = Path(__file__).parents[2]
PARTS = ["Snakefile", "config.yaml", "rules", "scripts", "envs", "profiles", "tests/configs"]
PARTS += ["CITATION.cff"]
TINY = "tests/configs/tiny.yaml"


def pytest_collection_modifyitems(items):
    """Every test here runs the workflow, or plans it: none is quick."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


class Experiment:
    """A copy of the project with the tiny experiment in it."""

    def __init__(self, root):
        self.root = Path(root)
        self.overlays = []  # configurations that differ from the tiny one

    def command(self, *arguments, cores=2):
        """Return the command line; targets first, since --configfile takes what follows it."""
        snakemake = [sys.executable, "-m", "snakemake", *arguments]
        return [*snakemake, "--cores", str(cores), "--configfile", TINY, *self.overlays]

    def run(self, *arguments, cores=2, timeout=300):
        """Run Snakemake and return the finished process; its output as one text."""
        return subprocess.run(
            self.command(*arguments, cores=cores),
            cwd=self.root,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )

    def succeed(self, *arguments, **options):
        """Run Snakemake, which must succeed, and return its output."""
        process = self.run(*arguments, **options)
        assert process.returncode == 0, process.stdout[-4000:]
        return process.stdout

    def stale(self, *arguments):
        """Return how many jobs of each rule a run would start now."""
        output = self.succeed("--dry-run", *arguments)
        table = re.search(r"Job stats:\njob +count\n[- ]+\n(.*?)\n\n", output, re.DOTALL)
        if table is None:
            assert "Nothing to be done" in output, output[-2000:]
            return {}
        counts = {line.split()[0]: int(line.split()[1]) for line in table[1].splitlines()}
        return {rule: n for rule, n in counts.items() if rule not in ("all", "total")}

    def configure(self, edit):
        """Change the tiny configuration by calling ``edit(config)``."""
        path = self.root / TINY
        config = yaml.safe_load(path.read_text())
        edit(config)
        path.write_text(yaml.safe_dump(config))

    def draw_only(self, *names):
        """Leave out all figures but those named: each takes a second or two."""

        def edit(config):
            for name in {*plugin_names("figures")} - {*names}:
                config["figures"].setdefault(name, {})["draw"] = False

        self.configure(edit)

    def replace(self, name, old, new):
        """Replace a text that a file holds."""
        path = self.root / name
        text = path.read_text()
        assert old in text, f"{name} does not hold {old!r}"
        path.write_text(text.replace(old, new))

    def result(self, name):
        """Return the path of a result."""
        return self.root / "results/tiny" / name

    def contents(self, folder, pattern="**/*.h5"):
        """Return the bytes of the results below a folder, by name."""
        base = self.result(folder)
        return {str(path.relative_to(base)): path.read_bytes() for path in base.glob(pattern)}


def copy_project(root):
    """Copy what an experiment needs of the project."""
    for part in PARTS:
        source, target = PROJECT / part, Path(root) / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    return Experiment(root)


@pytest.fixture
def fresh(tmp_path):
    """Return an experiment that nothing was run in."""
    return copy_project(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Return a finished tiny experiment; not to be changed."""
    return Experiment(
        make_once(tmp_path_factory, "finished", lambda folder: copy_project(folder).succeed())
    )


@pytest.fixture
def experiment(finished, tmp_path):
    """Return a copy of the finished experiment, with its history."""
    shutil.copytree(finished.root, tmp_path, dirs_exist_ok=True, symlinks=True)
    return Experiment(tmp_path)
