"""The guided attack: its gradient, what it does to the geometry, and what its images depend on."""

import copy
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from attacked import CPU, accuracy, attack, trained_network, unseen_images
from manifold_robustness.conditions import list_families
from manifold_robustness.errors import NetworkError
from manifold_robustness.geometry import analyze_jointly, analyze_manifolds
from manifold_robustness.network.capacity_inputs import draw_probes
from manifold_robustness.network.data_sets import ArrayImages
from manifold_robustness.network.evaluation import perturb_and_predict
from manifold_robustness.network.inverse_capacity import inverse_capacity
from manifold_robustness.network.layers import keep_outputs
from manifold_robustness.perturbations import guidance as module
from manifold_robustness.perturbations.guidance import guidance, guiding_layers
from manifold_robustness.perturbations.projections import norms

INNER = "3"  # the second convolution of the trained network, the last before its head
OBJECTIVES = {"capacity": 50, "joint_capacity": 24}  # with probes enough for each
EPSILON = 0.15


def a_set(n_points=12, start=0):
    """Return unseen images of every digit, their labels, and their places among the unseen."""
    images, labels = unseen_images()
    rows = [torch.nonzero(labels == digit).flatten() for digit in range(10)]
    places = torch.stack([row[start : start + n_points] for row in rows])
    return images[places], labels[places], places.numpy()


def guided(images, labels, places, epsilon=EPSILON, network=None, **options):
    network = network or trained_network()
    return attack("guided", epsilon, images, labels, network, indices=places, **options)


@cache
def attacked(objective="capacity", **options):
    return guided(
        *a_set(), objective=objective, n_gaussian_vectors=OBJECTIVES[objective], **options
    )


def by_pgd():
    images, labels, places = a_set()
    flat = images.flatten(0, 1), labels.flatten(), trained_network()
    return attack("pgd", EPSILON, *flat, indices=places.ravel()).unflatten(0, labels.shape)


def activations(images, layer=INNER):
    network, kept = trained_network(), {}
    with torch.no_grad(), keep_outputs(network, [layer], kept.__setitem__):
        network(images.flatten(0, 1))
    return kept[layer].flatten(1).unflatten(0, images.shape[:2]).double().numpy()


def capacities(images):
    """Return capacity and joint capacity of the inner layer, by probes that no attack has seen."""
    points = activations(images)
    joint = analyze_jointly(points, n_draws=200, seed=99).capacity
    return analyze_manifolds(points, n_gaussian_vectors=200, seed=99).mean_capacity, joint


# The gradient.


@pytest.mark.parametrize("weight", [0.0, 0.7])
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("layers", [[INNER], ["input", "0", INNER]])
def test_the_gradient_in_parts_is_that_of_the_whole_expression(
    objective, layers, weight, monkeypatch
):
    monkeypatch.setattr(module, "PART", 7)
    network, seed = copy.deepcopy(trained_network()).double(), (3, 1)
    images, labels, _ = a_set(4)
    images, labels = images[:5].double(), labels[:5]
    settings = {"objective": objective, "n_gaussian_vectors": 6, "seed": seed}
    found = guidance(network, images, labels, layers, cross_entropy_weight=weight, **settings)

    pixels, kept = images.flatten(0, 1).clone().requires_grad_(), {}
    kept["input"] = pixels
    with keep_outputs(network, layers, kept.__setitem__):
        answers = network(pixels)
    total = weight * nn.functional.cross_entropy(answers, labels.flatten())
    for number, layer in enumerate(layers):
        points = kept[layer].flatten(1).unflatten(0, (5, 4))
        probes = draw_probes(objective, 5, points.shape[2], 6, seed=(*seed, number))
        value = inverse_capacity(points, objective, probes=probes, within_span=True)
        total = total + value / len(layers)
    (expected,) = torch.autograd.grad(total, pixels)
    assert torch.allclose(found.flatten(0, 1), 20 * expected, rtol=1e-9, atol=1e-12)
    assert expected.abs().max() > 1e-6


def test_what_a_later_module_does_in_place_does_not_reach_a_layer():
    plain = copy.deepcopy(trained_network())
    in_place = copy.deepcopy(plain)
    in_place[4] = nn.ReLU(inplace=True)  # behind the inner layer
    images, labels, _ = a_set(4)
    settings = {"objective": "capacity", "n_gaussian_vectors": 6, "seed": (0, 0)}
    both = [
        guidance(one, images, labels, [INNER], cross_entropy_weight=0.5, **settings)
        for one in (plain, in_place)
    ]
    assert torch.equal(*both) and both[0].abs().max() > 0


