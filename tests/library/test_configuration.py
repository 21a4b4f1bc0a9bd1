"""The configuration: numbers as numbers, and one clear sentence for each thing that is wrong."""

import math

import pytest

from helpers import ROOT, changed, read_config, read_schema, read_yaml
from manifold_robustness.configuration import check_config, merge, require_options
from manifold_robustness.configuration import read_config as read_files
from manifold_robustness.errors import ConfigurationError

SCHEMA = read_schema()
MISSING = object()


@pytest.fixture
def config(monkeypatch):
    monkeypatch.chdir(ROOT)  # paths in a configuration start from the repository's root
    return check_config(read_config("tests/configs/tiny.yaml"), SCHEMA)


def refusal(config):
    with pytest.raises(ConfigurationError) as caught:
        check_config(config, SCHEMA)
    return str(caught.value)


def schema_keys(schema, prefix=""):
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    for key, inner in schema.get("properties", {}).items():
        yield f"{prefix}{key}"
        if not may_be_left_out(inner):
            yield from schema_keys(inner, f"{prefix}{key}.")


def may_be_left_out(schema):
    """Whether null stands for a whole section, as for training.perturb."""
    return schema.get("type") == ["object", "null"]


def config_keys(config, prefix=""):
    for key, inner in config.items():
        yield f"{prefix}{key}"
        if isinstance(inner, dict):
            yield from config_keys(inner, f"{prefix}{key}.")


def test_config_yaml_and_the_schema_hold_the_same_keys():
    """Figures and their options are declared by the figures (test_experiment.py)."""
    config = {key: one for key, one in read_yaml("config.yaml").items() if key != "figures"}
    assert sorted([*config_keys(config), "figures"]) == sorted(schema_keys(SCHEMA))


def test_every_object_of_the_schema_is_strict_and_complete():
    def walk(schema, path):
        if "properties" in schema:
            complete = may_be_left_out(schema) or (
                sorted(schema["required"]) == sorted(schema["properties"])
            )
            assert complete, path
            assert schema["additionalProperties"] is False, path
            for key, inner in schema["properties"].items():
                walk(inner, f"{path}.{key}")

    walk(SCHEMA, "config")
    entry = SCHEMA["properties"]["perturbations"]["items"]  # its options are the family's matter
    assert entry["required"] == ["family", "strengths"]
    entry = SCHEMA["properties"]["networks"]["items"]
    assert entry["additionalProperties"] is False


def test_numbers_that_yaml_reads_as_text_become_numbers(config):
    config = changed(config, "training.learning_rate", "1e-4")
    config = changed(config, "training.epochs", "1e1")
    config["perturbations"] = [{"family": "gaussian", "strengths": ["5e-1", 0.25]}]
    checked = check_config(config, SCHEMA)
    assert checked["training"]["learning_rate"] == 1e-4
    assert checked["training"]["epochs"] == 10 and isinstance(checked["training"]["epochs"], int)
    assert checked["perturbations"][0]["strengths"] == [0.5, 0.25]


def test_another_way_of_writing_the_same_is_the_same(config):
    other = {key: config[key] for key in reversed(config)}
    other = changed(changed(other, "geometry.margin", 0), "seed", "42")
    assert repr(check_config(other, SCHEMA)) == repr(config)


def test_a_whole_number_with_a_point_is_an_integer_where_one_is_wanted(config):
    config = changed(changed(config, "images.n_points", 30.0), "geometry.center_rank", 2.0)
    checked = check_config(config, SCHEMA)
    assert repr(checked["images"]["n_points"]) == "30"
    assert repr(checked["geometry"]["center_rank"]) == "2"


def test_text_stays_text_where_text_is_wanted(config):
    assert check_config(changed(config, "run", "2024"), SCHEMA)["run"] == "2024"
    assert check_config(config, SCHEMA)["geometry"]["center_rank"] == "auto"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("sead", 1, ["sead is not a known key", "did you mean seed?"]),
        ("qqq", 1, ["qqq is not a known key", "the keys here are run, seed, data"]),
        ("training.epoch", 1, ["training.epoch is not a known key", "did you mean epochs?"]),
        ("training.epochs", "many", ["training.epochs is 'many'", "of type integer"]),
        ("training.epochs", 8.5, ["training.epochs is 8.5", "of type integer"]),
        ("training.epochs", True, ["training.epochs is True", "of type integer"]),
        ("training.epochs", 0, ["training.epochs is 0", "at least 1"]),
        ("training.learning_rate", 0, ["training.learning_rate is 0", "greater than 0"]),
        ("training.label_smoothing", 1, ["training.label_smoothing is 1", "less than 1"]),
        ("training.min_accuracy", 90, ["training.min_accuracy is 90", "at most 1", "fraction"]),
        ("training.early_stopping", "no", ["'no'", "of type integer or null"]),
        ("data.root", "", ["data.root is ''", "not empty"]),
        ("data", None, ["data is None", "of type object"]),
        ("geometry.margin", math.nan, ["geometry.margin is nan", "finite"]),
        ("geometry.margin", "inf", ["geometry.margin is inf", "finite"]),
        ("geometry.layers", [], ["geometry.layers is []", "1 or more items"]),
        ("geometry.layers", "some", ["geometry.layers is 'some'", "all, or a list of"]),
        ("activations.layers", ["a", "a"], ["['a', 'a']", "without repeated items"]),
        ("run", "a/b", ["run is 'a/b'", "letters, digits, dots, dashes"]),
        ("perturbations", [{"family": "g", "strengths": [0.1, -1]}], ["strengths.1 is -1"]),
        ("perturbations", [{"strengths": []}], ["perturbations.0.family is missing"]),
    ],
)
def test_what_is_wrong_is_said_with_key_value_and_requirement(config, path, value, words):
    message = refusal(changed(config, path, value))
    assert message.startswith("config: ")
    assert all(word in message for word in words), message
    assert "\n" not in message and len(message) < 400  # a sentence, no dump of the schema
    assert "additionalProperties" not in message and "'properties'" not in message


