"""Conditions: one perturbation at one strength, named by its path ``family/strength-value``.

A condition has one shape, :class:`Condition`, from the configuration to the last table; jobs get it
as the dict of its fields. Imported by the workflow itself, so families are read as text.
"""

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .configuration import check_config, fill_defaults, require_options
from .declarations import LIBRARY, plugin_names, read_declaration, select_entry
from .errors import ConfigurationError
from .wording import shown

CLEAN = "clean"
FOLDER = "perturbations"
RESERVED = ("families", CLEAN, "training")  # folders and rows of other things
# What a family may say of the accuracies under it, and as what.
EXPECTED = {"no_weaker_than": list, "falls": bool, "vanishes": bool, "nested": bool}
NORMS, SCOPES = (None, "linf", "l2"), ("image", "set")
# Of an entry; all others are the family's options.
ENTRY_KEYS = ("family", "name", "attack_from", "strengths")
STRENGTH_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
LEAST = 1e-24  # strength beyond 0: a variance of noise of 1e-12, which no pixel shows


@dataclass(frozen=True)
class Condition:
    """One perturbation at one strength; ``clean`` is its family's only one, of strength 0.

    Attributes
    ----------
    name : str
        Its path: ``clean``, ``gaussian/sigma-0.05``.
    family : str
        The family as this run names it: folder, rows and figures.
    perturbation : str
        The file that perturbs; empty for clean.
    strength : float
    options : dict
        The family's settings.
    wants_network : bool
        Whether the perturbation looks at the network (an attack) or is blind (noise).
    scope : {"image", "set"}
        Whether an image's perturbation depends on that image alone, or on a whole set of manifolds.
    norm : {None, "linf", "l2"}
        In which the budget bounds the perturbation of an image; None where there is no budget.
    low, high : float or None
        The range that perturbed pixels keep to; None where there is none.
    divisor : float
        What a strength is divided by for pixel units: 255 where it counts levels of 1/255.
    attack_from : str or None
        The network that is attacked, where it is the same one whichever is measured; None: each
        network is attacked for itself.
    """

    name: str
    family: str = CLEAN
    perturbation: str = ""
    strength: float = 0.0
    options: dict = field(default_factory=dict)
    wants_network: bool = False
    scope: str = "image"
    norm: str | None = None
    low: float | None = None
    high: float | None = None
    divisor: float = 1.0
    attack_from: str | None = None

    @property
    def budget(self) -> float:
        """The strength in pixel units, which bounds the norm of a perturbation."""
        return self.strength / self.divisor

    @property
    def is_clean(self) -> bool:
        """Whether the images are left alone."""
        return self.name == CLEAN

    def to_dict(self) -> dict:
        """Return the fields, as ``Condition(**fields)`` takes them."""
        return asdict(self)


@dataclass(frozen=True)
class Family:
    """One entry of the configuration's ``perturbations``, with what its file declares.

    ``title`` is its display name, ``strength`` the name, symbol and description of its strength,
    ``conditions`` are by strength, without clean. ``expected`` is what its file says of the
    accuracies under it (:class:`~manifold_robustness.attacks.ExpectedFamily`); ``is_random`` says
    whether an image's draws differ, and ``scope`` is that of its conditions.
    """

    name: str
    perturbation: str
    title: str
    strength: dict
    options: dict
    conditions: tuple[Condition, ...]
    expected: dict = field(default_factory=dict)
    is_random: bool = False
    scope: str = "image"


NO_FAMILY = Family(
    CLEAN,
    "",
    "No perturbation",
    {"name": "strength", "symbol": "s", "description": "no perturbation"},
    {},
    (),
)


