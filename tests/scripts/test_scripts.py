"""Scripts and rules belong together: names, what a rule gives, what its script uses."""

import ast
import re

import pytest

from helpers import ROOT

SCRIPTS = {path.stem: path for path in sorted((ROOT / "scripts").glob("*.py"))}
RULES = {
    name: body
    for path in (ROOT / "rules").glob("*.smk")
    for name, body in re.findall(
        r"^ *rule (\w+):\n(.*?)(?=^\S|^ *rule |\Z)", path.read_text(), re.M | re.S
    )
}


def given(rule, section):
    """Return the names in one section of a rule, and whether it unpacks more."""
    match = re.search(rf"^( *){section}:(.*?)(?=^\1\w|\Z)", RULES[rule], re.M | re.S)
    body = match[2] if match else ""
    depth = len(match[1]) + 4 if match else 0
    return re.findall(rf"^ {{{depth}}}(\w+)=", body, re.M), "**" in body


def used(script, section):
    """Return the attributes that a script reads of ``snakemake.<section>``, under any alias."""
    tree = ast.parse(SCRIPTS[script].read_text())
    aliases = {f"snakemake.{section}"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [(node.targets[0], node.value)]
            if all(isinstance(side, ast.Tuple) for side in pairs[0]):
                pairs = zip(node.targets[0].elts, node.value.elts, strict=True)
            aliases |= {ast.unparse(a) for a, b in pairs if ast.unparse(b) in aliases}
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in aliases
    }


def test_every_rule_has_the_script_and_the_log_of_its_name():
    assert sorted(SCRIPTS) == sorted(name for name in RULES if name != "all")
    for name in SCRIPTS:
        assert f'"../scripts/{name}.py"' in RULES[name]
        assert re.search(rf"\{{LOGS\}}/{name}[./]", RULES[name]), name
        assert f'library("{name}")' in RULES[name] or f'perturbing_library("{name}")' in RULES[name]


@pytest.mark.parametrize("section", ["params", "input", "output"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_rule_gives_its_script_what_it_uses(script, section):
    names, more = given(script, section)
    assert more or used(script, section) <= set(names)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_setting_that_a_rule_gives_is_used(script):
    """A setting that no code reads would make results stale for nothing."""
    names, _ = given(script, "params")
    assert names and set(names) - {"library"} - used(script, "params") <= {"family"}


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_thin(script):
    tree = ast.parse(SCRIPTS[script].read_text())
    assert ast.get_docstring(tree)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [function.name for function in functions] == ["main"]
    assert len(SCRIPTS[script].read_text().splitlines()) <= 50


def test_the_library_does_not_know_the_workflow():
    for path in (ROOT / "scripts/manifold_robustness").rglob("*.py"):
        imported = re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(), re.M)
        assert "snakemake" not in imported, path
