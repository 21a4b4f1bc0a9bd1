"""DeepFool: exact projections on linear networks, another implementation, invariances."""

import copy

import foolbox
import numpy as np
import pytest
import torch
from torch import nn

from attacked import accuracy, attack, trained_network, unseen_images
from manifold_robustness.conditions import list_families
from manifold_robustness.errors import ConfigurationError, NetworkError
from manifold_robustness.perturbations.deepfool import BEYOND, perturbations
from manifold_robustness.perturbations.projections import norms

FAR = 1000.0  # a budget that cuts nothing short
DEFAULTS = {"steps": 50, "overshoot": 0.02, "candidates": 10}


def linear(n_classes=6):
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, n_classes))
    made = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        parameter.data = 0.1 * torch.randn(parameter.shape, generator=made)
    network[1].bias.data = -0.5 * network[1].weight.data.sum(1)  # all boundaries meet at grey
    return network


def grey(n=20):
    """Images around grey, whose nearest boundaries are far from the faces of the box."""
    noise = torch.randn(n, 3, 4, 4, generator=torch.Generator().manual_seed(4))
    return 0.5 + 0.03 * noise


def boundaries(network, images, labels):
    """The distances of the planes to all other classes, infinite to its own, and normals."""
    weights = network[1].weight.detach().double()
    slopes = weights - weights[labels][:, None]
    outputs = images.double().flatten(1) @ weights.T + network[1].bias.detach().double()
    gaps = (outputs - outputs.gather(1, labels[:, None])).abs()
    lengths = slopes.norm(dim=2)
    distances = (gaps / lengths).scatter(1, labels[:, None], torch.inf)
    return distances, slopes / lengths[:, :, None]


@pytest.mark.parametrize("overshoot", [0.02, 0.5])
def test_a_linear_network_is_fooled_by_the_projection_onto_its_nearest_boundary(overshoot):
    network, images = linear(), grey()
    labels = network(images).argmax(1)
    distances, normals = boundaries(network, images, labels)
    nearest, place = distances.min(1)
    assert len(set(place.tolist())) > 1
    found = attack("deepfool", FAR, images, labels, network, overshoot=overshoot)
    length = (1 + overshoot) * (nearest + BEYOND)
    expected = images.double() + (
        length[:, None] * normals[torch.arange(len(images)), place]
    ).reshape(images.shape)
    assert torch.allclose(found.double(), expected, atol=1e-6)
    assert torch.equal(network(found).argmax(1), place)


def test_a_budget_cuts_the_perturbation_short():
    network, images = linear(), grey()
    labels = network(images).argmax(1)
    whole = attack("deepfool", FAR, images, labels, network) - images
    lengths = norms(whole, "l2")
    budget = float(lengths.median())
    found = attack("deepfool", budget, images, labels, network)
    distances = boundaries(network, images, labels)[0].amin(1)
    share = (budget / lengths).clamp(max=1)[:, None, None, None]
    assert torch.allclose(found.double(), images + share * whole.double(), atol=1e-6)
    is_right = network(found).argmax(1) == labels
    assert torch.equal(is_right, distances > budget) and 5 < int(is_right.sum()) < 15


def test_only_the_candidates_boundaries_are_looked_at():
    network, images = linear(), grey()
    outputs = network(images)
    labels, runner_up = outputs.topk(2, dim=1).indices.T
    distances, _ = boundaries(network, images, labels)
    of_runner_up = distances.gather(1, runner_up[:, None]).squeeze(1)
    for candidates, expected in (
        (2, of_runner_up),
        (6, distances.amin(1)),
        (50, distances.amin(1)),
    ):
        found = attack("deepfool", FAR, images, labels, network, candidates=candidates)
        lengths = norms(found - images, "l2")
        assert torch.allclose(lengths, 1.02 * (expected + BEYOND), atol=1e-5)
    assert (of_runner_up > distances.amin(1) + 1e-3).any()


