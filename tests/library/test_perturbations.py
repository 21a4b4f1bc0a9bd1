"""Perturbations: what Gaussian noise is, and what is asked of every family."""

import sys
from types import ModuleType

import numpy as np
import pytest

from manifold_robustness.errors import DataError
from manifold_robustness.perturbations import perturb_images

GREY = np.full((40, 3, 16, 16), 0.5, dtype=np.float32)


def noisy(images=GREY, strength=0.1, indices=None, seed=0, clip=False, kind="standard_deviation"):
    indices = np.arange(len(images)) if indices is None else indices
    labels = np.zeros(len(images), dtype=int)
    options = {"clip": clip, "parameterization": kind}
    return perturb_images("gaussian", images, labels, indices, strength, seed=seed, **options)


@pytest.mark.parametrize("sigma", [1e-4, 0.1, 1.0, 1e3])
def test_moments(sigma):
    noise = (noisy(np.zeros_like(GREY), sigma) / sigma).astype(float)
    n = noise.size  # 30,720 independent standard normal numbers
    assert abs(noise.mean()) < 4 / n**0.5
    assert abs(noise.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs((noise**3).mean()) < 4 * (15 / n) ** 0.5
    assert abs((noise**4).mean() - 3) < 4 * (96 / n) ** 0.5
    assert abs((noise[:, 0] * noise[:, 1]).mean()) < 4 / (n / 3) ** 0.5  # channels are independent


def test_levels_are_one_noise_scaled():
    base = noisy(np.zeros_like(GREY), 1.0)
    for sigma in (0.25, 2.0):
        assert np.array_equal(noisy(np.zeros_like(GREY), sigma), np.float32(sigma) * base)


def test_the_noise_is_added_to_the_image():
    images = np.random.default_rng(1).random((4, 3, 5, 5), dtype=np.float32)
    assert np.allclose(noisy(images) - images, noisy(np.zeros_like(images)), atol=1e-7)


def test_noise_follows_seed_and_place_and_nothing_else():
    all_of_them = noisy()
    assert len({image.tobytes() for image in all_of_them}) == 40
    order = np.random.default_rng(2).permutation(40)[:7]
    assert np.array_equal(noisy(GREY[:7], indices=order), all_of_them[order])
    in_batches = [
        noisy(GREY[k : k + 13], indices=range(k, min(k + 13, 40))) for k in (0, 13, 26, 39)
    ]
    assert np.array_equal(np.concatenate(in_batches), all_of_them)
    assert not np.array_equal(noisy(seed=1), all_of_them)


def test_a_variance_is_the_square_of_sigma():
    assert np.array_equal(noisy(strength=0.25, kind="variance"), noisy(strength=0.5))


@pytest.mark.parametrize("sigma", [0.5, 5.0, 1e6])
def test_clipping(sigma):
    free, clipped = noisy(strength=sigma), noisy(strength=sigma, clip=True)
    assert clipped.min() == 0 and clipped.max() == 1
    assert np.array_equal(clipped, np.clip(free, 0, 1))
    assert free.min() < 0 and free.max() > 1


def test_the_images_themselves_are_not_touched():
    before = GREY.copy()
    assert noisy(clip=True).dtype == np.float32
    assert np.array_equal(GREY, before)


@pytest.fixture
def family(monkeypatch):
    """Make a family of one function."""

    def make(perturb):
        module = ModuleType("manifold_robustness.perturbations.made")
        module.perturb = perturb
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return lambda **options: perturb_images(
            "made", GREY, [1] * 40, range(40), 0.3, seed=5, **options
        )

    return make


def test_a_family_is_given_what_it_may_need(family):
    def perturb(images, labels, indices, strength, *, seed, model, steps):
        assert (list(labels), list(indices), strength) == ([1] * 40, list(range(40)), 0.3)
        assert (seed, model, steps) == (5, "network", 3)
        return images.astype(np.float64) + strength

    perturbed = family(perturb)(model="network", steps=3)
    assert perturbed.dtype == np.float32 and np.allclose(perturbed, 0.8)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda images: images[:, :1], ["(40, 3, 16, 16)", "returned shape (40, 1, 16, 16)"]),
        (lambda images: np.where(np.arange(16) == 3, np.nan, images), ["1920 values", "finite"]),
        (lambda images: images / np.float32(0), ["30720 values of them not finite"]),
    ],
    ids=["shape", "NaN", "infinite"],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_a_family_returns_is_checked(family, wrong, words):
    with pytest.raises(DataError) as caught:
        family(lambda images, *_, **__: wrong(images))()
    assert "family made at strength 0.3" in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value
