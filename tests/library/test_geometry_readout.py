"""The readout: scikit-learn's ridge regression, known answers, invariances, and named refusals."""

import time

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeClassifier

from library.geometry_clouds import gaussian_clouds, random_rotation, relu_clouds
from manifold_robustness.errors import GeometryError
from manifold_robustness.geometry.readout import (
    PENALTIES,
    assign,
    cross_validate,
    draw_folds,
    readout_accuracy,
)
from manifold_robustness.measures import readout
from manifold_robustness.seeds import entropy


def overlapping(n_manifolds=6, n_points=20, n_features=60, seed=0, distance=0.35):
    """Clouds of which a readout gets some right and some wrong."""
    generator = np.random.default_rng(seed)
    centers = generator.standard_normal((n_manifolds, 1, n_features))
    return distance * centers + generator.standard_normal((n_manifolds, n_points, n_features))


def flattened(clouds):
    """Points about their mean, the farthest of norm 1; their labels; their numbers."""
    points = np.concatenate(list(clouds)).astype(float)
    points -= points.mean(0)
    counts = [len(cloud) for cloud in clouds]
    return points / np.linalg.norm(points, axis=1).max(), np.repeat(range(len(counts)), counts)


def alpha(points, penalty):
    """The penalty as scikit-learn has it."""
    return penalty * ((points - points.mean(0)) ** 2).sum() / len(points)


def slow_cross_validation(points, labels, fold_of, penalties):
    """By scikit-learn, every readout trained for itself; penalties from great to small."""
    predicted, chosen, n_folds = np.empty_like(labels), [], fold_of.max() + 1

    def fitted(training, penalty):
        model = RidgeClassifier(alpha=alpha(points[training], penalty))
        return model.fit(points[training], labels[training])

    for fold in range(n_folds):
        right = np.zeros(len(penalties))
        for judge in set(range(n_folds)) - {fold} if n_folds > 2 else ():
            training, judged = ~np.isin(fold_of, (fold, judge)), fold_of == judge
            for k, penalty in enumerate(penalties):
                found = fitted(training, penalty).predict(points[judged])
                right[k] += (found == labels[judged]).sum()
        chosen.append(penalties[right.argmax()])
        held_out = fold_of == fold
        predicted[held_out] = fitted(~held_out, chosen[-1]).predict(points[held_out])
    return predicted, chosen


CLOUDS = {
    "fewer points than features": overlapping(6, 12, 100),
    "more points than features": overlapping(6, 20, 15, distance=0.8),
    "two manifolds": overlapping(2, 15, 40, distance=0.2),
    "output layer": overlapping(8, 12, 8, distance=0.8),
    "sparse": relu_clouds(6, 15, 80),
    "far from the origin": 1000.0 + overlapping(6, 12, 50),
    "points that differ in number": [gaussian_clouds(1, m, 50, m)[0] for m in (3, 17, 30, 5, 9)],
    "folds that differ in number": overlapping(5, 7, 30),
    "two points": overlapping(6, 2, 30, distance=1.0),
}


@pytest.mark.parametrize("case", CLOUDS)
@pytest.mark.parametrize("n_folds", [3, 5])
def test_it_is_what_scikit_learn_finds(case, n_folds):
    clouds = CLOUDS[case]
    points, labels = flattened(clouds)
    counts = np.bincount(labels)
    penalties = np.array([100.0, 10.0, 0.1, 1e-4])
    found = readout_accuracy(clouds, n_folds, penalties[::-1], seed=3)
    fold_of = draw_folds(counts, n_folds, 3)
    predicted, chosen = slow_cross_validation(points, labels, fold_of, penalties)
    own, _ = cross_validate(points, labels, fold_of, penalties)
    np.testing.assert_array_equal(own, predicted)
    np.testing.assert_array_equal(found.penalties, chosen)
    assert found.accuracy == np.mean(predicted == labels)
    of_each = [np.mean(predicted[labels == k] == k) for k in range(len(counts))]
    np.testing.assert_array_equal(found.accuracy_per_manifold, of_each)