def list_families(perturbations: list[dict], library: str | Path = LIBRARY) -> list[Family]:
    """Return the families of a configuration's ``perturbations``, in their order.

    A family whose attack is from another network is named by both, ``pgd-from-robust``. Nothing is
    expected of it: what was made for one network may do little to another.

    Raises
    ------
    ConfigurationError
        For an unknown family or option, a name that stands twice, strengths that would share one
        name, a strength beyond what the family declares as its greatest, and a family that is
        blind and is to attack a network.

    Examples
    --------
    >>> (family,) = list_families([{"family": "gaussian", "strengths": [0, 0.05]}])
    >>> family.title, [condition.name for condition in family.conditions]
    ('Gaussian noise', ['gaussian/sigma-0.05'])
    """
    families = [_family(entry, library) for entry in perturbations]
    names = [family.name for family in families]
    folders = [name.casefold() for name in names]  # some file systems take A and a for one name
    for name, folder in zip(names, folders, strict=True):
        if folder in RESERVED:
            raise ConfigurationError(
                f"config: need a family's name other than {', '.join(RESERVED)}. Got {name}; give "
                "the entry in perturbations a name: of its own."
            )
        if folders.count(folder) > 1:
            raise ConfigurationError(
                f"config: perturbations holds the family {name} {folders.count(folder)} times, "
                "whatever the case; put all its strengths into one entry or, with other options, "
                "give one a name: of its own."
            )
    return families


def list_conditions(families: list[Family]) -> list[Condition]:
    """Return the conditions of families, clean first.

    Strength 0 of every family is the one condition ``clean``.
    """
    return [Condition(CLEAN), *(one for family in families for one in family.conditions)]


def require_draws(families: list[Family], library: str | Path = LIBRARY) -> None:
    """Refuse families that have no exemplar manifolds: those whose draws are no points of a cloud.

    Raises
    ------
    ConfigurationError
        Where there is no family at all, and for one without a strength above 0, one that gives
        every draw of an image the same result, and one that perturbs whole sets of manifolds.

    Examples
    --------
    >>> require_draws(list_families([{"family": "gaussian", "strengths": [0.05]}]))
    >>> require_draws(list_families([{"family": "bim", "strengths": [0.05]}]))
    Traceback (most recent call last):
        ...
    manifold_robustness.errors.ConfigurationError: config: images.manifolds is exemplar, but every \
draw of the family bim would be the same image; take it out of perturbations, or set \
images.manifolds: class
    """
    asked = "config: images.manifolds is exemplar, but"
    if not families:
        raise ConfigurationError(
            f"{asked} perturbations is empty; an exemplar manifold is one image under draws of a "
            "perturbation, so give at least one family that is random"
        )
    for family in families:
        if family.scope == "set":
            raise ConfigurationError(
                f"{asked} the family {family.name} perturbs whole sets of class manifolds; take it "
                "out of perturbations, or set images.manifolds: class"
            )
        if not family.is_random:
            declared = read_declaration(FOLDER, family.perturbation, "perturbation family", library)
            given, known = _told(family.options, declared.get("random", []))
            because = f" ({given})" if given else ""
            remedy = f"set {known}" if given else "take it out of perturbations"
            raise ConfigurationError(
                f"{asked} every draw of the family {family.name} would be the same image{because}; "
                f"{remedy}, or set images.manifolds: class"
            )
        if not family.conditions:
            raise ConfigurationError(
                f"{asked} the family {family.name} has no strength above 0, without which an image "
                "is a single point; give one, or take the family out of perturbations"
            )


