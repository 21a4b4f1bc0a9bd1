"""Folders of recorded activations: what they hold, and what is refused in a sentence."""

import jsonschema
import numpy as np
import pytest

from manifold_robustness import activation_folders
from manifold_robustness.activation_folders import read_folder, recorded_families
from manifold_robustness.errors import ConfigurationError
from manifold_robustness.experiment import read_schema

IMAGES = {"n_manifolds": 3, "n_points": 4, "replicates": 2}
TABLE = "condition,family,strength\nfull,,0\nhalf,contrast,0.5\ntenth,contrast,0.25\nred,hue,1\n"


@pytest.fixture
def folder(tmp_path):
    for condition in ("full", "half", "tenth", "red"):
        (tmp_path / condition).mkdir()
        for layer in ("V1", "V4", "V10"):
            np.save(tmp_path / condition / f"{layer}.npy", np.zeros((3, 8, 5)))
    (tmp_path / "conditions.csv").write_text(TABLE)
    return tmp_path


def read(folder):
    return read_folder(str(folder), "networks, mine", IMAGES)


def test_conditions_are_by_family_and_strength_and_layers_in_order(folder):
    found = read(folder)
    assert list(found.conditions) == ["clean", "contrast/tenth", "contrast/half", "hue/red"]
    assert [one.strength for one in found.conditions.values()] == [0, 0.25, 0.5, 1]
    assert found.layers == ("V1", "V4", "V10")
    assert found.file("clean", "V4") == str(folder / "full/V4.npy")
    families = recorded_families([found, found], ["gaussian"])
    assert [(one.name, len(one.conditions)) for one in families] == [("contrast", 2), ("hue", 1)]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda f: (f / "conditions.csv").unlink(), ["need the file conditions.csv"]),
        (lambda f: (f / "conditions.csv").write_text("a,b\n1,2\n"), ["need the columns", "Got a"]),
        (lambda f: (f / "conditions.csv").write_text("condition,family,strength\n"), ["a row for"]),
        (lambda f: put(f, "full,,0", "full,,zero"), ["a strength of at least 0", "zero"]),
        (lambda f: put(f, "full,,0", "full,,-1"), ["a strength of at least 0", "-1"]),
        (lambda f: put(f, "full,,0", "full,x,2"), ["need a row of strength 0"]),
        (lambda f: put(f, "half,contrast,0.5", "half,,0"), ["one row of strength 0", "several"]),
        (lambda f: put(f, "half,contrast", "gone,contrast"), ["there is no folder", "gone"]),
        (lambda f: put(f, "half,contrast", "../half,contrast"), ["Got '../half'"]),
        (lambda f: put(f, "red,hue", "red,families"), ["a family other than"]),
        (lambda f: (f / "half/V4.npy").unlink(), ["the same layers", "V4"]),
        (lambda f: add_layer(f, "x" * 151), ["layers' files named by at most 150 letters"]),
        (lambda f: add_layer(f, "V..1"), ["named by at most 150 letters", "Got 'V..1'"]),
        (lambda f: (f / "half/V4.npy").write_bytes(b"no"), ["half/V4.npy", "Got no array"]),
        (lambda f: np.save(f / "half/V4.npy", np.zeros((8, 5))), ["Got one of the shape (8, 5)"]),
        (lambda f: np.save(f / "half/V4.npy", np.zeros((2, 8, 5))), ["3 manifolds", "Got 2 of 8"]),
        (lambda f: np.save(f / "half/V4.npy", np.zeros((3, 7, 5))), ["8 points", "Got 3 of 7"]),
    ],
)
def test_what_is_wrong_is_said_before_any_job(folder, edit, words):
    edit(folder)
    with pytest.raises(ConfigurationError) as refused:
        read(folder)
    assert all(word in str(refused.value) for word in words), str(refused.value)


def put(folder, old, new):
    table = folder / "conditions.csv"
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new))


def add_layer(folder, name):
    for condition in ("full", "half", "tenth", "red"):
        np.save(folder / condition / f"{name}.npy", np.zeros((3, 8, 5)))


def test_no_folder_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="does not exist"):
        read(tmp_path / "gone")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="is no folder"):
        read(tmp_path / "file")


def test_families_of_the_run_and_two_strengths_of_one_condition_are_refused(folder, tmp_path):
    found = read(folder)
    with pytest.raises(ConfigurationError, match="names the family contrast, with which this run"):
        recorded_families([found], ["Contrast"])
    put(folder, "half,contrast,0.5", "half,contrast,0.75")
    with pytest.raises(ConfigurationError, match=r"contrast/half the strength 0\.75"):
        recorded_families([found, read(folder)], [])


@pytest.mark.parametrize("kind", ["name", "layer"])
def test_names_are_those_that_a_configuration_may_have(kind):
    """The folders are read by a pattern, the configuration by the schema: both allow the same."""
    allowed = {"name": activation_folders.NAME, "layer": activation_folders.LAYER}[kind]
    schema = read_schema()["$defs"][kind]
    texts = ["a", "A1", "1.b-c_d", ".a", "-a", "_a", "a.", "a..b", "a b", "ä", "a/b", "", "x" * 64]
    texts += ["x" * 65] if kind == "name" else []
    valid = jsonschema.Draft202012Validator(schema).is_valid
    for text in texts:
        assert bool(allowed.fullmatch(text)) == valid(text), (kind, text)
    assert read_schema()["$defs"]["layer"]["maxLength"] == activation_folders.LONGEST_LAYER
