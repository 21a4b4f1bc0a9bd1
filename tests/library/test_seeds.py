"""Seeds: a draw depends on its coordinates alone."""

import numpy as np

from manifold_robustness.seeds import entropy, generator


def draw(*coordinates):
    return generator(*coordinates).standard_normal(4).tolist()


def test_the_same_coordinates_give_the_same_draw():
    np.random.seed(0)
    first = draw(42, "noise", 17)
    draw(42, "noise", 18)
    np.random.seed(1)
    assert draw(42, "noise", 17) == first


def test_each_coordinate_counts():
    coordinates = [
        (42, "noise", 17),
        (43, "noise", 17),
        (42, "order", 17),
        (42, "noise", 18),
        (42, "noise"),
        (42, 17, "noise"),
    ]
    assert len({tuple(draw(*c)) for c in coordinates}) == len(coordinates)


def test_a_known_draw():
    """A change of these numbers would change every result: they are part of the experiment."""
    assert entropy(42, "noise", 17) == (42, 4255749673, 17)
    expected = np.random.default_rng(np.random.SeedSequence((42, 4255749673, 17)))
    assert draw(42, "noise", 17) == expected.standard_normal(4).tolist()
    assert draw(np.int64(42), "noise", np.int32(17)) == draw(42, "noise", 17)
