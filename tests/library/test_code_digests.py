"""Code digests: what can change a result changes them, and what can't doesn't."""

import json

import pytest

from manifold_robustness.code_digests import (
    PACKAGE,
    code_digest,
    file_digest,
    reached_definitions,
)
from manifold_robustness.code_digests.__main__ import describe, main
from manifold_robustness.code_digests.library import TOP_LEVEL
from manifold_robustness.code_digests.listing import read_listing, write_listing
from manifold_robustness.errors import ConfigurationError

# A small package with every way in which code names other code.
FILES = {
    "job.py": f"""
        import {PACKAGE}.pure
        from {PACKAGE} import tools as t
        from {PACKAGE}.part import start as begin
        from {PACKAGE}.jobs import run_job

        def main(job):
            begin(job)
            t.helper()
            return {PACKAGE}.pure.pure(2)

        if __name__ == "__main__":
            run_job(main, snakemake)
    """,
    "__init__.py": "",
    "errors.py": "class ToolError(Exception): pass\nclass OtherError(Exception): pass\n",
    "jobs.py": "def run_job(main, job):\n    main(job)\n",
    "pure.py": "def pure(x):\n    return x + 1\n\n\ndef unused():\n    return 7\n",
    "tools.py": """
        import numpy as np
        from .errors import OtherError, ToolError
        from .limits import LIMIT, MOST, REMEDY, available, require_room

        def helper(n=3):
            logger.info("helps %d", n)
            print("helps", n)
            words = f"there are {n}, {REMEDY}"
            require_room(n, available(), words)
            if n > MOST:
                worst = measure_it(n)
                raise ToolError(f"Need at most {MOST}. Got {worst}; {REMEDY}.")
            return np.sqrt(n * LIMIT)

        def measure_it(n):
            return n - 4
    """,
    "limits.py": """
        LIMIT, MOST = 5, 9
        REMEDY = "ask for less"

        def available():
            return 11

        def require_room(n, there, words):
            if n > there - margin():
                raise ToolError(words)

        def margin():
            return 13
    """,
    "part/__init__.py": "from .entry import start\n",
    "part/entry.py": """
        from .. import base
        from ..base import Base, decorate, settings as chosen

        class Derived(Base):
            size: int = 2

            @property
            def area(self):
                return self.size * area_of(self)

        def area_of(shape):
            from ..lazy import lazily
            return lazily(shape)

        @decorate
        def start(job, factor=chosen["factor"]):
            return [base.scale(one, factor) for one in Derived(job).area]
    """,
    "base.py": """
        import os
        settings = {"factor": 17}
        os.environ["THREADS"] = "1"
        try:
            import fast
        except ImportError:
            fast = None

        class Base:
            def __init__(self, job):
                self.job = job

        def decorate(function):
            return function

        def scale(x, factor):
            return x * factor if fast is None else fast.scale(x, factor)
    """,
    "loud.py": "import os\nos.environ['THREADS'] = '2'\n",
    "lazy.py": "def lazily(x):\n    return x\n",
    "plugins/__init__.py": "from importlib import import_module\n",
    "plugins/red.py": """
        TINT = 19

        def paint(x):
            return x + TINT

        def other():
            pass
    """,
}
PART = "part/entry.py"


@pytest.fixture
def digest_of(tmp_path):
    """Return the digest of the job of `FILES`, with texts replaced or files renamed."""
    made = iter(range(100))

    def digest(file=None, old="", new="", *entries, files=None):
        scripts = tmp_path / str(next(made))
        for path, text in (files or FILES).items():
            if path == file:
                assert old in text
                text = text.replace(old, new)
            target = scripts / (path if path == "job.py" else f"{PACKAGE}/{path}")
            target.parent.mkdir(parents=True, exist_ok=True)
            lines = text.strip("\n").splitlines()
            indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
            target.write_text("\n".join(line[indent:] for line in lines) + "\n")
        digest.scripts = scripts
        return code_digest("job", *entries, scripts=scripts)

    return digest


