"""Code as text that is the same for the same meaning, in every version of Python."""

import ast
from collections.abc import Callable

# Fields that mean nothing, and such that mean nothing to a result.
MEANINGLESS = frozenset({"ctx", "kind", "type_comment"})
TYPES = frozenset({"annotation", "returns", "type_params"})
FIELD_KINDS = ("ClassVar", "InitVar", "KW_ONLY")
SEES_EVERYTHING = {"eval", "exec", "globals"}


class Writer:
    """Writes syntax trees: each node with its fields, but for layout.

    ``ast.dump`` and ``ast.unparse`` say the same in other words from one version of Python to the
    next.

    Examples
    --------
    >>> tree = ast.parse("x = 1  # one")
    >>> Writer().write(tree)
    "Module(body=[Assign(targets=[Name(id='x')],value=int:1)])"
    """

    ignored = MEANINGLESS

    def write(self, value: object) -> str:
        """Return a node, a list of them, or a plain value as text."""
        if isinstance(value, list):
            return f"[{','.join(filter(None, map(self.write, value)))}]"
        if not isinstance(value, ast.AST):
            return ascii(value)
        special = getattr(self, f"write_{type(value).__name__}", None)
        return special(value) if special else self.write_fields(value)

    def write_fields(self, node: ast.AST, *left_out: str) -> str:
        fields = []
        for name in node._fields:
            value = getattr(node, name, None)
            if value is None or value == [] or name in self.ignored or name in left_out:
                continue
            fields.append(f"{name}={self.write(value)}")
        return f"{type(node).__name__}({','.join(fields)})"

    def write_Constant(self, node: ast.Constant) -> str:
        return f"{type(node.value).__name__}:{node.value!a}"

    def write_JoinedStr(self, node: ast.JoinedStr) -> str:
        """An f-string; which of its constants stand apart differs between versions."""
        parts = []
        for value in node.values:
            constant = value.value if isinstance(value, ast.Constant) else None
            if isinstance(constant, str) and parts and isinstance(parts[-1], str):
                parts[-1] += constant
            elif constant != "":
                parts.append(value if constant is None else constant)
        return f"JoinedStr({self.write(parts)})"


