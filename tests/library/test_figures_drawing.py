"""Figures as plug-ins: what each declares, its inputs as they are read, and what it is of."""

import inspect
from importlib import import_module

import pandas as pd
import pytest

from figure_tables import NAMES, SIGMA, draw_example, make_accuracy, make_history, origin
from helpers import read_published, read_yaml
from manifold_robustness.configuration import check_config, fill_defaults
from manifold_robustness.declarations import LIBRARY, read_declaration
from manifold_robustness.errors import ConfigurationError
from manifold_robustness.figures.about import About, make_about
from manifold_robustness.figures.drawing import draw_figure, read_inputs, select_rows
from manifold_robustness.figures.reading import StoredFile
from manifold_robustness.files.csv import write_table

KEYS = {"title", "scope", "inputs", "order", "caption", "options"}
SCOPES = {"network", "networks", "family", "families", "comparison"}
TABLES = {"history", "summary", "accuracy", "geometry", "subsets", "matched"}
TABLES |= {"certified", "certified_classes", "trainings"}
INPUTS = {*TABLES, "images", "predictions"}
OPTIONAL = {"shows_published", "setting"}


@pytest.fixture(params=NAMES)
def declared(request):
    return request.param, read_declaration("figures", request.param, "figure")


# Declarations


def test_a_figure_declares_everything_that_the_workflow_asks(declared):
    name, declaration = declared
    assert set(declaration) - OPTIONAL == KEYS
    source = (LIBRARY / f"figures/{name}.py").read_text(encoding="utf-8")
    assert declaration.get("shows_published", False) == ("about.published" in source)
    assert declaration["scope"] in SCOPES
    assert declaration["inputs"] and set(declaration["inputs"]) <= INPUTS
    assert ("subsets" in declaration["inputs"]) == (declaration.get("setting") == "subsets")
    assert declaration["title"] and declaration["caption"].endswith(".")
    assert "\n" not in declaration["caption"] and "  " not in declaration["caption"]
    assert declaration == import_module(f"manifold_robustness.figures.{name}").DECLARATION


def test_the_defaults_of_a_figure_pass_its_own_schema(declared):
    name, declaration = declared
    properties = declaration["options"]["properties"]
    assert all("default" in one and ("description" in one) for one in properties.values())
    schema = {**declaration["options"], "type": "object", "additionalProperties": False}
    options = check_config(fill_defaults({}, schema), schema)
    assert set(options) == set(properties)
    with pytest.raises(ConfigurationError):
        check_config({**options, "size": [0, 3]}, schema)
    with pytest.raises(ConfigurationError):
        check_config({**options, "size": [3]}, schema)
    with pytest.raises(ConfigurationError):
        check_config({**options, "sise": [3, 3]}, schema)
    taken = inspect.signature(import_module(f"manifold_robustness.figures.{name}").draw).parameters
    keywords = {key for key, one in taken.items() if one.kind is one.KEYWORD_ONLY}
    assert keywords == set(properties)


def test_a_figure_has_the_size_that_it_is_given(declared, tmp_path):
    name, declaration = declared
    default = declaration["options"]["properties"]["size"]["default"]
    assert draw_example(name, tmp_path).get_size_inches().tolist() == default


def test_a_figure_needs_the_setting_of_what_it_shows(declared):
    name, declaration = declared
    settings = {"capacities": "joint", "joint_geometry": "joint", "readout": "readout"}
    assert declaration.get("setting") == (settings | {"subsets": "subsets"}).get(name)
    assert {declaration.get("setting")} <= {None, *read_yaml("config.yaml")["geometry"]}


def test_captions_say_by_which_theory_the_capacity_is():
    for name in ("last_layer", "layers", "heatmaps", "capacity_accuracy", "subsets", "capacities"):
        caption = read_declaration("figures", name, "figure")["caption"]
        assert "mean-field theory" in caption or "Mean field is the published theory" in caption


def test_figures_have_titles_of_their_own_in_the_report():
    titles = {read_declaration("figures", name, "figure")["title"] for name in NAMES}
    assert len(titles) == len(NAMES)


