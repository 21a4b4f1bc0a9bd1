"""JSMA: a search over all pairs, the published algorithm step by step, invariances."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from torch import nn

from attacked import accuracy, attack, trained_network, unseen_images
from manifold_robustness.conditions import list_families
from manifold_robustness.errors import ConfigurationError, NetworkError
from manifold_robustness.perturbations.jsma import BLOCK, best_pair

GAMMAS = (0.03125, 0.1, 0.2, 0.5, 1.0)  # the first is one pair of 64 pixels


def some(n):
    images, labels = unseen_images()
    return images[:n], labels[:n]


# The search of pairs.


def rating_of(gains, losses, pair):
    if pair is None:
        return 0.0
    (p, q), gains, losses = pair, gains.tolist(), losses.tolist()
    assert p != q and gains[p] + gains[q] > 0 and losses[p] + losses[q] > 0
    return (gains[p] + gains[q]) * (losses[p] + losses[q])


def greatest_rating(gains, losses):
    """By looking at all pairs."""
    gained, lost = gains[:, None] + gains, losses[:, None] + losses
    ratings = np.where((gained > 0) & (lost > 0), gained * lost, 0)
    np.fill_diagonal(ratings, 0)
    return ratings.max(initial=0)


def clouds(kind, random, n):
    gains, losses = random.normal(size=(2, n))
    if kind == "alike":
        losses = gains + 0.3 * losses
    elif kind == "opposed":  # no feature beats another
        gains = np.sort(gains)
        losses = -np.sort(losses)[::-1] if random.random() < 0.5 else 1 - gains
    elif kind == "tied":
        gains, losses = random.integers(-2, 3, size=(2, n)).astype(float)
    elif kind == "left out":
        gone = random.random(n) < 0.6
        gains[gone] = losses[gone] = -np.inf
    elif kind == "hopeless":
        losses = -np.abs(losses) - 2 * np.abs(gains)
    return gains, losses


@pytest.mark.parametrize(
    "kind", ["independent", "alike", "opposed", "tied", "left out", "hopeless"]
)
def test_the_best_pair_is_the_best_of_all_pairs(kind):
    """To the last bit; whether rated at once or in blocks."""
    random = np.random.default_rng(0)
    n_found = 0
    for n in [0, 1, 2, 3, 4, 5, 8, 13, 40, 150] * 12:
        gains, losses = clouds(kind, random, n)
        as_tensors = torch.from_numpy(gains), torch.from_numpy(losses)
        with np.errstate(invalid="ignore"):
            expected = greatest_rating(gains, losses)
        for block in (BLOCK, 7):
            pair = best_pair(*as_tensors, block=block)
            assert rating_of(*as_tensors, pair) == expected
            assert (pair is None) == (expected == 0)
        n_found += pair is not None
    assert n_found == 0 if kind == "hopeless" else n_found > 40


def test_a_large_image_is_searched_in_little_memory(monkeypatch):
    """Of 150,528 features all pairs are 1e10; few features are left of those of one image."""
    random = np.random.default_rng(1)
    gains, losses = map(torch.from_numpy, clouds("independent", random, 150528))
    rated = []
    monkeypatch.setattr(
        torch, "where", lambda *given, where=torch.where: rated.append(given[1]) or where(*given)
    )
    p, q = best_pair(gains, losses)
    assert sum(one.numel() for one in rated) < 10000
    sums = torch.stack([gains[[p, q]].sum(), losses[[p, q]].sum()])
    others = torch.stack([gains, losses]) + torch.tensor([gains[p], losses[p]])[:, None]
    assert (others.clamp(min=0).prod(0)[torch.arange(len(gains)) != p] <= sums.prod()).all()


# The published algorithm, one image at a time, over all pairs.


def by_the_book(image, label, network, gamma, theta):
    with torch.inference_mode():
        clean = network(image[None])[0]
    if clean.argmax() != label:
        return image
    target = int(clean.scatter(0, torch.tensor(label), -torch.inf).argmax())
    found = image.clone()
    for _ in range(int(gamma * image.numel() / 2)):
        (jacobian,) = torch.autograd.functional.jacobian(network, found[None]).unbind()[:1]
        jacobian = jacobian.flatten(1).double().numpy()
        of_target, of_others = jacobian[target], np.delete(jacobian, target, 0).sum(0)
        best, chosen = 0, None
        flat = found.view(-1)
        domain = [i for i in range(len(flat)) if (flat[i] < 1 if theta > 0 else flat[i] > 0)]
        for p, q in combinations(domain, 2):
            alpha, beta = of_target[p] + of_target[q], of_others[p] + of_others[q]
            is_salient = alpha > 0 > beta if theta > 0 else alpha < 0 < beta
            if is_salient and -alpha * beta > best * (1 + 1e-9):
                best, chosen = -alpha * beta, [p, q]
        if chosen is None:
            break
        flat[chosen] = (flat[chosen] + theta).clamp(0, 1)
        if network(found[None]).argmax() != label:
            break
    return found


@pytest.mark.parametrize("theta", [1.0, -1.0, 0.4])
def test_changes_are_those_of_the_published_algorithm(theta):
    network, (images, labels) = trained_network(), some(12)
    network = network.requires_grad_(False)
    found = attack("jsma", 0.2, images, labels, network, theta=theta)
    expected = torch.stack(
        [
            by_the_book(image, int(label), network, 0.2, theta)
            for image, label in zip(images, labels, strict=True)
        ]
    )
    assert torch.equal(found, expected)
    assert ((found != images).flatten(1).sum(1) > 2).sum() > 4
    assert accuracy(network, found, labels) < accuracy(network, images, labels)


# What holds on a network with convolutions.


@pytest.mark.parametrize("theta", [1.0, -0.3])
def test_what_one_share_changes_a_greater_one_changes_first(theta):
    network, (images, labels) = trained_network(), some(100)
    runs = [attack("jsma", gamma, images, labels, network, theta=theta) for gamma in GAMMAS]
    with torch.inference_mode():
        answers = [network(one).argmax(1) for one in (images, *runs)]
    is_right = [answer == labels for answer in answers]
    for gamma, found in zip(GAMMAS, runs, strict=True):
        changed = (found != images).flatten(1)
        assert changed.double().mean(1).max() <= gamma
        assert found.min() >= 0 and found.max() <= 1 and torch.isfinite(found).all()
        assert not changed[~is_right[0]].any()  # wrong already
    for (less, more), (before, after) in zip(
        pairwise([images, *runs]), pairwise(is_right), strict=True
    ):
        assert torch.equal(more[~before], less[~before])  # stopped there
        assert not (after & ~before).any()
        if abs(theta) == 1:
            assert (more == less)[less != images].all()
    accuracies = [float(one.double().mean()) for one in is_right]
    assert accuracies[0] > 0.85 and accuracies[-1] < 0.7


def test_most_digits_are_fooled_by_a_fifth_of_their_pixels():
    network, (images, labels) = trained_network(), unseen_images()
    found = attack("jsma", 0.2, images, labels, network)
    assert accuracy(network, found, labels) < 0.4
    # The pair before the last one had not been enough.
    n_changed = (found != images).flatten(1).sum(1)
    assert set(n_changed.tolist()) == set(range(0, 13, 2))
    less = attack("jsma", 0.2 - 2 / 64, images, labels, network)
    full = n_changed == 12
    with torch.inference_mode():
        assert torch.equal(network(less[full]).argmax(1), labels[full])


def test_an_image_is_the_same_in_any_order_and_company():
    network, (images, labels) = trained_network(), some(60)
    whole = attack("jsma", 0.2, images, labels, network, batch_size=25)
    for places in (np.random.default_rng(2).permutation(60), [59], [5, 5, 5]):
        part = images[places], labels[places], network
        found = attack("jsma", 0.2, *part, indices=places, batch_size=25)
        assert torch.equal(found, whole[places])
    assert torch.equal(attack("jsma", 0.2, images, labels, network, seed=1, batch_size=25), whole)


def test_the_number_of_pairs_is_that_of_the_exact_product():
    """0.29 * 200 / 2 is a bit less than 29 in floating point."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(200, 2))
    network[1].weight.data = torch.tensor([[-1.0], [1.0]]).repeat(1, 200)
    network[1].bias.data = torch.tensor([1e4, 0.0])
    images, labels = torch.zeros(2, 1, 10, 20), torch.zeros(2, dtype=torch.int64)
    for gamma, n_changed in ((0.29, 58), (0.0099, 0), (0.01, 2), (0.0199, 2), (1, 200)):
        found = attack("jsma", gamma, images, labels, network, batch_size=2)
        assert (found.flatten(1).sum(1) == n_changed).all()


def test_an_image_without_a_pair_stays_and_holds_up_no_other():
    """One is white, and can't get brighter; the label of the other is left at the third pair."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    network[1].weight.data = torch.tensor([[-1.0], [1.0]]).repeat(1, 16)
    network[1].bias.data = torch.tensor([33.0, 0.0])
    images = torch.stack([torch.ones(1, 4, 4), torch.full((1, 4, 4), 0.9)])
    found = attack("jsma", 1.0, images, torch.zeros(2, dtype=torch.int64), network)
    assert torch.equal(found[0], images[0]) and torch.equal(found[1], torch.ones(1, 4, 4))


# What bad input gets.


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"theta": 0}, r"theta is 0\.0, but must be other than 0"),
        ({"theta": 2}, r"theta is 2\.0, but must be at most 1"),
        ({"strengths": [1.5]}, r"strength 1\.5 must be at most 1 \(largest share"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        list_families([{"family": "jsma", "strengths": [0.1], **settings}])


def test_it_needs_a_network():
    with pytest.raises(NetworkError, match="Need a network for the family jsma"):
        attack("jsma", 0.1, *some(2), None)
