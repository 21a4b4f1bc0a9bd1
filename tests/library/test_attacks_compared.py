"""Attacks beside each other: what must hold, what hints at odd gradients, and what chance gives."""

import numpy as np
import pytest
import torch

from attacked import attack, trained_network, unseen_images
from manifold_robustness.attacks import (
    BROKEN,
    HOLDS,
    WARNS,
    AttackLevel,
    ExpectedFamily,
    compare_attacks,
)
from manifold_robustness.conditions import list_families
from manifold_robustness.errors import DataError
from manifold_robustness.files.predictions import Predictions
from result_files import image_sums

N = 1000


def level(name, budget, norm="linf"):
    return AttackLevel(f"{name}/epsilon-{budget:g}", norm, budget)


def family(name, *budgets, norm="linf", **expected):
    return ExpectedFamily(name, name, "ε", [level(name, one, norm) for one in budgets], **expected)


def answers(correct, indices=None, **seen):
    correct = np.asarray(correct)
    labels = np.zeros(len(correct), int)
    indices = np.arange(len(correct)) if indices is None else indices
    sums = image_sums(len(correct))
    return Predictions(np.where(correct, 0, 1), labels, indices, ["a", "b"], sums, {}, seen)


def first(n_right, n=N):
    """Answers of which the first ones are right."""
    return answers(np.arange(n) < n_right)


def compare(found, *families, images=dict, network="plain"):
    found = {(network, name): one for name, one in {"clean": first(N), **found}.items()}
    return compare_attacks(found, families, images)


def only(table, check):
    (row,) = table[table["check"] == check].to_dict("records")
    return row


FGSM = family("fgsm", 0.1, 0.2)
PGD = family("pgd", 0.1, no_weaker_than=["fgsm"])


@pytest.mark.parametrize(
    ("right", "right_there", "verdict"),
    [
        (300, 300, HOLDS),
        (100, 300, HOLDS),
        (309, 300, HOLDS),  # less than a point, however certain
        (310, 300, WARNS),
    ],
)
def test_an_attack_that_is_weaker_than_expected(right, right_there, verdict):
    found = {"pgd/epsilon-0.1": first(right), "fgsm/epsilon-0.1": first(right_there)}
    row = only(compare({**found, "fgsm/epsilon-0.2": first(0)}, FGSM, PGD), "no weaker")
    assert row["verdict"] == verdict
    assert (row["network"], row["family"]) == ("plain", "pgd")
    assert (row["condition"], row["reference"]) == ("pgd/epsilon-0.1", "fgsm/epsilon-0.1")
    assert (row["value"], row["reference_value"]) == (right / N, right_there / N)
    assert (row["gained"], row["lost"]) == (
        max(0, right - right_there),
        max(0, right_there - right),
    )
    words = f"pgd/epsilon-0.1 leaves {right / 10:.1f} % of 1000 images right, fgsm/epsilon-0.1 30.0"
    assert row["statement"].startswith(words)


def test_a_difference_that_chance_would_give_is_no_hint():
    """Of 95 images that only one of two leaves right, 55 to 40 is chance, 70 to 25 is not."""
    there = np.arange(N) < 500
    # P(B >= gained) of 95 throws of a coin.
    for gained, lost, chance, verdict in ((55, 40, 0.0751, HOLDS), (70, 25, 2.1e-6, WARNS)):
        here = there.copy()
        here[:lost] = False
        here[500 : 500 + gained] = True
        found = {"pgd/epsilon-0.1": answers(here), "fgsm/epsilon-0.1": answers(there)}
        row = only(compare({**found, "fgsm/epsilon-0.2": first(0)}, FGSM, PGD), "no weaker")
        assert (row["gained"], row["lost"], row["verdict"]) == (gained, lost, verdict)
        assert row["p_value"] == pytest.approx(chance, rel=0.05)


def test_only_equal_budgets_in_one_norm_are_compared():
    in_levels = ExpectedFamily(
        "levels", "fgsm", "ε", [AttackLevel("levels/epsilon-51", "linf", 51 / 255)]
    )
    l2 = family("pgd", 0.2, norm="l2", no_weaker_than=["fgsm"])
    linf = family("pgd", 0.2, no_weaker_than=["fgsm"])
    found = {name: first(0) for name in ("pgd/epsilon-0.2", "levels/epsilon-51")}
    found |= {f"fgsm/epsilon-{one}": first(0) for one in (0.1, 0.2)}
    table = compare(found, FGSM, in_levels, linf)
    assert list(table["reference"]) == ["fgsm/epsilon-0.2", "levels/epsilon-51"]
    assert compare(found, FGSM, in_levels, l2).empty


