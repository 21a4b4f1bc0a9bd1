"""Folders of activations that others recorded, which stand in a run beside networks of its own.

A folder holds one folder for each condition, with one ``.npy`` file (n_manifolds, n_points,
n_features) for each layer, and ``conditions.csv``, whose rows say what the conditions are::

    condition,family,strength
    full,,0
    half,contrast,0.5
    tenth,contrast,0.9

The row of strength 0 is the run's condition ``clean``. Imported by the workflow itself, so only the
headers of files are read, with the standard library.
"""

import ast
import csv
import hashlib
import json
import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from .conditions import CLEAN, RESERVED, Condition, Family
from .errors import ConfigurationError
from .names import natural
from .wording import cut, listed, shown

TABLE = "conditions.csv"
COLUMNS = ("condition", "family", "strength")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LAYER = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")  # as the configuration's schema has it
LONGEST_LAYER = 150
MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class ActivationFolder:
    """What a folder of activations holds.

    Attributes
    ----------
    path : str
    conditions : dict of str to Condition
        By the run's name, ``clean`` first, then by family and strength.
    folders : dict of str to str
        By the same names, the folder of each.
    layers : tuple of str
        That every condition has, in the order of the numbers in their names.
    """

    path: str
    conditions: dict[str, Condition]
    folders: dict[str, str]
    layers: tuple[str, ...]

    def file(self, condition: str, layer: str) -> str:
        """Return the file of a layer under a condition."""
        return str(Path(self.path, self.folders[condition], f"{layer}.npy"))

    def content(self, condition: str, layers: tuple[str, ...]) -> str:
        """Return the SHA-256 of the sizes of a condition's files."""
        sizes = {layer: Path(self.file(condition, layer)).stat().st_size for layer in layers}
        return hashlib.sha256(json.dumps(sizes).encode()).hexdigest()


def read_folder(path: str, where: str, images: dict) -> ActivationFolder:
    """Read what a folder of activations holds.

    Parameters
    ----------
    path
        The folder.
    where
        Its place in the configuration, for messages.
    images
        The run's ``images``: ``n_manifolds``, ``n_points`` and ``replicates`` are drawn from each
        file.

    Raises
    ------
    ConfigurationError
        For a folder, a table or a file that is missing or can't be read, layers that not every
        condition has, and files with too few manifolds or points.
    """
    root = Path(path)
    if not root.is_dir():
        lacking = "is no folder" if root.exists() else "does not exist"
        raise ConfigurationError(
            f"config: {where}: activations names the folder {cut(path)}, which {lacking}"
        )
    try:
        folders, conditions = _conditions(root, where)
        layers = _layers(root, folders, where)
        for folder in folders.values():
            for layer in layers:
                _require_enough(root / folder / f"{layer}.npy", images, where)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(
            f"config: {where}: need a folder of activations that can be read. {cut(path)} can't "
            f"be: {error}"
        ) from error
    return ActivationFolder(path, conditions, folders, layers)


def recorded_families(folders: list[ActivationFolder], taken: list[str]) -> list[Family]:
    """Return the families of the conditions of all folders, in their order.

    Parameters
    ----------
    folders
        Several may have conditions of one family.
    taken
        Names of the families that the run perturbs images with.

    Raises
    ------
    ConfigurationError
        For a family of the run's own, and one condition with two strengths.
    """
    families: dict[str, dict[str, Condition]] = {}
    used = {name.casefold() for name in taken}
    for one in folders:
        for condition in one.conditions.values():
            if condition.is_clean:
                continue
            if condition.family.casefold() in used:
                raise ConfigurationError(
                    f"config: {Path(one.path, TABLE)} names the family {condition.family}, with "
                    "which this run perturbs images; call it something else there"
                )
            known = families.setdefault(condition.family, {})
            first = known.setdefault(condition.name, condition)
            if first.strength != condition.strength:
                raise ConfigurationError(
                    f"config: {Path(one.path, TABLE)} gives {condition.name} the strength "
                    f"{condition.strength:g}, another network's table {first.strength:g}; give one "
                    "of the two conditions another name"
                )
    return [
        Family(
            name,
            "",
            name,
            {"name": "strength", "symbol": name, "description": "strength, as recorded"},
            {},
            tuple(sorted(known.values(), key=lambda condition: condition.strength)),
        )
        for name, known in families.items()
    ]


