"""The figures of a tiny experiment, script by script."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from experiments import Named
from figure_tables import NAMES as FIGURES
from helpers import read_yaml
from manifold_robustness.images import read_images


@pytest.fixture
def inputs(experiment, trained, accuracies, images, tables):
    """What each figure's job is given."""
    return {
        "training": ({"history": trained.history}, {}),
        "examples": (
            {"images": list(images.values()), "accuracy": list(accuracies.values())},
            {"strengths": [0.0, 0.1, 0.5], "strength": experiment.figure["strength"]},
        ),
        "accuracy": ({"accuracy": tables["accuracy"]}, {**experiment.figure, "published": {}}),
        "last_layer": ({"summary": tables["summary"]}, {**experiment.figure, "published": {}}),
        "layers": ({"summary": tables["summary"]}, experiment.figure),
        "heatmaps": ({"summary": tables["summary"]}, experiment.figure),
        "capacity_accuracy": (
            {"summary": tables["summary"], "accuracy": tables["accuracy"]},
            experiment.figure,
        ),
    }


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn(experiment, inputs, name):
    files, params = inputs[name]
    output = experiment.plot(name, Named(**files), **params)
    assert "<svg" in Path(output.svg).read_text()[:1000]
    with Image.open(output.png) as image:
        width, height = experiment.config["figures"][name]["size"]
        assert image.width / image.height == pytest.approx(width / height, rel=0.01)
        assert len(image.getcolors(1 << 24)) > 10  # not blank
    numbers = Path(output.numbers).read_text()
    assert numbers.endswith("\n") and any(digit in numbers for digit in "0123456789")


def test_every_figure_of_the_configuration_has_a_script(experiment):
    assert sorted(experiment.config["figures"]) == sorted(FIGURES)


def test_the_image_of_the_examples_is_the_configured_one(experiment, images, inputs, monkeypatch):
    seen = {}

    def plot_examples(drawn, strengths, predicted, truth, strength, **style):
        seen.update(drawn=drawn, truth=truth, predicted=predicted)
        raise InterruptedError

    monkeypatch.setattr("plot_examples.plot_examples", plot_examples)
    monkeypatch.setitem(experiment.config["figures"], "examples", {"size": [9, 5], "image": 37})
    files, params = inputs["examples"]
    with pytest.raises(InterruptedError):
        experiment.plot("examples", Named(**files), **params)
    # Image 37 of 2 replicates x 5 manifolds x 6 points: replicate 1, manifold 1, point 1.
    for drawn, path in zip(seen["drawn"], images.values(), strict=True):
        assert np.array_equal(drawn, read_images(path)[0][1, 1, 1])
    assert seen["truth"] == seen["predicted"][0] == "1"


def test_a_figure_shows_its_own_family_only(experiment, inputs, tables, tmp_path, monkeypatch):
    accuracy = pd.read_csv(tables["accuracy"])
    other = accuracy.assign(family="pgd", condition="pgd/epsilon-1", strength=1.0)
    pd.concat([accuracy.iloc[::-1], other]).to_csv(tmp_path / "both.csv", index=False)
    seen = []
    monkeypatch.setattr("plot_accuracy.plot_accuracy", lambda table, *_, **__: seen.append(table))
    monkeypatch.setattr("plot_accuracy.write_figure", lambda *_, **__: None)
    _, params = inputs["accuracy"]
    experiment.plot("accuracy", Named(accuracy=str(tmp_path / "both.csv")), **params)
    assert seen[0]["condition"].tolist() == list(experiment.conditions)


@pytest.mark.parametrize("name", ["accuracy", "last_layer"])
def test_published_values_are_drawn_in_the_same_axes(experiment, inputs, name):
    files, params = inputs[name]
    plain = Path(experiment.plot(name, Named(**files), **params).svg).read_bytes()
    params = {**params, "published": read_yaml("rules/published/gaussian_cifar10.yaml")}
    assert Path(experiment.plot(name, Named(**files), **params).svg).read_bytes() != plain