# What can change a result.


CHANGES = [
    ("pure.py", "x + 1", "x + 2"),
    ("pure.py", "x + 1", "x - 1"),
    ("job.py", "pure(2)", "pure(3)"),
    ("job.py", "begin(job)", "begin(job.input)"),
    ("tools.py", "n=3", "n=4"),
    ("tools.py", "np.sqrt", "np.square"),
    ("tools.py", "import numpy as np", "import scipy as np"),
    ("tools.py", "import numpy as np\n", "import torch as np\n"),
    ("tools.py", "n * LIMIT", "n"),
    ("tools.py", "n * LIMIT", "n * MOST"),
    ("tools.py", "n > MOST", "n >= MOST"),
    ("tools.py", "raise ToolError(", "return ("),
    ("tools.py", "raise ToolError(", "raise KeyError("),  # which a handler may take for a result
    ("tools.py", 'print("helps", n)', 'print("helps", n, file=job)'),
    ("limits.py", "= 5, 9", "= 5, 8"),
    (PART, "size: int = 2", "size: int = 3"),
    (PART, "size: int", "size: ClassVar[int]"),
    (PART, "Derived(Base)", "Derived"),
    (PART, "@property", "@cached_property"),
    (PART, "@decorate", "@base.Base"),
    (PART, "    @decorate\n", "    \n"),
    (PART, 'chosen["factor"]', 'chosen["other"]'),
    (PART, "for one in Derived", "for one in base.Base"),
    ("base.py", "17", "18"),
    ("base.py", 'THREADS"] = "1"', 'THREADS"] = "2"'),
    ("base.py", "fast = None", "fast = 0"),
    ("base.py", "self.job = job", "self.job = [job]"),
    ("base.py", "return function", "return print"),
    ("base.py", "x * factor if", "factor * x if"),
    ("lazy.py", "return x", "return [x]"),
    ("part/__init__.py", "from .entry import start", "from ..pure import pure as start"),
]


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_what_can_change_a_result_counts(digest_of, change):
    assert digest_of(*change) != digest_of()


def test_what_is_loaded_by_name_counts_where_it_is_an_entry(digest_of):
    red = "plugins.red"
    plain = digest_of()
    assert digest_of("plugins/red.py", "19", "20") == plain
    whole, part = digest_of(None, "", "", red), digest_of(None, "", "", f"{red}:paint")
    assert len({plain, whole, part}) == 3
    assert digest_of("plugins/red.py", "19", "20", f"{red}:paint") != part
    assert digest_of("plugins/red.py", "pass", "return 1", f"{red}:paint") == part
    assert digest_of("plugins/red.py", "pass", "return 1", red) != whole
    assert digest_of(None, "", "", f"{red}:paint,other") == whole


def test_the_order_of_entries_does_not_count(digest_of):
    entries = ["plugins.red:paint", "pure:unused"]
    assert digest_of(None, "", "", *entries) == digest_of(None, "", "", *entries[::-1])


@pytest.mark.parametrize("entry", ["plugins.green", "plugins.red:draw"])
def test_an_entry_that_is_not_there_is_an_error(digest_of, entry):
    with pytest.raises(ConfigurationError, match=r"Got (green|plugins.green|draw)\."):
        digest_of(None, "", "", entry)


def test_a_script_that_is_not_there_is_an_error():
    with pytest.raises(ConfigurationError, match=r"solve_geometry.*Got solve_geometri\."):
        code_digest("solve_geometri")


def test_of_two_functions_of_one_name_the_one_that_is_called_counts(digest_of):
    """Both are reached from `main`, whichever of them `lazily` calls."""
    lazy = "from .twin import pure\n\n\ndef lazily(x):\n    return pure(x)\n"
    job = FILES["job.py"].replace("t.helper()", f"t.helper({PACKAGE}.twin.pure(1))")
    twin = FILES["pure.py"].replace("x + 1", "x + 100")
    files = {**FILES, "lazy.py": lazy, "job.py": job, "twin.py": twin}
    one = digest_of(files=files)
    reached = reached_definitions("job", scripts=digest_of.scripts)
    assert "pure" in reached[f"{PACKAGE}.pure"] and "pure" in reached[f"{PACKAGE}.twin"]
    assert digest_of("lazy.py", ".twin", ".pure", files=files) != one