def test_images_are_paired_where_both_conditions_have_them():
    """Of ten that both have, one condition gets two right and the other none."""
    here = answers(np.arange(20) < 12, np.arange(20))
    there = answers(np.arange(20) >= 10, np.arange(10, 30))
    found = {"pgd/epsilon-0.1": here, "fgsm/epsilon-0.1": there, "fgsm/epsilon-0.2": here}
    row = only(compare(found, FGSM, PGD), "no weaker")
    assert (row["n"], row["gained"], row["lost"]) == (10, 2, 0)
    found["fgsm/epsilon-0.1"] = answers(np.ones(10, bool), np.arange(20, 30))
    with pytest.raises(DataError, match=r"common images.*pgd/epsilon-0.1 and fgsm/epsilon-0.1"):
        compare(found, FGSM, PGD)


@pytest.mark.parametrize(
    ("counts", "verdict", "pair"),
    [
        ((900, 500, 100), HOLDS, None),
        ((900, 500, 509), HOLDS, None),
        ((900, 500, 505, 512), WARNS, (3, 2)),  # slowly, over two levels
        ((900, 500, 600, 100), WARNS, (3, 2)),
        ((1000, 500), HOLDS, None),
    ],
)
def test_an_accuracy_that_rises_with_the_strength(counts, verdict, pair):
    bim = family("bim", *(0.1 * (k + 1) for k in range(len(counts))), falls=True)
    found = {one.condition: first(n) for one, n in zip(bim.levels, counts, strict=True)}
    row = only(compare(found, bim), "falls")
    assert row["verdict"] == verdict
    if pair:
        names = [bim.levels[k - 1].condition for k in pair]
        if counts[2] < counts[-1]:
            names[0] = bim.levels[-1].condition
        assert [row["condition"], row["reference"]] == names
        assert "not to rise with ε" in row["statement"]


@pytest.mark.parametrize(("n_levels", "verdict"), [(2, WARNS), (5, HOLDS)])
def test_a_rise_that_is_picked_out_of_many_must_be_clearer(n_levels, verdict):
    """Ten of ten images speak for it, of 3 pairs of levels or of 15."""
    counts = [500] * (n_levels - 1) + [510]
    bim = family("bim", *(0.1 * (k + 1) for k in range(n_levels)), falls=True)
    found = {one.condition: first(n) for one, n in zip(bim.levels, counts, strict=True)}
    row = only(compare(found, bim), "falls")
    assert (row["gained"], row["lost"], row["verdict"]) == (10, 0, verdict)
    assert row["p_value"] == pytest.approx(n_levels * (n_levels + 1) / 2 / 2**10)


def test_clean_images_are_a_level_too():
    found = {"clean": first(500), "bim/epsilon-0.1": first(600)}
    row = only(compare(found, family("bim", 0.1, falls=True)), "falls")
    assert (row["verdict"], row["reference"]) == (WARNS, "clean")


@pytest.mark.parametrize(
    ("n_right", "n", "verdict"),
    [(0, 1000, HOLDS), (50, 1000, HOLDS), (80, 1000, WARNS), (2, 30, HOLDS), (6, 30, WARNS)],
)
def test_the_greatest_strength_should_leave_nothing_right(n_right, n, verdict):
    pgd = family("pgd", 0.1, 0.5, vanishes=True)
    found = {"pgd/epsilon-0.1": first(n, n), "pgd/epsilon-0.5": first(n_right, n)}
    row = only(compare(found, pgd), "vanishes")
    assert (row["verdict"], row["condition"]) == (verdict, "pgd/epsilon-0.5")
    assert f"leaves {100 * n_right / n:.1f} % right" in row["statement"]


def test_gradients_that_are_zero():
    pgd, found = family("pgd", 0.1, 0.2), {}
    for name, n_zero in (("pgd/epsilon-0.1", 3), ("pgd/epsilon-0.2", 10)):
        found[name] = answers(np.ones(9, bool), n_gradients=500, n_zero_gradients=n_zero)
    row = only(compare(found, pgd), "gradients")
    assert (row["condition"], row["value"], row["n"]) == ("pgd/epsilon-0.2", 0.02, 500)
    assert row["verdict"] == WARNS and row["statement"].startswith("2 % of the gradients that")
    del found["pgd/epsilon-0.2"]
    assert only(compare(found, family("pgd", 0.1)), "gradients")["verdict"] == HOLDS
    asked_for_none = {"pgd/epsilon-0.1": answers([True], n_gradients=0, n_zero_gradients=0)}
    assert compare(asked_for_none, family("pgd", 0.1)).empty


def test_nothing_is_expected_of_a_family_that_declares_nothing():
    rising = {"fgsm/epsilon-0.1": first(100), "fgsm/epsilon-0.2": first(900)}
    assert compare(rising, FGSM).empty


# Paths of one attack, each of which goes on from where a shorter one ended.

JSMA = ExpectedFamily(
    "jsma",
    "jsma",
    "γ",
    [AttackLevel(f"jsma/gamma-{one}", None, one) for one in (0.1, 0.3)],
    falls=True,
    nested=True,
)


