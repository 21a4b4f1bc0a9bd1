"""The environments: the same pinned versions wherever a job runs."""

import re

import pytest
import yaml

from helpers import ROOT

ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))


def pins(lines):
    return dict(line.strip().split("==") for line in lines if "==" in line)


def requirements(name):
    return (ROOT / "envs" / name).read_text().splitlines()


PINNED = pins(requirements("requirements.txt"))


def test_every_requirement_is_pinned_once():
    for name in ("requirements.txt", "requirements-test.txt"):
        wanted = [line for line in requirements(name) if line and line[0] not in "#-"]
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
