"""Training on perturbed images: what is perturbed and how far, sets, the guard, resuming."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from helpers import DIGITS, NETWORK, read_config, read_schema
from manifold_robustness.code_digests import reached_definitions
from manifold_robustness.conditions import Condition
from manifold_robustness.configuration import merge
from manifold_robustness.errors import ConfigurationError, DataError
from manifold_robustness.network.checkpoints import Checkpoint
from manifold_robustness.network.data_sets import SPLITS, labels_of, load_split
from manifold_robustness.network.perturbed.batches import (
    Numbered,
    SetBatches,
    TrainingPerturbation,
)
from manifold_robustness.network.training import summarise_history, train, write_history
from manifold_robustness.network.weights import initial_network
from manifold_robustness.networks import list_networks

CPU = torch.device("cpu")
FGSM = {"family": "fgsm", "strength": 0.1}
FAST = {**FGSM, "options": {"random_start": True, "relative_step": 1.25}}
GUIDED = {"family": "guided", "strength": 0.1, "options": {"steps": 1, "layers": ["first"]}}
NOISE = {"family": "gaussian", "strength": 0.25, "options": {"clip": False}}


def recipe(perturb, **changes):
    """Return a whole recipe, as a network of a configuration has it."""
    config = read_config("tests/configs/tiny.yaml")
    network = {"name": "one", "architecture": NETWORK, "weights": "none"}
    network["training"] = {"perturb": perturb, **changes}
    schema = read_schema()["properties"]["training"]
    (found,) = list_networks(merge(config, {"networks": [network]}), schema)
    return found.training


def perturbation(perturb, **changes):
    return TrainingPerturbation(recipe({**perturb, **changes})["perturb"], 3, CPU)


@pytest.fixture(scope="module")
def splits():
    return {split: load_split(DIGITS, split) for split in SPLITS}


def network(seed=0):
    return initial_network(NETWORK, "none", None, 10, seed=seed)


def run(splits, perturb, checkpoint=None, seed=0, **changes):
    trained = network()
    torch.seed()  # nothing may depend on torch's own state
    return trained, train(trained, splits, recipe(perturb, **changes), seed, CPU, checkpoint)


def weights(trained):
    return torch.cat([value.flatten().double() for value in trained.state_dict().values()])


def batch(splits, n=40):
    images, labels, places = zip(*(Numbered(splits["train"])[i] for i in range(n)), strict=True)
    return torch.stack(images), torch.tensor(labels), torch.tensor(places)


# What is perturbed.


@pytest.mark.parametrize(("share", "count"), [(1.0, 40), (0.5, 20), (0.26, 10), (0.001, 1)])
def test_a_share_of_a_batch_is_perturbed_as_the_family_says(splits, share, count):
    given = batch(splits)
    before = given[0].clone()
    found = perturbation(FGSM, share=share).perturb(network(), *given, epoch=1)
    assert torch.equal(given[0], before)
    moved = (found - before).abs().flatten(1).amax(1)
    assert torch.equal(found[count:], before[count:])
    assert (moved[:count] > 0.099).all() and moved.max() <= 0.1 + 1e-6


@pytest.mark.parametrize(("warm_up", "shares"), [(0, [1, 1, 1]), (2, [1 / 3, 2 / 3, 1, 1])])
def test_the_strength_rises_over_the_warm_up(splits, warm_up, shares):
    rising = perturbation(FGSM, warm_up=warm_up)
    for epoch, share in enumerate(shares, start=1):
        assert rising.at(epoch).strength == pytest.approx(0.1 * share)
        found = rising.perturb(network(), *batch(splits), epoch)
        assert (found - batch(splits)[0]).abs().max() == pytest.approx(0.1 * share, abs=1e-5)


def test_an_image_has_draws_of_its_own_in_each_epoch(splits):
    noise, given = perturbation(NOISE), batch(splits)
    first, again, second = (noise.perturb(None, *given, epoch) for epoch in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, second)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    shuffled = noise.perturb(None, *(part[order] for part in given), epoch=1)
    assert torch.equal(shuffled, first[order])
    assert float((first - given[0]).std()) == pytest.approx(0.25, rel=0.05)
    assert first.min() < 0  # not clipped


def test_the_network_is_attacked_as_it_answers_and_trains_on_as_before(splits):
    """In evaluation mode, with frozen parameters; both are as before afterwards."""
    attacked = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(192), nn.Linear(192, 10)).train()
    state = copy.deepcopy(attacked.state_dict())
    perturbation(FGSM).perturb(attacked, *batch(splits), epoch=1)
    assert attacked.training and all(one.requires_grad for one in attacked.parameters())
    assert all(torch.equal(value, state[key]) for key, value in attacked.state_dict().items())


# Sets.


def test_batches_are_sets_of_all_classes_in_which_no_image_stands_twice(splits):
    labels = labels_of(splits["train"])
    batches = SetBatches(labels, 64, torch.Generator().manual_seed(1))
    one, other = list(batches), list(batches)
    assert one != other and len(one) == len(batches) == min(np.bincount(labels)) // 6
    for places in one:
        assert labels[places].tolist() == np.repeat(range(10), 6).tolist()
    assert len({place for places in one for place in places}) == 60 * len(one)
    again = list(SetBatches(labels, 64, torch.Generator().manual_seed(1)))
    assert again == one


def test_a_set_is_no_larger_than_the_smallest_class_allows():
    labels, random = np.repeat([0, 1, 2], [40, 5, 9]), torch.Generator().manual_seed(0)
    batches = list(SetBatches(labels, 300, random))
    assert [len(places) for places in batches] == [15]
    assert labels[batches[0]].tolist() == np.repeat([0, 1, 2], 5).tolist()
    with pytest.raises(DataError, match=r"two training images of each class.* Got 1 of one"):
        SetBatches(np.array([0, 0, 1]), 300, random)


def test_a_set_is_perturbed_as_a_whole(splits):
    labels = labels_of(splits["train"])
    places = next(iter(SetBatches(labels, 40, torch.Generator().manual_seed(1))))
    images = torch.stack([splits["train"][place][0] for place in places])
    given = images, torch.from_numpy(labels[places]), torch.tensor(places)
    guided = perturbation(GUIDED)
    found = guided.perturb(network(), *given, epoch=1)
    assert found.shape == images.shape and (found - images).abs().max() == pytest.approx(
        0.1, abs=1e-5
    )
    part = perturbation(GUIDED, share=0.5).perturb(network(), *given, epoch=1)
    still = (part == images).flatten(1).all(1).reshape(10, 4)
    assert still[:, 2:].all() and not still[:, :2].any()


# Whole trainings.


@pytest.mark.slow
@pytest.mark.parametrize("perturb", [NOISE, FAST, GUIDED], ids=lambda one: one["family"])
def test_a_training_is_the_same_each_time_and_after_a_stop(splits, perturb, tmp_path):
    trained, history = run(splits, perturb, epochs=2)
    again, other_history = run(splits, perturb, epochs=2)
    assert torch.equal(weights(trained), weights(again)) and history == other_history
    assert not torch.equal(weights(trained), weights(run(splits, None, epochs=2)[0]))

    class Stopped(Exception):
        pass

    class Stops(Checkpoint):
        def save(self, state):
            super().save(state)
            raise Stopped

    with pytest.raises(Stopped):
        run(splits, perturb, Stops(tmp_path / "checkpoint.pt", {}), epochs=2)
    resumed, its_history = run(
        splits, perturb, Checkpoint(tmp_path / "checkpoint.pt", {}), epochs=2
    )
    assert torch.equal(weights(resumed), weights(trained)) and its_history == history


@pytest.mark.slow
def test_adversarial_training_makes_a_network_more_robust(splits):
    plain, fast = (run(splits, perturb, epochs=6)[0] for perturb in (None, FAST))
    reached = [perturbation(FGSM).accuracy(one, splits["validation"], 50) for one in (plain, fast)]
    assert reached[1] > reached[0] + 0.15


def test_the_history_has_the_accuracy_under_the_attack_which_decides(splits, tmp_path, monkeypatch):
    given = iter([0.5, 0.7, 0.7, 0.1])
    monkeypatch.setattr(TrainingPerturbation, "accuracy", lambda *_: next(given))
    trained, history = run(splits, FGSM, epochs=4)
    assert [row["attacked_accuracy"] for row in history] == [0.5, 0.7, 0.7, 0.1]
    tied = history[1:3]
    best = max(tied, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]))
    assert [row["epoch"] for row in history if row["best"]] == [best["epoch"]]
    metrics = summarise_history(history, trained, CPU)
    assert metrics["attacked_accuracy"] == 0.7
    write_history(history, tmp_path / "history.csv")
    header = (tmp_path / "history.csv").read_text().splitlines()[0]
    assert "attacked_accuracy" in header and "collapsed" in header
    plain, its_history = run(splits, None, epochs=1)
    assert "attacked_accuracy" not in {*its_history[0], *summarise_history(its_history, plain, CPU)}


@pytest.mark.parametrize("perturb", [FGSM, GUIDED, NOISE], ids=lambda one: one["family"])
def test_an_attack_is_probed_by_pgd_of_its_budget(perturb):
    probe = perturbation(perturb).probe
    if perturb is NOISE:
        assert probe == perturbation(perturb).condition
        return
    assert (probe.perturbation, probe.norm, probe.budget) == ("pgd", "linf", 0.1)
    levels = {**FGSM, "strength": 8, "options": {"parameterization": "levels"}}
    assert perturbation(levels).probe.budget == pytest.approx(8 / 255)


def rows(attacked, train):
    return [
        {"epoch": epoch, "attacked_accuracy": one, "train_accuracy": other}
        for epoch, (one, other) in enumerate(zip(attacked, train, strict=True), start=1)
    ]


@pytest.mark.parametrize(
    ("attacked", "train", "perturb", "collapsed"),
    [
        ([0.4, 0.1], [0.6, 0.9], FGSM, True),
        ([0.4, 0.3, 0.19], [0.6, 0.7, 0.7], FGSM, True),  # half of the best, not of the last
        ([0.4, 0.3, 0.3, 0.25, 0.19], [0.6, 0.7, 0.7, 0.8, 0.8], FGSM, False),  # slowly
        ([0.4, 0.25], [0.6, 0.9], FGSM, False),
        ([0.4, 0.1], [0.6, 0.5], FGSM, False),  # the training itself got worse
        ([0.19, 0.01], [0.6, 0.9], FGSM, False),  # was never robust
        ([0.4], [0.6], FGSM, False),
        ([0.4, 0.1], [0.6, 0.9], NOISE, False),
    ],
)
def test_a_collapse_of_robustness_is_seen(attacked, train, perturb, collapsed):
    assert perturbation(perturb).has_collapsed(rows(attacked, train)) == collapsed


def test_what_a_person_should_hear_is_told_once_in_an_epoch(splits, caplog):
    """Of a network that gives probabilities, where attacks want logits."""
    attacked = nn.Sequential(network(), nn.Softmax(dim=1))
    train(attacked, splits, recipe(FGSM, epochs=1), 0, CPU)
    told = [one for one in caplog.messages if "probabilities" in one]
    assert len(told) == 2 and told[0].startswith("training on fgsm/epsilon-0.1: ")  # and its probe


def test_a_collapse_is_told(splits, monkeypatch, caplog):
    given = iter([0.5, 0.1, 0.05])
    monkeypatch.setattr(TrainingPerturbation, "accuracy", lambda *_: next(given))
    trained, history = run(splits, FGSM, epochs=3)
    assert [row["collapsed"] for row in history] == [False, True, False]
    assert "catastrophic overfitting in epoch 2" in caplog.text
    assert summarise_history(history, trained, CPU)["collapsed_epoch"] == 2


# The configuration.


def test_a_recipe_holds_the_condition_itself():
    found = recipe({**FAST, "share": 0.5})["perturb"]
    condition = Condition(**found["condition"])
    assert (condition.name, condition.strength) == ("fgsm/epsilon-0.1", 0.1)
    assert condition.options["relative_step"] == 1.25
    assert (found["share"], found["warm_up"]) == (0.5, 0)
    assert recipe(None)["perturb"] is None


def test_a_network_s_own_perturbation_replaces_that_of_all_as_a_whole():
    config = read_config("tests/configs/tiny.yaml")
    config["training"]["perturb"] = {**FAST, "share": 0.5}
    entry = {"architecture": NETWORK, "weights": "none"}
    pgd = {"family": "pgd", "strength": 0.2, "options": {"steps": 7}}
    trainings = {"as all": {}, "own": {"perturb": pgd}, "none": {"perturb": None}}
    config["networks"] = [
        {"name": name.replace(" ", "-"), "training": training, **entry}
        for name, training in trainings.items()
    ]
    schema = read_schema()["properties"]["training"]
    of_all, own, none = (one.training["perturb"] for one in list_networks(config, schema))
    assert (of_all["condition"]["name"], of_all["share"]) == ("fgsm/epsilon-0.1", 0.5)
    assert own["share"] == 1 and own["condition"]["options"]["relative_step"] is None
    assert none is None


@pytest.mark.parametrize(
    ("perturb", "words"),
    [
        ({"family": "fsgm", "strength": 0.1}, r"networks, one, training\.perturb: .*fsgm"),
        ({**FGSM, "options": {"step": 1}}, r"one, training\.perturb: perturbations, family fgsm"),
        ({**FGSM, "strength": 0}, r"networks, one, training: .*perturb\.strength is 0"),
        ({**FGSM, "strength": 2}, r"training\.perturb: .* strength 2 must be at most 1"),
        ({**FGSM, "share": 0}, r"perturb\.share is 0"),
        ({**FGSM, "steps": 3}, r"perturb\.steps is not a known key"),
        ({"family": "fgsm"}, r"perturb.*strength"),
        ({**FGSM, "options": {"strengths": [0.1]}}, r"one, training\.perturb: need options of"),
        ({**FGSM, "options": {"family": "pgd"}}, r"Got family; family and strength stand beside"),
        ({**FGSM, "options": {"attack_from": "x", "name": "y"}}, r"Got attack_from, name; "),
    ],
)
def test_a_perturbation_that_can_t_be_is_named(perturb, words):
    with pytest.raises(ConfigurationError, match=words):
        recipe(perturb)


def test_a_training_without_a_perturbation_depends_on_nothing_of_it():
    package, data = "manifold_robustness", "network.data_sets.digits:load,class_names"
    of_it = {f"{package}.network.perturbed.batches", f"{package}.perturbations.apply"}
    assert not of_it & set(reached_definitions("train_network", data))
    entries = ["network.perturbed.batches:TrainingPerturbation", "perturbations.fgsm:perturb"]
    found = reached_definitions("train_network", data, *entries)
    assert of_it | {f"{package}.perturbations.ascent"} <= set(found)
