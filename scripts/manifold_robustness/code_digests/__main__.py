"""Say which code stands behind a rule, and what of it changed since the last finished run."""

import argparse
import sys
import textwrap

from ..console import print_all
from ..declarations import plugin_names
from ..errors import ConfigurationError
from ..variables import FOLDER as MEASURES
from ..variables import measuring_entries
from . import PACKAGE, reached_definitions, read_library
from .listing import compare_definitions, read_listing


def main(arguments: list[str] | None = None) -> None:
    """Print the definitions behind a rule's digest, by module (``make why``)."""
    parser = argparse.ArgumentParser(prog="make why", description=main.__doc__)
    parser.add_argument("rule", help="a rule, as solve_geometry")
    parser.add_argument("listing", nargs="?", default="", help="logs/code.json of a finished run")
    given = parser.parse_args(arguments)
    try:
        print_all(describe(given.rule, given.listing))
    except ConfigurationError as error:
        sys.exit(f"make why: {error}")


def describe(rule: str, listing: str = "") -> str:
    """Return what is known of a rule's code, as lines of text.

    Parameters
    ----------
    rule
        A rule; without a listing, the script of one.
    listing
        The path of what :func:`~.write_listing` wrote, if it did.

    Raises
    ------
    ConfigurationError
        For a rule that there isn't.
    """
    known = read_listing(listing) if listing else {}
    rule = _script_of(rule)
    if rule in known:
        script, entries = known[rule]["script"], _loaded_now(rule, known)
    else:
        script, entries = rule, read_library().plugins(rule)
    now = reached_definitions(script, *entries)
    count = sum(map(len, now.values()))
    lines = [f"{rule} runs {count} definitions of {len(now)} modules."]
    if rule in known:
        changes = compare_definitions(known[rule]["definitions"], now)
        lines.append(f"Since the last finished run: {_summary(changes)}.")
        for (module, name), mark in changes.items():
            lines.append(f"  {mark}: {name} of {_short(module)}")
    else:
        lines.append("No finished run is known to compare it with; each plug-in is listed.")
    for module, names in now.items():
        lines.append(f"\n{_short(module)}")
        lines += textwrap.wrap(
            ", ".join(names),
            96,
            initial_indent="  ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _loaded_now(rule, known):
    """What a rule loads by name now: less the plug-ins that went, and with every measure that came.

    Of the other plug-ins a rule loads those that the configuration asks for. Measures that it
    leaves out were there in the finished run too, whose tables know the variables of all of them.
    """
    paths, entries = read_library().paths, known[rule]["entries"]
    left = [one for one in entries if f"{PACKAGE}.{one.partition(':')[0]}" in paths]
    wanted = {one.partition(":")[2] for one in entries if one.startswith(f"{MEASURES}.")}
    seen = {entry.partition(":")[0] for one in known.values() for entry in one["entries"]}
    came = [name for name in plugin_names(MEASURES) if f"{MEASURES}.{name}" not in seen]
    declared = [f"{MEASURES}.{name}:DECLARATION" for name in came]
    measuring = [measuring_entries(name) for name in came]
    new = declared if wanted <= {"DECLARATION"} else measuring
    return list(dict.fromkeys([*left, *(new if wanted else [])]))


def _script_of(rule):
    """The script of a rule: figures share one, and so do extractions of other layers."""
    if rule.startswith("plot_"):
        return "plot_figure"
    return "extract_activations" if rule.startswith("extract_activations_") else rule


def _summary(changes):
    marks = list(changes.values())
    counts = [f"{marks.count(mark)} {mark}" for mark in dict.fromkeys(marks)]
    return ", ".join(counts) or "none of them changed"


def _short(module):
    return module.removeprefix(f"{PACKAGE}.") if "." in module else f"scripts/{module}.py"


if __name__ == "__main__":
    main()
