"""Evaluation: every image is perturbed and answered once; kept images are those that were seen."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from helpers import DIGITS, NETWORK
from manifold_robustness.conditions import Condition, list_families
from manifold_robustness.errors import DataError, NetworkError
from manifold_robustness.image_sums import sum_of_set
from manifold_robustness.network.data_sets import ArrayImages, gather_images, labels_of, load_split
from manifold_robustness.network.evaluation import cut_into_sets, perturb_and_predict, predict
from manifold_robustness.network.weights import initial_network
from manifold_robustness.perturbations.apply import perturb_batch

CPU = torch.device("cpu")
OPTIONS = {"parameterization": "standard_deviation", "clip": True}
NOISE = Condition("gaussian/sigma-0.3", "gaussian", "gaussian", 0.3, OPTIONS)


@pytest.fixture(scope="module")
def data():
    return load_split(DIGITS, "validation")


@pytest.fixture(scope="module")
def kept(data):
    """Two draws of three classes, two images each."""
    labels = labels_of(data)
    by_class = [np.flatnonzero(labels == label)[:4].reshape(2, 2) for label in range(3)]
    return np.stack(by_class, axis=1)


@pytest.fixture(scope="module")
def network():
    return initial_network(NETWORK, "none", None, 10, seed=1).eval()


def evaluate(network, data, kept, condition=NOISE, batch_size=150, seed=3, evaluated=None, draws=1):
    settings = {"seed": seed, "device": CPU, "perturbation_batch": 50, "batch_size": batch_size}
    settings["draws"] = draws
    evaluated = np.arange(len(data)) if evaluated is None else evaluated
    return perturb_and_predict(network, data, condition, kept, evaluated, **settings)


def test_predictions_do_not_depend_on_the_batch_size(network, data, kept):
    whole = evaluate(network, data, kept)
    assert np.array_equal(whole.labels, data.labels)
    for batch_size in (7, 64, 1000):
        found = evaluate(network, data, kept, batch_size=batch_size)
        assert np.array_equal(found.predictions, whole.predictions)
        assert np.array_equal(found.kept.images, whole.kept.images)


def test_the_kept_images_are_those_that_were_answered(network, data, kept):
    found = evaluate(network, data, kept)
    seen = found.kept
    assert seen.images.shape == (2, 3, 2, 3, 8, 8) and seen.images.dtype == np.float32
    images = torch.from_numpy(seen.images.reshape(-1, 3, 8, 8))
    with torch.inference_mode():
        answers = network(images).argmax(1).numpy()
    assert np.array_equal(answers, found.predictions[kept.ravel()])
    assert np.array_equal(answers, seen.predictions.ravel())
    assert np.array_equal(seen.image_sums, found.image_sums[kept.ravel()])
    clean, labels = gather_images(data, kept.ravel()), torch.zeros(12, dtype=torch.int64)
    settings = {"seed": 3, "device": CPU, "batch_size": 50}
    alone = perturb_batch(NOISE, torch.from_numpy(clean), labels, kept.ravel(), None, **settings)
    assert torch.equal(images, alone)
    assert not np.array_equal(evaluate(network, data, kept, seed=4).kept.images, seen.images)


def test_kept_images_have_so_many_draws_and_the_first_is_the_evaluated_one(network, data, kept):
    places = kept[:, :, :1]
    found = evaluate(network, data, places, draws=4)
    images, indices = found.kept.images, places.ravel()
    assert images.shape == (2, 3, 4, 3, 8, 8) and found.kept.predictions.shape == (2, 3, 4)
    assert np.array_equal(found.kept.predictions[..., 0], found.predictions[places[..., 0]])
    assert found.kept.image_sums.shape == (6, 32)
    once = evaluate(network, data, places)
    assert np.array_equal(images[:, :, :1], once.kept.images)
    assert np.array_equal(found.predictions, once.predictions)
    assert len({one.tobytes() for one in images.reshape(24, -1)}) == 24
    clean, settings = gather_images(data, indices), {"seed": 3, "device": CPU, "batch_size": 50}
    given = NOISE, torch.from_numpy(clean), torch.zeros(6, dtype=torch.int64), indices, None
    for draw in (1, 3):
        alone = perturb_batch(*given, **settings, coordinates=(draw,))
        assert np.array_equal(images[:, :, draw].reshape(alone.shape), alone.numpy())
    with torch.inference_mode():
        answers = network(torch.from_numpy(images.reshape(-1, 3, 8, 8))).argmax(1).numpy()
    assert np.array_equal(answers, found.kept.predictions.ravel())
    few = evaluate(network, data, places, draws=4, batch_size=4)
    assert np.array_equal(few.kept.images, images)


def test_an_attack_on_another_network_is_answered_by_this_one(network, data, kept):
    other = initial_network(NETWORK, "none", None, 10, seed=2).eval()
    entry = {"family": "fgsm", "strengths": [0.3]}
    ((attack,),) = (one.conditions for one in list_families([entry]))
    settings = {"seed": 3, "device": CPU, "perturbation_batch": 50, "batch_size": 150}
    given = data, attack, kept, np.arange(len(data))
    own, others = (perturb_and_predict(one, *given, **settings) for one in (network, other))
    moved = perturb_and_predict(network, *given, **settings, attacked=other)
    assert np.array_equal(moved.kept.images, others.kept.images)
    assert not np.array_equal(moved.kept.images, own.kept.images)
    with torch.inference_mode():
        answers = network(torch.from_numpy(moved.kept.images.reshape(-1, 3, 8, 8))).argmax(1)
    assert np.array_equal(moved.kept.predictions.ravel(), answers.numpy())


def test_draws_that_all_lead_to_one_corner_are_refused(data, kept):
    """Where one row of weights decides, a step of twice the ball's radius leads there."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 10))
    with torch.no_grad():
        network[1].weight[1:] = 0
    entry = {"family": "fgsm", "strengths": [0.1], "random_start": True, "relative_step": 2}
    ((attack,),) = (one.conditions for one in list_families([entry]))
    words = r"draws that differ.* Got 1 different ones of 4 of the test image \d+ under fgsm/e"
    with pytest.raises(DataError, match=words):
        evaluate(network, data, kept[:, :, :1], attack, draws=4)


