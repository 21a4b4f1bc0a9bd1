"""Code digests: which code a job runs, so that a change of it makes the job's results stale.

A digest covers the definitions that a script reaches, not whole modules: functions, classes and
constants of this package by the names in their code, and what importing their modules runs. It
leaves out what only words (:mod:`~.words`), and knows neither the files' names nor import paths: a
function that moves makes nothing stale.

Where a name can't be followed, more counts: all of a module that is passed around as an object,
say. What can't be followed at all is a module that is imported by a name from the configuration;
rules give those as entries. A test runs every script and finds no function outside of its digest.

Of what jobs run, two things count for no digest: the last lines of a script, which hand ``main`` to
:func:`~manifold_robustness.jobs.run_job`, for that opens a log and words an error; and functions
named ``require_...``, which only refuse.

Imported by the workflow itself, so it needs nothing but the standard library.
"""

import ast
from functools import cache
from pathlib import Path

from .library import EVERYTHING, PACKAGE, Library, hash_text
from .syntax import Writer
from .words import is_silent

__all__ = [
    "PACKAGE",
    "SCRIPTS",
    "code_digest",
    "file_digest",
    "reached_definitions",
    "read_library",
]

SCRIPTS = Path(__file__).resolve().parents[2]


@cache
def code_digest(script: str, *entries: str, scripts: str | Path = SCRIPTS) -> str:
    """Return a digest of the code of this package that a script runs.

    Parameters
    ----------
    script
        Name of a script in `scripts`, without ``.py``. It starts at ``main``.
    *entries
        What the script loads by name: a module below the package, all of whose functions and
        classes count; or some of its definitions, as ``"measures.mean_field:measure,DECLARATION"``.
    scripts
        The folder of the scripts and of this package.

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    ConfigurationError
        For a script or an entry that doesn't exist.

    Examples
    --------
    >>> digest = code_digest("solve_geometry", "geometry.solvers.active_set_solver")
    >>> digest == code_digest("solve_geometry", "geometry.solvers.cvxopt_solver"), len(digest)
    (False, 16)
    """
    library = read_library(scripts)
    return library.digest(library.roots(script, entries))


def file_digest(path: str | Path) -> str:
    """Return a digest of all the code in one Python file: a user's own network, say.

    Nothing is assumed of it, so only comments, docstrings and layout are left out.
    """
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            if isinstance(getattr(node, block, None), list):
                setattr(node, block, [one for one in getattr(node, block) if not is_silent(one)])
    return hash_text(Writer().write(tree))


def reached_definitions(
    script: str, *entries: str, scripts: str | Path = SCRIPTS
) -> dict[str, dict[str, str]]:
    """Return the definitions behind a digest: by module, by name, a hash of each one's own code.

    >>> reached = reached_definitions("solve_geometry", "measures.mean_field")
    >>> "analyze_replicates" in reached["manifold_robustness.geometry.analysis"]
    True
    """
    library = read_library(scripts)
    definitions, _, _ = library.reach(library.roots(script, entries))
    reached = {}
    for node in sorted(definitions):
        if node.name != EVERYTHING:
            reached.setdefault(node.module, {})[node.name] = library.definition(node).own
    return reached


def read_library(scripts: str | Path = SCRIPTS) -> Library:
    """Return the code in a folder of scripts, read once in a process."""
    return _read_library(str(scripts))


@cache
def _read_library(scripts):
    return Library(scripts)