def test_the_penalty_is_chosen_by_what_it_does():
    generator, powers = np.random.default_rng(0), np.arange(1.0, 121)
    deep = generator.standard_normal((6, 20, 120)) / powers**2  # told apart by the tail alone
    cases = (
        (100.0, 1e-4, overlapping(6, 20, 120)),
        (0.1, 100.0, overlapping(6, 20, 120) + 5 * generator.standard_normal((6, 20, 1))),
        (1e-4, 0.1, deep + 2e-4 * generator.standard_normal((6, 1, 120))),
    )
    for best, worse, clouds in cases:
        found = readout_accuracy(clouds)
        assert np.median(found.penalties) == best
        assert found.accuracy > readout_accuracy(clouds, penalties=[worse]).accuracy + 0.1


@pytest.mark.parametrize("n_features", [15, 200])
def test_both_ways_to_solve_say_the_same_as_ridge_regression(n_features):
    points, labels = flattened(overlapping(6, 12, n_features))
    left_out = np.arange(0, 72, 5)
    training = np.delete(np.arange(72), left_out)
    for penalty in (1e-4, 1.0, 100.0):
        model = Ridge(alpha=alpha(points[training], penalty))
        model.fit(points[training], np.eye(6)[labels[training]])
        expected = model.predict(points[left_out]).argmax(1)
        for gram in (None, points @ points.T):
            found = assign(points, gram, labels, left_out, np.array([penalty]))
            np.testing.assert_array_equal(found, [expected])


def test_labels_that_mean_nothing_are_at_chance():
    clouds = np.random.default_rng(0).standard_normal((5, 40, 100))
    found = [readout_accuracy(clouds[:, :, k : k + 50], seed=k) for k in range(0, 50, 10)]
    assert np.mean([one.accuracy for one in found]) == pytest.approx(0.2, abs=0.05)
    # So are those of clouds far apart, once they are shuffled.
    points = np.random.default_rng(1).permutation(gaussian_clouds(5, 40, 100).reshape(200, 100))
    assert readout_accuracy(points.reshape(5, 40, 100)).accuracy == pytest.approx(0.2, abs=0.08)


@pytest.mark.parametrize("n_points", [2, 3, 4, 5, 7, 30])
def test_clouds_far_apart_are_all_told_apart(n_points):
    for n_features in (10, 300):
        found = readout_accuracy(gaussian_clouds(6, n_points, n_features, radius=0.1))
        assert found.accuracy == 1.0 and np.array_equal(found.accuracy_per_manifold, np.ones(6))
        # All penalties do: the greatest is taken.
        assert set(found.penalties) == {max(PENALTIES)}
        assert len(found.penalties) == min(5, n_points)


def test_a_manifold_that_no_point_is_assigned_to():
    """Between two others on a line, the middle one's output is nowhere the greatest."""
    line = np.linspace(-0.2, 0.2, 10)[:, None]
    found = readout_accuracy(np.stack([line - 1, line, line + 1]), penalties=[1e-4])
    np.testing.assert_array_equal(found.accuracy_per_manifold, [1.0, 0.0, 1.0])
    assert found.accuracy == pytest.approx(2 / 3, abs=1e-15)


def test_each_manifold_has_as_many_points_in_every_fold():
    for counts, n_folds in (((30,) * 4, 5), ((7,) * 3, 5), ((4, 9, 30), 4), ((2, 2), 2)):
        fold_of, labels = draw_folds(counts, 5, 1), np.repeat(range(len(counts)), counts)
        assert fold_of.max() + 1 == n_folds
        for manifold, count in enumerate(counts):
            shares = np.bincount(fold_of[labels == manifold])
            assert shares.sum() == count and shares.max() - shares.min() <= 1
    assert not np.array_equal(draw_folds((30,) * 4, 5, 1), draw_folds((30,) * 4, 5, 2))


@pytest.mark.parametrize("n_features", [15, 200])
def test_the_label_of_a_point_has_no_part_in_its_own_prediction(n_features):
    """Nor that of any other point of its fold, nor in the fold's penalty."""
    points, labels = flattened(overlapping(4, 20, n_features, distance=0.15))
    fold_of, penalties = draw_folds([20] * 4, 5, 0), np.array([100.0, 1.0, 1e-4])
    before, chosen = cross_validate(points, labels, fold_of, penalties)
    for fold in range(5):
        held_out = fold_of == fold
        flipped = np.where(held_out, (labels + 1) % 4, labels)
        after, others = cross_validate(points, flipped, fold_of, penalties)
        assert np.array_equal(after[held_out], before[held_out]) and others[fold] == chosen[fold]
        assert not np.array_equal(after[~held_out], before[~held_out])


