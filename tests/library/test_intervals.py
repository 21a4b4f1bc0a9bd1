"""Intervals against numbers worked out by hand, by SciPy, or by brute force."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from manifold_robustness.intervals import (
    bootstrap_difference,
    student_interval,
    welch_interval,
    wilson_interval,
)
from manifold_robustness.seeds import generator

T2, T3 = 12.706204736432095, 4.302652729911275  # Student's t for 95 %, 1 and 2 degrees of freedom


@pytest.mark.parametrize(
    ("values", "half"),
    [
        ([1, 3], T2),
        ([1, 2, 3], T3 / math.sqrt(3)),
        ([5, 5, 5], 0),
        ([-1, 0, 4], T3 * math.sqrt(7 / 3)),
    ],
)
def test_student_intervals(values, half):
    mean, low, high = student_interval(np.array(values, dtype=float))
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx((mean - half, mean + half))


@pytest.mark.parametrize(
    ("first", "second"),
    [([1, 2, 3], [4, 6]), ([1, 1.5, 0], [7, -3, 2.0]), ([0, 1], [0, 1])],
)
def test_welch_s_intervals(first, second):
    first, second = np.array(first, dtype=float), np.array(second, dtype=float)
    expected = ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    difference, low, high = welch_interval(first, second)
    assert difference == pytest.approx(second.mean() - first.mean())
    assert (low, high) == pytest.approx((expected.low, expected.high))


@pytest.mark.filterwarnings("error")
def test_welch_s_interval_of_what_does_not_scatter_or_is_single():
    assert welch_interval(np.full(3, 2.0), np.full(2, 5.0)) == (3, 3, 3)
    difference, low, high = welch_interval(np.array([2.0]), np.array([5.0, 6.0]))
    assert difference == 3.5 and np.isnan([low, high]).all()
    assert np.isnan(welch_interval(np.array([2.0, np.nan]), np.array([5.0, 6.0]))).all()


@pytest.mark.parametrize(("lost", "gained"), [(40, 10), (3, 0), (0, 0), (60, 60)])
def test_the_bootstrap_is_that_over_images(lost, gained):
    n_images = 200
    differences = np.repeat([-1, 1, 0], [lost, gained, n_images - lost - gained])
    random = np.random.default_rng(0)
    means = random.choice(differences, size=(20_000, n_images)).mean(axis=1)
    effect, low, high = bootstrap_difference(lost, gained, n_images, generator(1, "bootstrap"))
    assert effect == pytest.approx(differences.mean())
    step = 1.01 / n_images  # a percentile may fall on the next image
    assert [low, high] == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=step)


@pytest.mark.parametrize(
    ("n_correct", "low", "high"),
    [(0, 0, 0.277533), (5, 0.236593, 0.763407), (9, 0.595850, 0.982124), (10, 0.722467, 1)],
)
def test_wilson_intervals(n_correct, low, high):
    found = wilson_interval(np.arange(10) < n_correct)
    assert found == pytest.approx((n_correct / 10, low, high), abs=1e-6)
    assert np.isnan(wilson_interval(np.zeros(0, bool))).all()
