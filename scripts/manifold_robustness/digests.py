"""Digests of code: what a script imports from this package, without comments and docstrings.

Imported by the workflow itself, so it needs nothing but the standard library.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
SCRIPTS = Path(__file__).resolve().parents[1]
PACKAGE = Path(__file__).resolve().parent.name
# Modules that word errors, log, or describe the experiment to the workflow: no result needs them.
WORDING = {
    f"{PACKAGE}.{name}" for name in ("errors", "jobs", "digests", "configuration", "conditions")
}


def library_digest(script, *modules, scripts=SCRIPTS):
    """Return a digest of every module of this package that a script imports, transitively.

    Parameters
    ----------
    script : str
        Name of a script in `scripts`, without ``.py``.
    *modules : str
        Dotted names of modules that the script loads by name at run time.
    scripts : path
        The folder of the scripts and of this package.

    Returns
    -------
    str
        16 hexadecimal digits. They change with the code, not with comments, docstrings or layout.
    """
    digest = hashlib.sha256()
    for name in sorted(imported_modules(script, *modules, scripts=scripts)):
        digest.update(f"{name}={_code_digest(module_path(name, scripts))};".encode())
    return digest.hexdigest()[:16]


def file_digest(path):
    """Return a digest of one Python file's code: of a user's own network, say."""
    return _code_digest(Path(path))[:16]


def imported_modules(script, *modules, scripts=SCRIPTS):
    """Return the dotted names of this package's modules that a script imports, transitively."""
    scripts = Path(scripts)
    waiting = set(modules) | _imports(scripts / f"{script}.py", script, scripts)
    found = set()
    while waiting:
        name = waiting.pop()
        if name in found or name in WORDING:
            continue
        found.add(name)
        parent = name.rpartition(".")[0]
        waiting |= _imports(module_path(name, scripts), name, scripts) | ({parent} - {""})
    return found


def module_path(name, scripts=SCRIPTS):
    """Return the file of a dotted module name below `scripts`."""
    path = Path(scripts, *name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _imports(path, name, scripts):
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            targets = _from_targets(node, package, scripts)
        else:
            continue
        found.update(target for target in targets if target.split(".")[0] == PACKAGE)
    return found


def _from_targets(node, package, scripts):
    base = node.module or ""
    if node.level:
        parents = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*parents, *([node.module] if node.module else [])])
    if base.split(".")[0] != PACKAGE:
        return []
    members = [f"{base}.{alias.name}" for alias in node.names]
    return [base] + [member for member in members if module_path(member, scripts).exists()]


@cache
def _code_digest(path):
    tree = _parse(path)
    for node in ast.walk(tree):
        documented = (
            isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None
        )
        if documented:
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


@cache
def _parse(path):
    return ast.parse(Path(path).read_text(encoding="utf-8"))