@pytest.mark.parametrize(
    "use",
    [
        "getattr(pure, name)",
        "vars(pure)",
        "run(pure)",
        "[m.unused for m in (pure,)]",
    ],
)
def test_all_of_a_module_that_is_passed_around_counts(digest_of, use):
    files = {**FILES, "lazy.py": f"from . import pure\n\n\ndef lazily(name):\n    return {use}\n"}
    plain = digest_of(files=files)
    assert digest_of("pure.py", "return 7", "return 8", files=files) != plain


@pytest.mark.parametrize("use", ["globals()[name]()", "eval(name)"])
def test_all_of_a_module_that_looks_into_itself_counts(digest_of, use):
    lazy = f"def lazily(name):\n    return {use}\n\n\ndef unnamed():\n    return 1\n"
    files = {**FILES, "lazy.py": lazy}
    plain = digest_of(files=files)
    assert digest_of("lazy.py", "return 1", "return 2", files=files) != plain


def test_star_imports_are_followed(digest_of):
    files = {**FILES, "lazy.py": "from .pure import *\n\n\ndef lazily(x):\n    return unused()\n"}
    plain = digest_of(files=files)
    assert digest_of("pure.py", "return 7", "return 8", files=files) != plain


def test_a_module_that_makes_up_its_names_counts(digest_of):
    dynamic = "def __getattr__(name):\n    return 1\n"
    lazy = "from . import dynamic\n\n\ndef lazily(x):\n    return dynamic.anything\n"
    files = {**FILES, "dynamic.py": dynamic, "lazy.py": lazy}
    plain = digest_of(files=files)
    assert digest_of("dynamic.py", "return 1", "return 2", files=files) != plain


def test_what_the_package_of_an_imported_module_does_counts(digest_of):
    loud = FILES["loud.py"]
    lazy = "def lazily(x):\n    from .deep.inner import inner\n    return inner(x)\n"
    inner = "def inner(x):\n    return x\n"
    files = {**FILES, "deep/__init__.py": loud, "deep/inner.py": inner, "lazy.py": lazy}
    plain = digest_of(files=files)
    assert digest_of("deep/__init__.py", "'2'", "'3'", files=files) != plain


def test_what_registers_itself_as_it_is_imported_counts(digest_of):
    register = "def register(function):\n    KNOWN.append(function)\n    return function\n"
    lazy = f"KNOWN = []\n\n\n{register}\n\n@register\ndef hidden():\n    return 1\n\n\n"
    lazy += "def lazily(x):\n    return KNOWN[0]()\n"
    files = {**FILES, "lazy.py": lazy}
    plain = digest_of(files=files)
    assert digest_of("lazy.py", "return 1", "return 2", files=files) != plain


@pytest.mark.parametrize(
    ("arguments", "body", "hidden"),
    [
        ("x", "unused = x; return unused", True),
        ("x, unused", "return unused", True),
        ("x", "return [unused for unused in x]", True),
        ("x", "return lambda unused: unused", True),
        ("x", "return [unused for unused in unused()]", False),
        ("x", "global unused; unused = unused(); return unused", False),
        ("x", "return [unused for x in x]", False),
        ("x=unused()", "return x", False),
    ],
)
def test_a_local_variable_hides_what_has_its_name(digest_of, arguments, body, hidden):
    lazy = f"from .pure import unused\n\n\ndef lazily({arguments}):\n    {body}\n"
    files = {**FILES, "lazy.py": lazy}
    plain = digest_of(files=files)
    assert (digest_of("pure.py", "return 7", "return 8", files=files) == plain) == hidden


