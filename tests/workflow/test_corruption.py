"""Whatever happens to a finished run's files: the next run ends as a clean one, or says which file.

Two things at a time are done to a finished tiny run: files of any stage are exchanged, copied over
each other, cut short, changed in one bit, replaced by those of another run, removed, or given
another date; the configuration is edited; Snakemake's records are removed. Then the workflow runs.
The same holds for what people do by hand (the cases by name).

Other cases are drawn with ``pytest --hypothesis-seed=7 -m long tests/workflow/test_corruption.py``.
"""

import os
import re
import shutil
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from helpers import flip_bit
from manifold_robustness.files.metrics import read_metrics, write_metrics
from manifold_robustness.files.stamps import read_origin
from manifold_robustness.lineage import Origin
from manifold_robustness.network.weights import load_network, save_weights
from sharing import make_once
from workflow.conftest import Experiment, copy_project

EDITS = {  # of the tiny configuration, by name
    "epochs": lambda config: config["training"].update(epochs=3),
    "seed": lambda config: config.update(seed=7),
    "points": lambda config: config["images"].update(n_points=5),
    "probes": lambda config: config["geometry"].update(n_gaussian_vectors=25),
    "strength": lambda config: config["perturbations"][0]["strengths"].append(0.2),
    "layer": lambda config: config["geometry"].update(layers=["head"]),
    "clip": lambda config: config["perturbations"][0].update(clip=False),
    "figure": lambda config: config["figures"].update(accuracy={"size": [5, 3]}),
}
PERTURBED = ("gaussian/sigma-0.1", "gaussian/sigma-0.5")
CONDITIONS, SOLVED = ("clean", *PERTURBED), ("input", "head")
WEIGHTS = "small/weights"
# Intermediate files that nothing needs any more may be removed, to save space.
REMOVABLE = (
    *(f"{WEIGHTS}/{name}" for name in ("layers.json", "history.csv")),
    "small/images/",
    *(f"small/activations/{condition}/{layer}" for condition in CONDITIONS for layer in SOLVED),
)
DATES = {"old": 10**9, "new": 2 * 10**9}  # seconds: in 2001 and in 2033
OFTEN = settings(
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a case takes up to half a minute: none is shrunk
    suppress_health_check=list(HealthCheck),
)


def results(experiment):
    """The files of results by name, without logs."""
    base = experiment.result("")
    return {
        str(path.relative_to(base)): path
        for path in sorted(base.rglob("*"))
        if path.is_file() and "logs" not in path.relative_to(base).parts
    }


@dataclass
class Runs:
    """Finished runs: the clean one, one of another seed, and of each edited configuration."""

    factory: pytest.TempPathFactory

    def of(self, edit=None):
        """Return the finished run of an edit of the configuration, made once in all processes."""
        if edit is None:
            return Experiment(
                make_once(self.factory, "finished", lambda folder: copy_project(folder).succeed())
            )

        def make(folder):
            experiment = copy_project(folder)
            experiment.configure(EDITS[edit])
            experiment.succeed()

        return Experiment(make_once(self.factory, f"edited-{edit}", make))


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory)


