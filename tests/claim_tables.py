"""Made-up tables of a run, in which each verdict is known."""

import numpy as np
import pandas as pd

from manifold_robustness.collection import (
    COORDINATES,
    DESCRIPTION,
    SUMMARISED,
    summarise_geometry,
)
from manifold_robustness.conventions import HARMONIC
from manifold_robustness.files.geometry import VARIABLES

SIGMAS = [0.0, 0.01, 0.05, 0.1, 0.5]
CLEAN = np.array([1.0, 1.1, 1.3])  # of three replicates, further apart than most changes
QUANTITIES = ["capacity", "dimension", "radius", "center_correlation"]
# Changes from clean, as the claims have them: with their signs turned where they say "falls".
HOLDING = {0.1: 0.3, 0.5: [0.4, 0.5, 0.45]}


def condition(strength):
    clean = strength == 0
    return "clean" if clean else f"gaussian/sigma-{strength:g}", "clean" if clean else "gaussian"


def make_geometry(
    changes, layers=("conv", "fc.1"), strengths=SIGMAS, clean=CLEAN, network="resnet18"
):
    """Return geometry and summary; `changes` maps (quantity, layer) to changes by strength.

    A change is a number, or one per replicate. Two manifolds differ, and average to the value.
    """
    rows = []
    for strength in strengths:
        for index, layer in enumerate(layers):
            values = {name: _values(name, layer, strength, changes, clean) for name in SUMMARISED}
            for replicate, _ in enumerate(clean):
                for manifold, part in (("ant", 0.8), ("bee", 1.2)):
                    place = (network, *condition(strength), strength, layer, index)
                    row = dict(zip(COORDINATES, place, strict=True))
                    row |= dict(zip(DESCRIPTION, (f"layer_{index}_X", 2, 6, 9), strict=True))
                    row |= {"replicate": replicate, "manifold": manifold}
                    row |= {
                        name: found[replicate] / part
                        if VARIABLES[name].summarised == HARMONIC
                        else found[replicate] * part
                        for name, found in values.items()
                    }
                    rows.append(row)
    geometry = pd.DataFrame(rows)
    return geometry, summarise_geometry(geometry)


def _values(name, layer, strength, changes, clean):
    return clean + np.asarray(changes.get((name, layer), {}).get(strength, 0.0))


def make_accuracy(counts, strengths=SIGMAS, n_images=1000, n_kept=900, network="resnet18"):
    """Return the accuracy; `counts` has the images lost and gained at each strength but 0."""
    rows = []
    for strength, (lost, gained) in zip(strengths, [(0, 0), *counts], strict=True):
        name, family = condition(strength)
        accuracy = (n_kept - lost + gained) / n_images
        rows.append(
            {
                "network": network,
                "condition": name,
                "family": family,
                "strength": strength,
                "n_images": n_images,
                "n_correct": n_kept - lost + gained,
                "accuracy": accuracy,
                "accuracy_low": accuracy - 0.02,
                "accuracy_high": accuracy + 0.02,
                "n_kept": n_kept,
                "n_kept_correct": n_kept - lost,
            }
        )
    return pd.DataFrame(rows)
