"""Clouds that the benchmarks of the geometry measure on."""

import numpy as np


def clouds(kind, n_manifolds, n_points, n_features, seed=0):
    """Kind "gaussian": noise alone, half of the points active; "relu": sparse, few active."""
    generator = np.random.default_rng(seed)
    points = generator.standard_normal((n_manifolds, n_points, n_features))
    if kind == "gaussian":
        return points
    return np.maximum(points + generator.standard_normal((n_manifolds, 1, n_features)) - 0.5, 0.0)


def frame_points(kind, n_points, n_features):
    """The points (n_points, D + 1) of the first of ten manifolds, as its programs see them."""
    everything = clouds(kind, 10, n_points, n_features)
    center = everything[0].mean(0) - everything.mean((0, 1))
    offsets = (everything[0] - everything[0].mean(0)) / np.linalg.norm(center)
    if n_features > n_points:
        offsets = np.linalg.qr(offsets.T, mode="r").T
    return np.column_stack([offsets, np.ones(n_points)])


def gaussian(n_points, n_features):
    return frame_points("gaussian", n_points, n_features)


def relu(n_points, n_features):
    return frame_points("relu", n_points, n_features)
