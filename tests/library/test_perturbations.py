"""Perturbations: what Gaussian noise is, what every family is given, and what is asked of it."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from manifold_robustness.conditions import Condition
from manifold_robustness.errors import DataError, NetworkError
from manifold_robustness.perturbations.apply import perturb_batch
from manifold_robustness.perturbations.draws import Draws
from manifold_robustness.seeds import generator

CPU = torch.device("cpu")
GREY = torch.full((40, 3, 16, 16), 0.5)


def perturb(condition, images=GREY, indices=None, network=None, seed=0, batch_size=50, labels=None):
    indices = np.arange(len(images)) if indices is None else np.asarray(indices)
    labels = torch.ones(indices.shape, dtype=torch.int64) if labels is None else labels
    settings = {"seed": seed, "device": CPU, "batch_size": batch_size}
    return perturb_batch(condition, images, labels, indices, network, **settings)


def noisy(images=GREY, strength=0.1, clip=False, kind="standard_deviation", **given):
    options = {"clip": clip, "parameterization": kind}
    return perturb(Condition("made", "gaussian", "gaussian", strength, options), images, **given)


@pytest.mark.parametrize("sigma", [1e-4, 0.1, 1.0, 1e3])
def test_moments(sigma):
    noise = (noisy(torch.zeros_like(GREY), sigma) / sigma).double()
    n = noise.numel()  # 30,720 independent standard normal numbers
    assert abs(noise.mean()) < 4 / n**0.5
    assert abs(noise.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs((noise**3).mean()) < 4 * (15 / n) ** 0.5
    assert abs((noise**4).mean() - 3) < 4 * (96 / n) ** 0.5
    assert abs((noise[:, 0] * noise[:, 1]).mean()) < 4 / (n / 3) ** 0.5  # channels independent


def test_the_noise_is_numpy_s_to_the_last_bit():
    """As before there were tensors: from (seed, what it is for, the image's place)."""
    images = np.random.default_rng(1).random((3, 3, 5, 5), dtype=np.float32)
    places = [4, 0, 999]
    expected = []
    for image, place in zip(images, places, strict=True):
        noise = generator(7, "gaussian noise", place).standard_normal((3, 5, 5), dtype=np.float32)
        expected.append(np.clip(noise * np.float32(0.3) + image, 0, 1))
    found = noisy(torch.from_numpy(images), 0.3, clip=True, indices=places, seed=7)
    assert np.array_equal(found.numpy(), np.stack(expected))


def test_levels_are_one_noise_scaled():
    base = noisy(torch.zeros_like(GREY), 1.0)
    for sigma in (0.25, 2.0):
        assert torch.equal(noisy(torch.zeros_like(GREY), sigma), sigma * base)


def test_noise_follows_seed_and_place_and_nothing_else():
    all_of_them = noisy()
    assert len({image.numpy().tobytes() for image in all_of_them}) == 40
    order = np.random.default_rng(2).permutation(40)[:7]
    assert torch.equal(noisy(GREY[:7], indices=order), all_of_them[order])
    in_batches = [
        noisy(GREY[k : k + 13], indices=range(k, min(k + 13, 40))) for k in (0, 13, 26, 39)
    ]
    assert torch.equal(torch.cat(in_batches), all_of_them)
    assert not torch.equal(noisy(seed=1), all_of_them)


def test_a_variance_is_the_square_of_sigma():
    assert torch.equal(noisy(strength=0.25, kind="variance"), noisy(strength=0.5))


@pytest.mark.parametrize("sigma", [0.5, 5.0, 1e6])
def test_clipping(sigma):
    free, clipped = noisy(strength=sigma), noisy(strength=sigma, clip=True)
    assert clipped.min() == 0 and clipped.max() == 1
    assert torch.equal(clipped, free.clamp(0, 1))
    assert free.min() < 0 and free.max() > 1


def test_the_images_themselves_are_not_touched():
    before = GREY.clone()
    assert noisy(clip=True).dtype == torch.float32
    assert torch.equal(GREY, before)


# What every family is given, and what is asked of it.


@pytest.fixture
def made(monkeypatch):
    """Make a family of one function, and the condition that it stands for."""

    def make(perturb, **fields):
        module = ModuleType("manifold_robustness.perturbations.made")
        module.perturb = perturb
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return Condition("made/x-0.3", "made", "made", 0.3, **fields)

    return make


def test_a_family_is_given_what_it_may_need(made):
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.5)).train()
    network[0].bias.requires_grad_(False)
    seen = []

    def family(images, labels, strength, *, draws, network, steps):
        seen.append((len(images), labels.tolist(), strength, list(draws.indices), steps))
        assert not network.training and torch.is_grad_enabled()
        assert not any(parameter.requires_grad for parameter in network.parameters())
        return images.double() + strength

    condition = made(family, wants_network=True, options={"steps": 3})
    perturbed = perturb(condition, network=network, batch_size=25)
    assert perturbed.dtype == torch.float32 and torch.allclose(perturbed, torch.tensor(0.8))
    # Two chunks of one size: the second one is filled up with an image of its own.
    assert seen[0] == (25, [1] * 25, 0.3, list(range(25)), 3)
    assert seen[1] == (25, [1] * 25, 0.3, [*range(25, 40), *[25] * 10], 3)
    assert network.training and network[0].training  # as it was
    assert network[0].weight.requires_grad and not network[0].bias.requires_grad