class DefinitionWriter(Writer):
    """Writes a definition and notes what it names: imports by what they import, not where from.

    Parameters
    ----------
    find : callable
        Maps a name of the module to what it stands for: ``("definition", module, name)``,
        ``("module", name)``, ``("foreign", dotted name)``, or None for anything else. With a
        module's name besides it looks there.
    read_imports : callable
        Maps an import statement to the names that it binds and the modules that it loads.

    Attributes
    ----------
    references : list
        The targets of `find` that are ours, in the order in which they are named.
    loads : set of str
        Modules that imports inside of functions load.
    acts : bool
        Whether something other than a local variable is changed, as far as one can see.
    loads_by_name : bool
        Whether it imports modules whose names come at run time.
    """

    ignored = MEANINGLESS | TYPES

    def __init__(self, find: Callable, read_imports: Callable):
        self._find, self._read_imports = find, read_imports
        self._local, self._imports, self._in_class = frozenset(), {}, False
        self.references, self.loads = [], set()
        self.acts = self.loads_by_name = False

    def write_Name(self, node: ast.Name) -> str:
        return self._write_path(node.id, [], self._resolve(node))

    def write_Attribute(self, node: ast.Attribute) -> str:
        attributes, root = [], node
        while isinstance(root, ast.Attribute):
            attributes.append(root.attr)
            root = root.value
        if isinstance(root, ast.Name):
            return self._write_path(root.id, attributes[::-1], self._resolve(root))
        return self.write_fields(node)

    def _resolve(self, name):
        if name.id in self._imports:
            base, imported = self._imports[name.id]
            return self._find(imported, base)
        return None if name.id in self._local else self._find(name.id)

    def _write_path(self, name, attributes, target):
        """A dotted name, the part that is an import or a definition by what it is."""
        place = 0
        while target and target[0] == "module" and place < len(attributes):
            name = attributes[place]
            target = self._find(name, target[1])
            place += 1
        rest = attributes[place:]
        if target is None:
            if name in SEES_EVERYTHING and name not in self._local:
                self.references.append(("module", None))
            return ".".join([name, *rest])
        if target[0] == "foreign":
            path = ".".join([target[1], *rest])
            self.loads_by_name |= path == "importlib.import_module"
            return path
        self.references.append(target)
        return ".".join(["@" + (target[2] if target[0] == "definition" else ""), *rest])

    def write_Import(self, node: ast.Import | ast.ImportFrom) -> str:
        names, loads = self._read_imports(node)
        self._imports.update(names)
        self.loads |= loads
        return ""

    write_ImportFrom = write_Import

    def _write_function(self, node):
        """Decorators and defaults belong to the scope outside."""
        head = self.write(getattr(node, "decorator_list", [])) + self.write(node.args.defaults)
        head += "".join(self.write(one) if one else "-" for one in node.args.kw_defaults)
        outer = self._local, self._in_class
        self._enter(node)
        arguments = self.write_fields(node.args, "defaults", "kw_defaults")
        text = self.write_fields(node, "decorator_list", "args")
        self._local, self._in_class = outer
        return f"{head}{arguments}{text}"

    write_FunctionDef = write_AsyncFunctionDef = write_Lambda = _write_function

    def _write_comprehension(self, node):
        """The first iterable belongs to the scope outside."""
        first = self.write(node.generators[0].iter)
        outer = self._local
        self._local |= {
            one.id
            for generator in node.generators
            for one in ast.walk(generator.target)
            if isinstance(one, ast.Name)
        }
        text = self.write_fields(node, "generators") + first
        for generator in node.generators:
            text += self.write_fields(generator, "iter" if generator is node.generators[0] else "")
        self._local = outer
        return text

    write_ListComp = write_SetComp = write_GeneratorExp = write_DictComp = _write_comprehension

    def write_ClassDef(self, node: ast.ClassDef) -> str:
        outer, self._in_class = self._in_class, True
        text = self.write_fields(node)
        self._in_class = outer
        return text

    def write_Assign(self, node: ast.Assign) -> str:
        self._note_changes(node.targets)
        return f"Assign({self.write(node.targets)},{self.write(node.value)})"

    def write_AnnAssign(self, node: ast.AnnAssign) -> str:
        """An annotation means nothing, but that of a dataclass's field says what a field it is."""
        self._note_changes([node.target])
        if not self._in_class:
            if node.value is None:
                return ""
            return f"Assign({self.write([node.target])},{self.write(node.value)})"
        annotation = ascii([ast.dump(node.annotation)])
        kinds = [kind for kind in FIELD_KINDS if kind in annotation]
        return f"Field({self.write(node.target)},{kinds},{self.write(node.value)})"

    def write_AugAssign(self, node: ast.AugAssign) -> str:
        self._note_changes([node.target])
        return self.write_fields(node)

    def write_Delete(self, node: ast.Delete) -> str:
        self._note_changes(node.targets)
        return self.write_fields(node)

    def write_Global(self, node: ast.Global) -> str:
        self.acts = True
        return self.write_fields(node)

    def write_Expr(self, node: ast.Expr) -> str:
        if isinstance(node.value, ast.Call) and not self._is_local(node.value.func):
            self.acts = True
        return self.write_fields(node)

    def write_Raise(self, node: ast.Raise) -> str:
        """Which of our own errors refuses doesn't matter: each ends the job."""
        root = node.exc
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name):
            return "Raise()"
        target = self._resolve(root)
        ours = root.id in self._local or (target and target[0] != "foreign")
        return "Raise()" if ours else f"Raise({self.write(node.exc)})"

    def _note_changes(self, targets):
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, (ast.Attribute, ast.Subscript)) and not self._is_local(node):
                    self.acts = True

    def _is_local(self, node):
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self._local

    def _enter(self, function):
        """Take over what a function binds: its arguments, what it assigns, what it imports.

        What a ``:=`` binds is not looked for: it is then taken for a name of the module, if that
        has one, and more counts than needs to.
        """
        arguments = function.args
        bound = {
            one.arg
            for one in (
                *arguments.posonlyargs,
                *arguments.args,
                *arguments.kwonlyargs,
                *filter(None, (arguments.vararg, arguments.kwarg)),
            )
        }
        of_module = set()
        waiting = list(function.body) if isinstance(function.body, list) else []
        while waiting:
            node = waiting.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                bound.add(node.name)
                continue
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.write_Import(node)
            elif isinstance(node, ast.Name):
                bound.add(node.id)
            elif isinstance(node, ast.Global):
                of_module.update(node.names)
            elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
                bound.add(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                bound.add(node.rest)
            for field in node._fields:
                value = getattr(node, field, None)
                for part in value if isinstance(value, list) else [value]:
                    if isinstance(part, ast.AST) and (
                        not isinstance(part, ast.expr)
                        or isinstance(getattr(part, "ctx", None), (ast.Store, ast.Del))
                    ):
                        waiting.append(part)
        self._local = (self._local | bound) - of_module
        self._in_class = False
