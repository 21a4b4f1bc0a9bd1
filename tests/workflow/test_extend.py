"""The recipes of docs/extend.md, followed to the letter: what it prints is what is run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from manifold_robustness.files.images import read_images
from manifold_robustness.files.predictions import read_predictions
from manifold_robustness.files.stores import read_points
from recordings import record
from result_files import origin_said

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs/extend.md"
ATTACK, TWICE = "An attack, or any other perturbation", "A family that stands twice"
MEASURE, DATA_SET = "A measure", "A data set"
OWN_NETWORK, ARCHITECTURE = "A file of your own", "An architecture for everybody"
RECORDED = "Recorded activations"
FIGURE, CLAIM = "A figure", "A claim"
GATHERING = {
    "collect_geometry": 1,
    "verify_results": 1,
    "judge_claims": 1,
    "describe_run": 1,
    "explore_run": 1,
    "plot_family_figure": 7,  # those that are drawn from the summary
}
FAMILY_FIGURES = 9
NEW_NETWORK = {
    "train_network": 1,
    "evaluate_accuracy": 1,
    "select_images": 1,
    "perturb_images": 2,
    "solve_geometry": 6,
    **GATHERING,
    "collect_accuracy": 1,
    "compare_networks": 1,
    "plot_network_figure": 2,
    "plot_family_figure": 2 * FAMILY_FIGURES,
    "plot_comparison": 2,
}


def read_recipes():
    """Return the code blocks of each section, by its title, with the paragraph before each."""
    recipes = {}
    for section in re.split(r"^##+ ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        parts = re.split(r"^```\w+\n(.*?)^```\n", text, flags=re.DOTALL | re.MULTILINE)
        said = [" ".join(words.strip().split("\n\n")[-1].split()) for words in parts[0:-1:2]]
        recipes[title] = list(zip(said, parts[1::2], strict=True))
    return recipes


RECIPES = read_recipes()


def follow(experiment, title):
    """Do what a section says with each of its code blocks."""
    for said, code in RECIPES[title]:
        if found := re.search(r"In `([^`]+)`, add to the end of the list `(\w+)`:$", said):
            add_entry(experiment.root / found[1], found[2], code)
        elif found := re.search(r"file (?:of its configuration )?is `([^`]+)`:$", said):
            path = experiment.root / found[1]
            assert not path.exists()
            path.write_text(code)
        else:
            found = re.search(r"[Aa]dd to (?:the list )?`(\w+)`:$", said)
            added = yaml.safe_load(code)
            assert found and list(added) == [found[1]], f"what is to be done is unclear: {said}"
            experiment.configure(lambda config, added=added: add_settings(config, added))


def add_entry(path, name, code):
    """Add lines to the end of a list that stands at the top level of a module."""
    text = path.read_text()
    start = text.index(f"\n{name} = [")
    end = text.index("\n]", start) + 1
    path.write_text(text[:end] + code + text[end:])


def add_settings(config, added):
    """Add items to the end of lists, and everything else key by key, as the page says."""
    for key, value in added.items():
        if isinstance(value, list):
            config.setdefault(key, []).extend(value)
        elif isinstance(value, dict):
            add_settings(config.setdefault(key, {}), value)
        else:
            config[key] = value


def only_the_head(config):
    """Analyse one layer, to save time."""
    config["geometry"]["layers"] = ["head"]


def analyse_all(config):
    """As the page says of a list of layers that has none of what is added."""
    config["geometry"]["layers"] = "all"


def only_clean(config):
    """Perturb nothing, to save time."""
    config["perturbations"][0]["strengths"] = [0]


def ask(experiment, module, *arguments):
    """Return what a command of the Makefile prints."""
    return subprocess.run(
        [sys.executable, "-m", f"manifold_robustness.{module}", *arguments],
        cwd=experiment.root,
        env={**os.environ, "PYTHONPATH": "scripts", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def why(experiment, rule):
    return ask(experiment, "code_digests", rule, "results/tiny/logs/code.json")


def read(experiment, name):
    return pd.read_csv(experiment.result(f"tables/{name}.csv"))


def times(experiment, *folders):
    """Return when the files below some folders of the results were written."""
    found = [path for folder in folders for path in experiment.result(folder).rglob("*")]
    assert found
    return {path: path.stat().st_mtime_ns for path in found if path.is_file()}


def test_every_block_of_the_page_is_tried():
    tried = {ATTACK, TWICE, MEASURE, DATA_SET, OWN_NETWORK, ARCHITECTURE, RECORDED, FIGURE, CLAIM}
    assert {title for title, blocks in RECIPES.items() if blocks} == tried


@pytest.mark.parametrize(
    ("title", "stale"),
    [
        (
            ATTACK,
            {
                "perturb_images": 2,
                "extract_activations": 2,
                "solve_geometry": 4,
                **GATHERING,
                "collect_accuracy": 1,
                "compare_attacks": 1,
                "match_families": 1,
                "plot_families_figure": 4,
                # All of its own, and Gaussian noise's but for the examples, which show no table.
                "plot_family_figure": 2 * FAMILY_FIGURES - 1,
            },
        ),
        (MEASURE, {"solve_geometry": 6, **GATHERING}),
        (OWN_NETWORK, {**NEW_NETWORK, "extract_activations_mine": 3}),
        (ARCHITECTURE, {**NEW_NETWORK, "extract_activations_convnet": 3}),
        (FIGURE, {"plot_family_figure": 1}),
        (CLAIM, {"judge_claims": 1, "describe_run": 1}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_runs(experiment, title, stale):
    follow(experiment, title)
    assert experiment.stale() == stale


def test_what_recorded_activations_run(experiment):
    """As in docs/extend.md; test_recorded_network.py runs it."""
    record(experiment.root / "recordings")
    (experiment.root / "recordings/conditions.csv").unlink()  # the page writes it
    experiment.configure(analyse_all)
    before = experiment.stale()
    follow(experiment, RECORDED)
    stale = experiment.stale()
    assert stale.pop("import_activations") == 3
    assert stale.pop("solve_geometry") == 6 + before["solve_geometry"]
    assert not set(stale) & {"train_network", "perturb_images", "evaluate_accuracy"}
    assert {"collect_geometry", "explore_run", "plot_family_figure"} < set(stale)


def test_an_attack_a_measure_a_figure_and_a_claim(experiment, finished):
    experiment.configure(only_the_head)
    for title in (ATTACK, TWICE, MEASURE, FIGURE, CLAIM):
        follow(experiment, title)
    assert "new: measure of measures.spread" in why(experiment, "solve_geometry")
    assert "changed: GEOMETRY of paper.claims" in why(experiment, "judge_claims")
    kept = times(
        experiment,
        *(f"small/{stage}" for stage in ("weights", "accuracy", "images", "activations")),
    )
    families = {"gradient_step": [0.5, 1.5], "random_step": [1.5]}
    targets = [
        *(f"tables/{name}" for name in ("verification.txt", "claims.csv", "run.rst")),
        *(f"figures/small/{family}/capacity_left.svg" for family in ("gaussian", "gradient_step")),
        "figures/small/gradient_step/accuracy.svg",
    ]
    targets = [f"results/tiny/{name}" for name in targets]
    experiment.succeed(*targets)
    assert experiment.stale(*targets) == {}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept

    check_attack(experiment, families)
    check_measure(experiment, finished)
    check_figure(experiment)
    claims = read(experiment, "claims")
    own = claims[claims["claim"] == 6]
    assert list(own["family"]) == ["gaussian", *families] and set(own["layer"]) == {"head"}
    assert set(own["quantity"]) == {"participation_ratio"} and own["effect"].notna().all()
    page = experiment.result("tables/claims.html").read_text()
    for onward, n_families in {"after": 1, "once accuracy falls": 2}.items():
        assert page.count(f"6. Participation ratio grows {onward}") == 2 * n_families

    path = "scripts/manifold_robustness/perturbations/gradient_step.py"
    experiment.replace(path, "strength * steepest", "0.4 * steepest")
    stale = experiment.stale(*targets)
    assert stale["perturb_images"] == stale["extract_activations"] == 3
    # The listing is that of the last whole run, which had Gaussian noise only.
    experiment.replace(
        "scripts/manifold_robustness/perturbations/gaussian.py", "noise +=", "noise -="
    )
    assert "changed: perturb of perturbations.gaussian" in why(experiment, "perturb_images")


def check_attack(experiment, families):
    accuracy, summary = read(experiment, "accuracy"), read(experiment, "summary")
    reached = accuracy.set_index("condition")["accuracy"]
    path = experiment.result("small/images/clean.zarr.zip")
    clean, _, _ = read_images(path, origin_said(path, "clean"))
    for family, strengths in families.items():
        for table in (accuracy, summary):
            own = table[table["family"] == family]
            assert list(own["strength"]) == strengths
        for strength in strengths:
            condition = f"{family}/epsilon-{strength:g}"
            path = experiment.result(f"small/images/{condition}.zarr.zip")
            moved, _, _ = read_images(path, origin_said(path, condition))
            lengths = np.linalg.norm((moved - clean).reshape(-1, moved[0, 0, 0].size), axis=1)
            assert 0.6 * strength < lengths.max() < strength + 1e-6
            path = experiment.result(f"small/accuracy/{condition}.h5")
            found = read_predictions(path, origin_said(path, condition))
            assert np.mean(found.correct) == reached[condition] < reached["clean"]
            assert experiment.result(f"small/activations/{condition}/head.zarr.zip").exists()
    text = experiment.result("tables/run.rst").read_text()
    assert "Gradient step, ``epsilon-1.5``" in text
    assert r"Gradient step \(random\_step\), ``epsilon-1.5``" in text  # as reStructuredText has it
    assert set(read(experiment, "matched")["family"]) == {"gaussian", *families}
    assert experiment.result("figures/small/gradient_step/accuracy.svg").exists()
    assert "ε = 1.5" in experiment.result("figures/small/gradient_step/accuracy.rst").read_text()


def check_measure(experiment, finished):
    place = "geometry/gaussian/sigma-0.5/head.h5"
    path = experiment.result("small/activations/gaussian/sigma-0.5/head.zarr.zip")
    points, _ = read_points(path, origin_said(path, "gaussian/sigma-0.5"))
    with (
        h5py.File(experiment.result(f"small/{place}")) as now,
        h5py.File(finished.result(f"small/{place}")) as before,
    ):
        spread = now["spread"][...]
        assert now["spread"].attrs["units"] == "distance to the nearest other center"
        assert set(now) == {*before, "spread"}
        for name in before:
            numbers = before[name].dtype.kind == "f"
            assert np.array_equal(now[name][...], before[name][...], equal_nan=numbers)
    for replicate, clouds in enumerate(points.astype(float)):
        centers = clouds.mean(axis=1)
        for label, cloud in enumerate(clouds):
            distances = [np.linalg.norm(point - centers[label]) for point in cloud]
            others = [np.linalg.norm(centers[label] - one) for one in np.delete(centers, label, 0)]
            expected = np.sqrt(np.mean(np.square(distances))) / min(others)
            assert spread[replicate, label] == pytest.approx(expected)
    summary = read(experiment, "summary").set_index(["condition", "layer"])
    row = summary.loc["gaussian/sigma-0.5", "head"]
    assert row["spread"] == pytest.approx(spread.mean())
    assert row["spread_low"] < row["spread"] < row["spread_high"]
    assert {"spread"} < set(read(experiment, "geometry"))


def check_figure(experiment):
    summary = read(experiment, "summary")
    for family, strength in {"gaussian": "σ = 0.5", "gradient_step": "ε = 1.5"}.items():
        own = summary[summary["family"].isin(["clean", family])].sort_values("strength")
        capacity = own[own["layer"] == "head"]["capacity"].to_numpy()
        text = experiment.result(f"figures/small/{family}/capacity_left.rst").read_text()
        assert text.startswith("Capacity at the strongest perturbation as a share")
        assert f"At {strength}, " in text
        assert f"{100 * capacity[-1] / capacity[0]:.3g} %" in text
    for kind in ("svg", "png", "rst"):
        assert experiment.result(f"figures/small/gradient_step/capacity_left.{kind}").exists()
    svg = experiment.result("figures/small/gradient_step/capacity_left.svg").read_text()
    assert 'width="360pt" height="216pt"' in svg  # 5 x 3 inches, as the configuration says


def test_networks(experiment, finished):
    experiment.configure(only_the_head)
    experiment.configure(only_clean)
    for title in (OWN_NETWORK, ARCHITECTURE):
        follow(experiment, title)
    config = yaml.safe_load((experiment.root / "tests/configs/tiny.yaml").read_text())
    layers = {entry["name"]: entry["layers"] for entry in config["networks"][1:]}
    for name, kept in layers.items():
        files = ("config.yaml", "tests/configs/tiny.yaml", "--network", name)
        assert yaml.safe_load(ask(experiment, "network.layer_list", *files)) == kept
    kept = times(experiment, "small")
    targets = [
        "tables/verification.txt",
        "tables/comparison.csv",
        "figures/comparison/gaussian/compared_capacity.svg",
    ]
    targets = [f"results/tiny/{name}" for name in targets]
    experiment.succeed(*targets)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept

    for name in ("accuracy", "summary", "geometry"):
        table = read(experiment, name)
        assert table.columns[0] == "network" and set(table["network"]) == {
            "small",
            "mine",
            "convnet",
        }
    pairs = read(experiment, "comparison")[["network_a", "network_b"]].drop_duplicates()
    assert len(pairs) == 3
    for name, kept in layers.items():
        for layer in kept:
            assert experiment.result(f"{name}/activations/clean/{layer}.zarr.zip").exists()
        assert experiment.result(f"{name}/geometry/clean/head.h5").exists()
    experiment.replace("my_network.py", "16, 5, padding=2", "16, 3, padding=1")
    path = "scripts/manifold_robustness/network/architectures/convnet.py"
    experiment.replace(path, "CHANNELS = {", 'CHANNELS = {"old": 1, ')
    stale = experiment.stale(*targets)
    assert stale["train_network"] == stale["evaluate_accuracy"] == 2  # each its own, not `small`


def test_a_data_set(experiment):
    follow(experiment, DATA_SET)
    experiment.overlays = ["gratings.yaml"]
    experiment.configure(only_clean)
    before = times(experiment, "")
    experiment.succeed("results/gratings/tables/geometry.csv")
    assert times(experiment, "") == before
    table = pd.read_csv(experiment.root / "results/gratings/tables/geometry.csv")
    assert list(table["manifold"].unique()) == [f"{angle} degrees" for angle in range(0, 90, 18)]
    target = "results/gratings/small/weights/weights.safetensors"
    experiment.replace("gratings.yaml", "noise: 0.2", "noise: 0.1")
    assert experiment.stale(target) == {"train_network": 1}
    experiment.replace("gratings.yaml", "noise: 0.1", "noise: 0.2")
    path = "scripts/manifold_robustness/network/data_sets/gratings.py"
    experiment.replace(path, "PERIODS = 2.5", "PERIODS = 2")
    assert experiment.stale(target) == {"train_network": 1}