def test_missing_sections_and_keys_are_each_named_once(config):
    del config["data"], config["networks"]
    training = {k: v for k, v in config["training"].items() if k not in ("epochs", "threads")}
    message = refusal({**config, "training": training})
    for key in ("data", "networks", "training.epochs", "training.threads"):
        assert message.count(f"config: {key} is missing") == 1, message


def test_several_mistakes_are_told_at_once(config):
    message = refusal(changed(changed(config, "seed", -1), "images.replicates", 0))
    assert "images.replicates is 0" in message and "seed is -1" in message


@pytest.mark.parametrize("rule", [{"pattern": "^auto$"}, {"enum": ["auto", "auto\n"]}, {}])
def test_no_text_has_a_line_break_whatever_its_schema_says(rule):
    schema = {"type": "object", "properties": {"rank": rule}}
    assert check_config({"rank": "auto"}, schema) == {"rank": "auto"}
    with pytest.raises(ConfigurationError, match=r"rank is .auto.n., .* without line breaks"):
        check_config({"rank": "auto\n"}, schema)


@pytest.mark.parametrize(
    "value", [2**53 + 1, str(2**53 + 1), "9007199254740993", "9007199254740993e0"]
)
def test_a_whole_number_is_exact(config, value):
    assert check_config(changed(config, "seed", value), SCHEMA)["seed"] == 2**53 + 1


def test_a_whole_number_that_no_float_says_is_refused(config):
    message = refusal(changed(config, "seed", float(2**53)))
    assert "seed is 9007199254740992.0, but must be of type integer" in message


def test_a_number_of_many_digits_is_refused_in_few_words(config):
    for value in (10**400, 10**5000, "1" * 5000):
        message = refusal(changed(config, "training.epochs", value))
        assert "training.epochs is" in message and len(message) < 200


def test_what_holds_itself_is_refused_too(config):
    """A file can't, but the command line's --config can."""
    itself = []
    itself.append(itself)
    assert "more than 32 deep" in refusal({**config, "networks": itself})
    assert "a key must be text" in refusal({**config, "data": {1: "x"}})
    assert "data.root is a PosixPath" in refusal(changed(config, "data.root", ROOT))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"properties": {"a": {}, "b": {"default": 1}}}, "value of a in the entry.* it without a"),
        ({"properties": {"a": {}, "c": {}}}, "value of a, c in the entry.* them without a"),
        ({"properties": {"a": {"type": "int"}}}, r"JSON schema .*blur\.py.*a\.type = 'int'"),
        ({"properties": [1]}, r"JSON schema .*blur\.py.*properties = \[1\]"),
        ({"properties": {"a": True}}, r"dictionary for every option that blur\.py"),
        (True, r"dictionary for every option that blur\.py"),
        ("none", r"JSON schema .*blur\.py"),
    ],
)
def test_options_that_lack_a_value_or_are_no_schema(options, words):
    require_options({"a": 1, "c": 2}, {"properties": {"a": {}, "c": {}}}, "the entry", "blur.py")
    with pytest.raises(ConfigurationError, match=words) as caught:
        require_options({}, options, "the entry", "blur.py")
    assert "\n" not in str(caught.value)


def test_overlays_merge_mappings_and_replace_all_else(tmp_path):
    base, overlay = tmp_path / "base.yaml", tmp_path / "overlay.yaml"
    base.write_text("run: a\nimages: {n_points: 3, replicates: 2}\nlist: [1, 2]\n")
    overlay.write_text("images: {replicates: 5}\nlist: [9]\n")
    config = read_files([base, overlay])
    assert config == {"run": "a", "images": {"n_points": 3, "replicates": 5}, "list": [9]}
    assert merge({"a": 1}, {"a": {"b": 2}}) == {"a": {"b": 2}}
    overlay.write_text("")
    assert read_files([base, overlay])["images"] == {"n_points": 3, "replicates": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [("run: [1", "can't be read as YAML"), ("- a\n", "must map keys to values")],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path, text, words):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_files([path])
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="no\\.yaml does not exist"):
        read_files([tmp_path / "no.yaml"])
