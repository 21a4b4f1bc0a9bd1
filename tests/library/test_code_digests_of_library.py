"""Code digests of the real library: reworded, with each number changed, on each Python."""

import ast
import copy
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import ROOT
from manifold_robustness.code_digests import PACKAGE, code_digest, read_library
from manifold_robustness.code_digests.library import TOP_LEVEL, Library, Node
from manifold_robustness.code_digests.modules import MAIN_GUARD
from run_time import is_wording, word_statements

LIBRARY = read_library(ROOT / "scripts")
SCRIPTS = sorted(name for name in LIBRARY.paths if name.split(".")[0] != PACKAGE)
# No result depends on these: they read the configuration before any job, find what is out of date,
# refuse, print, open a log, keep records, or make digests. So a change of them makes nothing stale.
NOT_OF_JOBS = {
    "__main__",
    "activation_folders",
    "code_digests",
    "consistency",
    "console",
    "experiment",
    "files.examined",
    "files.records",
    "jobs",
    "network.checks",
    "network.layer_list",
    "networks",
    "patterns",
    "provenance",
    "recorded",
}


# Every version of Python, and every order of a set, gives the same.


ALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from manifold_robustness.code_digests import code_digest, file_digest, read_library
library = read_library(sys.argv[1])
found = {script: code_digest(script, *library.plugins(script)) for script in sys.argv[2:]}
own = [file_digest(path) for path in sorted(library.paths.values())]
print(json.dumps([found, own]))
"""


def digests_by(python, seed="0"):
    command = [python, "-c", ALL, str(ROOT / "scripts"), *SCRIPTS]
    environment = {"PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_version_of_python_gives_the_same(version):
    python = find_python(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed")
    assert digests_by(python, seed=version[-1]) == digests_by(sys.executable)


def find_python(version):
    candidates = [f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"]
    candidates += map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return next((one for one in candidates if Path(one).exists()), None)


# The real library, reworded.


class Reword(ast.NodeTransformer):
    """Replaces every text that only words."""

    def __init__(self, tree):
        self.words = {id(one) for one in word_statements(tree)}
        self.inside = False
        self.count = 0

    def visit(self, node):
        outer = self.inside
        self.inside |= id(node) in self.words
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            node.body[0].value.value = "Reworded."
            self.count += 1
        node = super().visit(node)
        self.inside = outer
        return node

    def visit_Constant(self, node):
        if self.inside and isinstance(node.value, str):
            self.count += 1
            return ast.Constant("reworded")
        return node

    def visit_FormattedValue(self, node):
        node.value = self.visit(node.value)
        return node


def test_rewording_all_of_the_library_makes_nothing_stale(tmp_path):
    count = 0
    for path in LIBRARY.paths.values():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        reword = Reword(tree)
        text = ast.unparse(ast.fix_missing_locations(reword.visit(tree)))
        count += reword.count
        target = tmp_path / path.relative_to(ROOT / "scripts")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    assert count > 500
    for script in SCRIPTS:
        entries = LIBRARY.plugins(script)
        reworded = code_digest(script, *entries, scripts=tmp_path)
        assert reworded == code_digest(script, *entries, scripts=ROOT / "scripts"), script


# The real library, one number after the other changed.


def words(tree):
    """Yield what only words: statements, annotations, and variables that those alone read."""
    yield from word_statements(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation:
            yield node.annotation
        elif isinstance(node, ast.Assert) and node.msg:
            yield node.msg
        elif isinstance(node, ast.If) and ast.dump(node.test) == MAIN_GUARD:
            yield node
        if isinstance(node, ast.FunctionDef):
            if node.returns:
                yield node.returns
            yield from unread(node)


def unread(function):
    """Yield assignments that only words read, and conditions of words, one upon the other."""
    found = [one for one in ast.walk(function) if isinstance(one, ast.stmt) and is_wording(one)]
    more = True
    while more:
        dropped = {id(node) for one in found for node in ast.walk(one)}
        kept = [node for node in ast.walk(function) if id(node) not in dropped]
        read = {n.id for n in kept if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        more = [
            one
            for one in kept
            if (isinstance(one, ast.Assign) and not names_of(one) & read and names_of(one))
            or (
                isinstance(one, ast.If)
                and all(id(s) in dropped for s in [*one.body, *one.orelse])
                and not all(isinstance(s, ast.Raise) for s in one.body)
            )
        ]
        found += more
        yield from more


def names_of(assignment):
    targets = [node for target in assignment.targets for node in ast.walk(target)]
    if any(isinstance(node, (ast.Attribute, ast.Subscript)) for node in targets):
        return set()
    return {node.id for node in targets if isinstance(node, ast.Name)}


class Mutated(Library):
    """The library with one statement replaced; all the rest is known already."""

    def __init__(self, name, holders, statement, replaced):
        self.__dict__ = {**LIBRARY.__dict__}
        module = copy.copy(LIBRARY.module(name))
        module.definitions = {**module.definitions}
        for holder in holders:
            module.definitions[holder] = [statement]
        if not holders:
            module.effects = [
                statement if one.lineno == replaced.lineno else one for one in module.effects
            ]
        self.module = lambda other: module if other == name else LIBRARY.module(other)
        nodes = {Node(name, holder) for holder in holders or [TOP_LEVEL]}
        changed = {node: Library.definition(self, node) for node in nodes}
        self.definition = lambda node: changed.get(node) or LIBRARY.definition(node)


def mutations(name):
    """Yield the library with one number of a module changed, where it was, and what holds it."""
    path = LIBRARY.paths[name]
    text = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    wording = {id(node) for one in words(tree) for node in ast.walk(one)}
    for statement in tree.body:
        module = LIBRARY.module(name)
        holders = [
            key
            for key, parts in module.definitions.items()
            if any(part.lineno == statement.lineno for part in parts)
        ]
        first = min(one.lineno for one in [statement, *getattr(statement, "decorator_list", [])])
        alone = "\n".join(lines[first - 1 : statement.end_lineno])
        for place, node in enumerate(ast.walk(statement)):
            if not is_number(node) or id(node) in wording:
                continue
            (mutated,) = ast.parse(alone).body
            number = next(itertools.islice(ast.walk(mutated), place, None))
            assert number.value == node.value
            number.value = not node.value if isinstance(node.value, bool) else 2 * node.value + 1
            library = Mutated(name, holders, mutated, statement)
            yield library, node.lineno, {Node(name, one) for one in holders or [TOP_LEVEL]}


def is_number(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


@pytest.fixture(scope="module")
def reached():
    """The roots of every script, and what it reaches."""
    roots = {script: LIBRARY.roots(script, LIBRARY.plugins(script)) for script in SCRIPTS}
    return {script: (roots[script], LIBRARY.reach(roots[script])[0]) for script in SCRIPTS}


@pytest.mark.parametrize("half", [0, 1])
def test_a_changed_number_makes_stale_whoever_reaches_it_and_nobody_else(reached, half):
    before = {script: LIBRARY.digest(roots) for script, (roots, _) in reached.items()}
    everything = set().union(*(nodes for _, nodes in reached.values()))
    tried = 0
    for name in sorted(LIBRARY.paths)[half::2]:
        for library, line, holders in mutations(name):
            tried += bool(holders & everything)
            for script, (roots, nodes) in reached.items():
                changed = library.digest(roots) != before[script]
                assert changed == bool(holders & nodes), (name, line, script)
    assert tried > 150


def test_every_module_that_computes_makes_somebody_stale_and_no_other(reached):
    modules = {node.module for _, nodes in reached.values() for node in nodes}
    defining = {name for name in LIBRARY.paths if {*LIBRARY.module(name).definitions} - {"__all__"}}
    outside = {name.removeprefix(f"{PACKAGE}.") for name in defining - modules}
    outside = {"code_digests" if name.startswith("code_digests.") else name for name in outside}
    assert outside == NOT_OF_JOBS


def test_the_drawing_needs_no_torch_and_the_solving_neither():
    for script in ("plot_figure", "solve_geometry", "collect_geometry"):
        entries = LIBRARY.plugins(script)
        _, _, modules = LIBRARY.reach(LIBRARY.roots(script, entries))
        assert not [name for name in modules if name.startswith(f"{PACKAGE}.network")], script


# What digests rest on.


def test_a_function_that_requires_only_refuses():
    """Calls to it are left out of digests: it may return nothing and change nothing."""
    found = 0
    for name, path in LIBRARY.paths.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.lstrip("_").startswith("require_"):
                found += 1
                assert not list(changes(node)), f"{name}.{node.name}"
    assert found > 10


def test_a_refusal_ends_the_job():
    """Which of our errors refuses is left out of digests: so no handler may go on after one."""
    tree = ast.parse(LIBRARY.paths[f"{PACKAGE}.errors"].read_text(encoding="utf-8"))
    errors = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    found = 0
    for name, path in LIBRARY.paths.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and node.type:
                caught = {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)}
                if caught & errors:
                    found += 1
                    assert ends(node), f"{name}, line {node.lineno}"
    assert found > 5


def ends(handler):
    return isinstance(handler.body[-1], ast.Raise) or "sys.exit" in ast.unparse(handler.body[-1])


def changes(function):
    """Yield what a function returns, yields or changes."""
    own = set().union(*(names_of(n) for n in ast.walk(function) if isinstance(n, ast.Assign)))
    for node in ast.walk(function):
        if isinstance(node, (ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom, ast.Await)) or (
            isinstance(node, ast.Return) and node.value is not None
        ):
            yield node
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            if not isinstance(node.ctx, ast.Load) and ast.unparse(node.value) not in own:
                yield node
        elif (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not is_wording(node)
        ):
            yield node


@pytest.mark.parametrize(
    "body", ["return 1", "yield", "self.x = 1", "x[0] = 1", "global x", "x.append(1)", "x.a += 1"]
)
def test_what_changes_something_is_found(body):
    assert list(changes(ast.parse(f"def require_it(self, x):\n    {body}\n").body[0]))