def test_the_figures_are_those_of_the_configuration_or_have_defaults_of_their_own():
    assert set(read_yaml("config.yaml")["figures"]) <= set(NAMES)


def test_a_helper_is_no_figure():
    files = {path.stem for path in (LIBRARY / "figures").glob("*.py")}
    helpers = {"about", "drawing", "comparison", "reading", "style", "strengths", "published"}
    helpers |= {"layer_lines", "shuffled", "families", "pictures"}
    assert helpers < files and not helpers & set(NAMES)
    for name in ("comparison", "no_figure"):
        with pytest.raises(ConfigurationError, match=rf"accuracy, .* in all\)\. Got {name}"):
            draw_figure(name, {}, About())


def test_options_that_are_left_out_have_their_defaults():
    figure, caption = draw_figure("training", {"history": make_history()}, About())
    assert figure.get_size_inches() == pytest.approx([9, 3.6])
    text, blank, sentences = caption.split("\n")
    assert text.startswith("Accuracy and loss of the network on the training")
    assert blank == "" and sentences.startswith("The weights of epoch 3 of 4 were kept")


# Inputs


@pytest.fixture
def both():
    """Two networks, two families; the conditions of a network in the order of the configuration."""
    tables = []
    for network in ("b", "1"):
        table = make_accuracy(network=network)
        other = table[table["strength"] > 0].assign(family="pgd", condition="pgd/epsilon-1")
        tables += [table.sort_values("strength"), other]
    return pd.concat(tables, ignore_index=True)


def test_a_figure_gets_the_rows_of_its_network_and_family(both):
    rows = select_rows(both.iloc[::-1], "1", "gaussian")
    assert set(rows["network"]) == {"1"}
    assert rows["family"].tolist() == ["clean", "gaussian", "gaussian", "gaussian"]
    assert rows["strength"].tolist() == [0, 0.01, 0.1, 1]


def test_a_comparison_gets_the_rows_of_every_network_in_their_order(both):
    rows = select_rows(both, family="pgd")
    assert rows["network"].tolist()[:2] == ["b", "1"]
    assert rows["strength"].is_monotonic_increasing and len(rows) == 8
    assert set(rows["family"]) == {"clean", "pgd"}


def test_a_figure_of_the_network_gets_every_row_of_it(both):
    assert len(select_rows(both, "b")) == 7


def test_inputs_are_read_from_their_files(both, tmp_path):
    write_table(both, tmp_path / "accuracy.csv")
    write_table(make_history(), tmp_path / "history.csv")
    files = {
        "accuracy": tmp_path / "accuracy.csv",
        "history": tmp_path / "history.csv",
        "images": ["a", "b"],
        "predictions": ["c", "d"],
    }
    clean, noise = (origin(name, "1") for name in ("clean", "noise"))
    inputs = read_inputs(files, "1", "gaussian", [clean, noise])
    assert len(inputs["accuracy"]) == len(inputs["history"]) == 4
    assert inputs["images"] == {"clean": StoredFile("a", clean), "noise": StoredFile("b", noise)}
    paths = {name: (one.path, one.wanted) for name, one in inputs["predictions"].items()}
    assert paths == {"clean": ("c", clean), "noise": ("d", noise)}
    with pytest.raises(ValueError, match="zip"):
        read_inputs(files, "1", "gaussian", [clean])


# About


def test_a_job_says_what_its_figure_is_of():
    settings = {
        "network": "vit",
        "family": "noise",
        "title": "Gaussian noise (noise)",
        "strength": vars(SIGMA),
        "published": read_published("gaussian_cifar10"),
    }
    subject = make_about(settings, {"clean": 0.0})
    assert subject.heading("accuracy") == "vit, Gaussian noise (noise): accuracy"
    assert subject.strength == SIGMA and subject.strengths == {"clean": 0.0}
    assert {"accuracy", "capacity"} < set(subject.published["quantity"])


def test_what_a_job_leaves_out_is_left_out():
    settings = {"network": None, "published": {}}
    assert make_about(settings, {}) == About()