def test_a_network_is_as_it_was_when_a_family_fails(made):
    network = nn.BatchNorm2d(3).train()

    def family(*_, **__):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        perturb(made(family, wants_network=True), network=network)
    assert network.training and network.weight.requires_grad


def test_a_family_that_is_blind_gets_no_network(made):
    def family(images, labels, strength, *, draws, network):
        assert network is None and not torch.is_grad_enabled()
        return images

    perturb(made(family), network=nn.BatchNorm2d(3))


@pytest.mark.parametrize("scope", ["image", "set"])
def test_a_family_that_works_in_place_is_checked_all_the_same(made, scope):
    def family(images, *_, **__):
        return images.add_(0.4)

    images, places = torch.full((2, 20, 3, 2, 2), 0.5), np.arange(40).reshape(2, 20)
    if scope == "image":
        images, places = images.flatten(0, 1), places.ravel()
    before = images.clone()
    with pytest.raises(DataError, match=r"linf norm at most 0\.3"):
        perturb(made(family, scope=scope, norm="linf"), images, places)
    assert torch.equal(images, before)


def test_a_part_in_evaluation_mode_stays_so(made):
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.5)).train()
    network[0].eval()
    perturb(made(lambda images, *_, **__: images, wants_network=True), network=network)
    assert network.training and network[1].training and not network[0].training


def test_a_set_comes_as_a_whole(made):
    images = torch.rand(4, 30, 3, 2, 2)
    places = np.arange(120).reshape(4, 30)
    seen = []

    def family(images, labels, strength, *, draws, network):
        seen.append((tuple(images.shape), tuple(labels.shape), list(draws.indices)))
        return images - images.mean(dim=(0, 1)) + 0.5

    condition = made(family, scope="set")
    assert perturb(condition, images, places).shape == images.shape
    assert seen == [((4, 30, 3, 2, 2), (4, 30), list(range(120)))]


