"""The profiles name what exists, and none overrides another without a word."""

import re

import pytest

from helpers import ROOT, read_yaml
from manifold_robustness.files.stamps import read_origin

RULES = {
    name
    for path in [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")]
    for name in re.findall(r"^ *rule (\w+):", path.read_text(encoding="utf-8"), re.MULTILINE)
}
SLURM = read_yaml("profiles/slurm/config.yaml")


def flat(settings, prefix=""):
    """Return every key with those that hold it, dotted."""
    keys = set()
    for key, value in settings.items():
        keys.add(f"{prefix}{key}")
        keys |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else set()
    return keys


def test_no_key_stands_in_two_profiles():
    """Of two, profiles/default wins key by key, whatever --profile names."""
    assert flat({"a": {"b": 1}}) == {"a", "a.b"}
    assert not flat(read_yaml("profiles/default/config.yaml")) & flat(SLURM)


@pytest.mark.parametrize("section", ["set-resources", "set-threads", "groups"])
def test_what_a_profile_says_of_a_rule_is_said_of_a_real_one(section):
    assert {"train_network", "solve_geometry"} <= RULES
    assert set(SLURM.get(section, {})) <= RULES


def test_the_slurm_profile_serves_rules_that_it_does_not_name():
    assert "mem_mb" in SLURM["default-resources"]


def test_the_slurm_profile_says_partitions_and_the_rules_what_they_need():
    partitions = read_yaml("profiles/slurm/partitions.yaml")["partitions"]
    assert sorted(limits["max_gpu"] for limits in partitions.values()) == [0, 1]
    bodies = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("rules/*.smk"))
    n_rules = len(re.findall(r"^ +script:$", bodies, re.MULTILINE))
    assert bodies.count("mem_mb=") == bodies.count("runtime=") == n_rules > 15


def test_every_attempt_asks_for_more_memory_and_time():
    assert SLURM["retries"] > 0
    assert "attempt" in SLURM["default-resources"]["mem_mb"]
    rules = [path.read_text(encoding="utf-8") for path in ROOT.glob("rules/*.smk")]
    given = [match for text in rules for match in re.findall(r"(mem_mb|runtime)=(\w+)", text)]
    assert len(given) > 20 and {how for _, how in given} == {"grows"}


@pytest.mark.parametrize("name", ["profiles/slurm", "slurm"])
def test_both_ways_to_name_the_slurm_profile_plan_a_run(fresh, monkeypatch, tmp_path, name):
    settings = tmp_path / "settings"
    (settings / "snakemake").mkdir(parents=True)
    (settings / "snakemake/slurm").symlink_to(fresh.root / "profiles/slurm")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(settings))
    local = fresh.command("--dry-run")
    monkeypatch.setattr(fresh, "command", lambda *_, **__: [*local, "--profile", name])
    output = fresh.succeed()
    assert f"Using profiles {name} and workflow specific profile profiles/default" in output
    assert "solve_geometry" in output


def test_the_gpu_stage_alone_ends_with_the_activations(fresh):
    """docs/cluster.md: the solves in one Slurm job after it."""
    stage = ["train_network", "evaluate_accuracy", "select_images", "perturb_images"]
    planned = fresh.stale("--omit-from", "solve_geometry")
    assert planned["extract_activations"] == 3 and set(stage) <= set(planned)
    assert not {"solve_geometry", "collect_geometry"} & set(planned)
    text = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    assert "--profile profiles/slurm --omit-from solve_geometry &&" in text


def test_the_driver_looks_at_its_jobs_when_something_has_changed(experiment):
    """Under a limit of jobs per time span each look asks for another; without, a run has none."""
    path = experiment.result("small/geometry/clean/head.h5")
    target = str(path.relative_to(experiment.root))
    said = "Submitting maximum"
    path.unlink()
    assert said not in experiment.succeed(target, "--verbose")
    path.unlink()
    assert said in experiment.succeed(target, "--verbose", "--max-jobs-per-timespan", "50/1s")


def test_a_configuration_edited_behind_a_driver_s_back_is_found_out(experiment):
    """What a job wrote after its driver's death has no record, and is never stale to Snakemake."""
    experiment.configure(lambda config: config["geometry"].update(n_gaussian_vectors=25))
    stale = experiment.result("small/geometry/clean/head.h5")
    before = stale.read_bytes()
    experiment.succeed("results/tiny/small/geometry/clean/input.h5")
    experiment.succeed(str(stale.relative_to(experiment.root)), "--touch")
    assert stale.read_bytes() == before
    path = "results/tiny/small/geometry/clean/head.h5"
    output = experiment.succeed()
    said = [line for line in output.splitlines() if line.startswith("Out of date: ")]
    words = "geometry.n_gaussian_vectors was 20 and is 25"
    assert any(path in line and words in line for line in said)
    assert stale.read_bytes() != before
    solved = read_origin(stale)["lineage"]["small"]["solve_geometry"]["settings"]
    assert solved["geometry"]["n_gaussian_vectors"] == 25
    assert experiment.stale() == {}