@pytest.fixture(scope="module")
def paths():
    """Images under JSMA at two strengths and clean, and the answers to them."""
    network, (images, labels) = trained_network(), unseen_images(100)
    found = {"clean": images}
    for one in JSMA.levels:
        found[one.condition] = attack("jsma", one.budget, images, labels, network)
    with torch.inference_mode():
        right = {name: (network(one).argmax(1) == labels).numpy() for name, one in found.items()}
    stored = {name: one.numpy().reshape(2, 5, 10, *one.shape[1:]) for name, one in found.items()}
    return stored, {name: answers(one) for name, one in right.items()}


PLACES = np.arange(100).reshape(2, 5, 10)


def follow(paths, **changes):
    stored, found = paths
    stored = {**stored, **{f"jsma/gamma-{key[1:]}": one for key, one in changes.items()}}
    return compare(found, JSMA, images=lambda _, name: (stored[name], found[name].correct[PLACES]))


def test_a_path_of_jsma_goes_on_from_a_shorter_one(paths):
    table = follow(paths)
    row = only(table, "nested")
    assert (row["n"], row["value"], row["verdict"]) == (100, 1.0, HOLDS)
    assert only(table, "falls")["verdict"] == HOLDS
    accuracies = [paths[1][one.condition].correct.mean() for one in JSMA.levels]
    assert accuracies[1] < accuracies[0] < 0.9


def test_a_path_that_goes_back_is_broken(paths):
    stored = paths[0]
    short, long = (stored[one.condition].copy() for one in JSMA.levels)
    changed = (short != stored["clean"]).reshape(100, -1)
    images = np.flatnonzero(changed.any(1))[:3]
    for image in images:  # what the shorter path changed, the longer one leaves
        pixel = np.flatnonzero(changed[image])[0]
        long.reshape(100, -1)[image, pixel] = stored["clean"].reshape(100, -1)[image, pixel]
    row = only(follow(paths, **{"_0.3": long}), "nested")
    assert row["verdict"] == BROKEN and row["value"] == pytest.approx(0.97)
    assert "in 97 of 100 selected images" in row["statement"]


def test_a_path_that_goes_on_beyond_its_end_is_broken(paths):
    """An image that the shorter path has led out of its class stays as it is."""
    short, long = (paths[0][one.condition].copy() for one in JSMA.levels)
    ended = np.flatnonzero(~paths[1]["jsma/gamma-0.1"].correct)
    for image in ended[:2]:
        flat = long.reshape(100, -1)[image]
        flat[np.flatnonzero(flat == short.reshape(100, -1)[image])[0]] += 0.25
    assert only(follow(paths, **{"_0.3": long}), "nested")["value"] == pytest.approx(0.98)


def test_one_image_in_a_hundred_may_take_another_path(paths):
    """On another machine: its rounding may decide which of two pairs is the better one."""
    long = paths[0]["jsma/gamma-0.3"].copy()
    image = np.flatnonzero(~paths[1]["jsma/gamma-0.1"].correct)[0]
    long.reshape(100, -1)[image] = 0
    row = only(follow(paths, **{"_0.3": long}), "nested")
    assert row["verdict"] == HOLDS and row["value"] == pytest.approx(0.99)


def test_an_accuracy_that_must_not_rise(paths):
    """However much falls elsewhere: two images that are right again break the run."""
    stored, found = paths
    wrong = np.flatnonzero(~found["jsma/gamma-0.1"].correct)
    for n, verdict in ((1, HOLDS), (2, BROKEN)):
        right = found["jsma/gamma-0.3"].correct.copy()
        right[wrong[:n]] = True
        changed = {**found, "jsma/gamma-0.3": answers(right)}
        assert only(follow((stored, changed)), "falls")["verdict"] == verdict


def test_what_the_attacks_declare():
    """The expectations of every attack, as the workflow hands them to the comparison."""
    names = ("fgsm", "bim", "pgd", "apgd", "deepfool", "jsma", "sign_noise", "uniform")
    expected = {
        one.name: one.expected
        for one in list_families([{"family": name, "strengths": [0.1]} for name in names])
    }
    for name in ("fgsm", "sign_noise", "uniform"):
        assert expected[name] == {}
    for name in ("bim", "pgd", "apgd"):
        assert {"fgsm", "sign_noise", "uniform"} <= set(expected[name]["no_weaker_than"])
        assert expected[name]["falls"] and expected[name]["vanishes"]
    assert "pgd" in expected["apgd"]["no_weaker_than"]
    assert expected["jsma"] == {"falls": True, "nested": True}
    assert expected["deepfool"] == {"falls": True, "vanishes": True}
    for one in expected.values():
        assert ExpectedFamily("x", "x", "ε", [], **one)