@pytest.mark.parametrize("order", [[2, 0, 1], [1]])
def test_gradients_are_the_same_in_any_company(made, order):
    """At a fixed shape of the batch, to the last bit."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4096, 10)
    )
    images = torch.rand(3, 3, 16, 16)

    def family(images, labels, strength, *, draws, network):
        pixels = images.clone().requires_grad_()
        loss = nn.functional.cross_entropy(network(pixels), labels, reduction="sum")
        return torch.autograd.grad(loss, pixels)[0]

    condition = made(family, wants_network=True)
    whole = perturb(condition, images, network=network)
    some = perturb(condition, images[order], order, network=network)
    assert torch.equal(some, whole[order])


@pytest.mark.parametrize(
    ("wrong", "fields", "words"),
    [
        (lambda x: x[:, :1], {}, ["shape (40, 3, 16, 16)", "Got shape (40, 1, 16, 16)"]),
        (lambda x: x / 0, {}, ["finite images", "Got 30720 values"]),
        (lambda x: x.where(torch.arange(16) != 3, torch.nan), {}, ["Got 1920 values"]),
        (lambda x: x + 0.6, {"low": 0.0, "high": 1.0}, ["from 0 to 1", "Got 1.1 to 1.1"]),
        (lambda x: x + 0.31, {"norm": "linf"}, ["linf norm at most 0.3", "Got 0.31"]),
        (lambda x: x + 0.02, {"norm": "l2"}, ["l2 norm at most 0.3", "Got 0.554"]),
    ],
    ids=["shape", "infinite", "NaN", "range", "linf", "l2"],
)
def test_what_a_family_returns_is_checked(made, wrong, fields, words):
    condition = made(lambda images, *_, **__: wrong(images), **fields)
    with pytest.raises(DataError) as caught:
        perturb(condition)
    message = str(caught.value)
    assert all(word in message for word in [*words, "made/x-0.3"]), message


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_budget_may_be_met_to_rounding(made, norm):
    step = 0.3 if norm == "linf" else 0.3 / 768**0.5
    condition = made(lambda images, *_, **__: images + step, norm=norm)
    assert torch.allclose(perturb(condition), GREY + step)


def test_a_budget_is_checked_in_pixel_units(made):
    """Of a strength of 0.3 that counts thirds of the range, a tenth."""
    step = 0.1
    condition = made(lambda images, *_, **__: images + step, norm="linf", divisor=3.0)
    assert torch.allclose(perturb(condition), GREY + 0.1)
    step = 0.11
    with pytest.raises(DataError, match=r"linf norm at most 0\.1 from .* Got 0\.11\."):
        perturb(condition)


@pytest.mark.parametrize("wrong", [-0.01, 1.01, torch.nan, torch.inf])
def test_images_outside_of_their_range_are_refused(made, wrong):
    images = GREY.clone()
    images[7, 1, 2, 3] = wrong
    with pytest.raises(DataError, match=r"pixels from 0 to 1 to perturb \(made/x-0\.3\)\. Got"):
        perturb(made(lambda images, *_, **__: images), images)


def test_a_family_that_wants_a_network_must_get_one(made):
    condition = made(lambda images, *_, **__: images, wants_network=True)
    with pytest.raises(NetworkError, match=r"a network for the family made \(made/x-0\.3\)"):
        perturb(condition)


@pytest.mark.parametrize(("scope", "told"), [("image", [15, 15, 10]), ("set", [40])])
def test_progress_is_told_after_each_chunk(made, scope, told):
    counts = []
    images, places = GREY, np.arange(40)
    if scope == "set":
        images, places = images.reshape(4, 10, 3, 16, 16), places.reshape(4, 10)

    def family(images, *_, **__):
        counts.append("called")
        return images

    labels = torch.from_numpy(places)
    settings = {"seed": 0, "device": CPU, "batch_size": 15, "progress": counts.append}
    perturb_batch(made(family, scope=scope), images, labels, places, None, **settings)
    assert counts == [one for count in told for one in ("called", count)]


def test_draws_are_told_apart_by_all_their_coordinates():
    def draw(random):
        return random.random(3)

    base = Draws(1, [5, 6]).sample("start", draw)
    others = [
        Draws(2, [5, 6]).sample("start", draw),
        Draws(1, [5, 6]).sample("other", draw),
        Draws(1, [5, 6], (1,)).sample("start", draw),
        Draws(1, [5, 6]).sample("start", draw, 1),
    ]
    assert all(not torch.equal(other, base) for other in others)
    assert torch.equal(Draws(1, [6]).sample("start", draw)[0], base[1])