def test_rounding_in_single_precision_guides_nowhere():
    """Of a layer of few directions the gradient is that of its exact activations."""
    generator = torch.Generator().manual_seed(0)
    wide = nn.Sequential(nn.Flatten(), nn.Linear(64, 300, bias=False), nn.Linear(300, 10))
    for layer in (wide[1], wide[2]):
        layer.weight.data = torch.randn(layer.weight.shape, generator=generator)
    images, labels, _ = a_set(12)
    settings = {"objective": "joint_capacity", "n_gaussian_vectors": 24, "seed": (0, 0)}
    single = guidance(wide, images, labels, ["1"], **settings)
    double = guidance(wide.double(), images.double(), labels, ["1"], **settings)
    cosine = nn.functional.cosine_similarity(single.flatten().double(), double.flatten(), dim=0)
    assert cosine > 0.99


# What it does.


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_its_own_capacity_falls_below_that_of_every_other_attack(objective):
    images, labels, places = a_set()
    noise = attack(
        "sign_noise", EPSILON, images.flatten(0, 1), labels.flatten(), None, indices=places.ravel()
    ).unflatten(0, labels.shape)
    which = list(OBJECTIVES).index(objective)
    own, of_pgd, of_noise, clean = (
        capacities(one)[which] for one in (attacked(objective), by_pgd(), noise, images)
    )
    assert own < 0.8 * of_pgd and of_pgd < of_noise < clean


@pytest.mark.slow
def test_a_great_weight_of_the_cross_entropy_fools_as_pgd_does():
    network, flat = trained_network(), a_set()[1].flatten()
    weighted, plain = (attacked(cross_entropy_weight=weight) for weight in (1e6, 0.0))
    reached = [accuracy(network, one.flatten(0, 1), flat) for one in (weighted, by_pgd(), plain)]
    assert reached[0] <= reached[1] + 0.03 and reached[2] > reached[0] + 0.1


@pytest.mark.parametrize("epsilon", [0.05, 0.5])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_images_stay_within_the_budget_and_within_0_and_1(norm, epsilon):
    images, labels, places = a_set(4)
    found = guided(images, labels, places, epsilon, norm=norm, steps=4)
    lengths = norms(found - images, norm)
    assert lengths.max() <= epsilon + 1e-6 and found.min() >= 0 and found.max() <= 1
    assert lengths.max() > 0.5 * epsilon


def test_levels_are_a_unit_and_a_start_need_not_be_random():
    given = a_set(4)
    options = {"steps": 2, "random_start": False}
    fraction = guided(*given, epsilon=0.2, **options)
    levels = guided(*given, epsilon=51, parameterization="levels", **options)
    assert torch.equal(fraction, levels)
    assert not torch.equal(fraction, guided(*given, epsilon=0.2, steps=2))
    steps = ((fraction - given[0]) / 0.2).abs()
    assert torch.allclose(steps.max(), torch.tensor(1.0), atol=1e-5)  # two steps of 1.25, projected


# What it depends on.


def test_a_set_is_the_same_in_each_run_and_another_with_another_seed_or_company():
    given = a_set(4)
    first, again = (guided(*given, steps=3) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, guided(*given, steps=3, seed=1))
    images, labels, places = (part[:6] for part in given)
    assert not torch.equal(first[:6], guided(images, labels, places, steps=3))


def test_the_selected_images_are_the_same_whatever_else_is_evaluated():
    """Sets come one after the other: the replicates of the selected images are always sets."""
    images, labels = unseen_images()
    data = ArrayImages(images, labels.numpy())
    _, _, places = a_set(5)
    kept = np.stack([places, a_set(5, start=5)[2]])
    ((condition,),) = (
        one.conditions
        for one in list_families([{"family": "guided", "steps": 2, "strengths": [0.1]}])
    )

    def evaluate(kept, evaluated):
        settings = {"seed": 0, "device": CPU, "perturbation_batch": 50, "batch_size": 100}
        return perturb_and_predict(trained_network(), data, condition, kept, evaluated, **settings)

    whole = evaluate(kept, np.arange(300))
    few = evaluate(kept[::-1], np.unique(kept)[:20])
    assert np.array_equal(whole.kept.images, few.kept.images[::-1])
    assert np.array_equal(whole.predictions[few.indices], few.predictions)
    moved = np.abs(whole.kept.images - data.images.numpy()[kept])
    assert 0.09 < moved.max() < 0.1 + 1e-6


def test_the_layer_before_the_head_guides_where_none_is_named():
    given = a_set(4)
    assert guiding_layers(trained_network(), None, (1, 8, 8)) == [INNER]
    assert torch.equal(guided(*given, steps=2), guided(*given, steps=2, layers=[INNER]))
    assert not torch.equal(guided(*given, steps=2), guided(*given, steps=2, layers=["0"]))


def test_a_network_without_the_layer_is_refused():
    with pytest.raises(NetworkError, match=r"Need layers of the network .*Got layer9.*0, 1, 2"):
        guided(*a_set(4), layers=[INNER, "layer9"])
    head = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    with pytest.raises(NetworkError, match=r"before the head .*Got a network with 1 only; name"):
        guided(*a_set(4), network=head)
