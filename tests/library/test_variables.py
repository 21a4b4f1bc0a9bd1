"""What groups of measures declare: read as text, and refused where it is no declaration."""

import shutil

import pytest

from manifold_robustness.declarations import LIBRARY, plugin_names
from manifold_robustness.errors import ConfigurationError
from manifold_robustness.variables import (
    FOLDER,
    Variable,
    declared_variables,
    measured_groups,
    require_settings,
)

MADE_UP = {"axes": "manifold", "long_name": "a spread", "equation": "std"}


def library_with(folder, **groups):
    """A folder with the measures of the library and of further groups, by their variables."""
    shutil.copytree(LIBRARY / "measures", folder / "measures")
    for name, variables in groups.items():
        declaration = {"variables": variables}
        text = f"raise ImportError\nDECLARATION = {declaration!r}\n"
        (folder / f"measures/{name}.py").write_text(text)
    return folder


def test_a_measure_of_one_more_file_is_a_variable(tmp_path):
    """The file is read, not run: this one can't be."""
    known = declared_variables()
    found = declared_variables(library=library_with(tmp_path, made_up={"made_up": MADE_UP}))
    assert set(found) == {*known, "made_up"} and len(known) >= 21
    assert found["made_up"] == Variable("manifold", "a spread", "std", "1", False, None)
    assert found["made_up"].dimensions == ("replicate", "manifold")


def test_a_measure_may_hang_on_a_setting_and_its_group_on_another(tmp_path):
    settings = {"joint": False, "readout": True, "shuffle": True, "subsets": [], "simulate": False}
    measured = measured_groups(settings)
    assert {"mean_field", "readout", "shuffle"} <= set(measured)
    assert not {"joint", "subsets", "simulation"} & set(measured)
    assert "shuffled_readout_accuracy" in measured["shuffle"]
    assert "shuffled_joint_capacity" not in measured["shuffle"]
    assert measured_groups(dict.fromkeys(settings, True)).keys() == set(plugin_names(FOLDER))


def test_a_setting_that_there_is_not_is_refused():
    require_settings(dict.fromkeys(["joint", "readout", "shuffle", "subsets", "simulate"], False))
    with pytest.raises(ConfigurationError, match=r"readout_accuracy to hang on.*Got readout"):
        require_settings(dict.fromkeys(["joint", "shuffle", "subsets", "simulate"], False))


def test_a_helper_of_the_measures_declares_nothing(tmp_path):
    (library_with(tmp_path) / "measures/helper.py").write_text("NUMBER = 3")
    assert declared_variables(library=tmp_path) == declared_variables()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"capacity": MADE_UP}, r"name of its own.*zeal\.py declares capacity, which another"),
        (
            {"made_up": {**MADE_UP, "unit": "1"}},
            r"at most axes, .*declares made_up with the keys .*unit",
        ),
        ({"made_up": {**MADE_UP, "equation": ""}}, "Need the keys axes, long_name and equation"),
        ({"made_up": {**MADE_UP, "axes": "layer"}}, "axes out of manifold, .*with 'layer'"),
        ({"made_up": {**MADE_UP, "summarised": "median"}}, "out of arithmetic, .*with 'median'"),
        (
            {"made_up": {**MADE_UP, "axes": "projected", "summarised": "harmonic"}},
            "axes manifold or replicate for a measure that is summarised",
        ),
    ],
)
def test_what_is_no_declaration_is_refused(tmp_path, variables, words):
    with pytest.raises(ConfigurationError, match=words):
        declared_variables(library=library_with(tmp_path, zeal=variables))