@pytest.mark.parametrize("gap", [1e-5, 0.0])
def test_a_class_that_no_step_leads_to_is_passed_over(gap):
    """Two classes of the same weights: their difference has no slope, and may be 0 itself."""
    network, images = linear(), grey()
    network[1].weight.data[1] = network[1].weight.data[0]
    network[1].bias.data[1] = network[1].bias.data[0] - gap  # next to it everywhere
    labels = network(images).argmax(1)
    images, labels = images[labels == 0], labels[labels == 0]
    assert len(images) > 1
    found = attack("deepfool", FAR, images, labels, network)
    assert accuracy(network, found, labels) == 0
    alone = attack("deepfool", FAR, images, labels, network, candidates=2)
    assert torch.equal(alone, images)


# Another implementation: foolbox, in double precision.


@pytest.mark.parametrize("candidates", [10, 3])
def test_foolbox_finds_the_same_images(candidates):
    network, (images, labels) = trained_network(), unseen_images()
    images, labels = images[:100], labels[:100]
    made = foolbox.attacks.L2DeepFoolAttack(steps=50, overshoot=0.02, candidates=candidates)
    model = foolbox.PyTorchModel(copy.deepcopy(network).double(), bounds=(0, 1))
    expected = made.run(model, images.double(), labels).float()
    found = attack("deepfool", FAR, images, labels, network, candidates=candidates)
    assert ((found - expected).abs() < 1e-5).double().mean() > 0.99
    ours, theirs = (norms(one - images, "l2").median() for one in (found, expected))
    assert abs(ours / theirs - 1) < 1e-3


# What holds on a network with convolutions.


def test_an_image_is_the_same_in_any_order_and_company():
    network, (images, labels) = trained_network(), unseen_images()
    images, labels = images[:60], labels[:60]
    whole = attack("deepfool", 0.5, images, labels, network, batch_size=25)
    for places in (np.random.default_rng(2).permutation(60), [59], [5, 5, 5]):
        part = images[places], labels[places], network
        found = attack("deepfool", 0.5, *part, indices=places, batch_size=25)
        assert torch.equal(found, whole[places])
    assert torch.equal(
        attack("deepfool", 0.5, images, labels, network, seed=1, batch_size=25), whole
    )


@pytest.mark.slow
def test_accuracies_are_the_shares_of_images_whose_boundary_is_farther():
    network, (images, labels) = trained_network(), unseen_images()
    whole = perturbations(images, labels, network, **DEFAULTS)
    lengths = norms(whole, "l2")
    with torch.inference_mode():
        is_right = network(images).argmax(1) == labels
    assert torch.equal(lengths > 0, is_right)
    accuracies = []
    for epsilon in (0.1, 0.3, 0.6, FAR):
        found = attack("deepfool", epsilon, images, labels, network)
        moved = found - images
        assert torch.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
        assert norms(moved, "l2").max() <= epsilon + 1e-6
        assert not moved[~is_right].any()
        accuracies.append(accuracy(network, found, labels))
        assert abs(accuracies[-1] - float((lengths > epsilon).double().mean())) <= 0.02
    assert accuracies == sorted(accuracies, reverse=True) and accuracies[-1] == 0
    assert accuracies[0] > 0.5


@pytest.mark.slow
def test_boundaries_are_nearer_than_the_ball_in_which_pgd_fools_half():
    network, (images, labels) = trained_network(), unseen_images()
    with torch.inference_mode():
        is_right = network(images).argmax(1) == labels
    images, labels = images[is_right], labels[is_right]
    moved = attack("deepfool", FAR, images, labels, network) - images
    median = float(norms(moved, "l2").median())
    found = attack("pgd", 0.9 * median, images, labels, network, norm="l2")
    assert accuracy(network, found, labels) > 0.5
    assert median < 1


def test_the_steps_are_bounded():
    network, (images, labels) = trained_network(), unseen_images()
    images, labels = images[:100], labels[:100]
    one, all_steps = (
        accuracy(network, attack("deepfool", FAR, images, labels, network, steps=steps), labels)
        for steps in (1, 50)
    )
    assert one > 0.1 and all_steps == 0


# What bad input gets.


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 0}, "steps is 0, but must be at least 1"),
        ({"candidates": 1}, "candidates is 1, but must be at least 2"),
        ({"overshoot": -0.1}, r"overshoot is -0\.1, but must be at least 0"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        list_families([{"family": "deepfool", "strengths": [0.1], **settings}])


def test_it_needs_a_network():
    images, labels = unseen_images()
    with pytest.raises(NetworkError, match="Need a network for the family deepfool"):
        attack("deepfool", 0.1, images, labels, None)
