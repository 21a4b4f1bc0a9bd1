"""Lineage: what a file may be taken for, and the words for why it may not."""

import re

import pytest

from manifold_robustness.errors import StoreError
from manifold_robustness.lineage import (
    Origin,
    contents,
    differing_entry,
    differing_settings,
    how_to_rebuild,
    require_agreement,
    require_origin,
)

CODE = {"settings": {"seed": 1}, "code": "ab"}
LINEAGE = {"small": {"train_network": CODE, "select_images": {**CODE, "code": "cd"}}}
CLEAN = Origin("small", "clean", "fc", LINEAGE)


def refusal(found, wanted=CLEAN):
    """Return why a file that says `found` is not taken for `wanted`."""
    with pytest.raises(StoreError) as caught:
        require_origin("x.h5", found, wanted)
    message = str(caught.value)
    assert "x.h5" in message and message.endswith(how_to_rebuild("x.h5"))
    return message


def said(**changes):
    """Return what a file says of itself, changed."""
    return {**CLEAN.attributes(), **changes}


def with_entry(stage, network="small", **entry):
    """Return a lineage with an entry of a stage changed, or added."""
    stages = LINEAGE.get(network, {})
    return {**LINEAGE, network: {**stages, stage: {**stages.get(stage, CODE), **entry}}}


# Places


@pytest.mark.parametrize(
    ("name", "value"), [("network", "own"), ("condition", "gaussian/sigma-1"), ("layer", "fc.1")]
)
def test_a_file_of_another_place_says_which(name, value):
    words = f"Need a file of the {name} {getattr(CLEAN, name)}. Got x.h5, which is of the {name} "
    assert words + value in refusal(said(**{name: value}))


@pytest.mark.parametrize("name", ["network", "condition", "layer"])
def test_a_file_that_names_no_place_is_of_none(name):
    found = said()
    del found[name]
    assert f"which is of no {name} of ours" in refusal(found)


def test_a_place_that_is_not_asked_for_may_be_any():
    require_origin("x.h5", said(layer="conv1"), CLEAN.at(layer=None))
    require_origin("x.h5", said(), CLEAN.at(condition=None, layer=None))


def test_of_places_a_file_says_only_those_that_it_has():
    assert CLEAN.at(layer=None).attributes() == {
        "network": "small",
        "condition": "clean",
        "lineage": LINEAGE,
    }


def test_names_with_braces_are_said_as_they_are():
    """Those of a user's modules may have some, and what a foreign file says may be anything."""
    words = "of the layer {a}. Got a{0}b{path}.h5, which is of the layer {b"
    with pytest.raises(StoreError, match=re.escape(words)):
        require_origin("a{0}b{path}.h5", said(layer="{b"), CLEAN.at(layer="{a}"))
    assert "through } of the network {" in refusal(said(lineage=with_entry("}", "{")))


# Lineages


def test_a_file_may_have_gone_through_fewer_stages_and_have_contents_of_its_own():
    found = {"small": {"train_network": {**CODE, "weights_sha256": "ef"}}}
    require_origin("x.h5", said(lineage=found), CLEAN)


@pytest.mark.parametrize("lineage", [None, {}, {"other": {}}, "a text", ["small"]])
def test_a_file_without_a_lineage_of_its_network_is_refused(lineage):
    assert "says what it was made from. Got x.h5, which does not" in refusal(said(lineage=lineage))


@pytest.mark.parametrize(
    ("lineage", "words"),
    [
        (with_entry("train_network", settings={"seed": 2}), "the training .*small, seed was 2 and"),
        (with_entry("select_images", code="x"), "the selection of images .*its code was another"),
        (with_entry("solve_geometry"), "went through the solve of the network small"),
        (with_entry("a_stage_to_come"), "went through a_stage_to_come of the network small"),
        (with_entry("train_network", "b"), "went through the training of the network b"),
        (
            with_entry("train_network", settings={"seed": {"{x}": 1}}),
            r"seed was \{\"\{x\}\": 1\} and is 1",
        ),
    ],
)
def test_a_file_that_was_made_otherwise_says_in_which_stage(lineage, words):
    assert re.search(words, refusal(said(lineage=lineage)))


