"""Conditions: the names, one clean, and the declarations of families, read as text."""

import json

import pytest

from manifold_robustness.conditions import Condition, list_conditions, list_families
from manifold_robustness.errors import ConfigurationError


def entry(*strengths, **changes):
    return {"family": "gaussian", "strengths": list(strengths), **changes}


def conditions(*entries, **options):
    return list_conditions(list_families(list(entries), **options))


def names(*entries, **options):
    return [condition.name for condition in conditions(*entries, **options)]


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
    assert conditions()[0] == Condition("clean") and conditions()[0].is_clean


def test_a_condition_holds_the_family_s_own_options_and_what_it_declares():
    condition = conditions(entry(0.5, clip=False))[1]
    assert condition == Condition(
        "gaussian/sigma-0.5",
        "gaussian",
        "gaussian",
        0.5,
        {"clip": False, "parameterization": "standard_deviation"},
    )
    clipped = conditions(entry(0.5))[1]
    assert (clipped.low, clipped.high) == (0, 1) and not clipped.is_clean


def test_a_condition_is_the_dict_of_its_fields_on_its_way_to_a_job():
    for condition in conditions(entry(0.5)):
        assert Condition(**json.loads(json.dumps(condition.to_dict()))) == condition


def test_options_have_the_defaults_that_the_family_declares():
    given = entry(0.5, parameterization="standard_deviation", clip=True)
    assert conditions(entry(0.5)) == conditions(given)


def test_a_variance_is_named_so():
    (family,) = list_families([entry(0.25, parameterization="variance")])
    assert family.conditions[0].name == "gaussian/variance-0.25"
    assert family.strength["symbol"] == "σ²" and "squared" in family.strength["description"]
    assert family.title == "Gaussian noise"


@pytest.mark.parametrize("pair", [(0.1, 0.1), (0.1, 0.10000001), (1, 1.0)])
def test_strengths_that_would_share_a_name_are_refused(pair):
    with pytest.raises(ConfigurationError) as caught:
        conditions(entry(*pair))
    name = f"gaussian/sigma-{pair[0]:g}"
    assert name in str(caught.value) and "keep one" in str(caught.value)
    assert all(repr(float(strength)) in str(caught.value) for strength in pair)


def test_one_family_in_two_entries_needs_two_names():
    with pytest.raises(ConfigurationError, match="holds the family gaussian 2 times"):
        conditions(entry(0.1), entry(0.2))
    free = entry(0.1, name="unclipped", clip=False)
    assert names(entry(0.1), free) == ["clean", "gaussian/sigma-0.1", "unclipped/sigma-0.1"]
    first, second = list_families([entry(0.1), free])
    assert (first.title, second.title) == ("Gaussian noise", "Gaussian noise (unclipped)")
    assert (second.name, second.perturbation) == ("unclipped", "gaussian")


@pytest.mark.parametrize("value", [1e-300, 1e-25])
def test_a_strength_that_no_image_can_show_is_refused(value):
    with pytest.raises(ConfigurationError, match=r"the strength 1e-.*must be 0 or at least 1e-24"):
        conditions(entry(0.1, value))


def attack(*strengths, **options):
    return {"family": "pgd", "strengths": list(strengths), **options}


def test_a_strength_may_count_levels_and_its_budget_is_in_pixel_units():
    fraction, level = (
        conditions(attack(strength, parameterization=kind))[1]
        for strength, kind in ((0.5, "fraction"), (8, "levels"))
    )
    assert (fraction.strength, fraction.budget, fraction.divisor) == (0.5, 0.5, 1)
    assert (level.strength, level.budget, level.norm) == (8, 8 / 255, "linf")
    assert level.name == "pgd/epsilon-8"
    assert Condition(**json.loads(json.dumps(level.to_dict()))) == level


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (attack(0.1, 1.5), r"family pgd: the strength 1\.5 must be at most 1 \(largest change"),
        (attack(256, parameterization="levels"), r"256 must be at most 255 \(.*levels of 1/255"),
    ],
)
def test_a_strength_beyond_what_makes_sense_is_refused(entry, words):
    with pytest.raises(ConfigurationError, match=words):
        conditions(entry)


def test_a_budget_in_l2_has_no_greatest_and_no_levels():
    assert names(attack(1, 20, norm="l2")) == ["clean", "pgd/epsilon-1", "pgd/epsilon-20"]
    words = r"options norm: l2 and parameterization: levels; it does for norm: linf and param.*, or"
    with pytest.raises(ConfigurationError, match=words):
        conditions(attack(1, norm="l2", parameterization="levels"))


@pytest.mark.parametrize(
    ("family", "wrong"),
    [
        ("pgd", {"steps": 0}),
        ("pgd", {"relative_step": 0}),
        ("pgd", {"restarts": 0}),
        ("pgd", {"loss": "hinge"}),
        ("bim", {"steps": 0}),
        ("bim", {"relative_step": -0.1}),
        ("fgsm", {"relative_step": 0}),
        ("fgsm", {"random_start": 1}),
        ("uniform", {"parameterization": "level"}),
        ("sign_noise", {"clip": "no"}),
    ],
)
def test_options_of_attacks_are_refused_before_any_job(family, wrong):
    (key,) = wrong
    with pytest.raises(ConfigurationError, match=f"family {family}: config: {key} is "):
        conditions({"family": family, "strengths": [0.1], **wrong})


def test_names_that_differ_in_case_alone_are_one_folder_to_some_systems():
    with pytest.raises(ConfigurationError, match="holds the family a 2 times, whatever the case"):
        conditions(entry(0.1, name="a"), entry(0.1, name="A"))


