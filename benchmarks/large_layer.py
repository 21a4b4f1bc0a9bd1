"""The geometry of one layer far larger than the paper's, read from a store of features.

    .venv/bin/python benchmarks/large_layer.py [P M N [folder]]

By default P = 100 manifolds of M = 500 points in N = 65,536 dimensions: 13 GB, written to a folder
(the system's temporary one by default) and removed afterwards. The solve is the workflow's script.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

PROJECT = Path(__file__).resolve().parents[1]
SCRIPTS = PROJECT / "scripts"
sys.path.insert(0, str(SCRIPTS))

from manifold_robustness.files.geometry import read_geometry  # noqa: E402
from manifold_robustness.files.stores import ArraySpec, create_store  # noqa: E402
from manifold_robustness.lineage import Origin  # noqa: E402

ORIGIN = Origin("made up", "made up", "made up", {"made up": {}})
SOLVE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from types import SimpleNamespace
import solve_geometry
from manifold_robustness.jobs import run_job
run_job(solve_geometry.main, SimpleNamespace(
    rule="solve_geometry", wildcards={}, log=[sys.argv[4]], input=[sys.argv[2]],
    output=[sys.argv[3]], params=SimpleNamespace(seed=0, **json.loads(sys.argv[5]))))
"""


def main(n_manifolds=100, n_points=500, n_features=65536, folder=None):
    with tempfile.TemporaryDirectory(dir=folder) as work:
        store, result, log = (Path(work, name) for name in ("x.zarr.zip", "x.h5", "x.log"))
        start = time.perf_counter()
        write(store, n_manifolds, n_points, n_features)
        size = store.stat().st_size / 1e9
        print(f"wrote {size:.1f} GB in {time.perf_counter() - start:.0f} s", flush=True)
        settings = yaml.safe_load((PROJECT / "config.yaml").read_text())["geometry"]
        del settings["layers"]
        params = json.dumps({"geometry": settings, "origin": ORIGIN.attributes()})
        arguments = [*map(str, (SCRIPTS, store, result, log)), params]
        subprocess.run([sys.executable, "-c", SOLVE, *arguments], check=True)
        print(re.search(r"took .*", log.read_text())[0])
        values, _, _ = read_geometry(result, ORIGIN)
        for name in ("capacity", "radius", "dimension", "rank", "center_correlation"):
            print(f"{name}: {values[name].mean():.4g}")
        print("residuals:", *(values[f"{k}_residual"].max() for k in ("primal", "dual", "gap")))


def write(path, n_manifolds, n_points, n_features):
    """Gaussian clouds about centers that share a direction."""
    random = np.random.default_rng(0)
    shared = random.standard_normal(n_features, dtype=np.float32)
    shape = (1, n_manifolds, n_points, n_features)
    spec = ArraySpec(shape, "float32", tuple("rmpf"), (1, 1, *shape[2:]))
    classes = [str(manifold) for manifold in range(n_manifolds)]
    attributes = {"classes": classes, "layer_label": "made up", "basis": "features"}
    attributes["n_features"] = n_features
    with create_store(path, {"activations": spec}, ORIGIN, attributes) as arrays:
        for manifold in range(n_manifolds):
            center = random.standard_normal(n_features, dtype=np.float32)
            center += random.standard_normal(dtype=np.float32) * shared
            noise = random.standard_normal(shape[2:], dtype=np.float32)
            arrays["activations"][0, manifold] = center + 2 * noise


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), *sys.argv[4:])
