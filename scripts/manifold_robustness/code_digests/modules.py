"""A module taken apart: what it defines, what it imports, and what it does besides."""

import ast

from .words import FUNCTIONS, dotted_name

CODE = (*FUNCTIONS, ast.ClassDef)
MAIN_GUARD = ast.dump(ast.parse('__name__ == "__main__"').body[0].value)


class Module:
    """The definitions of a module, its imports, and the statements that are neither.

    Attributes
    ----------
    definitions : dict of str to list of ast.stmt
        Functions, classes and assigned constants, by name.
    imports : dict of str to (module, name or None)
    stars : list of str
        Modules of ``from x import *``.
    loads : set of str
        What its imports load.
    effects : list of ast.stmt
        Run whenever the module is imported.
    """

    def __init__(self, name: str, statements: list[ast.stmt], is_package: bool):
        self.name = name
        self._package = name if is_package else name.rpartition(".")[0]
        self.definitions, self.imports, self.effects = {}, {}, []
        self.stars, self.loads = [], set()
        self._take_apart(statements)

    def read_imports(
        self, statement: ast.Import | ast.ImportFrom
    ) -> tuple[dict[str, tuple[str, str | None]], set[str]]:
        """Return the names that an import binds, and the modules that it may load."""
        names, loads = {}, set()
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                loads.add(alias.name)
                name = alias.asname or alias.name.split(".")[0]
                names[name] = (alias.name if alias.asname else name, None)
            return names, loads
        base = statement.module or ""
        if statement.level:
            parents = self._package.split(".")
            parents = parents[: len(parents) - statement.level + 1]
            base = ".".join([*parents, *filter(None, [base])])
        loads.add(base)
        for alias in statement.names:
            if alias.name == "*":
                self.stars.append(base)
            else:
                names[alias.asname or alias.name] = (base, alias.name)
                loads.add(f"{base}.{alias.name}")
        return names, loads

    def _take_apart(self, statements):
        for statement in statements:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                names, loads = self.read_imports(statement)
                self.imports |= names
                self.loads |= loads
            elif _is_type_checking(statement):
                self._take_apart(statement.orelse)
            elif not _is_main_guard(statement):
                names = _defined(statement)
                for name in names:
                    self.definitions.setdefault(name, []).append(statement)
                if not names:
                    self.effects.append(statement)
                    self._take_imports(statement)

    def _take_imports(self, statement):
        """The imports within a ``try``, ``if`` or ``with`` at the top level."""
        for node in ast.iter_child_nodes(statement):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names, loads = self.read_imports(node)
                self.imports |= names
                self.loads |= loads
            elif not isinstance(node, (*CODE, ast.expr)):
                self._take_imports(node)


def run_at_once(statement: ast.stmt) -> list[ast.AST]:
    """Return the parts of a definition that run as its module is imported."""
    if isinstance(statement, FUNCTIONS):
        arguments = statement.args
        return [
            *statement.decorator_list,
            *arguments.defaults,
            *filter(None, arguments.kw_defaults),
        ]
    if isinstance(statement, ast.ClassDef):
        head = [*statement.decorator_list, *statement.bases, *statement.keywords]
        return head + [part for one in statement.body for part in run_at_once(one)]
    return [statement]


def _is_type_checking(statement):
    """Whether a statement is an ``if TYPE_CHECKING``, whose body never runs."""
    checks = ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    return isinstance(statement, ast.If) and dotted_name(statement.test) in checks


def _is_main_guard(statement):
    return isinstance(statement, ast.If) and ast.dump(statement.test) == MAIN_GUARD


def _defined(statement):
    """The names that a top-level statement defines, if it does nothing else."""
    if isinstance(statement, CODE):
        return [statement.name]
    if type(statement).__name__ == "TypeAlias":
        return [statement.name.id]
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return []
    names = []
    for target in targets:
        for part in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            if not isinstance(part, ast.Name):
                return []
            names.append(part.id)
    return names
