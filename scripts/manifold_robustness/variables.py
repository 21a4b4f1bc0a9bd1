"""The variables of the geometry, as the groups of measures declare them.

Imported by the workflow itself, so it needs nothing but the standard library, and imports none of
the measures: their declarations are read as text.
"""

from dataclasses import dataclass, fields
from pathlib import Path

from .conventions import MEANS
from .declarations import defines, plugin_names, read_declaration
from .errors import ConfigurationError

FOLDER = "measures"
# The axes of a variable in a file, by the word that a declaration has for them.
AXES = {
    "manifold": ("replicate", "manifold"),
    "replicate": ("replicate",),
    "projected": ("replicate", "projected"),
    "subset": ("replicate", "subset"),
}
TOGETHER = "measure_replicates"  # what a group may have besides `measure`
OF_A_ROW = ("manifold", "replicate")  # the others' values have no place in a row of a table


@dataclass(frozen=True)
class Variable:
    """One measure, as its group declares it.

    Attributes
    ----------
    axes : {"manifold", "replicate", "projected", "subset"}
        What has a value of its own: each manifold of a replicate, each replicate, each number of
        center directions K = 0, 1, ... of a replicate, or each number of points that a replicate
        was measured with.
    long_name, equation : str
        Its meaning, and the equation that defines it with the source.
    units : str
    optional : bool
        Whether it may be NaN, for the reason that its `long_name` tells.
    summarised : {"arithmetic", "harmonic", None}
        Its mean over manifolds and replicates in summary.csv; None for a measure that is not there.
    settings : tuple of str
        Keys of the configuration's ``geometry`` without which it is not measured: that of the group
        and its own. It is in the files and tables of the runs that have them all on.
    """

    axes: str
    long_name: str
    equation: str
    units: str = "1"
    optional: bool = False
    summarised: str | None = None
    settings: tuple[str, ...] = ()

    def is_measured(self, settings: dict) -> bool:
        """Say whether a run with these settings of ``geometry`` measures it."""
        return all(settings[name] for name in self.settings)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the axes in a file."""
        return AXES[self.axes]


def declared_variables(**where: str | Path) -> dict[str, Variable]:
    """Return the variables that all groups of measures declare, by name.

    Parameters
    ----------
    **where
        ``library``: another folder than this library's, as :func:`.plugin_names` takes it.

    Raises
    ------
    ConfigurationError
        For a name that two groups declare, and for a declaration with a key or value that is none.
    """
    found = {}
    for group in plugin_names(FOLDER, **where):
        found |= _variables_of(group, found, **where)
    return found


def measured_groups(settings: dict) -> dict[str, dict[str, Variable]]:
    """Return the groups of which a run measures something, and what it measures of each.

    Parameters
    ----------
    settings
        The configuration's ``geometry``.
    """
    groups = {}
    for group in plugin_names(FOLDER):
        variables = {
            name: variable
            for name, variable in _variables_of(group, {}).items()
            if variable.is_measured(settings)
        }
        if variables:
            groups[group] = variables
    return groups


def require_settings(settings: dict) -> None:
    """Raise :class:`ConfigurationError` where a measure hangs on a setting that there isn't."""
    for name, variable in declared_variables().items():
        unknown = [one for one in variable.settings if one not in settings]
        if unknown:
            raise ConfigurationError(
                f"Need a key of the configuration's geometry ({', '.join(settings)}) for the "
                f"measure {name} to hang on. Got {', '.join(unknown)}; see setting in {FOLDER}."
            )


def require_variable(group: str, name: str, entry: dict, taken: dict) -> None:
    """Raise :class:`ConfigurationError` for an entry of a declaration that is no variable."""
    known = {field.name: field.default for field in fields(Variable) if field.name != "settings"}
    place = f"{FOLDER}/{group}.py declares {name}"
    if name in taken:
        raise ConfigurationError(
            f"Need a name of its own for every measure. {place}, which another file of {FOLDER} "
            "declares too; rename one."
        )
    unknown = sorted(set(entry) - {*known, "setting"})
    missing = [key for key in ("axes", "long_name", "equation") if not entry.get(key)]
    if unknown or missing:
        raise ConfigurationError(
            f"Need the keys axes, long_name and equation, and at most {', '.join(known)}, setting. "
            f"{place} with the keys {', '.join(entry)}."
        )
    for key, allowed in (("axes", AXES), ("summarised", (*MEANS, None))):
        if entry.get(key, known[key]) not in allowed:
            raise ConfigurationError(
                f"Need {key} out of {', '.join(map(str, allowed))}. {place} with {entry[key]!r}."
            )
    if entry["axes"] not in OF_A_ROW and entry.get("summarised"):
        raise ConfigurationError(
            f"Need axes manifold or replicate for a measure that is summarised. {place} with "
            f"{entry['axes']}."
        )


def _variables_of(group, taken, **where):
    declaration = read_declaration(FOLDER, group, "group of measures", **where)
    variables = {}
    for name, entry in declaration["variables"].items():
        require_variable(group, name, entry, taken=taken)
        settings = (declaration.get("setting"), entry.get("setting"))
        entry = {key: value for key, value in entry.items() if key != "setting"}
        variables[name] = Variable(**entry, settings=tuple(filter(None, settings)))
    return variables


def measuring_entries(name: str, **where: str | Path) -> str:
    """Return what a solve loads by name of a group of measures, as code digests take it.

    ``library``: as in :func:`declared_variables`.

    >>> measuring_entries("readout"), measuring_entries("mean_field")
    ('measures.readout:measure,DECLARATION', \
'measures.mean_field:measure,measure_replicates,DECLARATION')
    """
    own = ["measure", TOGETHER] if defines(FOLDER, name, TOGETHER, **where) else ["measure"]
    return f"{FOLDER}.{name}:{','.join(own)},DECLARATION"
