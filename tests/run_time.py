"""What really runs of our code in a job, to compare with what the code digests say.

`recorded` wraps the call of a script's ``main`` and notes every function of ours that is called;
`imported` imports scripts in a fresh process and says what that loads and calls.
"""

import ast
import importlib
import json
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PACKAGE = "manifold_robustness"
FUNCTION = 0x1  # inspect.CO_OPTIMIZED: the body of a function, not of a class or module
WORDS = {"print", "warnings.warn", "tqdm.write"}
# What the rules say that a job of the tiny experiment (tests/configs/tiny.yaml) loads by name.
DATA = "network.data_sets.digits:load,class_names"
MEASURES = ("dimensionality", "joint", "mean_field", "readout")
TOGETHER = "mean_field"  # measures replicates together too
VARIABLES = [
    f"measures.{path.stem}:DECLARATION"
    for path in sorted((SCRIPTS / PACKAGE / "measures").glob("[!_]*.py"))
]
ENTRIES = {
    "train_network": [DATA],
    "import_weights": [DATA, "network.architectures.resnet18:build"],  # tests import such weights
    "evaluate_accuracy": [DATA],
    "select_images": [DATA],
    "perturb_images": [DATA, "perturbations.gaussian:perturb"],
    "certify_smoothing": [DATA],
    "solve_geometry": [
        *(f"geometry.solvers.{name}_solver:solve" for name in ("active_set", "nnls")),
        *(f"measures.{name}:measure,DECLARATION" for name in MEASURES if name != TOGETHER),
        f"measures.{TOGETHER}:measure,measure_replicates,DECLARATION",
    ],
    "collect_geometry": VARIABLES,
    "judge_claims": VARIABLES,
    "match_families": VARIABLES,
    "compare_networks": VARIABLES,
    "verify_results": VARIABLES,
    "explore_run": VARIABLES,
    "export_run": VARIABLES,
}

# By script and circumstance ("job", "import"), then by identity: the code of our functions.
CALLED = defaultdict(dict)
OTHERS = {}  # other people's code by identity, kept so that no other code gets its identity


@contextmanager
def recorded(script):
    """Note every function of ours that is called meanwhile, as of this script."""
    codes, others, ours = CALLED[script, "job"], OTHERS, str(SCRIPTS)

    def note(frame, event, argument):
        code = frame.f_code
        if id(code) in others or id(code) in codes:
            return
        if not code.co_filename.startswith(ours):
            others[id(code)] = code
            return
        circumstance = _circumstance(frame)
        if circumstance != "words":
            CALLED[script, circumstance][id(code)] = code

    earlier = sys.gettrace(), threading.gettrace()
    sys.settrace(note)
    threading.settrace(note)
    try:
        yield
    finally:
        sys.settrace(earlier[0])
        threading.settrace(earlier[1])


def called(script, circumstance="job"):
    """Return the definitions, as (module, name), whose functions a script called."""
    codes = CALLED[script, circumstance].values()
    return {place(code) for code in codes if code.co_flags & FUNCTION}


def imported(*scripts):
    """Return, by script, the modules that its import loads and the definitions that it calls."""
    command = [sys.executable, __file__, *scripts]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {
        script: {"modules": set(found["modules"]), "called": set(map(tuple, found["called"]))}
        for script, found in json.loads(done.stdout).items()
    }


def place(code):
    """Return the module and the name of the top-level definition that holds a function's code."""
    path = Path(code.co_filename)
    for statement in _tree(path).body:
        first = min([statement, *getattr(statement, "decorator_list", [])], key=lambda n: n.lineno)
        if first.lineno <= code.co_firstlineno <= statement.end_lineno:
            return module_name(path), definition_name(statement)
    raise LookupError(code)


def module_name(path):
    parts = path.relative_to(SCRIPTS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def definition_name(statement):
    """Return the name that a top-level statement defines; that of all others where it is none."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return statement.name
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement]
    target = getattr(targets[0], "target", targets[0])
    return target.id if isinstance(target, ast.Name) else "(top level)"


def word_statements(tree):
    """Return the statements that only word or refuse: what they call needs no digest."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and is_wording(node)]


def is_wording(statement):
    if isinstance(statement, ast.Raise):
        return True
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    path = ast.unparse(statement.value.func)
    name = path.rpartition(".")[2].lstrip("_")
    return path in WORDS or path.startswith("logger.") or name.startswith("require_")


def _circumstance(frame):
    """What a call serves: an import, a statement that only words or refuses, or the job."""
    frame = frame.f_back
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(str(SCRIPTS)):
            if frame.f_code.co_name == "<module>":
                return "import"
            if frame.f_lineno in _word_lines(path):
                return "words"
        frame = frame.f_back
    return "job"


@cache
def _word_lines(path):
    statements = word_statements(_tree(Path(path)))
    return {line for one in statements for line in range(one.lineno, one.end_lineno + 1)}


@cache
def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def main():
    sys.path.insert(0, str(SCRIPTS))
    found = {}
    for script in sys.argv[1:]:
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        with recorded(script):
            importlib.import_module(script)
        modules = [name for name in sys.modules if name.split(".")[0] == PACKAGE]
        found[script] = {"modules": modules, "called": sorted(called(script, "import"))}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
