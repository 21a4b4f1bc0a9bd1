"""How well a linear readout, trained on the points of a replicate, tells its manifolds apart."""

from typing import TYPE_CHECKING

import numpy as np

from ..geometry.readout import readout_accuracy
from ..limits import has_spectrum
from ..seeds import entropy

if TYPE_CHECKING:
    from ..files.stores import StoredArray

DECLARATION = {
    "setting": "readout",
    "variables": {
        "readout_accuracy": {
            "axes": "replicate",
            "long_name": "accuracy of a linear readout trained on the layer's activations under "
            "the condition, on points held out; NaN where points and features are both more than "
            "5000",
            "equation": "share of points whose class is the greatest output of a ridge regression "
            "on the points of four fifths, the penalty chosen among those; "
            "Hoerl & Kennard, Technometrics 12, 55 (1970)",
            "optional": True,
            "summarised": "arithmetic",
        },
    },
}


def measure(points: "np.ndarray | StoredArray", settings: dict, seed: int, replicate: int) -> dict:
    """Return the accuracy of a readout, or NaN where its regression costs too much.

    The folds depend on the seed and the replicate only, so that they are the same in every layer,
    under every condition and of every network.
    """
    if not has_spectrum(*points.shape):
        return dict.fromkeys(DECLARATION["variables"], np.nan)
    found = readout_accuracy(points, seed=entropy(seed, "readout", replicate))
    return {"readout_accuracy": found.accuracy}
