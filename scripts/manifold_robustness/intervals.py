"""Confidence intervals of 95 %: of means, of differences and of proportions."""

import numpy as np
from scipy.special import stdtrit
from scipy.stats import binomtest

CONFIDENCE = 0.95
RESAMPLES = 10_000


def student_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return mean, low and high of a Student's t interval; NaN bounds for one value.

    >>> student_interval(np.array([1.0]))
    (1.0, nan, nan)
    >>> mean, low, high = student_interval(np.array([1.0, 2.0, 3.0]))
    >>> round(float(low), 3), round(float(high), 3)
    (-0.484, 4.484)
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = (
        stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2) * np.std(values, ddof=1) / len(values) ** 0.5
    )
    return mean, float(mean - half), float(mean + half)


def welch_interval(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Return the difference of two independent means, second less first, with Welch's t interval.

    The variances of the two samples may differ: the degrees of freedom are those of Welch and
    Satterthwaite. The bounds are NaN where a sample holds a single value.

    >>> difference, low, high = welch_interval(np.array([1.0, 2.0, 3.0]), np.array([4.0, 6.0]))
    >>> difference, round(low, 3), round(high, 3)
    (3.0, -2.977, 8.977)
    """
    difference = float(np.mean(second) - np.mean(first))
    if min(len(first), len(second)) < 2:
        return difference, float("nan"), float("nan")
    squares = np.array([np.var(sample, ddof=1) / len(sample) for sample in (first, second)])
    error = squares.sum() ** 0.5
    if error == 0:
        return difference, difference, difference
    freedom = squares.sum() ** 2 / (squares**2 / [len(first) - 1, len(second) - 1]).sum()
    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2) * error)
    return difference, difference - half, difference + half


def bootstrap_difference(
    n_lost: int, n_gained: int, n_images: int, random: np.random.Generator
) -> tuple[float, float, float]:
    """Return the difference of two accuracies on the same images, and its 95 % interval.

    An image's paired difference is -1, 0 or +1, so the counts of these three, as images are drawn
    with replacement, are multinomial. The interval holds the percentiles 2.5 to 97.5.

    Parameters
    ----------
    n_lost, n_gained
        Images that only the first, and only the second, has right.
    n_images
        All images.
    random
        Of the resampling.

    Examples
    --------
    >>> difference, low, high = bootstrap_difference(30, 10, 100, np.random.default_rng(0))
    >>> difference, low < -0.2 < high < 0
    (-0.2, True)
    """
    shares = np.array([n_lost, n_gained, n_images - n_lost - n_gained]) / n_images
    lost, gained, _ = random.multinomial(n_images, shares, size=RESAMPLES).T
    ends = 50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)
    low, high = np.percentile((gained - lost) / n_images, ends)
    return (n_gained - n_lost) / n_images, float(low), float(high)


def wilson_interval(outcomes: np.ndarray) -> tuple[float, float, float]:
    """Return the share of true outcomes with its Wilson interval; NaN where there are none.

    >>> [round(float(value), 3) for value in wilson_interval(np.array([True, False] * 5))]
    [0.5, 0.237, 0.763]
    """
    if not len(outcomes):
        return float("nan"), float("nan"), float("nan")
    interval = binomtest(int(outcomes.sum()), len(outcomes)).proportion_ci(CONFIDENCE, "wilson")
    return outcomes.mean(), interval.low, interval.high