def test_a_part_of_the_images_is_answered_as_it_is_among_all(network, data, kept, monkeypatch):
    """And no other image is perturbed but the kept ones, each once."""
    perturbed = []

    def watched_batch(condition, images, labels, indices, *others, **settings):
        perturbed.extend(indices.ravel().tolist())
        return perturb_batch(condition, images, labels, indices, *others, **settings)

    monkeypatch.setattr("manifold_robustness.network.evaluation.perturb_batch", watched_batch)
    part = np.array([*range(0, 150, 7), kept[1, 2, 1]])
    part.sort()
    found = evaluate(network, data, kept, evaluated=part, batch_size=20)
    assert sorted(perturbed) == sorted({*part.tolist(), *kept.ravel().tolist()})
    whole = evaluate(network, data, kept)
    assert np.array_equal(found.indices, part) and np.array_equal(found.labels, data.labels[part])
    assert np.array_equal(found.predictions, whole.predictions[part])
    assert np.array_equal(found.image_sums, whole.image_sums[part])
    for name in ("images", "predictions", "image_sums"):
        assert np.array_equal(getattr(found.kept, name), getattr(whole.kept, name))


def test_the_extremes_of_all_perturbed_images_are_seen(network, data, kept, centered):
    found = evaluate(network, data, kept, batch_size=70)
    assert found.seen == {
        "lowest_pixel": 0.0,
        "highest_pixel": 1.0,
        "n_gradients": 0,
        "n_zero_gradients": 0,
    }
    entry = {"family": "bim", "steps": 1, "relative_step": 1, "strengths": [0.1]}
    ((attack,),) = (one.conditions for one in list_families([entry]))
    found = predict(network, data, 70, CPU).predictions
    right = ArrayImages(data.images, found)  # all are still to be fooled, copies too
    seen = evaluate(network, right, kept, attack, batch_size=70).seen
    assert seen["largest_norm"] == pytest.approx(0.1, abs=1e-6)
    # Of each image once, though chunks are filled up with others.
    assert seen["n_gradients"] == len(right) and seen["n_zero_gradients"] == 0


def sum_of(found):
    return sum_of_set(found.image_sums, found.labels)


def test_the_sum_of_the_test_images_is_of_each_of_them_and_its_label(network, data, kept, centered):
    """Whatever their order, and whether a network saw them clean or perturbed."""
    sums = {
        sum_of(predict(network, data, 40, CPU)),
        sum_of(predict(network, data, 150, CPU)),
        sum_of(evaluate(network, data, kept)),
        sum_of(evaluate(network, data, kept, centered[0])),
    }
    assert len(sums) == 1 and len(*sums) == 64
    for number, place in enumerate(("image", "label")):
        images, labels = data.images.clone(), labels_of(data).copy()
        if place == "image":
            images[-1, 0, 0, 0] += 1
        else:
            labels[-1] = (labels[-1] + 1) % 10
        found = predict(network, ArrayImages(images, labels), 40, CPU)
        sums.add(sum_of(found))
        assert len(sums) == number + 2


def test_clean_images_are_left_alone(network, data):
    with torch.inference_mode():
        expected = network(data.images).argmax(1).numpy()
    found = predict(network, data, 40, CPU)
    assert np.array_equal(found.predictions, expected) and found.kept is None
    assert np.array_equal(found.labels, data.labels)
    assert np.array_equal(found.indices, np.arange(150))


