"""The script of the figures: one job per figure, on files as a run leaves them."""

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from snakemake.iocontainers import Namedlist

import plot_figure
from figure_tables import (
    FAMILIES,
    LEVELS,
    NAMES,
    NETWORKS,
    SIGMA,
    condition,
    make_accuracy,
    make_certified,
    make_certified_classes,
    make_geometry,
    make_history,
    make_matched,
    make_pictures,
    make_subsets,
    make_summary,
    make_trainings,
    of_families,
    origin,
    write_pictures,
)
from helpers import read_published
from manifold_robustness.configuration import fill_defaults
from manifold_robustness.declarations import read_declaration
from manifold_robustness.errors import StoreError
from manifold_robustness.files.csv import write_table
from manifold_robustness.files.images import write_images

CONDITIONS = {condition(level)["condition"]: level for level in LEVELS}
PLACES = [condition(0), *(condition(one, name) for name in FAMILIES for one in LEVELS if one)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The files of a run of two networks, by the names of a figure's inputs."""
    folder = tmp_path_factory.mktemp("run")
    tables = {
        "summary": pd.concat(of_families(make_summary(network=name)) for name in NETWORKS),
        "accuracy": pd.concat(of_families(make_accuracy(network=name)) for name in NETWORKS),
        "subsets": pd.concat(make_subsets(network=name) for name in NETWORKS),
        "matched": pd.concat(make_matched(network=name) for name in NETWORKS),
        "history": make_history(),
        "certified": pd.concat(make_certified(network=name) for name in NETWORKS),
        "certified_classes": pd.concat(make_certified_classes(network=name) for name in NETWORKS),
        "geometry": pd.concat(make_geometry(network=name) for name in NETWORKS),
        "trainings": make_trainings(),
    }
    files = {name: str(folder / f"{name}.csv") for name in tables}
    for name, table in tables.items():
        write_table(table, files[name])
    predicted = ["car", "car", "truck", "bird", *["car"] * (len(PLACES) - 4)]
    pictures = make_pictures(len(PLACES))
    examples = write_pictures(folder, PLACES, pictures, predicted, "car", "noisy")
    return files | {
        name: [str(one.path) for one in found.values()] for name, found in examples.items()
    }


def plot(name, files, folder, network="noisy", about=None, **style):
    """Run a figure's job as its rule does; return its outputs."""
    declared = read_declaration("figures", name, "figure")
    several = declared["scope"] in ("comparison", "networks")
    shown = {
        "network": {},
        "networks": {},
        "families": {"families": {name: asdict(one) for name, one in FAMILIES.items()}},
    }.get(
        declared["scope"],
        {"family": "gaussian", "title": "Gaussian noise", "strength": vars(SIGMA)},
    )
    conditions = CONDITIONS
    if declared["scope"] == "families":
        conditions = {place["condition"]: place["strength"] for place in PLACES}
    if "images" in declared["inputs"]:
        files = files | {"images": files["images"][: len(conditions)]}
    else:
        conditions = {}
    output = {"svg": f"{name}.svg", "png": f"{name}.png", "text": f"{name}.rst"}
    output = Namedlist(fromdict={key: str(folder / path) for key, path in output.items()})
    params = SimpleNamespace(
        figure=name,
        network="" if several else network,
        family=shown.get("family", ""),
        conditions=conditions,
        origins=[vars(origin(one, network)) for one in conditions],
        about={"network": None} | shown | (about or {}),
        style=fill_defaults(style, declared["options"]),
    )
    inputs = Namedlist(fromdict={key: files[key] for key in declared["inputs"]})
    plot_figure.main(SimpleNamespace(input=inputs, output=output, params=params))
    return output


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_drawn(name, run, tmp_path):
    output = plot(name, run, tmp_path)
    declared = read_declaration("figures", name, "figure")
    assert "<svg" in Path(output.svg).read_text()[:1000]
    with Image.open(output.png) as image:
        width, height = declared["options"]["properties"]["size"]["default"]
        assert image.width / image.height == pytest.approx(width / height, rel=0.01)
        assert len(image.getcolors(1 << 24)) > 10  # not blank
    caption, numbers = Path(output.text).read_text().split("\n\n")
    assert caption == declared["caption"]
    assert numbers.endswith("\n") and any(digit in numbers for digit in "0123456789")
    assert sorted(tmp_path.iterdir()) == sorted(map(Path, output))


def test_the_image_of_the_examples_is_the_chosen_one(run, tmp_path, monkeypatch):
    """Image 37 of 2 replicates x 5 manifolds x 6 points: replicate 1, manifold 1, point 1."""
    shades = np.arange(60, dtype=np.float32).reshape(2, 5, 6, 1, 1, 1) / 60
    images = shades * np.ones((3, 4, 4), dtype=np.float32)
    places = np.arange(60)[::-1].reshape(2, 5, 6)  # in the test set
    described = {"classes": list("abcdef"), "manifold_class": [list("abcde")] * 2}
    files = {**run, "images": []}
    for i, level in enumerate(LEVELS):
        files["images"].append(str(tmp_path / f"{i}.zarr.zip"))
        place = origin(condition(level)["condition"], "noisy")
        predicted = np.zeros((2, 5, 6), int)
        predicted[1, 1, 1] = 1 + i
        dimmed = images * (1 - level / 2)
        write_images(files["images"][-1], dimmed, places, predicted, place, described)
    seen = []
    monkeypatch.setattr("plot_figure.write_figure", lambda figure, *_, **__: seen.append(figure))
    plot("examples", files, tmp_path, image=37)
    for axes, level in zip(seen[0].axes, LEVELS, strict=True):
        shown = np.unique(np.ma.getdata(axes.images[0].get_array()))
        assert shown == pytest.approx([37 / 60 * (1 - level / 2)])
    names = [axes.get_xlabel() for axes in seen[0].axes]
    assert names == ["✓ b", "✗ c", "✗ d", "✗ e"]


def test_a_figure_takes_no_files_of_another_condition(run, tmp_path):
    exchanged = {**run, "images": run["images"][::-1]}
    with pytest.raises(StoreError, match=r"condition clean\. Got .*of the condition jsma/gamma"):
        plot("examples", exchanged, tmp_path)


def test_a_figure_shows_its_own_network_and_family_only(run, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("plot_figure.write_figure", lambda *_, **__: None)
    monkeypatch.setattr("plot_figure.draw_figure", lambda *given, **_: seen.append(given) or "ab")
    plot("accuracy", run, tmp_path, "plain")
    name, inputs, about = seen[0]
    assert name == "accuracy" and about.title == "Gaussian noise"
    assert inputs["accuracy"]["condition"].tolist() == list(CONDITIONS)
    assert set(inputs["accuracy"]["network"]) == {"plain"}


def test_a_comparison_shows_every_network_of_its_family(run, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("plot_figure.write_figure", lambda *_, **__: None)
    monkeypatch.setattr("plot_figure.draw_figure", lambda *given, **_: seen.append(given) or "ab")
    plot("compared_accuracy", run, tmp_path)
    table = seen[0][1]["accuracy"]
    assert list(dict.fromkeys(table["network"])) == NETWORKS
    assert set(table["family"]) == {"clean", "gaussian"}


@pytest.mark.parametrize("name", ["accuracy", "last_layer"])
def test_published_values_are_drawn_in_the_same_axes(name, run, tmp_path):
    plain = plot(name, run, tmp_path)
    svg, text = (Path(path).read_bytes() for path in (plain.svg, plain.text))
    published = {"published": read_published("gaussian_cifar10")}
    output = plot(name, run, tmp_path, about=published)
    assert Path(output.svg).read_bytes() != svg
    assert Path(output.text).read_bytes().startswith(text[:-1] + b" Open marks are published")


def test_the_network_is_named_where_the_run_has_several(run, tmp_path):
    plain = Path(plot("accuracy", run, tmp_path).svg).read_bytes()
    named = Path(plot("accuracy", run, tmp_path, about={"network": "noisy"}).svg).read_bytes()
    assert named != plain
