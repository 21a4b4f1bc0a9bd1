"""Scripts and rules belong together: names, what a rule gives, what its script uses."""

import ast
import re

import pytest

from helpers import ROOT

SCRIPTS = {path.stem: path for path in sorted((ROOT / "scripts").glob("*.py"))}
BLOCKS = [
    (name, body)
    for path in (ROOT / "rules").glob("*.smk")
    for name, body in re.findall(
        r"^ *rule ?(\w*):\n(.*?)(?=^\S|^ *rule ?\w*:|\Z)", path.read_text(), re.M | re.S
    )
]
# The rules of every script: the figures have three; one whose name depends on a network shows none.
RULES = {
    script: [(name, body) for name, body in BLOCKS if f'"../scripts/{script}.py"' in body]
    for script in SCRIPTS
}


def given(body, section):
    """Return the names in one section of a rule, and whether it unpacks more."""
    match = re.search(rf"^( *){section}:(.*?)(?=^\1\w|\Z)", body, re.M | re.S)
    lines = match[2] if match else ""
    depth = len(match[1]) + 4 if match else 0
    return re.findall(rf"^ {{{depth}}}(\w+)=", lines, re.M), re.search(r"\*\*|unpack", lines)


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


def test_every_rule_has_a_script_and_the_log_of_its_name():
    assert len(BLOCKS) == sum(map(len, RULES.values())) and all(RULES.values())
    scopes = ("network_figure", "networks_figure", "family_figure", "families_figure", "comparison")
    plots = {f"plot_{scope}" for scope in scopes}
    assert {name for name, _ in RULES["plot_figure"]} == plots
    for script, blocks in RULES.items():
        for name, body in blocks:
            assert script == "plot_figure" or name in (script, "")
            assert re.search(rf"\{{LOGS\}}/{name or script}[./]", body), name


def test_the_digest_of_every_rule_is_that_of_its_script():
    for script, blocks in RULES.items():
        for name, body in blocks:
            if script == "plot_figure":
                assert "code=drawing_code," in body
            else:
                assert re.search(rf'code=(code|partial)\(\s*(\w+_code,\s*)?"{script}"', body), name


@pytest.mark.parametrize("section", ["params", "input", "output"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_rule_gives_its_script_what_it_uses(script, section):
    for _, body in RULES[script]:
        names, more = given(body, section)
        assert more or used(script, section) - {"get"} <= set(names)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_setting_that_a_rule_gives_is_used(script):
    """A setting that no code reads would make results stale for nothing."""
    for _, body in RULES[script]:
        names, _ = given(body, "params")
        # Digests of the code, and of files that it reads which are no code.
        assert names and set(names) - {"code", "files"} <= used(script, "params")


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
