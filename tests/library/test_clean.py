"""`make clean` leaves the sources and the data, whatever ran before."""

import shutil
import subprocess

import pytest

from helpers import ROOT

SOURCES = ["Makefile", ".gitignore", "scripts/a.py", "docs/a.md", "data/cifar/batch.partial"]
LEFT = [
    ".venv/bin/python",
    "results/tiny/figures/a.svg",
    "results/tiny/.a.h5.host-1.partial",
    ".snakemake/log/a",
    "docs/.snakemake/log/a",
    ".hypothesis/examples/a",
    "tests/.hypothesis/examples/a",
    ".pytest_cache/v",
    ".ruff_cache/0",
    "build/lib/a.py",
    "dist/a.whl",
    "scripts/manifold_robustness.egg-info/PKG-INFO",
    "scripts/__pycache__/a.pyc",
    "docs/.ipynb_checkpoints/a.ipynb",
    "rules/.a.csv.host-1.partial",
    "envs/constraints.part",
]


def files_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.glob("**/*") if p.is_file())


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_clean_leaves_the_sources_and_the_data(tmp_path):
    for name in (*SOURCES, *LEFT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    subprocess.run(["make", "-s", "clean"], cwd=tmp_path, check=True)
    assert files_in(tmp_path) == sorted(SOURCES)


def test_what_git_ignores_is_what_clean_removes():
    """A new kind of leftover, once it is ignored, must be removed too."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    left = [name.strip("*/") for name in ignored if name != "data/"]
    assert [name for name in left if not any(name in one for one in LEFT)] == []