# What can't.


SAME = [
    ("pure.py", "def pure(x):\n", 'def pure(x):\n    """Say what."""\n'),
    ("pure.py", "def pure", "# a comment\n\n\ndef pure"),
    ("pure.py", "return x + 1", "return (\n        x  # one\n        + 1\n    )"),
    ("pure.py", "def pure(x)", "def pure(x: float) -> float"),
    ("pure.py", "return 7", "return 8"),
    ("pure.py", "def unused", "def renamed"),
    ("tools.py", "helps %d", "does help with %d"),
    ("tools.py", "logger.info", "logger.warning"),
    ("tools.py", 'print("helps", n)', "pass"),
    ("tools.py", "there are", "one counts"),
    ("tools.py", "require_room(n, available(), words)", "require_room(n, 2 * available(), n)"),
    ("tools.py", "Need at most {MOST}. Got {worst}", "Too many: {worst}"),
    ("tools.py", "worst = measure_it(n)", "worst = measure_it(2 * n)"),
    ("tools.py", "raise ToolError", "raise OtherError"),
    ("tools.py", "n - 4", "n - 5"),
    ("tools.py", "import numpy as np", "import os\n        import numpy as np"),
    ("limits.py", "ask for less", "ask for nothing"),
    ("limits.py", "return 11", "return 12"),
    ("limits.py", "return 13", "return 14"),
    ("limits.py", "there - margin()", "there"),
    ("jobs.py", "main(job)", "print(main(job))"),
    ("job.py", "run_job(main, snakemake)", "run_job(main, snakemake, 1)"),
    ("job.py", "start as begin", "start as begin, pure"),
    (PART, "size: int", "size: float"),
    (PART, "from .. import base\n", f"import {PACKAGE}.base as base\n"),
    (
        PART,
        "    from .. import base\n",
        "    if TYPE_CHECKING:\n            from .. import loud\n        from .. import base\n",
    ),
    ("plugins/red.py", "19", "20"),
]


@pytest.mark.parametrize("change", SAME, ids=range(len(SAME)))
def test_what_only_words_or_is_not_reached_does_not_count(digest_of, change):
    assert digest_of(*change) == digest_of()


@pytest.mark.parametrize(
    ("body", "old", "new", "same"),
    [
        ("if x > 1: logger.info(x)", "1", "2", True),
        ("if x > f(1): logger.info(x)", "1", "2", False),  # who knows what f does
        ("if x > 1: logger.info(x)\n    else: x = 2", "1", "2", False),
        ("if x: y = 'one'\n    else: y = 'two'\n    require_it(y)", "two", "three", True),
        ("if x > 1: y = 'one'\n    else: y = 'two'\n    require_it(y)", "1", "2", True),
        ("y = f(1)\n    require_it(y)", "1", "2", False),
        ("y = 1\n    require_it(y)\n    eval(x)", "1", "2", False),
        ("if x:\n        y = f(1)\n        raise NoError(y)", "1", "2", True),
        (
            "if x:\n        y = f(1)\n        raise KeyError(y)",
            "1",
            "2",
            False,
        ),  # a handler may go on
        ("y = 1\n    logger.info(y := x)", "1", "2", False),
        ("for y in f(1): logger.info(y)", "1", "2", False),
        ("try: f(x)\n    except KeyError: logger.info(1)", "1", "2", True),
        ("try: require_it(1)\n    except ToolError: x = 2", "1", "3", False),
        ("try: y = int(1); logger.info(y)\n    except ValueError: x = 2", "1", "3", False),
        ("try: x = 2\n    finally: require_it(1)", "1", "3", True),
        ("assert x, f(1)", "1", "2", True),
        ("assert x > 1", "1", "2", False),
        ("logger.info(x).f(1)", "1", "2", False),
        ("file.print(1)", "1", "2", False),
    ],
)
def test_what_words_leave_behind(digest_of, body, old, new, same):
    """What else than words there is stays; what was there for the words alone goes with them."""
    error = "from .errors import ToolError as NoError\n\n\n"
    files = {**FILES, "lazy.py": f"{error}def lazily(x):\n    {body}\n    return x\n"}
    plain = digest_of(files=files)
    assert (digest_of("lazy.py", old, new, files=files) == plain) == same