@pytest.mark.parametrize("shape", [(5, 12, 100), (5, 12, 20)])
def test_where_points_lie_and_in_what_units_does_not_matter(shape):
    clouds = overlapping(*shape, distance=2 / shape[2] ** 0.5)
    expected = readout_accuracy(clouds)
    assert 0.3 < expected.accuracy < 0.95
    padded = np.concatenate([clouds, np.zeros((5, 12, 90))], axis=2)
    others = {
        "rotated": clouds @ random_rotation(shape[2]),
        "padded": padded,
        "padded and rotated": padded @ random_rotation(shape[2] + 90),
        "shifted": clouds + 10 * np.random.default_rng(0).standard_normal(shape[2]),
        "a list": list(clouds),
        **{f"times {scale:g}": clouds * scale for scale in (1e-150, 1e-20, 7.0, 1e150)},
    }
    for case, other in others.items():
        found = readout_accuracy(other)
        assert found.accuracy == expected.accuracy, case
        np.testing.assert_array_equal(found.accuracy_per_manifold, expected.accuracy_per_manifold)
        np.testing.assert_array_equal(found.penalties, expected.penalties)


def test_the_same_seed_gives_the_same_and_another_one_other_folds():
    clouds = overlapping()
    one, other = readout_accuracy(clouds, seed=(1, 2)), readout_accuracy(clouds, seed=(1, 2))
    assert one.accuracy == other.accuracy
    assert len({readout_accuracy(clouds, seed=seed).accuracy for seed in range(8)}) > 1


def changed(place, value):
    clouds = overlapping()
    clouds[place] = value
    return clouds


REFUSED = {
    "one manifold": ({"points": np.ones((1, 5, 9))}, "at least two manifolds. Got 1"),
    "one point": ({"points": [np.ones((4, 9)), np.ones((1, 9))]}, "Manifold 1 has 1"),
    "not finite": ({"points": changed((2, 3, 4), np.nan)}, "Manifold 2 holds nan at point 3"),
    "one place": ({"points": np.full((3, 5, 9), 0.1)}, "two distinct points. All 15 coincide"),
    "all but one in one place": (
        {"points": np.r_[np.zeros(29), 1.0].reshape(3, 10, 1)},
        "Those that train one are within 1e-05 of each other",
    ),
    "two folds": ({"n_folds": 2}, "at least three folds.* Got 2"),
    "half a fold": ({"n_folds": 3.5}, "at least one fold. Got 3.5"),
    "no penalty": ({"penalties": []}, r"penalties of at least 1e-08, one or more. Got \[\]"),
    "a penalty of 0": ({"penalties": [1.0, 0.0]}, r"Got \[1.0, 0.0\]"),
    "an infinite penalty": ({"penalties": [np.inf]}, r"Got \[inf\]"),
    "a penalty by itself": ({"penalties": 1.0}, r"Got 1.0"),
    "a seed below 0": ({"seed": -1}, "integers >= 0. Got -1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_readout_is_defined_for_is_refused(case):
    arguments, words = REFUSED[case]
    with pytest.raises(GeometryError, match=words):
        readout_accuracy(**{"points": overlapping()} | arguments)


def test_a_penalty_that_rounding_hides_is_refused():
    """One far point, among those that train: the others' inner products are rounding beside its."""
    points, labels = flattened(overlapping(3, 10, 60))
    points[0] *= 1e9
    with pytest.raises(GeometryError, match=r"above the rounding.*Got 1e-30"):
        assign(points, points @ points.T, labels, np.array([5]), np.array([1e-30]))


def test_the_measure_is_that_of_the_replicate(monkeypatch):
    clouds = overlapping(distance=0.2)
    found = [readout.measure(clouds, {}, 1, replicate)["readout_accuracy"] for replicate in (0, 1)]
    expected = [readout_accuracy(clouds, seed=entropy(1, "readout", k)).accuracy for k in (0, 1)]
    assert found == expected and found[0] != found[1]
    monkeypatch.setattr("manifold_robustness.limits.LARGEST_SPECTRUM", 59)
    assert np.isnan(readout.measure(clouds, {}, 1, 0)["readout_accuracy"])


@pytest.mark.slow
def test_a_replicate_takes_a_fraction_of_a_second():
    clouds, times = overlapping(10, 30, 300), []
    for _ in range(7):
        start = time.process_time()
        readout_accuracy(clouds)
        times.append(time.process_time() - start)
    assert min(times) < 0.1
