"""Made-up results of the geometry, for the tests of files, tables and invariants."""

from pathlib import Path

import numpy as np

from manifold_robustness.files.geometry import VARIABLES, write_geometry
from manifold_robustness.files.stamps import read_origin
from manifold_robustness.lineage import Origin

CLASSES = ["ant", "bee"]
STAGES = {
    "train_network": {"settings": {"seed": 1}, "code": "ab"},
    "solve_geometry": {"settings": {"geometry": {"margin": 0.5}, "seed": 1}, "code": "cd"},
}


def origin(network="resnet18", condition="clean", layer="conv1", **contents):
    """Return where a made-up file belongs, whose weights have the contents that are given."""
    lineage = {network: {stage: dict(entry) for stage, entry in STAGES.items()}}
    lineage[network]["train_network"] |= contents
    return Origin(network, condition, layer, lineage)


def origin_said(path: str | Path, condition: str) -> Origin:
    """Return the origin that a file of a real run says, of the condition that it should be of."""
    said = read_origin(path)
    return Origin(said["network"], condition, said.get("layer"), said["lineage"])


def image_sums(n_images):
    """Return made-up checksums of test images, no two alike."""
    return np.arange(32 * n_images, dtype=np.uint8).reshape(n_images, 32)


def make_results(n_replicates=3, n_manifolds=2, without=(), **changes):
    """Return one result per replicate; `changes` holds arrays whose first axis is the replicate.

    `without` names variables that were not measured.
    """
    results = []
    for replicate in range(n_replicates):
        lengths = {"manifold": n_manifolds, "subset": 2, "projected": 2}
        result = {
            name: np.full(lengths[variable.axes], 1.0) if variable.axes in lengths else 1.0
            for name, variable in VARIABLES.items()
        }
        result["subset_points"] = np.array([2, 4])
        result |= {name: 1e-12 for name in VARIABLES if name.endswith("_residual")}
        result["residual_correlation"] = np.array([0.5, 0.25])
        result |= {name: values[replicate] for name, values in changes.items()}
        results.append({name: value for name, value in result.items() if name not in without})
    return results


def write(path, n_features=100, of=None, manifolds=None, **changes):
    """Write made-up geometry of an origin, and return `path`; of classes, without `manifolds`."""
    attributes = {"layer_label": "layer_1_Conv2d", "n_points": 6, "n_features": n_features}
    results = make_results(**changes)
    manifolds = manifolds or {"manifold_class": [CLASSES] * len(results)}
    write_geometry(path, results, manifolds, of or origin(), attributes)
    return path
