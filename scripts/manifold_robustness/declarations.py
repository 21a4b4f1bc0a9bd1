"""Plug-ins declare themselves: a module with a literal ``DECLARATION`` at its top level.

Perturbation families, data sets, architectures, measures and figures are each one file in a folder
of the library. The workflow reads their declarations as text and imports none of them: a family may
need torch, and every cluster job parses the workflow again. A file without a ``DECLARATION`` is a
helper of the others, not a plug-in.

Imported by the workflow itself, so it needs nothing but the standard library.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Any

from .errors import ConfigurationError
from .wording import cut, listed

LIBRARY = Path(__file__).resolve().parent
NAME = "DECLARATION"
# What the declarations of a folder must hold; those of measures say more (variables.py).
REQUIRED = {
    "perturbations": ("title", "wants_network", "scope", "strength", "options"),
    "network/data_sets": ("title", "settings"),
    "network/architectures": ("title", "imagenet"),
    "figures": ("title", "scope", "inputs", "order", "caption", "options"),
}


def read_literal(path: str | Path, name: str) -> Any:
    """Return the literal that a Python file assigns to `name` at its top level.

    Raises
    ------
    ConfigurationError
        Where the file assigns no literal of that name.
    """
    value = _literals(Path(path)).get(name)
    if value is None:
        raise ConfigurationError(f"Need a literal {name} at the top level of {path}. Got none.")
    try:
        return ast.literal_eval(value)
    except ValueError:
        raise ConfigurationError(
            f"Need a {name} in {path} that is written out: texts, numbers, lists and dictionaries, "
            f"without variables or calls. Got {name} = {ast.unparse(value)[:60]}…"
        ) from None


def read_declaration(folder: str, name: str, what: str, library: str | Path = LIBRARY) -> dict:
    """Return the ``DECLARATION`` of the plug-in `name` in a folder of the library.

    Parameters
    ----------
    folder
        Below the library, as ``perturbations`` or ``network/data_sets``.
    name
        Of the plug-in: its file, without ``.py``.
    what
        What the plug-in is, for the error, as ``perturbation family``.

    Raises
    ------
    ConfigurationError
        For a name that no plug-in has, listing those that there are, and for a declaration that
        lacks something.

    Examples
    --------
    >>> read_declaration("perturbations", "gaussian", "perturbation family")["title"]
    'Gaussian noise'
    """
    known = plugin_names(folder, library)
    if name not in known:
        raise ConfigurationError(
            f"config: need a {what} out of {listed(known)}. Got {cut(name) or 'none'}. "
            f"(A {what} is a file with a DECLARATION in {Path(library, folder)}.)"
        )
    path = Path(library, folder, f"{name}.py")
    declared = read_literal(path, NAME)
    if not isinstance(declared, dict):
        raise ConfigurationError(
            f"Need a dictionary as the {NAME} of {path}. Got a {type(declared).__name__}."
        )
    missing = [key for key in REQUIRED.get(folder, ()) if key not in declared]
    if missing:
        raise ConfigurationError(
            f"Need {', '.join(REQUIRED[folder])} in the {NAME} of {path}. Got none of "
            f"{', '.join(missing)}."
        )
    return declared


def plugin_names(folder: str, library: str | Path = LIBRARY) -> list[str]:
    """Return the names of the plug-ins in a folder of the library, sorted.

    >>> "gaussian" in plugin_names("perturbations")
    True
    """
    return sorted(
        path.stem for path in Path(library, folder).glob("*.py") if NAME in _literals(path)
    )


def defines(folder: str, name: str, function: str, library: str | Path = LIBRARY) -> bool:
    """Say whether a plug-in defines a function at its top level.

    >>> defines("measures", "mean_field", "measure"), defines("measures", "mean_field", "draw")
    (True, False)
    """
    tree = ast.parse(Path(library, folder, f"{name}.py").read_text(encoding="utf-8"))
    return any(getattr(node, "name", "") == function for node in tree.body)


def select_entry(entries: list[dict], options: dict) -> dict | None:
    """Return the first entry whose own ``options`` the given ones have; None where there is none.

    >>> select_entry([{"options": {"clip": True}, "high": 1}, {"high": 9}], {"clip": False})
    {'high': 9}
    """
    for entry in entries:
        if all(options.get(key) == value for key, value in entry.get("options", {}).items()):
            return entry
    return None


@cache
def _literals(path: Path) -> dict[str, ast.expr]:
    """The values that a file assigns to names at its top level, by name."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # as ast says it
        said = cut(" ".join(str(error).split()), 200)
        raise ConfigurationError(
            f"Need a Python file. Got {path}, which can't be read: {said}."
        ) from None
    return {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
