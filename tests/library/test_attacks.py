"""Attacks along gradients and their controls: closed forms, another implementation, invariances."""

import copy
import re

import eagerpy
import foolbox
import numpy as np
import pytest
import torch
from torch import nn

from attacked import CPU, accuracy, attack, trained_network, unseen_images
from manifold_robustness.conditions import list_families
from manifold_robustness.errors import NetworkError
from manifold_robustness.network.data_sets import ArrayImages
from manifold_robustness.network.evaluation import perturb_and_predict
from manifold_robustness.perturbations.draws import Draws
from manifold_robustness.perturbations.gradients import LOSSES, losses_of
from manifold_robustness.perturbations.projections import norms
from manifold_robustness.perturbations.starts import random_start

ATTACKS = {
    "fgsm": {},
    "fgsm-random": {"random_start": True, "relative_step": 1.25},
    "bim": {},
    "pgd": {},
    "pgd-dlr": {"loss": "dlr"},
    "pgd-l2": {"norm": "l2", "restarts": 2},
}
NOISES = {"sign_noise": {}, "uniform": {}}
GREY = torch.full((5, 3, 4, 4), 0.5)
ZEROS = torch.zeros(5, dtype=torch.int64)


def attacked(name, strength, images, labels, network, **options):
    family = name.partition("-")[0]
    return attack(family, strength, images, labels, network, **{**ATTACKS.get(name, {}), **options})


def linear(n_classes=2, scale=1.0):
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, n_classes))
    made = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=made)
    return network


# On a linear network of two classes, the greatest loss in a ball is known.


@pytest.mark.parametrize("epsilon", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd"])
def test_a_linear_network_is_attacked_from_the_corner_of_the_box(name, epsilon):
    network = linear()
    images = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(4))
    labels = torch.tensor([0, 1, 0, 1, 1])
    weights = network[1].weight.detach()
    away = (weights[1 - labels] - weights[labels]).sign().reshape(images.shape)
    found = attacked(name, epsilon, images, labels, network)
    corner = (images + epsilon * away).clamp(0, 1)
    assert torch.equal(found, corner)


def test_one_long_step_from_a_random_start_is_projected():
    network, epsilon = linear(), 0.2
    weights = network[1].weight.detach()
    away = (weights[1] - weights[0]).sign().reshape(3, 4, 4)
    start = random_start(GREY, epsilon, "linf", Draws(0, range(5)), "fgsm start")
    expected = torch.clip(start + 1.25 * epsilon * away, 0.5 - epsilon, 0.5 + epsilon)
    found = attacked("fgsm-random", epsilon, GREY, ZEROS, network)
    assert torch.allclose(found, expected, atol=1e-7)
    assert 0.5 < ((found - GREY - epsilon * away).abs() < 1e-6).double().mean() < 0.75  # 5 in 8


def test_a_linear_network_is_attacked_along_its_weights_in_l2():
    network, epsilon = linear(), 0.3
    weights = network[1].weight.detach()
    direction = (weights[1] - weights[0]) / (weights[1] - weights[0]).norm()
    expected = GREY + epsilon * direction.reshape(3, 4, 4)
    settings = {"norm": "l2", "steps": 100, "relative_step": 0.25}
    found = attacked("pgd", epsilon, GREY, ZEROS, network, **settings)
    assert torch.allclose(found, expected, atol=1e-6)
    # With the published steps, of 2.5 / 20 of the radius, nearly so.
    moved = attacked("pgd", epsilon, GREY, ZEROS, network, norm="l2") - GREY
    assert (moved.flatten(1) @ direction > 0.95 * epsilon).all()
    explicit = {"norm": "l2", "relative_step": 0.125, "steps": 20}
    assert torch.equal(attacked("pgd", epsilon, GREY, ZEROS, network, **explicit) - GREY, moved)


# Another implementation: foolbox, in double precision, so that its own rounding is out of the way.


def by_foolbox(name, epsilon, images, labels, network):
    step = {"rel_stepsize": 0.25, "steps": 20, "random_start": True}
    made = {
        "fgsm": lambda: foolbox.attacks.LinfFastGradientAttack(random_start=False),
        "bim": lambda: foolbox.attacks.LinfBasicIterativeAttack(
            rel_stepsize=0.25, steps=10, random_start=False
        ),
        "pgd": lambda: foolbox.attacks.LinfPGD(**step),
        "pgd-l2": lambda: foolbox.attacks.L2PGD(**{**step, "rel_stepsize": 2.5 / 20}),
    }[name]()
    norm = "l2" if name == "pgd-l2" else "linf"
    start = random_start(images, epsilon, norm, Draws(0, range(len(images))), "pgd start", 0)
    made.get_random_start = lambda images, epsilon: eagerpy.astensor(start.double())
    model = foolbox.PyTorchModel(copy.deepcopy(network).double(), bounds=(0, 1))
    return made.run(model, images.double(), labels, epsilon=epsilon).float()


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [0.03, 0.15])
@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd", "pgd-l2"])
def test_foolbox_finds_the_same_images(name, epsilon):
    network, (images, labels) = trained_network(), unseen_images()
    epsilon *= 5 if name == "pgd-l2" else 1
    options = {"restarts": 1} if name == "pgd-l2" else {}
    found = attacked(name, epsilon, images, labels, network, **options)
    expected = by_foolbox(name, epsilon, images, labels, network)
    assert ((found - expected).abs() < 1e-5).double().mean() > 0.99
    ours, theirs = (accuracy(network, one, labels) for one in (found, expected))
    assert abs(ours - theirs) < 1.5 / len(images)
    assert ours < accuracy(network, images, labels)


