"""The overlays that come with the project: what they ask for, and that it can be planned."""

import re
import subprocess
import sys

import pytest

from helpers import ROOT, read_config, read_yaml
from manifold_robustness.declarations import plugin_names, read_declaration
from manifold_robustness.experiment import read_experiment

OVERLAYS = sorted(path.name for path in ROOT.glob("config.*.yaml"))
ATTACKS = ["config.attacks.yaml", "config.cifar10.attacks.yaml"]


def asked(*overlays, project=ROOT):
    return read_experiment(read_config(*overlays), overlays, project)


@pytest.mark.parametrize("name", ATTACKS)
def test_every_family_is_attacked_with(name, monkeypatch):
    """But for uniform noise, a weaker control, and what moves whole sets; PGD in both norms."""
    monkeypatch.chdir(ROOT)
    experiment = asked(name)
    families = {family.name: family for family in experiment.families}
    known = {
        name
        for name in plugin_names("perturbations")
        if read_declaration("perturbations", name, "family")["scope"] == "image"
    } - {"uniform"}
    assert set(families) == known | {"pgd-l2"}
    budgets = {
        family.name: [(one.norm, one.budget) for one in family.conditions]
        for family in families.values()
    }
    linf = [budgets[one] for one in ("sign_noise", "fgsm", "bim", "pgd", "apgd")]
    assert all(one == linf[0] for one in linf)
    assert {norm for norm, _ in linf[0]} == {"linf"}
    assert budgets["deepfool"] == budgets["pgd-l2"] and budgets["pgd-l2"][0][0] == "l2"
    assert all(len(family.conditions) >= 4 for family in families.values())
    (network,) = experiment.networks.values()
    assert network.analysed == network.layers and len(network.layers) == 22
    assert experiment.config["accuracy"]["n_images"] < 2000


def test_the_attacks_on_cifar10_are_on_the_paper_s_network():
    ours, papers = (read_yaml(f"config.cifar10{end}.yaml") for end in (".attacks", ""))
    for section in ("data", "networks", "training"):
        assert ours[section] == papers[section]
    levels = [one for one in ours["perturbations"] if one.get("parameterization") == "levels"]
    assert len(levels) == 5 and all(one["strengths"] == [0.5, 1, 2, 4, 8] for one in levels)


def test_the_paper_s_experiment_is_one_of_noise(monkeypatch):
    monkeypatch.chdir(ROOT)
    (family,) = asked("config.cifar10.yaml").families
    (entry,) = (
        one for one in read_yaml("config.yaml")["perturbations"] if one["family"] == "gaussian"
    )
    assert family.name == "gaussian" and len(family.conditions) == 11
    assert [one.strength for one in family.conditions] == entry["strengths"]
    assert family.options == {"clip": True, "parameterization": "standard_deviation"}


def test_the_default_run_has_an_attack_whose_strengths_are_compared(monkeypatch):
    monkeypatch.chdir(ROOT)
    noise, attack = asked().families
    assert (noise.perturbation, attack.perturbation) == ("gaussian", "fgsm")
    assert len(attack.conditions) == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", OVERLAYS)
def test_every_overlay_is_planned(name, tmp_path):
    """Before any job: every condition is perturbed, and its layers are solved."""
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    command = [sys.executable, "-m", "snakemake", "-n", "-s", ROOT / "Snakefile"]
    done = subprocess.run(
        [*command, "--configfile", ROOT / name],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    jobs = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)}
    experiment = asked(name)
    n_layers = sum(len(network.analysed) for network in experiment.networks.values())
    n_networks = len(experiment.networks)
    assert jobs["perturb_images"] == n_networks * (len(experiment.conditions) - 1)
    assert jobs["solve_geometry"] == n_layers * len(experiment.measured)
    attacked = any(family.conditions[0].wants_network for family in experiment.families)
    assert ("compare_attacks" in jobs) == attacked
