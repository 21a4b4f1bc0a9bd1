"""Patterns of names: exactly these names, and short."""

import random
import re

from manifold_robustness.patterns import one_of


def test_each_name_fits_and_no_other():
    generator = random.Random(0)
    for _ in range(500):
        words = ["".join(generator.choices("ab.-/", k=generator.randint(1, 5))) for _ in range(20)]
        names = set(words[: generator.randint(0, 10)])
        pattern = re.compile(one_of(sorted(names)))
        assert {word for word in words if pattern.fullmatch(word)} == names


def test_thousands_of_strengths_are_written_once():
    names = [f"gaussian/sigma-{k / 1000:g}" for k in range(1, 3001)]
    pattern = one_of(names)
    assert len(pattern) < len("|".join(names)) / 6
    fits = re.compile(pattern).fullmatch
    assert all(map(fits, names)) and not fits("gaussian/sigma-3.001") and not fits("gaussian/sigma")


def test_the_order_does_not_matter():
    names = ["clean", "fgsm/epsilon-2", "fgsm/epsilon-0.5", "fgsm/epsilon-0"]
    assert one_of(names) == one_of(names[::-1])
