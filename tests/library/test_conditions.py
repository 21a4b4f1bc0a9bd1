"""Conditions: the names, one clean, and the declarations of families, read as text."""

import pytest

from manifold_robustness.conditions import (
    Condition,
    family_strength,
    list_conditions,
    read_declaration,
)
from manifold_robustness.errors import ConfigurationError


def entry(*strengths, **changes):
    options = {"family": "gaussian", "parameterization": "standard_deviation", "clip": True}
    return {**options, "strengths": list(strengths), **changes}


def names(*entries, **options):
    return [condition.name for condition in list_conditions(list(entries), **options)]


def test_names_are_ordered_by_strength_with_clean_first():
    assert names(entry(1.0, 0.0001, 0.05, 2, 1e-7)) == [
        "clean",
        "gaussian/sigma-1e-07",
        "gaussian/sigma-0.0001",
        "gaussian/sigma-0.05",
        "gaussian/sigma-1",
        "gaussian/sigma-2",
    ]


def test_strength_zero_is_clean_however_often_it_stands():
    assert names(entry(0, 0.0, 0.1)) == ["clean", "gaussian/sigma-0.1"]
    assert names() == names(entry()) == ["clean"]
    assert list_conditions([])[0] == Condition("clean", "clean", 0.0, {}, False)


def test_a_condition_holds_the_family_s_own_options():
    condition = list_conditions([entry(0.5, clip=False)])[1]
    assert (condition.family, condition.strength, condition.needs_model) == ("gaussian", 0.5, False)
    assert condition.options == {"parameterization": "standard_deviation", "clip": False}


def test_a_variance_is_named_so():
    assert names(entry(0.25, parameterization="variance"))[1] == "gaussian/variance-0.25"
    strength = family_strength("gaussian", {"parameterization": "variance", "clip": True})
    assert strength["name"] == "variance" and "squared" in strength["description"]
    with pytest.raises(ConfigurationError, match="gaussian declares no strength"):
        family_strength("gaussian", {"parameterization": "typo"})


@pytest.mark.parametrize("pair", [(0.1, 0.1), (0.1, 0.10000001), (1, 1.0)])
def test_strengths_that_would_share_a_name_are_refused(pair):
    with pytest.raises(ConfigurationError) as caught:
        list_conditions([entry(*pair)])
    name = f"gaussian/sigma-{pair[0]:g}"
    assert name in str(caught.value) and "keep one" in str(caught.value)
    assert all(repr(float(strength)) in str(caught.value) for strength in pair)


def test_one_family_in_two_entries_is_refused():
    with pytest.raises(ConfigurationError, match="holds the family gaussian 2 times"):
        list_conditions([entry(0.1), entry(0.2)])


def test_an_unknown_family_is_told_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"names the family gausian.*one of gaussian"):
        list_conditions([entry(0.1, family="gausian")])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clp": True}, ["family gaussian", "clp is not a known key", "did you mean clip?"]),
        ({"clip": "yes"}, ["clip is 'yes'", "of type boolean"]),
        ({"parameterization": "sd"}, ["'sd'", "one of standard_deviation, variance"]),
    ],
)
def test_a_wrong_option_is_named_with_its_family(changes, words):
    with pytest.raises(ConfigurationError) as caught:
        list_conditions([entry(0.1, **changes)])
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_missing_option_is_refused():
    with pytest.raises(ConfigurationError, match="clip is missing"):
        list_conditions([{k: v for k, v in entry(0.1).items() if k != "clip"}])


@pytest.fixture
def folder(tmp_path):
    """A folder of families, none of which could be imported."""
    (tmp_path / "__init__.py").write_text("raise RuntimeError")
    (tmp_path / "attack.py").write_text(
        "import a_package_that_nobody_has\n"
        "DECLARATION = {'needs_model': True, 'options': {'properties': {'steps':"
        " {'type': 'integer', 'minimum': 1}}}, 'strength': [{'name': 'epsilon', 'symbol': 'ε',"
        " 'description': 'budget'}]}\n"
    )
    (tmp_path / "empty.py").write_text("NOTHING = 1\n")
    return tmp_path


def test_a_family_is_read_as_text(folder):
    (condition,) = list_conditions(
        [{"family": "attack", "strengths": [0, "0.03"], "steps": "3"}], folder
    )[1:]
    assert condition == Condition("attack/epsilon-0.03", "attack", 0.03, {"steps": 3}, True)
    assert family_strength("attack", {}, folder)["symbol"] == "ε"
    with pytest.raises(ConfigurationError, match="steps is 0, but must be at least 1"):
        list_conditions([{"family": "attack", "strengths": [0.1], "steps": 0}], folder)


def test_a_file_without_a_declaration_is_refused(folder):
    with pytest.raises(ConfigurationError, match=r"empty\.py assigns no literal DECLARATION"):
        read_declaration("empty", folder)
    with pytest.raises(ConfigurationError, match="one of attack, empty"):
        read_declaration("__init__", folder)
