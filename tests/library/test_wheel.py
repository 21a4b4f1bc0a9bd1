"""The package as a wheel: the geometry without torch, and the versions of the whole pipeline."""

import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile

import numpy as np
import pytest

from helpers import ROOT

QUICK = [
    *(
        path
        for path in sorted(ROOT.glob("tests/library/test_geometry_*.py"))
        if "import torch" not in path.read_text()
    ),
    ROOT / "tests/library/test_recorded.py",
    ROOT / "tests/library/test_seeds.py",
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(requirements):
    return {line.split("=")[0].split(">")[0].strip() for line in requirements}


def test_the_geometry_needs_nothing_that_the_pipeline_has_not():
    pinned = [
        line
        for line in (ROOT / "envs/requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert names(PROJECT["dependencies"]) <= names(pinned)
    assert not names(PROJECT["dependencies"]) & {"torch", "torchvision", "snakemake"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    ours = ("scripts", "envs", "pyproject.toml", "README.md", "LICENSE")
    for name in ours:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        sources.mkdir(exist_ok=True)
        copy(ROOT / name, sources / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, sources]
    subprocess.run(command, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.long
def test_the_wheel_has_every_module_and_says_what_the_pipeline_needs(wheel):
    package = ROOT / "scripts/manifold_robustness"
    ours = {str(path.relative_to(package.parent)) for path in package.rglob("*.py")}
    pages = {f"manifold_robustness/explore/page.{kind}" for kind in ("html", "css", "js")}
    with zipfile.ZipFile(wheel) as file:
        assert {name for name in file.namelist() if name.endswith(".py")} == ours
        assert pages <= {*file.namelist()}
        (metadata,) = (name for name in file.namelist() if name.endswith("/METADATA"))
        told = file.read(metadata).decode()
    assert "Provides-Extra: pipeline" in told
    assert "Requires-Dist: torch==" in told and 'extra == "pipeline"' in told


@pytest.mark.long
def test_the_wheel_in_an_empty_environment(wheel, tmp_path):
    """Installed without torch: the shell command, then the geometry's quick tests."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    install = [python, "-m", "pip", "install", "-q", "-c", ROOT / "envs/constraints.txt"]
    subprocess.run([*install, wheel], check=True)
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(4, 8, 30)))
    run = [python, "-m", "manifold_robustness", "points.npy", "--joint", "--subsets", "5"]
    told = subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "4 manifolds of 8 points each" in told and "joint_capacity" in told
    absent = [python, "-c", "import torch"]
    assert subprocess.run(absent, cwd=tmp_path, capture_output=True).returncode == 1
    tools = ["pytest", "pytest-xdist", "hypothesis", "pyyaml", "scikit-learn", "pandas"]
    subprocess.run([*install, *tools], check=True)
    tests = tmp_path / "tests"
    shutil.copytree(ROOT / "tests", tests / "tests")
    for name in ("config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tests / name)
    quick = [tests / path.relative_to(ROOT) for path in QUICK]
    command = [
        python,
        "-m",
        "pytest",
        "-q",
        "-o",
        "pythonpath=tests",
        "-m",
        "not slow and not long",
    ]
    done = subprocess.run([*command, *quick], cwd=tests, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout or "%]" in done.stdout