# What holds on a network with convolutions.


@pytest.mark.parametrize("name", [*ATTACKS, *NOISES])
def test_an_image_is_the_same_in_any_order_and_company(name):
    """To the last bit: chunks have one shape, and nothing looks at the neighbours."""
    network, (images, labels) = trained_network(), unseen_images(120)
    options = {"steps": 5} if "pgd" in name else {}
    epsilon = 0.5 if name == "pgd-l2" else 0.1
    whole = attacked(name, epsilon, images, labels, network, **options)
    for places in (np.random.default_rng(2).permutation(120), [119], [5, 5, 5]):
        options["indices"] = places
        some = attacked(name, epsilon, images[places], labels[places], network, **options)
        assert torch.equal(some, whole[places])
    options |= {"indices": None, "seed": 1}
    other = attacked(name, epsilon, images, labels, network, **options)
    assert torch.equal(other, whole) == (name in ("fgsm", "bim"))


@pytest.mark.parametrize("name", [*ATTACKS, *NOISES])
@pytest.mark.parametrize("epsilon", [0.02, 0.4])
def test_perturbations_fill_their_budget_and_stay_in_the_box(name, epsilon):
    network, (images, labels) = trained_network(), unseen_images(100)
    norm = "l2" if name == "pgd-l2" else "linf"
    options = {"steps": 10} if "pgd" in name else {}
    found = attacked(name, epsilon, images, labels, network, **options)
    lengths = norms(found - images, norm)
    assert found.min() >= 0 and found.max() <= 1
    assert lengths.max() <= epsilon + 1e-6 and lengths.median() > 0.97 * epsilon


@pytest.mark.parametrize(
    ("name", "reached"), [("fgsm", 0.15), ("bim", 0.1), ("pgd", 0.1), ("pgd-dlr", 0.15)]
)
def test_attacks_are_stronger_than_their_controls(name, reached):
    network, (images, labels) = trained_network(), unseen_images(100)
    found = attacked(name, 0.2, images, labels, network)
    assert accuracy(network, found, labels) < reached
    for control in NOISES:
        noisy = attacked(control, 0.2, images, labels, network)
        assert accuracy(network, noisy, labels) > 0.7


@pytest.mark.parametrize("name", ["pgd", "pgd-l2", "fgsm-random"])
def test_strengths_share_the_start(name):
    """A step of nearly nothing leaves the start."""
    network, options = linear(), {"relative_step": 1e-6}
    options |= {} if name == "fgsm-random" else {"steps": 1, "restarts": 1}
    weak, strong = (
        (attacked(name, epsilon, GREY, ZEROS, network, **options) - GREY) / epsilon
        for epsilon in (0.1, 0.4)
    )
    assert torch.allclose(weak, strong, atol=1e-5) and weak.abs().max() > 0.1


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("loss", LOSSES)
def test_restarts_never_lower_the_loss(norm, loss):
    network, (images, labels) = trained_network(), unseen_images(100)
    losses = []
    for restarts in (1, 3):
        options = {"norm": norm, "loss": loss, "steps": 3, "restarts": restarts}
        found = attacked("pgd", 0.1, images, labels, network, **options)
        losses.append(losses_of(network, found, labels, loss))
    one, several = losses
    assert (several >= one).all() and (several > one).any()


def test_pgd_gives_what_its_steps_reach_whether_it_fools_or_not():
    network, (images, labels) = trained_network(), unseen_images(100)
    found = attacked("pgd", 0.01, images, labels, network)
    with torch.inference_mode():
        still_right = network(found).argmax(1) == labels
    assert still_right.double().mean() > 0.8
    assert (norms(found - images, "linf")[still_right] > 0.0099).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
@pytest.mark.parametrize("name", [*ATTACKS, *NOISES])
def test_cuda_gives_the_images_of_the_cpu_but_for_rounding(name):
    """The starts are the same; where a gradient is nearly zero, its sign may be another."""
    network, (images, labels) = trained_network(), unseen_images(100)
    epsilon = 0.5 if name == "pgd-l2" else 0.1
    moved = copy.deepcopy(network).to("cuda")
    found = attacked(name, epsilon, images, labels, moved, device=torch.device("cuda"))
    expected = attacked(name, epsilon, images, labels, network)
    assert ((found - expected).abs() < 1e-3).double().mean() > 0.95
    assert abs(accuracy(network, found, labels) - accuracy(network, expected, labels)) < 0.01


