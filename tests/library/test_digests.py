"""Digests: they follow the code that a script imports, and nothing else."""

import json
import subprocess
import sys

import pytest

from manifold_robustness.digests import (
    PACKAGE,
    SCRIPTS,
    WORDING,
    file_digest,
    imported_modules,
    library_digest,
    module_path,
)

FILES = {
    "job.py": f"from {PACKAGE}.part.entry import start\n",
    f"{PACKAGE}/__init__.py": "",
    f"{PACKAGE}/errors.py": "class Failure(Exception): pass\n",
    f"{PACKAGE}/other.py": "x = 1\n",
    f"{PACKAGE}/deep.py": "def deep():\n    return 1\n",
    f"{PACKAGE}/lazy.py": "x = 2\n",
    f"{PACKAGE}/plugin.py": "from . import deep\n",
    f"{PACKAGE}/part/__init__.py": "from .beside import y\n",
    f"{PACKAGE}/part/beside.py": "y = 3\n",
    f"{PACKAGE}/part/entry.py": (
        "from ..deep import deep\nfrom ..errors import Failure\n\n\n"
        "def start():\n    from .. import lazy\n    return deep(), lazy\n"
    ),
}
FOUND = ["", ".deep", ".lazy", ".part", ".part.beside", ".part.entry"]


@pytest.fixture
def digest_of(tmp_path):
    """Return the digest of the job of `FILES` with one of them changed (each in its own folder)."""
    made = iter(range(100))

    def digest(name=None, text=None, *modules):
        scripts = tmp_path / str(next(made))
        for path, content in {**FILES, **({name: text} if name else {})}.items():
            (scripts / path).parent.mkdir(parents=True, exist_ok=True)
            (scripts / path).write_text(content)
        return library_digest("job", *modules, scripts=scripts)

    return digest


def test_imports_are_followed(tmp_path, digest_of):
    digest_of()
    found = imported_modules("job", scripts=tmp_path / "0")
    assert found == {PACKAGE + name for name in FOUND}
    found = imported_modules("job", f"{PACKAGE}.plugin", scripts=tmp_path / "0")
    assert found == {PACKAGE + name for name in [*FOUND, ".plugin"]}


@pytest.mark.parametrize(
    "text",
    [
        'def deep():\n    """Say what."""\n    return 1\n',
        '"""A module."""\n\n\n# a comment\ndef deep():\n\n    return (1)  # another\n',
        'def deep():\n    "one"\n    return \\\n        1\n',
    ],
    ids=["docstring", "comments", "layout"],
)
def test_comments_docstrings_and_layout_do_not_count(digest_of, text):
    assert digest_of(f"{PACKAGE}/deep.py", text) == digest_of()


@pytest.mark.parametrize(
    "name", ["__init__", "deep", "lazy", "part/__init__", "part/beside", "part/entry"]
)
def test_code_counts_wherever_it_is_imported(digest_of, name):
    path = f"{PACKAGE}/{name}.py"
    assert digest_of(path, FILES[path] + "z = 4\n") != digest_of()


def test_a_string_that_is_no_docstring_counts(digest_of):
    path = f"{PACKAGE}/deep.py"
    assert digest_of(path, 'def deep():\n    return "1"\n') != digest_of(
        path, 'def deep():\n    return "2"\n'
    )


def test_other_modules_do_not_count(digest_of):
    assert digest_of(f"{PACKAGE}/other.py", "x = 5\n") == digest_of()
    assert digest_of(f"{PACKAGE}/errors.py", "class Failure(ValueError): pass\n") == digest_of()
    assert digest_of("job.py", FILES["job.py"] + "1 + 1\n") == digest_of()  # Snakemake's own part


def test_run_time_modules_count(digest_of):
    plugin = f"{PACKAGE}.plugin"
    with_plugin = digest_of(None, None, plugin)
    changed = digest_of(f"{PACKAGE}/plugin.py", "from . import deep, lazy\n", plugin)
    assert len({digest_of(), with_plugin, changed}) == 3


def test_a_user_s_file_has_a_digest_of_its_own(tmp_path):
    paths = [tmp_path / f"{name}.py" for name in "abc"]
    for path, text in zip(paths, ["x = 1\n", "x = 1  # one\n", "x = 2\n"], strict=True):
        path.write_text(text)
    first, commented, other = map(file_digest, map(str, paths))
    assert first == commented != other and len(first) == 16


REAL_IMPORTS = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
found = {}
for script in sys.argv[3:]:
    for name in [name for name in sys.modules if name.split(".")[0] == sys.argv[2]]:
        del sys.modules[name]
    importlib.import_module(script)
    found[script] = [name for name in sys.modules if name.split(".")[0] == sys.argv[2]]
print(json.dumps(found))
"""


def test_every_script_gets_every_module_that_it_really_imports():
    """An import that the digests miss would leave stale results in place."""
    scripts = sorted(path.stem for path in SCRIPTS.glob("*.py"))
    command = [sys.executable, "-c", REAL_IMPORTS, str(SCRIPTS), PACKAGE, *scripts]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    real = json.loads(done.stdout)
    assert len(real) > 10 and f"{PACKAGE}.network.training" in real["train_model"]
    for script in scripts:
        missed = set(real[script]) - WORDING - imported_modules(script)
        assert PACKAGE in real[script] and not missed, (script, missed)


def test_every_module_that_is_found_has_a_file():
    for script in SCRIPTS.glob("*.py"):
        for name in imported_modules(script.stem):
            assert module_path(name).is_file(), (script.stem, name)


def test_the_drawing_needs_no_torch_and_the_solving_neither():
    for script in ("plot_layers", "plot_examples", "solve_geometry", "collect_geometry"):
        assert not [m for m in imported_modules(script) if m.startswith(f"{PACKAGE}.network")]


def test_wording_modules_exist():
    assert all(module_path(name).is_file() for name in WORDING)