def _family(entry: dict, library: str | Path) -> Family:
    perturbation, name = entry["family"], entry.get("name", entry["family"])
    declared = read_declaration(FOLDER, perturbation, "perturbation family", library)
    source = f"{FOLDER}/{perturbation}.py"
    attacked = entry.get("attack_from")
    if attacked is not None:
        if not declared["wants_network"]:
            raise ConfigurationError(
                f"config: perturbations, family {name}: attack_from is {shown(attacked)}, but "
                f"{perturbation} looks at no network; leave it out."
            )
        name = f"{name}-from-{attacked}"
    options = _options(name, entry, declared["options"], source)
    strength = select_entry(declared["strength"], options)
    if strength is None:
        given, known = _told(options, declared["strength"])
        raise ConfigurationError(
            f"config: perturbations, family {name}: {perturbation} declares no strength for the "
            f"options {given}; it does for {known}."
        )
    if not STRENGTH_NAME.fullmatch(strength["name"]):  # of files and folders
        raise ConfigurationError(
            f"Need a strength whose name is made of at most 64 letters, digits, dashes and "
            f"underscores in {source}. Got {shown(strength['name'])}."
        )
    if strength.get("norm") not in NORMS or declared["scope"] not in SCOPES:
        raise ConfigurationError(
            f"Need a norm out of linf, l2 (or none) and a scope out of {', '.join(SCOPES)} in the "
            f"family {perturbation}. Got {strength.get('norm')} and {declared['scope']}."
        )
    _require_numbers(strength, source)
    _require_expected(declared.get("expected", {}), source, library)
    _require_random(declared.get("random", []), source)
    limits = select_entry(declared.get("range", []), options) or {}
    conditions: dict[str, Condition] = {}
    for value in sorted(map(float, entry["strengths"])):
        if 0 < value < LEAST:
            raise ConfigurationError(
                f"config: perturbations, family {name}: the strength {value:g} must be 0 or at "
                f"least {LEAST:g}; images in single precision show nothing smaller"
            )
        if value > strength.get("maximum", value):
            raise ConfigurationError(
                f"config: perturbations, family {name}: the strength {value:g} must be at most "
                f"{strength['maximum']:g} ({strength['description']})"
            )
        path = f"{name}/{strength['name']}-{value:g}"
        if path in conditions:
            raise ConfigurationError(
                f"config: the strengths {conditions[path].strength!r} and {value!r} of {name} "
                f"would both be named {path}; keep one"
            )
        if value:
            conditions[path] = Condition(
                path,
                name,
                perturbation,
                value,
                options,
                declared["wants_network"],
                declared["scope"],
                strength.get("norm"),
                limits.get("low"),
                limits.get("high"),
                float(strength.get("divisor", 1)),
                attacked,
            )
    return Family(
        name,
        perturbation,
        declared["title"] if name == perturbation else f"{declared['title']} ({name})",
        {key: strength[key] for key in ("name", "symbol", "description")},
        options,
        tuple(conditions.values()),
        declared.get("expected", {}) if attacked is None else {},
        select_entry(declared.get("random", []), options) is not None,
        declared["scope"],
    )


def _require_numbers(strength: dict, source: str) -> None:
    for key in ("maximum", "divisor"):
        value = strength.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise ConfigurationError(
                f"Need a number above 0 as the {key} of a strength in {source}. Got {shown(value)}."
            )


def _require_expected(expected: dict, source: str, library: str | Path) -> None:
    bad = [
        f"{key}: {shown(value)}"
        for key, value in expected.items()
        if not isinstance(value, EXPECTED.get(key, ()))
    ]
    stronger = expected.get("no_weaker_than")
    if stronger and not bad:  # only then are all families read
        known = plugin_names(FOLDER, library)
        bad = [f"no_weaker_than: {shown(one)}" for one in stronger if one not in known]
    if bad:
        raise ConfigurationError(
            f"Need no other keys in expected of {source} than no_weaker_than, a list of families, "
            f"and falls, vanishes and nested, each True or False. Got {', '.join(bad)}."
        )


def _require_random(random: object, source: str) -> None:
    if not isinstance(random, list) or not all(isinstance(one, dict) for one in random):
        raise ConfigurationError(
            f"Need random of {source} to be a list of dictionaries of options, [{{}}] where draws "
            f"always differ. Got {shown(random)}."
        )


def _told(options: dict, entries: list[dict]) -> tuple[str, str]:
    """Of the options that strengths are declared for: those that were given, and those known."""
    wanted = [entry.get("options", {}) for entry in entries]
    deciding = {key: options.get(key) for one in wanted for key in one}
    given, *known = (
        " and ".join(f"{key}: {_as_yaml(value)}" for key, value in one.items())
        for one in [deciding, *wanted]
    )
    return given, ", or ".join(known) or "none"


def _as_yaml(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _options(name: str, entry: dict, schema: dict, source: str) -> dict:
    own = {key: value for key, value in entry.items() if key not in ENTRY_KEYS}
    require_options(own, schema, f"the entry of the family {name} in perturbations", source)
    schema = {**schema, "type": "object", "additionalProperties": False}
    try:
        return check_config(fill_defaults(own, schema), schema)
    except ConfigurationError as error:
        raise ConfigurationError(f"perturbations, family {name}: {error}") from None
