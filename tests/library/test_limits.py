"""Limits: what there is of memory, and needs that cover what jobs really take."""

import json
import subprocess
import sys

import numpy as np
import pytest

from helpers import ROOT
from manifold_robustness import limits
from manifold_robustness.errors import ResourceError

GIB = 2**30


@pytest.fixture
def cgroups(tmp_path, monkeypatch):
    """A tree of control groups of which this process is in a/b; write their limits."""
    lines = {"/proc/self/cgroup": ["0::/a/b"]}
    monkeypatch.setattr(limits, "CGROUPS", tmp_path)
    monkeypatch.delenv("SLURM_MEM_PER_NODE", raising=False)
    read = limits._lines
    monkeypatch.setattr(limits, "_lines", lambda path: lines.get(str(path)) or read(path))
    (tmp_path / "a/b").mkdir(parents=True)
    return tmp_path


def test_the_least_limit_counts(cgroups, monkeypatch):
    machine = limits.available_memory()
    assert machine > GIB
    (cgroups / "a/b/memory.max").write_text("max\n")
    assert limits.available_memory() == machine
    (cgroups / "a/memory.max").write_text(f"{3 * 2**20}\n")
    assert limits.available_memory() == 3 * 2**20
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "2")
    assert limits.available_memory() == 2 * 2**20
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "0")  # all of a node
    assert limits.available_memory() == 3 * 2**20


def test_a_basis_is_that_of_fewer_numbers():
    assert limits.choose_basis("auto", 600, 10, 30) == "span"
    assert limits.choose_basis("auto", 599, 10, 30) == "features"
    assert limits.choose_basis("features", 10**6, 10, 30) == "features"


def test_a_job_of_slurm_s_own_limit_is_not_that_of_the_next_one(cgroups, monkeypatch):
    (cgroups / "a/memory.max").write_text(f"{3 * 2**20}\n")
    assert limits.memory_of_other_jobs() == 3 * 2**20
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert limits.memory_of_other_jobs() == limits.PHYSICAL > limits.available_memory()


ALONE = {"n_gaussian_vectors": 300, "simulate": False, "joint": False, "readout": False}
ALONE |= {"shuffle": False, "subsets": []}
ALL = {**ALONE, "simulate": True, "joint": True, "readout": True, "shuffle": True, "subsets": [9]}


def test_a_geometry_that_does_not_fit_is_refused_with_the_numbers():
    shape = (1, 100, 500)
    needed = limits.geometry_memory(*shape, 65536, ALONE)
    limits.require_geometry(shape, 65536, ALONE, needed)
    words = (
        r"100 manifolds of 500 points in 65536 dimensions with 300 probes each needs about "
        r"2\.50 GiB .* are 1\.00 GiB; lower images\.n_points"
    )
    with pytest.raises(ResourceError, match=words):
        limits.require_geometry(shape, 65536, ALONE, GIB)
    with pytest.raises(ResourceError, match=r"GiB; set geometry\.joint, readout, .*, or lower ima"):
        limits.require_geometry(shape, 65536, {**ALONE, "joint": True}, GIB)


def test_probes_that_do_not_fit_are_what_to_lower():
    limits.require_geometry((1, 10, 30), 512, ALL, GIB)
    with pytest.raises(ResourceError, match=r"10000000 probes .*; lower geometry\.n_gaussian_vec"):
        limits.require_geometry((1, 10, 30), 512, {**ALL, "n_gaussian_vectors": 10**7}, GIB)


def test_a_chunk_that_a_store_can_not_hold_is_refused():
    sizes = {"input": 10, "conv": 2**20}
    bases = {"conv": "features"}
    limits.require_extraction(sizes, bases, (1, 10, 511), 2**60)
    with pytest.raises(ResourceError, match=r"512 points of layer conv take 2\.0 GiB"):
        limits.require_extraction(sizes, bases, (1, 10, 512), 2**60)
    limits.require_extraction(sizes, {"conv": "span"}, (1, 10, 512), 2**60)