@pytest.fixture
def centered(monkeypatch):
    """A family of scope set: what it does to an image depends on the whole set."""
    calls = []

    def perturb(images, labels, strength, *, draws, network):
        calls.append((tuple(images.shape), labels.numpy(), np.asarray(draws.indices)))
        return (images + 0.1 * images.mean(dim=(0, 1))).clamp(0, 1)

    module = ModuleType("manifold_robustness.perturbations.centered")
    module.perturb = perturb
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return Condition("centered/s-1", "centered", "centered", 1.0, scope="set"), calls


def test_sets_hold_every_image_once_and_the_replicates_are_sets(network, data, kept, centered):
    condition, calls = centered
    found = evaluate(network, data, kept, condition)
    assert (found.predictions >= 0).all()
    assert {shape for shape, _, _ in calls} == {(3, 2, 3, 8, 8)}
    assert np.array_equal(calls[0][2], kept[0].ravel())
    assert np.array_equal(calls[1][2], kept[1].ravel())
    labels = labels_of(data)
    for _, truth, places in calls:
        assert np.array_equal(labels[places], truth.ravel())
    clean = torch.from_numpy(gather_images(data, kept[1]))
    expected = (clean + 0.1 * clean.mean(dim=(0, 1))).clamp(0, 1)
    assert np.array_equal(found.kept.images[1], expected.numpy())


def test_sets_hold_what_is_kept_or_evaluated_and_fill_up_from_the_class(
    network, data, kept, centered
):
    condition, calls = centered
    part = np.array([kept[0, 0, 0], *np.setdiff1d(np.arange(0, 150, 15), kept)])
    part.sort()
    found = evaluate(network, data, kept, condition, evaluated=part)
    assert (found.predictions >= 0).all() and (found.kept.predictions >= 0).all()
    assert np.array_equal(found.indices, part)
    seen = [calls[0][2], calls[1][2], *(places for _, _, places in calls[2:])]
    assert set(part) <= set(np.concatenate(seen))
    labels = labels_of(data)
    counted = [
        indices[counts] for indices, counts in cut_into_sets(labels, kept, seed=3, evaluated=part)
    ]
    assert sorted(np.concatenate(counted)) == sorted({*part.tolist(), *kept.ravel().tolist()})
    assert len(calls) == len(counted) < len(list(cut_into_sets(labels, kept, seed=3)))


@pytest.mark.parametrize("n_manifolds", [1, 2, 3])
def test_every_image_counts_once_however_uneven_the_classes(n_manifolds):
    labels = np.repeat([0, 1, 2, 3], [9, 4, 1, 6])
    kept = np.array([[0, 1]])[None] if n_manifolds == 1 else None
    if kept is None:
        kept = np.stack([np.flatnonzero(labels == label)[:1] for label in range(n_manifolds)])[None]
    counted = []
    for number, (indices, counts) in enumerate(cut_into_sets(labels, kept, seed=0)):
        assert indices.shape == counts.shape == kept.shape[1:]
        assert all(len(set(labels[row])) == 1 for row in indices)
        assert number or np.array_equal(indices, kept[0])
        counted += indices[counts].tolist()
    assert sorted(counted) == list(range(20))


def test_what_fills_a_set_up_is_not_in_it_already():
    labels = np.repeat([0, 1], 100)
    kept = np.stack([np.arange(90).reshape(3, 30), np.arange(100, 190).reshape(3, 30)], axis=1)
    *_, (indices, counted) = cut_into_sets(labels, kept, seed=0)
    assert counted.sum() == 20 and all(len(set(row)) == 30 for row in indices)


def test_sets_follow_the_seed():
    labels, kept = np.repeat([0, 1], 10), np.array([[[0, 1], [10, 11]]])
    sets = [[i.tolist() for i, _ in cut_into_sets(labels, kept, seed)] for seed in (0, 0, 1)]
    assert sets[0] == sets[1] != sets[2]


def test_an_answer_that_is_not_finite_is_refused(data, kept):
    class Broken(nn.Module):
        def forward(self, images):
            outputs = images.flatten(1)[:, :10].clone()
            outputs[0] = torch.nan
            return outputs

    words = "Need finite outputs of the network. Got 1 of 150 images"
    with pytest.raises(NetworkError, match=words):
        predict(Broken(), data, 150, CPU)
    with pytest.raises(NetworkError, match=words):
        evaluate(Broken(), data, kept)


def test_long_evaluations_tell_how_far_they_are(network, data, kept, monkeypatch, caplog):
    monkeypatch.setattr("manifold_robustness.network.evaluation.BETWEEN_REPORTS", 0)
    with caplog.at_level("INFO"):
        evaluate(network, data, kept, batch_size=100)
    assert "100 of 150 images, " in caplog.text and "150 of 150" in caplog.text