class Broken:
    """A copy of the finished run to which things are done."""

    def __init__(self, runs, folder):
        shutil.copytree(runs.of().root, folder, dirs_exist_ok=True, symlinks=True)
        self.runs, self.experiment, self.edit = runs, Experiment(folder), None
        self.touched = set()  # what a refusal may name
        self.removed = set()  # what need not be there in the end

    def path(self, name):
        self.touched.add(name)
        return self.experiment.result(name)

    def write(self, name, content, keep_date):
        path = self.path(name)
        before = path.stat() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if keep_date and before:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def do(self, what, *arguments):
        getattr(self, what)(*arguments)

    def swap(self, one, other, keep_date):
        contents = [self.read(name) for name in (one, other)]
        for name, content in zip((other, one), contents, strict=True):
            self.write(name, content, keep_date)

    def copy(self, one, other, keep_date):
        self.write(other, self.read(one), keep_date)

    def truncate(self, name, share, keep_date):
        content = self.read(name)
        self.write(name, content[: int(share * len(content))], keep_date)

    def flip(self, name, share, bit, keep_date):
        content = self.read(name)
        if content:
            place = min(int(share * len(content)), len(content) - 1)
            self.write(name, flip_bit(content, place, bit), keep_date)

    def replace(self, name, keep_date):
        other = self.runs.of("seed").result(name)
        self.write(name, other.read_bytes(), keep_date)

    def lose(self, name):
        self.path(name).unlink(missing_ok=True)
        if name.startswith(REMOVABLE):
            self.removed.add(name)

    def date(self, name, when):
        path = self.path(name)
        if path.exists():
            os.utime(path, (DATES[when], DATES[when]))

    def configure(self, edit):
        if self.edit is None:
            self.experiment.configure(EDITS[edit])
            self.edit = edit

    def forget(self):
        shutil.rmtree(self.experiment.root / ".snakemake", ignore_errors=True)

    def read(self, name):
        path = self.path(name)
        return path.read_bytes() if path.exists() else b""

    def follow_the_advice(self, said):
        """Do what a sentence about one of the touched files says: remove it, or its folder."""
        sentences = re.findall(r"Need [^\n]*", said)
        about = [one for one in sentences if any(name in one for name in self.touched)]
        assert about, said[-4000:]
        (advised,) = re.findall(r"rm -r?f? ?'(results/tiny/[^']*)'", about[0])
        path = self.experiment.root / advised
        assert path.exists()
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def require_proven(self):
        """Run, and compare with the clean run of the configuration as it is now."""
        process = self.experiment.run()
        said = process.stdout
        assert "Traceback" not in said, said[-4000:]
        if process.returncode != 0:
            self.follow_the_advice(said)
            assert self.require_proven() != "refused", "the advice did not help"
            return "refused"
        wanted, found = results(self.runs.of(self.edit)), results(self.experiment)
        other = [
            name
            for name, path in wanted.items()
            if name in found or name not in self.removed
            if name not in found or path.read_bytes() != found[name].read_bytes()
        ]
        assert not other, f"{other}\n{said[-4000:]}"
        return "as a clean run"


NAMES = st.deferred(lambda: st.sampled_from(FILES))
SHARES = st.floats(0, 1, exclude_max=True)
ACTIONS = st.one_of(
    st.tuples(st.just("swap"), NAMES, NAMES, st.booleans()),
    st.tuples(st.just("copy"), NAMES, NAMES, st.booleans()),
    st.tuples(st.just("truncate"), NAMES, SHARES, st.booleans()),
    st.tuples(st.just("flip"), NAMES, SHARES, st.integers(0, 7), st.booleans()),
    st.tuples(st.just("replace"), NAMES, st.booleans()),
    st.tuples(st.just("lose"), NAMES),
    st.tuples(st.just("date"), NAMES, st.sampled_from(sorted(DATES))),
    st.tuples(st.just("configure"), st.sampled_from(sorted(EDITS))),
    st.tuples(st.just("forget")),
)
FIGURES = ("accuracy", "capacities", "capacity_accuracy", "examples", "heatmaps", "joint_geometry")
FIGURES += ("last_layer", "layers", "readout")
FILES = [
    *(f"small/weights/{n}" for n in ("weights.safetensors", "metrics.json", "layers.json")),
    "small/weights/history.csv",
    *(f"small/accuracy/{condition}.h5" for condition in CONDITIONS),
    *(f"small/images/{condition}.zarr.zip" for condition in CONDITIONS),
    *(
        f"small/activations/{condition}/{layer}.zarr.zip"
        for condition in CONDITIONS
        for layer in (*SOLVED, "first")
    ),
    *(f"small/geometry/{c}/{layer}.h5" for c in CONDITIONS for layer in SOLVED),
    *(f"tables/{name}.csv" for name in ("geometry", "summary", "accuracy", "claims")),
    *(f"tables/{name}" for name in ("claims.html", "claims.rst", "run.rst", "verification.txt")),
    *(
        f"figures/small/gaussian/{name}.{kind}"
        for name in FIGURES
        for kind in ("svg", "png", "rst")
    ),
    *(f"figures/small/training.{kind}" for kind in ("svg", "png", "rst")),
    "explore.html",
    # Beside the results: what the next run reads of this one.
    *(f"logs/{name}.json" for name in ("collect_geometry", "judge_claims", "examined", "code")),
    "logs/plot_family_figure/small/gaussian/accuracy.json",
]


def prove(runs, folder, actions):
    broken = Broken(runs, folder)
    try:
        for action in actions:
            broken.do(*action)
        return broken.require_proven()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_list_of_files_is_that_of_a_finished_run(runs):
    found = set(results(runs.of()))
    assert found == {name for name in FILES if not name.startswith("logs/")}
    assert all(runs.of().result(name).exists() for name in FILES if "examined" not in name)


@settings(OFTEN, max_examples=2, derandomize=True)
@given(st.lists(ACTIONS, min_size=2, max_size=2))
def test_a_run_whose_files_were_corrupted(runs, tmp_path_factory, actions):
    prove(runs, tmp_path_factory.mktemp("broken"), actions)