def _conditions(root, where):
    """By the run's names: the folders, and the conditions."""
    table = root / TABLE
    if not table.is_file():
        raise ConfigurationError(
            f"config: {where}: need the file {TABLE} in {cut(str(root))}, with the columns "
            f"{', '.join(COLUMNS)}: which folder is which condition, and of what strength"
        )
    with open(table, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
        columns = tuple(rows[0]) if rows else ()
    if not rows or not {*COLUMNS} <= {*columns}:
        raise ConfigurationError(
            f"config: {where}: need the columns {', '.join(COLUMNS)}, and a row for each "
            f"condition, in {table}. Got {listed([str(one) for one in columns]) or 'none'}."
        )
    found = {}
    for row in rows:
        condition, folder = _condition(row, table, where)
        if condition.name in found:
            named = "strength 0" if condition.is_clean else shown(folder)
            raise ConfigurationError(
                f"config: {where}: need one row of {named} in {table}. Got several."
            )
        if not (root / folder).is_dir():
            raise ConfigurationError(
                f"config: {where}: {table} names the condition {shown(folder)}, but there is no "
                f"folder {root / folder}"
            )
        found[condition.name] = (condition, folder)
    if CLEAN not in found:
        raise ConfigurationError(
            f"config: {where}: need a row of strength 0 in {table}, with which the other "
            "conditions are compared. Got none."
        )
    order = sorted(found.values(), key=lambda one: (not one[0].is_clean, one[0].strength))
    families = list(dict.fromkeys(condition.family for condition, _ in found.values()))
    order.sort(key=lambda one: (not one[0].is_clean, families.index(one[0].family)))
    folders = {condition.name: folder for condition, folder in order}
    return folders, {condition.name: condition for condition, _ in order}


def _condition(row, table, where):
    folder, family, strength = ((row[name] or "").strip() for name in COLUMNS)
    try:
        value = float(strength)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ConfigurationError(
            f"config: {where}: need a strength of at least 0 for the condition {shown(folder)} in "
            f"{table}. Got {shown(strength)}."
        )
    names = [folder] if value == 0 else [folder, family]
    for name in names:
        if not NAME.fullmatch(name):
            raise ConfigurationError(
                f"config: {where}: need conditions and families of at most 64 letters, digits, "
                f"dots, dashes and underscores, a letter or digit first, in {table}. Got "
                f"{shown(name)}."
            )
    if value == 0:
        return Condition(CLEAN), folder
    if family.casefold() in RESERVED:
        raise ConfigurationError(
            f"config: {where}: need a family other than {', '.join(RESERVED)} in {table}. Got "
            f"{family}."
        )
    return Condition(f"{family}/{folder}", family, strength=value), folder


def _layers(root, folders, where):
    """The layers that every condition has."""
    first, *others = [
        sorted(one.stem for one in (root / folder).glob("*.npy")) for folder in folders.values()
    ]
    if not first:
        folder = root / next(iter(folders.values()))
        raise ConfigurationError(
            f"config: {where}: need a .npy file for each layer in {folder}. Got none."
        )
    for folder, names in zip(list(folders.values())[1:], others, strict=True):
        differing = sorted({*first} ^ {*names})
        if differing:
            raise ConfigurationError(
                f"config: {where}: need the same layers in every condition. {root / folder} and "
                f"{root / next(iter(folders.values()))} differ in {listed(differing, 60)}."
            )
    bad = [name for name in first if not LAYER.fullmatch(name) or len(name) > LONGEST_LAYER]
    if bad:
        raise ConfigurationError(
            f"config: {where}: need layers' files named by at most {LONGEST_LAYER} letters, "
            f"digits, dashes and underscores, with dots between parts. Got {shown(bad[0])}."
        )
    return tuple(sorted(first, key=natural))


def _require_enough(path, images, where):
    shape = read_shape(path)
    if shape is None or len(shape) != 3:
        got = "no array" if shape is None else f"one of the shape {shape}"
        raise ConfigurationError(
            f"config: {where}: need an array (n_manifolds, n_points, n_features) in {path}. Got "
            f"{got}."
        )
    needed = images["n_manifolds"], images["n_points"] * images["replicates"]
    if shape[0] < needed[0] or shape[1] < needed[1]:
        raise ConfigurationError(
            f"config: {where}: need at least {needed[0]} manifolds (images.n_manifolds) of "
            f"{needed[1]} points (images.n_points x images.replicates) in {path}. Got {shape[0]} "
            f"of {shape[1]}; lower them."
        )


def read_shape(path: str | Path) -> tuple[int, ...] | None:
    """Return the shape of an array in a ``.npy`` file off its header; None where it has none.

    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp(), "a.npy")
    >>> np.save(path, np.zeros((2, 3)))
    >>> read_shape(path)
    (2, 3)
    """
    with open(path, "rb") as file:
        start = file.read(8)
        if start[:6] != MAGIC or len(start) < 8:
            return None
        size = file.read(2 if start[6] == 1 else 4)
        try:
            (length,) = struct.unpack("<H" if start[6] == 1 else "<I", size)
            shape = ast.literal_eval(file.read(min(length, 10**6)).decode("latin1"))["shape"]
            return tuple(int(one) for one in shape)
        except (struct.error, SyntaxError, ValueError, KeyError, TypeError):
            return None
