"""Made-up results of the geometry, for the tests of files, tables and invariants."""

import numpy as np

from manifold_robustness.files.geometry import VARIABLES, write_geometry

CLASSES = ["ant", "bee"]
MADE_WITH = {"settings": {"margin": 0.5}, "seed": 1}


def make_results(n_replicates=3, n_manifolds=2, **changes):
    """Return one result per replicate; `changes` holds arrays whose first axis is the replicate."""
    results = []
    for replicate in range(n_replicates):
        result = {
            name: np.full(n_manifolds, 1.0) if variable.axes == "manifold" else 1.0
            for name, variable in VARIABLES.items()
        }
        result |= {name: 1e-12 for name in VARIABLES if name.endswith("_residual")}
        result["residual_correlation"] = np.array([0.5, 0.25])
        results.append(result | {name: values[replicate] for name, values in changes.items()})
    return results


def write(path, n_features=100, of=None, **changes):
    """Write made-up geometry, of a network, condition and layer, and return `path`."""
    attributes = {
        "network": "resnet18",
        "condition": "clean",
        "layer": "conv1",
        **(of or {}),
        "layer_label": "layer_1_Conv2d",
        "n_points": 6,
        "n_features": n_features,
        **MADE_WITH,
    }
    write_geometry(path, make_results(**changes), CLASSES, attributes)
    return path