def test_a_confident_network_is_attacked_all_the_same():
    """Logits a thousand times as large give the same answers; their cross-entropy has no slope."""
    network, (images, labels) = trained_network(), unseen_images(100)
    confident = copy.deepcopy(network)
    confident[-1].weight.data *= 1e3
    confident[-1].bias.data *= 1e3
    pixels = images.clone().requires_grad_()
    loss = nn.functional.cross_entropy(confident(pixels), labels, reduction="sum")
    (naive,) = torch.autograd.grad(loss, pixels)
    assert (naive == 0).flatten(1).all(1).double().mean() > 0.5
    found = attacked("pgd", 0.2, images, labels, confident)
    assert accuracy(confident, images, labels) > 0.85
    assert accuracy(confident, found, labels) < 0.1


@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd", *NOISES])
def test_a_strength_may_count_levels(name):
    network, (images, labels) = trained_network(), unseen_images(100)
    options = {"steps": 3} if name == "pgd" else {}
    of_levels = attacked(name, 51, images, labels, network, parameterization="levels", **options)
    assert torch.equal(of_levels, attacked(name, 0.2, images, labels, network, **options))
    entry = {"family": name, "strengths": [8, 255], "parameterization": "levels"}
    (family,) = list_families([entry])
    assert [one.name for one in family.conditions] == [f"{name}/epsilon-8", f"{name}/epsilon-255"]
    assert [one.budget for one in family.conditions] == [8 / 255, 1]
    assert family.strength["symbol"] == "ε" and "levels of 1/255" in family.strength["description"]


# Controls.


def test_sign_noise_moves_every_pixel_as_far_as_it_may():
    found = attacked("sign_noise", 0.25, GREY, ZEROS, None)
    assert set(found.unique().tolist()) == {0.25, 0.75}
    assert torch.equal(found - GREY, attacked("sign_noise", 0.5, GREY, ZEROS, None) / 2 - 0.25)


def test_uniform_noise_is_spread_over_the_budget():
    moved = (attacked("uniform", 0.25, GREY, ZEROS, None) - GREY) / 0.25
    n = moved.numel()
    assert moved.abs().max() <= 1 and abs(moved.mean()) < 4 / (3 * n) ** 0.5
    assert abs((moved**2).mean() - 1 / 3) < 4 * (4 / 45 / n) ** 0.5
    stronger = (attacked("uniform", 0.5, GREY, ZEROS, None) - GREY) / 0.5
    assert torch.allclose(moved, stronger, atol=1e-6)


# What bad input gets.


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_needs_a_network(name):
    with pytest.raises(NetworkError, match=r"Need a network for the family .*epsilon-0\.1\)"):
        attacked(name, 0.1, GREY, ZEROS, None)


def test_dlr_on_two_classes_is_refused():
    with pytest.raises(NetworkError, match="three classes for the loss dlr"):
        attacked("pgd", 0.1, GREY, ZEROS, linear(), loss="dlr")


def test_a_batch_on_its_own_is_watched_too(caplog):
    network = nn.Sequential(linear(), nn.Softmax(1))
    attacked("fgsm", 0.1, GREY, ZEROS, network)
    (record,) = caplog.records
    assert record.getMessage().startswith("fgsm/epsilon-0.1: the network's outputs are positive")


def test_a_job_tells_how_far_it_is_and_what_is_odd_once(monkeypatch, caplog):
    """A network that answers with probabilities, and whose gradient vanishes for some images."""
    monkeypatch.setattr("manifold_robustness.network.evaluation.BETWEEN_REPORTS", 0)
    images, labels = unseen_images()

    class Odd(nn.Module):
        def forward(self, images):
            is_dark = (images.mean(dim=(1, 2, 3)) < 0.3)[:, None]
            return trained_network()(images).softmax(1).where(~is_dark, torch.tensor(0.1))

    data = ArrayImages(images, labels.numpy())
    kept = np.arange(6).reshape(1, 2, 3)
    ((condition,),) = (
        one.conditions
        for one in list_families([{"family": "bim", "strengths": [0.01], "steps": 2}])
    )
    with caplog.at_level("INFO"):
        settings = {"seed": 0, "device": CPU, "perturbation_batch": 50, "batch_size": 150}
        perturb_and_predict(Odd(), data, condition, kept, np.arange(len(data)), **settings)
    messages = [record.getMessage() for record in caplog.records]
    for done in range(50, 301, 50):
        assert sum(message.startswith(f"{done} of 300 images, ") for message in messages) == 1
    (told,) = [message for message in messages if "sum to 1" in message]
    assert told.startswith("bim/epsilon-0.01: ")
    (told,) = [message for message in messages if "are zero in every pixel" in message]
    (seen,) = re.findall(r" of (\d+) gradients of the loss \(", told)
    assert 300 < int(seen) < 600  # in the second step of those that were not fooled by the first
