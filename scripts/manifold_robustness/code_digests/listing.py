"""Which code stands behind each rule, kept beside a finished run: what changed since then?"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..files.atomic import written_beside
from . import SCRIPTS, reached_definitions

Definitions = Mapping[str, Mapping[str, str]]


def write_listing(
    path: str | Path, rules: Mapping[str, Iterable[str]], scripts: str | Path = SCRIPTS
) -> None:
    """Write the definitions behind rules as JSON.

    Parameters
    ----------
    path
        ``results/<run>/logs/code.json``.
    rules
        By rule, what :func:`~.code_digest` takes: the script, and what it loads by name.
    scripts
        The folder of the scripts and of this package.
    """
    listing = {}
    for rule, (script, *entries) in sorted(rules.items()):
        definitions = reached_definitions(script, *entries, scripts=scripts)
        listing[rule] = {"script": script, "entries": entries, "definitions": definitions}
    with written_beside(path) as partial:
        partial.write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")


def read_listing(path: str | Path) -> dict[str, dict]:
    """Return what :func:`write_listing` wrote; an empty dict where it wrote nothing."""
    path = Path(path)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def compare_definitions(earlier: Definitions, now: Definitions) -> dict[tuple[str, str], str]:
    """Return what differs, by module and name: ``new``, ``changed``, ``gone`` or ``moved``.

    A definition that moved, and is otherwise the same, makes nothing stale.

    >>> earlier = {"a": {"f": "1", "g": "2", "x": "7"}}
    >>> compare_definitions(earlier, {"a": {"f": "9"}, "b": {"g": "2"}})
    {('a', 'f'): 'changed', ('b', 'g'): 'moved', ('a', 'x'): 'gone'}
    """
    before, after = _flat(earlier), _flat(now)
    gone = {place: code for place, code in before.items() if place not in after}
    found = {}
    for place, code in after.items():
        if place in before:
            if before[place] != code:
                found[place] = "changed"
            continue
        source = next((one for one, own in gone.items() if own == code), None)
        found[place] = "moved" if source else "new"
        gone.pop(source, None)
    return found | dict.fromkeys(gone, "gone")


def _flat(definitions):
    return {
        (module, name): own for module, names in definitions.items() for name, own in names.items()
    }