def test_other_contents_are_refused_where_they_are_known():
    """Before a job has read its inputs it knows none: then any will do."""
    found = said(lineage=with_entry("train_network", weights_sha256="ef"))
    require_origin("x.h5", found, CLEAN)
    same = CLEAN.with_content("train_network", weights_sha256="ef")
    require_origin("x.h5", found, same)
    other = CLEAN.with_content("train_network", weights_sha256="gh")
    assert "the training of the network small, the weights were others" in refusal(found, other)


@pytest.mark.parametrize(
    ("found", "asked", "words"),
    [
        ({"a": 1}, {"a": 1}, ""),
        ({"a": 1}, {"a": 1.0}, ""),
        ({}, {"a": 1}, "a was not given and is 1"),
        ({"a": 1}, {}, "a was 1 and is not given"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b was [1, 2] and is [1, 3]"),
        ({"a": {"b": 1}}, {"a": None}, 'a was {"b": 1} and is null'),
        ({"a": 1, "z": 1}, {"z": 2, "a": 2}, "z was 1 and is 2"),  # in the order of what is asked
        (None, {"a": 1}, 'it was null and is {"a": 1}'),
    ],
)
def test_the_first_setting_that_differs_is_said(found, asked, words):
    assert differing_settings(found, asked) == words


def test_long_settings_are_cut():
    words = differing_settings({"a": "x" * 1000}, {"a": "y"})
    assert len(words) < 100 and words.startswith('a was "xxx') and words.endswith(' and is "y"')


def test_settings_are_said_before_code_and_code_before_contents():
    found = {"settings": {"n": 1}, "code": "ab", "test_images_sha256": "ef"}
    asked = {"settings": {"n": 2}, "code": "cd", "test_images_sha256": "gh"}
    assert differing_entry(found, asked) == "n was 1 and is 2"
    asked["settings"] = found["settings"]
    assert differing_entry(found, asked) == "its code was another"
    asked["code"] = found["code"]
    assert differing_entry(found, asked) == "the test images were others"
    asked["test_images_sha256"] = "ef"
    assert differing_entry(found, asked) == ""


# Contents


def test_an_origin_takes_the_contents_of_its_inputs_and_nothing_else():
    inputs = [
        {"small": {"train_network": {"settings": {}, "code": "x", "weights_sha256": "ef"}}},
        {"small": {"solve_geometry": {"noise_sha256": "ef"}}, "other": {"train_network": {}}},
        {"small": {"select_images": {"test_images_sha256": "gh"}}},
    ]
    completed = CLEAN.completed(*inputs)
    stages = completed.lineage["small"]
    assert completed.lineage.keys() == {"small"} and list(stages) == list(LINEAGE["small"])
    assert stages["train_network"] == {**CODE, "weights_sha256": "ef"}
    assert contents(stages["select_images"]) == {"test_images_sha256": "gh"}
    assert completed.at(lineage=LINEAGE) == CLEAN
    assert contents(LINEAGE["small"]["train_network"]) == {}  # the first is as it was


def test_contents_of_other_networks_are_taken_too():
    both = Origin("small", lineage={**LINEAGE, "other": {"train_network": CODE}})
    found = {"other": {"train_network": {**CODE, "weights_sha256": "ef"}}}
    completed = both.completed(found).lineage
    assert contents(completed["other"]["train_network"]) == {"weights_sha256": "ef"}
    own = both.with_content("train_network", weights_sha256="gh").lineage
    assert contents(own["small"]["train_network"]) == {"weights_sha256": "gh"}
    assert contents(own["other"]["train_network"]) == {}


# Agreement


def trained(weights, network="small", stage="train_network"):
    return {network: {stage: {**CODE, "weights_sha256": weights}}}


def test_files_of_one_lineage_agree():
    files = [
        ("a.h5", trained("ef")),
        ("b.h5", {**trained("ef"), **trained("gh", "other")}),
        ("c.h5", trained("ij", stage="import_weights")),
        ("d.h5", LINEAGE),
    ]
    require_agreement(files)
    require_agreement([])


@pytest.mark.parametrize("network", ["small", "other"])
def test_files_of_other_contents_do_not_agree(network):
    files = [
        ("a.h5", trained("ef")),
        ("b.h5", {**trained("ef"), **trained("gh", "other")}),
        ("c.h5", trained("ij", network)),
    ]
    source = {"small": "a.h5", "other": "b.h5"}[network]
    words = f"Got {source} and c.h5, which were made from other weights of the network {network};"
    with pytest.raises(StoreError, match=words):
        require_agreement(iter(files))
