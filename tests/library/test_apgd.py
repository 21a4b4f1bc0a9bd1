"""APGD: closed forms on linear networks, the authors' program, invariances."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from pyautoattack.autopgd_base import APGDAttack
from torch import nn

from attacked import accuracy, attack, trained_network, unseen_images
from manifold_robustness.conditions import list_families
from manifold_robustness.errors import ConfigurationError, NetworkError
from manifold_robustness.perturbations.apgd import Ascent, checkpoints
from manifold_robustness.perturbations.draws import Draws
from manifold_robustness.perturbations.gradients import LOSSES, losses_of
from manifold_robustness.perturbations.projections import norms
from manifold_robustness.perturbations.starts import random_start

GREY = torch.full((5, 3, 4, 4), 0.5)
ZEROS = torch.zeros(5, dtype=torch.int64)
VARIANTS = [("linf", "cross_entropy", 0.1), ("linf", "dlr", 0.1), ("l2", "cross_entropy", 0.5)]


def linear(n_classes=2):
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, n_classes))
    made = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=made)
    return network


def some(n):
    images, labels = unseen_images()
    return images[:n], labels[:n]


# Closed forms.


def test_checkpoints_are_the_published_ones():
    assert checkpoints(100) == [0, 22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(10000)[1:4] == [2200, 4100, 5700]
    for steps in range(1, 60):
        found = checkpoints(steps)
        assert found[0] == 0 and all(a < b < steps for a, b in pairwise(found))
    assert checkpoints(1) == [0] and checkpoints(20)[1:4] == [5, 9, 12]  # ⌈4.4⌉, ⌈8.2⌉, ⌈11.4⌉


@pytest.mark.parametrize("epsilon", [0.01, 0.3, 1.0])
def test_a_linear_network_is_attacked_from_the_corner_of_the_box(epsilon):
    network = linear()
    images = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(4))
    labels = torch.tensor([0, 1, 0, 1, 1])
    weights = network[1].weight.detach()
    away = (weights[1 - labels] - weights[labels]).sign().reshape(images.shape)
    found = attack("apgd", epsilon, images, labels, network, steps=20)
    assert torch.equal(found, (images + epsilon * away).clamp(0, 1))


def test_a_linear_network_is_attacked_along_its_weights_in_l2():
    network, epsilon = linear(), 0.3
    weights = network[1].weight.detach()
    direction = (weights[1] - weights[0]) / (weights[1] - weights[0]).norm()
    found = attack("apgd", epsilon, GREY, ZEROS, network, norm="l2")
    assert torch.allclose(found, GREY + epsilon * direction.reshape(3, 4, 4), atol=1e-4)


class Hill(nn.Module):
    """A loss of two classes, -‖x - top‖², that every long step jumps over."""

    def forward(self, images):
        distances = ((images - 0.6) ** 2).flatten(1).sum(1)
        return torch.stack([distances, torch.zeros_like(distances)], dim=1)


def test_steps_get_shorter_until_the_top_is_found():
    """A top inside of the ball, which steps of 2 ε, or of a quarter of ε, jump over."""
    errors = [
        norms(attack("apgd", 0.5, GREY, ZEROS, Hill(), steps=steps) - 0.6, "linf").max()
        for steps in (10, 100)
    ]
    assert errors[0] > 0.05 and errors[1] < 0.01
    ascent = Ascent(GREY, ZEROS, Hill(), 0.5, "linf", "cross_entropy", GREY.clone())
    for _ in range(22):
        ascent.step()
    ascent.check(22)
    assert (ascent.step_sizes == 0.5).all() and torch.equal(ascent.at.pixels, ascent.best.pixels)


def test_each_image_has_its_own_step_size():
    """One stands at the top and gains nothing; the loss of the other rises with every step."""

    class Two(nn.Module):
        def forward(self, images):
            is_hill = images[:, 0, 0, 0] > 0.55
            slopes = -images.flatten(1)[:, 1:].sum(1)
            logit = torch.where(is_hill, Hill()(images)[:, 0], slopes)
            return torch.stack([logit, torch.zeros_like(logit)], dim=1)

    images = torch.stack([torch.full((1, 4, 4), 0.6), torch.zeros(1, 4, 4)])
    ascent = Ascent(images, ZEROS[:2], Two(), 0.9, "linf", "cross_entropy", images.clone())
    ascent.step_sizes[:] = 0.01
    for _ in range(10):
        ascent.step()
    ascent.check(10)
    assert torch.allclose(ascent.step_sizes.flatten(), torch.tensor([0.005, 0.01]))
    assert torch.equal(ascent.at.pixels[0], images[0])  # back at the best point
    assert (ascent.at.pixels[1].flatten()[1:] > 0.05).all()


def test_a_step_is_halved_where_it_and_the_best_loss_have_stood_still():
    """Though enough steps have raised the loss: all but the first one, which went down."""
    ascent = Ascent(GREY, ZEROS, Hill(), 0.5, "linf", "cross_entropy", GREY.clone())
    for was_halved, rose, halved in [(False, False, True), (True, False, False), (False, True, 0)]:
        ascent.step_sizes[:] = 1
        ascent.n_raised[:] = 9
        ascent.was_halved[:] = was_halved
        ascent.loss_at_check = ascent.best.losses - (1 if rose else 0)
        ascent.check(10)
        assert (ascent.step_sizes == (0.5 if halved else 1)).all()


# The authors' program, in double precision from the same start.


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = copy.deepcopy(trained_network()).double()

    def forward(self, images):
        return self.network(images.double())


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "loss", "epsilon"), [*VARIANTS, ("l2", "dlr", 0.5)])
def test_the_authors_program_finds_the_same_losses(norm, loss, epsilon):
    """DLR has no slope where the label is third, so only images that are still right compare."""
    network, (images, labels) = Wide(), some(100)
    options = {"norm": norm, "loss": loss, "batch_size": 100}
    found = attack("apgd", epsilon, images, labels, network, **options)
    names = {
        "norm": {"linf": "Linf", "l2": "L2"}[norm],
        "loss": loss.replace("cross_entropy", "ce"),
    }
    theirs = APGDAttack(network, eps=epsilon, device="cpu", **names)
    theirs.init_hyperparam(images)
    start = random_start(images, epsilon, norm, Draws(0, range(100)), "apgd start", 0)
    expected = theirs.attack_single_run(images, labels, x_init=start)[0]
    with torch.inference_mode():
        answers = [network(one).argmax(1) == labels for one in (found, expected)]
    assert torch.equal(*answers) and 20 < int(answers[0].sum()) < 80
    compared = answers[0] if loss == "dlr" else torch.ones(100, dtype=torch.bool)
    gained = losses_of(network, found, labels, loss) - losses_of(network, expected, labels, loss)
    assert (gained[compared].abs() < 1e-4).double().mean() > 0.9
    assert (gained[compared] > -1e-4).double().mean() >= 0.95


# What holds on a network with convolutions.


@pytest.mark.parametrize(("norm", "loss", "epsilon"), VARIANTS)
def test_an_image_is_the_same_in_any_order_and_company(norm, loss, epsilon):
    network, (images, labels) = trained_network(), some(60)
    options = {"norm": norm, "loss": loss, "steps": 10, "batch_size": 25}
    whole = attack("apgd", epsilon, images, labels, network, **options)
    assert torch.equal(attack("apgd", epsilon, images, labels, network, **options), whole)
    for places in (np.random.default_rng(2).permutation(60), [59], [5, 5, 5]):
        part = images[places], labels[places], network
        assert torch.equal(attack("apgd", epsilon, *part, indices=places, **options), whole[places])
    other = attack("apgd", epsilon, images, labels, network, seed=1, **options)
    assert not torch.equal(other, whole)


@pytest.mark.parametrize(("norm", "loss", "epsilon"), VARIANTS)
def test_the_best_point_is_that_of_greatest_loss(norm, loss, epsilon):
    network, (images, labels) = trained_network(), some(50)
    ascent = Ascent(images, labels, network, epsilon, norm, loss, images)
    reached = [ascent.at.losses]
    for _ in range(8):
        ascent.step()
        reached.append(ascent.at.losses)
    greatest = torch.stack(reached).amax(0)
    assert torch.equal(ascent.best.losses, greatest) and (reached[-1] < greatest).any()
    assert torch.equal(losses_of(network, ascent.best.pixels, labels, loss), greatest)


@pytest.mark.parametrize(("norm", "loss", "epsilon"), VARIANTS)
def test_points_are_in_the_ball_and_the_box_and_never_the_clean_image(norm, loss, epsilon):
    network, (images, labels) = trained_network(), some(100)
    for strength in (0.1 * epsilon, epsilon, 8 * epsilon):
        found = attack("apgd", strength, images, labels, network, norm=norm, loss=loss, steps=10)
        lengths = norms(found - images, norm)
        assert torch.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
        assert lengths.max() <= strength + 1e-6 and lengths.min() > 0.5 * strength


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.08), ("l2", 0.4)])
def test_it_is_no_weaker_than_pgd(norm, epsilon):
    """But for one image in a hundred: both are local, and their starts differ."""
    network, (images, labels) = trained_network(), unseen_images()
    ours, of_pgd = (
        attack(name, epsilon, images, labels, network, norm=norm) for name in ("apgd", "pgd")
    )
    assert accuracy(network, ours, labels) <= accuracy(network, of_pgd, labels) + 0.01 < 0.7
    losses, losses_of_pgd = (
        losses_of(network, one, labels, "cross_entropy") for one in (ours, of_pgd)
    )
    assert (losses - losses_of_pgd).median() > 0


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("loss", LOSSES)
def test_neither_steps_nor_restarts_lower_the_loss(norm, loss):
    """The start is among the points of a run, and the first run is among those of more."""
    network, (images, labels) = trained_network(), some(100)
    start = random_start(images, 0.1, norm, Draws(0, range(100)), "apgd start", 0)
    losses = [losses_of(network, start, labels, loss)]
    for restarts in (1, 2, 3):
        options = {"norm": norm, "loss": loss, "steps": 4, "restarts": restarts}
        found = attack("apgd", 0.1, images, labels, network, **options)
        losses.append(losses_of(network, found, labels, loss))
    for fewer, more in pairwise(losses):
        assert (more >= fewer - 1e-5).all() and (more > fewer).any()


def test_a_strength_may_count_levels():
    network, (images, labels) = trained_network(), some(20)
    options = {"steps": 5}
    of_levels = attack("apgd", 51, images, labels, network, parameterization="levels", **options)
    assert torch.equal(of_levels, attack("apgd", 0.2, images, labels, network, **options))


# What bad input gets.


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 0}, "steps is 0, but must be at least 1"),
        ({"restarts": 0}, "restarts is 0, but must be at least 1"),
        ({"strengths": [1.5]}, r"strength 1\.5 must be at most 1"),
        ({"norm": "l2", "parameterization": "levels"}, "declares no strength for the options"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        list_families([{"family": "apgd", "strengths": [0.1], **settings}])


def test_dlr_on_two_classes_and_a_missing_network_are_refused():
    with pytest.raises(NetworkError, match="three classes for the loss dlr"):
        attack("apgd", 0.1, GREY, ZEROS, linear(), loss="dlr")
    with pytest.raises(NetworkError, match=r"Need a network for the family apgd"):
        attack("apgd", 0.1, GREY, ZEROS, None)
