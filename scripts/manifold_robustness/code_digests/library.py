"""The library as definitions that name each other, and what a job reaches of them."""

import ast
import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigurationError
from .modules import CODE, Module, run_at_once
from .syntax import DefinitionWriter
from .words import drop_words

PACKAGE = __name__.split(".")[0]
TOP_LEVEL, EVERYTHING = "(top level)", "(everything)"


class Node(NamedTuple):
    """A definition: its module, and its name there."""

    module: str
    name: str


class Definition(NamedTuple):
    """What is known of a definition: a hash of its own code, and what it names and loads."""

    own: str
    references: tuple[Node, ...]
    loads: frozenset[str]
    acts: bool
    loads_by_name: bool


class Library:
    """The package in a folder of scripts, and those scripts: each module is read when needed.

    Parameters
    ----------
    scripts : path
    """

    def __init__(self, scripts: str | Path):
        self.paths = {path.stem: path for path in sorted(Path(scripts).glob("*.py"))}
        for folder, folders, files in os.walk(Path(scripts, PACKAGE)):
            folders[:] = [name for name in folders if name.isidentifier()]
            package = ".".join(Path(folder).relative_to(scripts).parts)
            for file in files:
                if file.endswith(".py"):
                    stem = file.removesuffix(".py")
                    name = package if stem == "__init__" else f"{package}.{stem}"
                    self.paths[name] = Path(folder, file)
        # Each is asked for again and again, by every rule.
        self.module, self.find = cache(self.module), cache(self.find)
        self.definition, self.acts = cache(self.definition), cache(self.acts)
        self._imported, self._run_on_import = cache(self._imported), cache(self._run_on_import)

    def module(self, name: str) -> Module:
        """Return a module of the package, or a script, by its dotted name."""
        path = self.paths[name]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        return Module(name, tree.body, path.name == "__init__.py")

    def find(
        self, name: str | None, module: str, seen: frozenset = frozenset()
    ) -> tuple[str, ...] | None:
        """Return what a name of a module stands for, as a writer takes it; None is the module."""
        if module not in self.paths:
            if module.split(".")[0] == PACKAGE:
                return None  # a folder without code, or an import that would fail
            return "foreign", module if name is None else f"{module}.{name}"
        if name is None:
            return "module", module
        if (module, name) in seen:
            return None
        seen |= {(module, name)}
        there = self.module(module)
        if name in there.definitions:
            return "definition", module, name
        if name in there.imports:
            base, imported = there.imports[name]
            return self.find(imported, base, seen)
        if f"{module}.{name}" in self.paths:
            return "module", f"{module}.{name}"
        for base in there.stars:
            found = self.find(name, base, seen) if base in self.paths else None
            if found:
                return found
        if "__getattr__" in there.definitions:
            return "definition", module, "__getattr__"
        return None

    def definition(self, node: Node) -> Definition:
        """Return what is known of a definition."""
        module = self.module(node.module)
        if node.name == EVERYTHING:
            return self._everything(module)
        statements = module.effects if node.name == TOP_LEVEL else module.definitions[node.name]
        writer = self._writer(module)
        text = "".join(map(writer.write, drop_words(statements)))
        return Definition(
            hash_text(text),
            self._references(writer, module),
            frozenset(writer.loads),
            writer.acts,
            writer.loads_by_name,
        )

    def reach(self, roots: Iterable[Node]) -> tuple[set[Node], set[Node], set[str]]:
        """Return what is reached from some definitions.

        Returns
        -------
        definitions : set of Node
            The roots, what they name, what that names, and so on; and what importing runs.
        imported : set of Node
            Those of them that run because a module is imported.
        modules : set of str
            That are imported.
        """
        found, imported, modules, waiting = set(), set(), set(), list(roots)
        while waiting:
            node = waiting.pop()
            if node in found:
                continue
            found.add(node)
            known = self.definition(node)
            waiting += known.references
            for module in {node.module, *known.loads} - modules:
                for loaded in self._imported(module) - modules:
                    modules.add(loaded)
                    imported.update(self._run_on_import(loaded))
                    waiting += self._run_on_import(loaded)
        return found, imported, modules

    def digest(self, roots: Iterable[Node]) -> str:
        """Return a digest of what is reached, which knows no module's name.

        The definitions are numbered in the order in which they are met. What each names is in the
        digest as numbers: so another function of the same name is another reference.
        """
        roots = list(roots)
        _, imported, _ = self.reach(roots)
        order = self._in_order(roots) + self._in_order(imported)
        numbers = {node: number for number, node in enumerate(dict.fromkeys(order))}
        digest, waiting = hashlib.sha256(), list(numbers)
        for node in waiting:  # grows
            known = self.definition(node)
            for reference in known.references:
                if reference not in numbers:
                    numbers[reference] = len(numbers)
                    waiting.append(reference)
            named = ",".join(str(numbers[reference]) for reference in known.references)
            digest.update(f"{known.own}:{named};".encode())
        return digest.hexdigest()[:16]

    def roots(self, script: str, entries: Iterable[str] = ()) -> list[Node]:
        """Return where a script starts: ``main``, and what it loads by name."""
        if script not in self.paths or "main" not in self.module(script).definitions:
            scripts = sorted(name for name in self.paths if name.split(".")[0] != PACKAGE)
            raise ConfigurationError(
                f"Need a script with a function main, out of {', '.join(scripts)}. Got {script}."
            )
        return [Node(script, "main"), *(node for one in entries for node in self._entry(one))]

    def plugins(self, script: str) -> list[str]:
        """Return the entries that a script may load by name: the modules beside each loader."""
        found = []
        while True:
            definitions, _, _ = self.reach(self.roots(script, found))
            loaders = {node.module for node in definitions if self.definition(node).loads_by_name}
            folders = {Path(self.paths[name]).parent for name in loaders}
            entries = sorted(
                name.partition(".")[2]
                for name, path in self.paths.items()
                if path.parent in folders and path.stem != "__init__"
            )
            if entries == found:
                return found
            found = entries

    def acts(self, node: Node) -> bool:
        """Return whether a definition, or what it names, changes more than its own variables."""
        found, waiting = set(), [node]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                known = self.definition(one)
                if known.acts:
                    return True
                waiting += known.references
        return False

    def _entry(self, entry):
        name, _, wanted = entry.partition(":")
        module = f"{PACKAGE}.{name}"
        if module not in self.paths:
            raise ConfigurationError(f"Need a module of {PACKAGE}. Got {name}.")
        definitions = self.module(module).definitions
        names = (
            wanted.split(",")
            if wanted
            else [name for name, (first, *_) in definitions.items() if isinstance(first, CODE)]
        )
        for name in names:
            if name not in definitions:
                raise ConfigurationError(f"Need a definition of {module}. Got {name}.")
        return [Node(module, name) for name in names]

    def _in_order(self, nodes):
        return sorted(nodes, key=lambda node: self.definition(node).own)

    def _writer(self, module):
        def find(name, base=None):
            return self.find(name, base or module.name)

        return DefinitionWriter(find, module.read_imports)

    def _references(self, writer, module):
        return tuple(
            Node(target[1] or module.name, EVERYTHING)
            if target[0] == "module"
            else Node(target[1], target[2])
            for target in writer.references
        )

    def _everything(self, module):
        """What a module holds that is passed around as an object, or seen by ``getattr``."""
        targets = [("definition", module.name, name) for name in module.definitions]
        targets += [self.find(name, base) for base, name in module.imports.values()]
        writer = self._writer(module)
        targets += [("module", base) for base in module.stars if base in self.paths]
        writer.references = [one for one in targets if one and one[0] != "foreign"]
        references = dict.fromkeys(self._references(writer, module))
        references.pop(Node(module.name, EVERYTHING), None)
        plain = [one for one in references if one.name != EVERYTHING]
        others = [one for one in references if one.name == EVERYTHING]
        references = tuple(self._in_order(plain) + others)
        return Definition(EVERYTHING, references, frozenset(), False, False)

    def _imported(self, module):
        """A module with its parents, and all that they import at their top level."""
        found, waiting = set(), [module]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            if name in self.paths:
                found.add(name)
                waiting += self.module(name).loads
            parent = name.rpartition(".")[0]
            if parent.split(".")[0] == PACKAGE:
                waiting.append(parent)
        return found

    def _run_on_import(self, module):
        """The statements of a module that are no definition, and definitions that change things.

        A decorator or the value of a constant runs with the import too. It counts where it calls
        code of ours that changes something: one that registers what it decorates, say.
        """
        there = self.module(module)
        nodes = [Node(module, TOP_LEVEL)] if drop_words(there.effects) else []
        for name, statements in there.definitions.items():
            parts = [part for statement in statements for part in run_at_once(statement)]
            if not any(isinstance(n, ast.Call) for part in parts for n in ast.walk(part)):
                parts = [p for s in statements for p in getattr(s, "decorator_list", ())]
            writer = self._writer(there)
            writer.write(parts)
            if any(map(self.acts, self._references(writer, there))):
                nodes.append(Node(module, name))
        return nodes


def hash_text(text: str) -> str:
    """Return 16 hexadecimal digits of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
