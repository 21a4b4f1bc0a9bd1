"""What of the code only words an error, a log line or a refusal: it is left out of digests.

No result depends on it, and whoever mends a sentence should not have to train a network again.
"""

import ast
import builtins

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BINDING = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
BLOCKS = ("body", "orelse", "finalbody")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
LOGGERS = {"logger", "logging"}
# Calls that change nothing: what is computed with them and never read can go.
QUIET_FUNCTIONS = {
    *("abs", "all", "any", "bool", "dict", "enumerate", "float", "format", "int", "isinstance"),
    *("len", "list", "max", "min", "range", "repr", "round", "set", "sorted", "str", "sum"),
    *("tuple", "type", "zip"),
}
QUIET_METHODS = {
    *("capitalize", "endswith", "format", "items", "join", "keys", "lower", "lstrip", "partition"),
    *("removeprefix", "removesuffix", "rpartition", "rsplit", "rstrip", "split", "startswith"),
    *("strip", "title", "upper", "values"),
}
# Functions that see local variables without naming them.
LOOKERS = {"eval", "exec", "locals", "vars"}


def drop_words(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements without what only words; those that stay are changed in place.

    Left out are

    - docstrings and other constants that stand alone;
    - arguments and cause of a ``raise`` (that it raises stays), the message of an ``assert``;
    - statements that log or print on the screen: ``logger.info(...)``, ``print(...)``,
      ``warnings.warn(...)``, ``tqdm.write(...)``;
    - statements that call a function named ``require_...``, which only refuses by the rule of this
      project: it returns nothing and changes nothing;
    - within functions, an ``if`` in which nothing is left;
    - local variables that nothing reads any more, where working out their values changes nothing
      or is followed by a refusal.

    In the body of a ``try`` with handlers, where an error may have a result, the last three and
    calls of ``require_...`` stay.

    Examples
    --------
    >>> tree = ast.parse('''
    ... def root(x):
    ...     "Return the square root."
    ...     if x < 0:
    ...         shown = f"{x:g}"
    ...         raise GeometryError(f"Need x >= 0. Got {shown}.")
    ...     return x**0.5
    ... ''')
    >>> print(ast.unparse(drop_words(tree.body)[0]))
    def root(x):
        if x < 0:
            raise GeometryError
        return x ** 0.5
    """
    return _without_words(statements)[0]


def is_silent(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, another constant, or ``pass``."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def dotted_name(expression: ast.expr | None) -> str:
    """Return a dotted name as text; an empty one for anything else."""
    names = []
    while isinstance(expression, ast.Attribute):
        names.append(expression.attr)
        expression = expression.value
    if not isinstance(expression, ast.Name):
        return ""
    return ".".join([expression.id, *reversed(names)])


def _without_words(statements, is_tried=False):
    """The statements that are left, and whether any left that read a variable."""
    kept, lost = [], False
    for statement in statements:
        inside = _in_blocks(statement, _without_words, is_tried)
        if inside and isinstance(statement, FUNCTIONS):
            _drop_unread(statement)
        lost |= inside
        if isinstance(statement, ast.Raise):
            statement.exc, statement.cause = _raised(statement.exc), None
            lost = True
        elif isinstance(statement, ast.Assert) and statement.msg:
            statement.msg, lost = None, True
        if is_silent(statement):
            continue
        if _is_wording(statement) or (_requires(statement) and not is_tried):
            lost = True
            continue
        kept.append(statement)
    return kept, lost


def _in_blocks(statement, change, is_tried):
    """Change every block of a statement; whether that changed anything."""
    changed = False
    has_handlers = bool(getattr(statement, "handlers", ()))
    for part in [statement, *getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]:
        for name in BLOCKS:
            block = getattr(part, name, None)
            if block:
                tried = is_tried or (has_handlers and block is statement.body)
                block, changed_there = change(block, tried)
                setattr(part, name, block)
                changed |= changed_there
    return changed


def _drop_unread(function):
    """Drop the local variables of a function that nothing reads, one after the other."""
    changed = True
    while changed:
        read = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                read.add(node.id)
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                read.update(node.names)
        if read & LOOKERS:
            return
        function.body, changed = _without_unread(function.body, read)


def _without_unread(statements, read, is_tried=False):
    if is_tried:
        return statements, False
    kept, refuses = [], bool(statements) and _refuses(statements[-1])
    changed = False
    for statement in statements:
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            kept.append(statement)
            continue
        changed |= _in_blocks(
            statement, lambda block, tried: _without_unread(block, read, tried), False
        )
        names = _assigned(statement)
        unread = bool(names) and not names & read and (refuses or _is_quiet(statement.value))
        if unread or _is_empty(statement):
            changed = True
            continue
        kept.append(statement)
    return kept, changed


def _assigned(statement):
    """The local variables that a statement assigns, if it does nothing else."""
    if isinstance(statement, ast.Assign):
        targets = list(statement.targets)
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)) and statement.value:
        targets = [statement.target]
    else:
        return set()
    names = set()
    while targets:
        target = targets.pop()
        if isinstance(target, (ast.Tuple, ast.List)):
            targets += target.elts
        elif isinstance(target, ast.Starred):
            targets.append(target.value)
        elif isinstance(target, ast.Name):
            names.add(target.id)
        else:
            return set()
    return names


def _raised(expression):
    """The class that is raised, where it is named: which handler takes it depends on it."""
    if isinstance(expression, ast.Call):
        expression = expression.func
    return expression if dotted_name(expression) else None


def _refuses(statement):
    """Whether a statement raises an error that no handler takes for a result."""
    if not isinstance(statement, ast.Raise) or statement.exc is None:
        return False
    return not hasattr(builtins, dotted_name(statement.exc))


def _is_wording(statement):
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    call = statement.value
    if _binds(call):
        return False
    path = dotted_name(call.func).split(".")
    if path == ["print"]:
        return all(_shows(keyword) for keyword in call.keywords)
    if path[0] in LOGGERS:
        return path[-1] in LEVELS
    return path in (["warnings", "warn"], ["tqdm", "write"])


def _requires(statement):
    """Whether a statement only refuses."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or _binds(call):
        return False
    return dotted_name(call.func).rpartition(".")[2].lstrip("_").startswith("require_")


def _binds(expression):
    """Whether an expression binds a name or waits: then it is more than its value."""
    return any(isinstance(node, BINDING) for node in ast.walk(expression))


def _shows(keyword):
    """Whether ``print`` with this keyword prints on the screen, not into a file."""
    return keyword.arg in ("sep", "end", "flush") or (
        keyword.arg == "file" and dotted_name(keyword.value) in ("sys.stderr", "sys.stdout")
    )


def _is_empty(statement):
    """Whether nothing is left of an ``if``, and asking its question changes nothing."""
    return (
        isinstance(statement, ast.If)
        and not statement.body
        and not statement.orelse
        and _is_quiet(statement.test)
    )


def _is_quiet(expression):
    """Whether working out an expression changes nothing, as far as one can see."""
    for node in ast.walk(expression):
        if isinstance(node, BINDING):
            return False
        if isinstance(node, ast.Call):
            function = node.func
            quiet = (isinstance(function, ast.Name) and function.id in QUIET_FUNCTIONS) or (
                isinstance(function, ast.Attribute) and function.attr in QUIET_METHODS
            )
            if not quiet:
                return False
    return True