@pytest.mark.parametrize("name", ["clean", "families", "training"])
def test_names_of_other_things_are_refused(name):
    with pytest.raises(ConfigurationError, match=f"Got {name}; give the entry"):
        conditions(entry(0.1, name=name))


def test_an_unknown_family_is_told_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"family .*gaussian.*\. Got gausian"):
        conditions(entry(0.1, family="gausian"))


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
        conditions(entry(0.1, **changes))
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.fixture
def library(tmp_path):
    """A library whose families could not be imported."""
    folder = tmp_path / "perturbations"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError")
    (folder / "attack.py").write_text(
        "import a_package_that_nobody_has\n"
        "DECLARATION = {'title': 'An attack', 'wants_network': True, 'scope': 'set',"
        " 'options': {'properties': {'steps': {'type': 'integer', 'minimum': 1},"
        " 'norm': {'enum': ['linf', 'l2'], 'default': 'linf'}}},"
        " 'strength': [{'options': {'norm': 'linf'}, 'name': 'epsilon', 'symbol': 'ε',"
        " 'description': 'budget', 'norm': 'linf'}], 'range': [{'low': 0, 'high': 1}]}\n"
    )
    (folder / "helper.py").write_text("NOTHING = 1\n")
    return tmp_path


def test_a_family_is_read_as_text(library):
    attack = {"family": "attack", "strengths": [0, "0.03"], "steps": "3"}
    (condition,) = conditions(attack, library=library)[1:]
    assert condition == Condition(
        "attack/epsilon-0.03",
        "attack",
        "attack",
        0.03,
        {"steps": 3, "norm": "linf"},
        wants_network=True,
        scope="set",
        norm="linf",
        low=0,
        high=1,
    )
    with pytest.raises(ConfigurationError, match="steps is 0, but must be at least 1"):
        conditions({**attack, "steps": 0}, library=library)
    words = r"value of steps in the entry of the family attack in perturbations.*attack\.py"
    with pytest.raises(ConfigurationError, match=words):
        conditions({"family": "attack", "strengths": [0.1]}, library=library)
    words = "family attack: attack declares no strength for the options norm: l2; .* norm: linf\\."
    with pytest.raises(ConfigurationError, match=words):
        conditions({**attack, "norm": "l2"}, library=library)


def test_an_attack_from_another_network_is_a_family_of_its_own(library):
    attack = {"family": "attack", "strengths": [0.03], "steps": 3}
    entries = [attack, attack | {"attack_from": "robust"}]
    entries.append(attack | {"attack_from": "robust", "name": "strong", "steps": 9})
    own, transferred, named = list_families(entries, library)
    assert [one.name for one in (own, transferred, named)] == [
        "attack",
        "attack-from-robust",
        "strong-from-robust",
    ]
    assert transferred.title == "An attack (attack-from-robust)"
    assert transferred.conditions[0].name == "attack-from-robust/epsilon-0.03"
    assert [one.conditions[0].attack_from for one in (own, named)] == [None, "robust"]
    assert named.options["steps"] == 9 and "attack_from" not in named.options


def test_nothing_is_expected_of_an_attack_from_another_network():
    entry = {"family": "pgd", "strengths": [0.1]}
    own, transferred = list_families([entry, {**entry, "attack_from": "robust"}])
    assert own.expected["vanishes"] and transferred.expected == {}


def test_a_blind_family_attacks_no_network():
    words = "family gaussian: attack_from is 'robust', but gaussian looks at no network; leave"
    with pytest.raises(ConfigurationError, match=words):
        list_families([{"family": "gaussian", "strengths": [0.1], "attack_from": "robust"}])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("'norm': 'linf'}]", "'norm': 'Linf'}]", r"norm out of linf, l2 .*attack\. Got Linf"),
        ("'scope': 'set'", "'scope': 'sets'", r"scope out of image, set .*Got linf and sets"),
        ("'norm': 'linf'}]", "'divisor': 0}]", r"above 0 as the divisor .*attack\.py\. Got 0"),
        ("'norm': 'linf'}]", "'maximum': '1'}]", r"above 0 as the maximum .*Got '1'"),
        ("'range'", "'expected': {'falls': 1}, 'range'", r"falls, vanishes .*Got falls: 1\."),
        ("'range'", "'expected': {'rises': True}, 'range'", r"attack\.py than .*rises: True"),
        (
            "'range'",
            "'expected': {'no_weaker_than': ['fsgm']}, 'range'",
            r"attack\.py than .*no_weaker_than: 'fsgm'",
        ),
        ("'range'", "'random': True, 'range'", r"random of .*attack\.py to be a list.*Got True"),
        ("'epsilon'", "'../up'", r"whose name is made of .*attack\.py\. Got '\.\./up'"),
        ("'title'", "'title", r"Need a Python file\. Got .*attack\.py, which can't be read"),
        ("'An attack'", "NAME", r"attack\.py that is written out: .*Got DECLARATION = "),
    ],
)
def test_a_declaration_that_can_t_be_is_refused(library, old, new, words):
    path = library / "perturbations/attack.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigurationError, match=words):
        conditions({"family": "attack", "strengths": [0.1], "steps": 3}, library=library)


def test_a_file_without_a_declaration_is_no_family(library):
    with pytest.raises(ConfigurationError, match=r"family .*attack\. Got helper"):
        conditions(entry(0.1, family="helper"), library=library)