@pytest.mark.long
@settings(OFTEN, max_examples=100)
@given(st.lists(ACTIONS, min_size=2, max_size=2))
def test_many_runs_whose_files_were_corrupted(runs, tmp_path_factory, actions):
    outcome = prove(runs, tmp_path_factory.mktemp("broken"), actions)
    print(f"{outcome}: {actions}")


GEOMETRY = "small/geometry/{}/{}.h5".format
TABLES = [("lose", f"tables/{name}.csv") for name in ("geometry", "summary", "accuracy")]
BY_HAND = {
    "geometry of two conditions exchanged": [
        ("swap", GEOMETRY("clean", "head"), GEOMETRY(PERTURBED[0], "head"), True),
        *TABLES,
    ],
    "geometry of two layers exchanged": [
        ("swap", GEOMETRY("clean", "head"), GEOMETRY("clean", "input"), True),
        *TABLES,
    ],
    "activations of another condition": [
        (
            "copy",
            "small/activations/clean/head.zarr.zip",
            f"small/activations/{PERTURBED[0]}/head.zarr.zip",
            False,
        )
    ],
    "two files of accuracy exchanged": [
        ("swap", "small/accuracy/clean.h5", f"small/accuracy/{PERTURBED[0]}.h5", True),
        *TABLES,
    ],
    "images of another condition, with the old date": [
        ("copy", "small/images/clean.zarr.zip", f"small/images/{PERTURBED[1]}.zarr.zip", True)
    ],
    "images of another seed, with the old date": [("replace", "small/images/clean.zarr.zip", True)],
    "weights dated in the future": [("date", "small/weights/weights.safetensors", "new")],
    "figures dated in the past, tables in the future": [
        ("date", "figures/small/gaussian/accuracy.svg", "old"),
        ("date", "tables/summary.csv", "new"),
    ],
    "no records, another seed": [("forget",), ("configure", "seed")],
    "no records, more epochs": [("forget",), ("configure", "epochs")],
    "no records, a figure's size": [("forget",), ("configure", "figure")],
}


# The others go the same ways through other files, and are in the longer tests.
OFTEN_DONE = (
    "geometry of two conditions exchanged",
    "images of another condition, with the old date",
    "weights dated in the future",
    "figures dated in the past, tables in the future",
    "no records, more epochs",
)
CASES = [
    case if case in OFTEN_DONE else pytest.param(case, marks=pytest.mark.long) for case in BY_HAND
]


@pytest.mark.parametrize("case", CASES)
def test_what_people_do_by_hand_ends_as_a_clean_run(runs, tmp_path_factory, case):
    assert prove(runs, tmp_path_factory.mktemp("broken"), BY_HAND[case]) == "as a clean run"


def test_weights_trained_anew_elsewhere_are_not_mixed_with_older_results(runs, tmp_path):
    shutil.copytree(runs.of().root, tmp_path, dirs_exist_ok=True, symlinks=True)
    mixed = Experiment(tmp_path)
    train_elsewhere(mixed)
    mixed.configure(EDITS["strength"])
    assert "it was made from other weights of the network small" in mixed.succeed()
    weights = {
        lineage["small"]["train_network"]["weights_sha256"]
        for path in mixed.result("small/geometry").rglob("*.h5")
        for lineage in [read_origin(path)["lineage"]]
    }
    assert weights == {read_origin(mixed.result(f"{WEIGHTS}/weights.safetensors"))["sha256"]}
    assert mixed.stale() == {}


def train_elsewhere(experiment):
    """Leave other weights of the same recipe, of the same dates, as a copy that keeps dates does.

    A machine whose arithmetic differs in the last bits trains such weights.
    """
    folder = experiment.result(WEIGHTS)
    path, dates = folder / "weights.safetensors", {one: one.stat() for one in folder.iterdir()}
    said = read_origin(path)
    metrics = read_metrics(folder / "metrics.json", Origin("small", lineage=said["lineage"]))
    origin = Origin(said["network"], lineage=said["lineage"])
    architecture = f"{experiment.root}/tests/configs/tiny_network.py:build"
    network = load_network(architecture, 10, path)
    network.head.bias.data += 1e-3
    save_weights(network, path, origin)
    beside = [folder / name for name in metrics.pop("files")]
    reached = {key: metrics[key] for key in metrics if key not in origin.attributes()}
    write_metrics(folder / "metrics.json", reached, origin, beside)
    for one, found in dates.items():
        os.utime(one, ns=(found.st_atime_ns, found.st_mtime_ns))