def test_names_of_imports_do_not_count(digest_of):
    files = {**FILES, "tools.py": FILES["tools.py"].replace("np.sqrt", "sqrt")}
    files["tools.py"] = files["tools.py"].replace("import numpy as np", "from numpy import sqrt")
    files["job.py"] = FILES["job.py"].replace("tools as t", "tools").replace("t.help", "tools.help")
    assert digest_of(files=files) == digest_of()


def test_a_move_of_a_function_does_not_count(digest_of):
    moved = FILES["pure.py"].partition("\n\n\n")[0]
    files = {**FILES, "pure.py": FILES["pure.py"].removeprefix(moved), "lazy.py": ""}
    files["other.py"] = f"{FILES['lazy.py']}\n\n{moved}\n"
    files["job.py"] = FILES["job.py"].replace(f"{PACKAGE}.pure", f"{PACKAGE}.other")
    files[PART] = FILES[PART].replace("..lazy", "..other")
    assert digest_of(files=files) == digest_of()


def test_a_rename_of_modules_and_folders_does_not_count(digest_of):
    files = {
        name.replace("base.", "zero.").replace("part/", "area/"): text.replace(
            "import base", "import zero as base"
        )
        .replace("..base", "..zero")
        .replace(".part", ".area")
        for name, text in FILES.items()
    }
    assert files.keys() != FILES.keys() and digest_of(files=files) == digest_of()


def test_a_user_s_file_has_a_digest_of_its_own(tmp_path):
    texts = [
        "x = 1\n",
        '"""A network."""\nx = (1)  # one\n',
        "x = 2\n",
        "import os\nx = 1\n",
        "x = 1\nprint('hi')\n",
    ]
    paths = [tmp_path / f"{i}.py" for i in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    first, commented, *others = map(file_digest, paths)
    assert first == commented and len(first) == 16
    assert len({first, *others}) == 4


# For people.


def test_a_listing_says_what_changed(tmp_path, digest_of):
    digest_of()
    path, rules = tmp_path / "logs/code.json", {"paint": ["job", "plugins.red:paint"]}
    write_listing(path, rules, scripts=digest_of.scripts)
    found = read_listing(path)["paint"]
    assert (found["script"], found["entries"]) == ("job", ["plugins.red:paint"])
    names = found["definitions"]
    assert set(names[f"{PACKAGE}.plugins.red"]) == {"TINT", "paint"}
    assert set(names[f"{PACKAGE}.base"]) == {TOP_LEVEL, "settings", "Base", "decorate", "scale"}
    assert "unused" not in names[f"{PACKAGE}.pure"] and f"{PACKAGE}.jobs" not in names
    assert read_listing(tmp_path / "nothing") == {}


def test_one_can_ask_why(tmp_path):
    rule, path = "solve_geometry", tmp_path / "code.json"
    assert "No finished run" in describe(rule)
    write_listing(path, {rule: [rule, "geometry.solvers.nnls_solver"]})
    assert "none of them changed" in describe(rule, str(path))
    listing = json.loads(path.read_text())
    module = f"{PACKAGE}.geometry.solvers.nnls_solver"
    listing[rule]["definitions"][module] = {"solve": "other", "old": "hash"}
    path.write_text(json.dumps(listing))
    text = describe(rule, str(path))
    assert "Since the last finished run: 1 changed, 1 gone." in text
    assert "changed: solve of geometry.solvers.nnls_solver" in text


def test_asking_for_a_rule_that_is_not_there_says_so(capsys):
    main(["solve_geometry"])
    assert "geometry.solvers.active_set_solver" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="make why: Need a script"):
        main(["solve"])
