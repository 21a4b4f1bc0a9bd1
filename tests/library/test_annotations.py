"""Public functions and methods say the types of what they take and of what they return."""

import ast

import pytest

from helpers import ROOT

PACKAGE = ROOT / "scripts" / "manifold_robustness"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def public_functions(body, inside=()):
    """Yield the path of names and the node of each public function, and method of a public class.

    What stands in an ``if`` or a ``try`` counts, what is defined inside of a function doesn't.
    """
    for node in body:
        if isinstance(node, FUNCTIONS):
            if not node.name.startswith("_"):
                yield (*inside, node.name), node
        elif isinstance(node, ast.ClassDef):
            if not node.name.startswith("_"):
                yield from public_functions(node.body, (*inside, node.name))
        elif isinstance(node, ast.stmt):
            blocks = [*getattr(node, "handlers", []), node]
            for field in ("body", "orelse", "finalbody"):
                for block in blocks:
                    yield from public_functions(getattr(block, field, []), inside)


def is_static(function):
    return any(
        isinstance(one, ast.Name) and one.id == "staticmethod" for one in function.decorator_list
    )


def lacking(function, is_method):
    """Return the parameters without an annotation, and ``return``."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if is_method and not is_static(function):
        positional = positional[1:]  # self or cls
    starred = [one for one in (arguments.vararg, arguments.kwarg) if one]
    parameters = [*positional, *arguments.kwonlyargs, *starred]
    names = [one.arg for one in parameters if one.annotation is None]
    return names if function.returns else [*names, "return"]


def unannotated(text, file):
    """Return a line ``file:function lacks ...`` for each public function that is not annotated."""
    return [
        f"{file}:{'.'.join(path)} lacks {', '.join(names)}"
        for path, function in public_functions(ast.parse(text).body)
        if (names := lacking(function, is_method=len(path) > 1))
    ]


def test_public_functions_of_the_library_are_annotated():
    files = sorted(PACKAGE.rglob("*.py"))
    assert files
    found = [
        line
        for file in files
        for line in unannotated(file.read_text(encoding="utf-8"), file.relative_to(PACKAGE))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("def f(x: int) -> int: ...", None),
        ("def f(x): ...", "f lacks x, return"),
        ("async def f(): ...", "f lacks return"),
        ("def f(x: int, /, *xs, y, **zs) -> None: ...", "f lacks y, xs, zs"),
        ("def _f(x): ...", None),
        ("class A:\n def __init__(self, x): ...", None),
        ("class A:\n def f(self, x: int) -> None: ...", None),
        ("class A:\n def f(self, x) -> None: ...", "A.f lacks x"),
        ("class A:\n @classmethod\n def f(cls) -> None: ...", None),
        ("class A:\n @staticmethod\n def f(x) -> None: ...", "A.f lacks x"),
        ("class _A:\n def f(self, x): ...", None),
        ("class A:\n class B:\n  def f(self): ...", "A.B.f lacks return"),
        ("try:\n pass\nexcept E:\n def f(): ...", "f lacks return"),
        ("def f() -> None:\n def inner(x): ...", None),
    ],
)
def test_what_is_found(text, lacks):
    assert unannotated(text, "file.py") == ([] if lacks is None else [f"file.py:{lacks}"])
