"""Clouds of points for the tests of the geometry."""

import numpy as np


def gaussian_clouds(n_manifolds, n_points, n_features, seed=0, radius=1.0):
    """Gaussian manifolds about Gaussian centers."""
    generator = np.random.default_rng(seed)
    centers = generator.standard_normal((n_manifolds, 1, n_features))
    noise = generator.standard_normal((n_manifolds, n_points, n_features))
    return centers + radius * noise


def relu_clouds(n_manifolds, n_points, n_features, seed=0):
    """Sparse and non-negative, as activations behind a ReLU."""
    return np.maximum(gaussian_clouds(n_manifolds, n_points, n_features, seed) - 0.5, 0.0)


def clouds_with_duplicates(n_manifolds, n_points, n_features, seed=0):
    """Each manifold holds its first half twice."""
    clouds = gaussian_clouds(n_manifolds, n_points, n_features, seed)
    clouds[:, n_points // 2 :] = clouds[:, : n_points - n_points // 2]
    return clouds


def low_rank_centers(n_manifolds, n_features, rank, seed=0, strength=3.0):
    """Centers that share strong directions."""
    generator = np.random.default_rng(seed)
    shared = generator.standard_normal((n_manifolds, rank))
    shared = strength * shared @ generator.standard_normal((rank, n_features))
    return generator.standard_normal((n_manifolds, n_features)) + shared


def random_rotation(size, seed=0):
    """An orthogonal matrix."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]


def draws(cloud, n_vectors, seed=0):
    """Gaussian vectors (D + 1, n_vectors) in the reference's frame of a cloud."""
    return np.random.default_rng(seed).standard_normal((min(cloud.shape) + 1, n_vectors))