PEAK = """
import re, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
def peak():  # not getrusage's: that begins with the peak of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
EXTRACTION = """
import numpy as np, torch
from manifold_robustness import limits
from manifold_robustness.lineage import Origin
from manifold_robustness.network.activations import extract_activations
torch.set_num_threads(1)
layers = [torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.BatchNorm2d(64), torch.nn.ReLU()]
layers += [torch.nn.Conv2d(64, 2, 3, padding=1, stride=4)]
model = torch.nn.Sequential(*layers).eval()
model(torch.zeros(1, 3, 32, 32))
before = peak()
points, kept, basis = int(sys.argv[3]), sys.argv[4].split(), sys.argv[5]
images = np.zeros((1, 5, points, 3, 32, 32), np.float32)
folder = Path(sys.argv[2])
seen = {}
real = limits.extraction_memory
def watch(*arguments):
    seen["worked_out"] = real(*arguments)
    return seen["worked_out"]
limits.extraction_memory = watch
origin, paths = Origin("small", "clean", lineage={"small": {}}), {k: folder / k for k in kept}
extract_activations(model, images, paths, basis, origin, {}, torch.device("cpu"))
print((peak() - before) * 1024, seen["worked_out"] - limits.TORCH)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("points", "kept", "basis"),
    [
        (60, "input 0 1 3", "auto"),  # the widest layers rotated
        (100, "input 3", "auto"),  # the widest pass through, and aren't kept
        (200, "0 1", "features"),
    ],
)
def test_an_extraction_takes_no_more_than_was_worked_out(tmp_path, points, kept, basis):
    command = [sys.executable, "-c", PEAK + EXTRACTION, str(ROOT / "scripts"), str(tmp_path)]
    command += [str(points), kept, basis]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken, worked_out = map(float, done.stdout.split())
    assert worked_out / 4 < taken < worked_out + 2**26  # torch itself grows a little


MEASURE = """
import json
import numpy as np
import scipy.linalg.lapack  # loaded where it is needed, and no data
from manifold_robustness.measures import solve_replicates
shape = [int(n) for n in sys.argv[2].split()]
points = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
before = peak()
settings = dict(margin=0.0, center_rank=1, center_selection="stable", tolerance=1e-10,
                solver="active_set", **json.loads(sys.argv[3]))
solve_replicates(points, settings, 0)
print((peak() - before) * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "changes"),
    [
        ((4, 400, 12000), {"n_gaussian_vectors": 5}),
        ((6, 30, 10, 20000), {"n_gaussian_vectors": 5}),  # replicates whose searches go in step
        ((4, 40, 10, 20000), {"n_gaussian_vectors": 5}),  # and such that go one by one
        ((20, 100, 1500), {"n_gaussian_vectors": 5}),
        ((5, 30, 20000), {"n_gaussian_vectors": 5, "simulate": True}),
        ((6, 40, 100), {"n_gaussian_vectors": 30000}),  # kept for every manifold
        ((4, 40, 10), {"n_gaussian_vectors": 30000}),  # more points than dimensions
        ((10, 100, 12000), {"n_gaussian_vectors": 5, "joint": True}),
        ((10, 300, 100), {"n_gaussian_vectors": 50, "joint": True}),
        ((10, 100, 12000), {"n_gaussian_vectors": 5, "readout": True}),
        ((10, 300, 800), {"n_gaussian_vectors": 5, "readout": True}),
        ((10, 100, 12000), {"n_gaussian_vectors": 5, "shuffle": True}),
        ((10, 100, 12000), {"n_gaussian_vectors": 5, "joint": True, "subsets": [50]}),
    ],
)
def test_the_geometry_takes_no_more_than_was_worked_out(shape, changes):
    geometry = {**ALONE, **changes}
    shape = (1, *shape)[-4:]
    command = [
        sys.executable,
        "-c",
        PEAK + MEASURE,
        str(ROOT / "scripts"),
        " ".join(map(str, shape)),
    ]
    command += [json.dumps(geometry)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    points = 8 * np.prod(shape)  # read before, as float32
    allowed = limits.geometry_memory(*shape, geometry) - limits.NUMPY - points
    assert allowed / 4 < float(done.stdout) < allowed
