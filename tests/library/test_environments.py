"""The environments: the same pinned versions wherever a job runs."""

import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from helpers import ROOT

ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
REQUIREMENTS = ("requirements.txt", "requirements-test.txt")
PYTHONS = ("3.11", "3.12", "3.13")
# What only the CUDA build of torch brings; a build says itself which versions it needs.
OF_CUDA = re.compile(r"(cuda|nvidia|triton)")


def pins(lines):
    return dict(line.strip().split("==") for line in lines if "==" in line)


def read_lines(name):
    lines = (ROOT / "envs" / name).read_text().splitlines()
    return [line for line in lines if line and line[0] not in "#-"]


PINNED = pins(read_lines("requirements.txt"))
CONSTRAINTS = [Requirement(line) for line in read_lines("constraints.txt")]


def constrained(**environment):
    """The versions that the constraints ask for in an environment, all of them by name."""
    found = {}
    for one in CONSTRAINTS:
        if one.marker is None or one.marker.evaluate({**default_environment(), **environment}):
            (specifier,) = one.specifier
            found.setdefault(canonicalize_name(one.name), []).append(specifier.version)
    return found


def required_distributions():
    """The installed distributions that the requirements bring, transitively, by name."""
    waiting = [Requirement(line) for name in REQUIREMENTS for line in read_lines(name)]
    found, seen = {}, set()
    while waiting:
        wanted = waiting.pop()
        key = canonicalize_name(wanted.name), tuple(sorted(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            found[key[0]] = distribution(wanted.name)
        except PackageNotFoundError:  # for another platform, or of a build of torch
            continue
        for line in found[key[0]].requires or []:
            needed = Requirement(line)
            extras = wanted.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(needed)
    return found


def test_every_requirement_is_pinned_once():
    for name in REQUIREMENTS:
        wanted = read_lines(name)
        assert all(line.count("==") == 1 for line in wanted)
        assert len(pins(wanted)) == len(wanted) >= 3


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environments_have_the_pins_of_the_requirements(path):
    packages = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    found = pins(packages)
    assert len(found) == len(packages)
    assert found == {name: PINNED.get(name) for name in found}


def test_there_is_an_environment_per_kind_of_job():
    rules = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    assert [path.stem for path in ENVIRONMENTS] == ["figures", "geometry", "network"]
    assert set(re.findall(r"envs/([\w.]+)", rules)) == {path.name for path in ENVIRONMENTS}


def test_everything_that_is_installed_is_pinned_at_its_version():
    installed, wanted = required_distributions(), constrained()
    assert len(installed) > 80
    for name, found in installed.items():
        if not OF_CUDA.match(name):
            assert wanted.get(name) == [Version(found.version).public], name


@pytest.mark.parametrize("system", ["linux", "darwin"])
@pytest.mark.parametrize("python", PYTHONS)
def test_each_python_has_one_version_of_everything(python, system):
    found = constrained(
        python_version=python,
        python_full_version=f"{python}.0",
        sys_platform=system,
        platform_system=system.capitalize(),
    )
    assert {name: versions for name, versions in found.items() if len(versions) != 1} == {}
    direct = pins(line for name in REQUIREMENTS for line in read_lines(name))
    for name, version in direct.items():
        assert found[canonicalize_name(name)] == [version]


def test_the_constraints_hold_for_every_build_of_torch_and_name_no_index():
    text = (ROOT / "envs/constraints.txt").read_text()
    lines = text.splitlines()[1:]
    assert "make constraints" in text.splitlines()[0]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", line) for line in lines)
    assert len(lines) > 100 and not any(map(OF_CUDA.match, lines))


def test_whatever_is_installed_is_installed_with_the_constraints():
    for name in ("Makefile", "envs/manifold-robustness.def"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if "pip install" in line]
        for line in lines:
            assert re.search(r"-c \S*constraints\.txt|pip install -q \$\(UV\)", line), line
        assert lines


def find_python(version):
    """An interpreter of that version, or None: on the path, or where pyenv keeps them."""
    candidates = [shutil.which(f"python{version}")]
    candidates += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for candidate in filter(None, candidates):
        command = [str(candidate), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        process = subprocess.run(command, capture_output=True, text=True)
        if process.returncode == 0 and process.stdout.strip() == version:
            return str(candidate)
    return None


@pytest.fixture(params=PYTHONS)
def python(request):
    found = find_python(request.param)
    if found is None:
        pytest.skip(f"Python {request.param} is not installed")
    return found


def test_every_python_reads_the_sources(python):
    """Syntax of a newer Python would stop the older ones, and a warning become an error."""
    code = (
        "import pathlib, sys, warnings; warnings.simplefilter('error')\n"
        "for path in map(pathlib.Path, sys.argv[1:]): compile(path.read_bytes(), path, 'exec')"
    )
    sources = [*(ROOT / "scripts").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    assert len(sources) > 100
    process = subprocess.run([python, "-c", code, *map(str, sources)], capture_output=True)
    assert process.returncode == 0, process.stderr.decode()


@pytest.mark.long
def test_every_python_can_install_the_requirements(python, tmp_path):
    """Versions for each of them exist and go together; nothing is downloaded but their metadata."""
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    command = [tmp_path / "venv/bin/pip", "install", "--dry-run", "--quiet"]
    command += ["-c", ROOT / "envs/constraints.txt", "-r", ROOT / "envs/requirements-test.txt"]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


def make(folder, *arguments, **variables):
    command = ["make", *arguments, *(f"{name}={value}" for name, value in variables.items())]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def project(tmp_path):
    """A copy of what the configuration is checked with."""
    for name in ("Makefile", "config.yaml", "rules", "scripts", "envs"):
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    return tmp_path


@pytest.mark.slow
def test_an_error_of_the_configuration_comes_before_anything_large_is_installed(project):
    (project / "wrong.yaml").write_text("run: wrong\nimages: {n_pionts: 3}\n")
    process = make(project, "run", CONFIG="wrong.yaml")
    assert process.returncode != 0
    assert "images.n_pionts" in process.stderr and "Traceback" not in process.stderr
    installed = {path.name.lower() for path in (project / ".venv").rglob("*.dist-info")}
    assert any(name.startswith("jsonschema-4") for name in installed)
    assert not any(name.startswith(("torch", "numpy", "snakemake")) for name in installed)
    assert make(project, "check").returncode == 0


def test_a_python_that_is_too_old_is_named(project):
    """One that says it is, since none may be installed."""
    old = project / "python-of-old"
    old.write_text(
        f'#!/bin/sh\nexec "{shutil.which("python3")}" -c "import sys\n'
        "sys.version_info, sys.version = (3, 9), '3.9.1 (of old)'\n$2\"\n"
    )
    old.chmod(0o755)
    process = make(project, "check", PYTHON=old)
    assert process.returncode != 0
    assert "Need Python 3.11 or newer. Got 3.9.1." in process.stderr
    assert not (project / ".venv").exists()


def test_cleaning_leaves_the_sources_and_the_data(project):
    sources = {path for path in project.rglob("*") if path.is_file()}
    data = [project / "data/cifar/batch", project / "data/__pycache__/x.pyc"]
    ours = [
        ".venv/bin/python",
        "results/digits/a.csv",
        ".snakemake/log",
        "scripts/manifold_robustness/__pycache__/a.pyc",
        ".pytest_cache/x",
        ".ruff_cache/x",
        ".hypothesis/x",
        "scripts/manifold_robustness.egg-info/PKG-INFO",
        "docs/.ipynb_checkpoints/a.ipynb",
    ]
    for path in [*data, *(project / name for name in ours)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert make(project, "clean").returncode == 0
    assert {path for path in project.rglob("*") if path.is_file()} == {*sources, *data}
