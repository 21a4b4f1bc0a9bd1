"""Perturbations: one file per family.

A family is a module here with

- a literal ``DECLARATION`` (:func:`manifold_robustness.conditions.read_declaration` says of what),
- ``perturb(images, labels, indices, strength, *, seed, model, **options)``, which returns images of
  the same shape. `images` is float32 (n, channels, height, width) in [0, 1], `labels` the true
  classes, `indices` the images' places in the test set (seed from these, so that an image's
  perturbation depends on nothing beside it), `model` the network in evaluation mode where
  ``needs_model``, else None, and `options` the family's own settings.
"""

import importlib

import numpy as np

from ..errors import DataError


def perturb_images(family, images, labels, indices, strength, *, seed, model=None, **options):
    """Return `images` perturbed by `family` at `strength`, checked for shape and finiteness."""
    module = importlib.import_module(f"{__name__}.{family}")
    perturbed = module.perturb(images, labels, indices, strength, seed=seed, model=model, **options)
    if perturbed.shape != images.shape or not np.isfinite(perturbed).all():
        raise DataError(
            f"the family {family} at strength {strength} must return finite images of shape "
            f"{images.shape}; it returned shape {perturbed.shape}, "
            f"{np.count_nonzero(~np.isfinite(perturbed))} values of them not finite"
        )
    return perturbed.astype(np.float32, copy=False)
