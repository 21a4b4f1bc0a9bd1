"""Activations as others might have recorded them."""

import numpy as np

LAYERS = {"V1": 40, "V4": 200}  # features: the second is kept in the points' own span
CONDITIONS = {"full": ("", 0.0), "half": ("contrast", 0.5), "tenth": ("contrast", 0.9)}
MANIFOLDS, POINTS = 6, 15  # of which the tiny experiment draws two times 6 of 5


def record(folder):
    folder.mkdir()
    random = np.random.default_rng(0)
    table = ["condition,family,strength"]
    for condition, (family, strength) in CONDITIONS.items():
        (folder / condition).mkdir()
        table.append(f"{condition},{family},{strength}")
        for layer, size in LAYERS.items():
            centers = random.standard_normal((MANIFOLDS, 1, size)) * (1 - strength)
            points = centers + 0.3 * random.standard_normal((MANIFOLDS, POINTS, size))
            np.save(folder / condition / f"{layer}.npy", points.astype(np.float32))
    (folder / "conditions.csv").write_text("\n".join(table))
