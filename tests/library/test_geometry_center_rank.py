"""The supported rank: planted structure is found, and none where there is none."""

import numpy as np
import pytest

from library.geometry_clouds import gaussian_clouds
from manifold_robustness.errors import GeometryError
from manifold_robustness.geometry import analyze_manifolds, centers, find_center_structure
from manifold_robustness.geometry.center_rank import (
    mean_isotropic_gain,
    remaining_gain,
    supported_rank,
)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def planted_centers(n_manifolds, n_features, rank, strength, seed):
    generator = np.random.default_rng([seed, rank])
    isotropic = unit(generator.standard_normal((n_manifolds, n_features)))
    basis = np.linalg.qr(generator.standard_normal((n_features, rank)))[0]
    shared = unit(generator.standard_normal((n_manifolds, rank))) @ basis.T
    return unit(strength * shared + np.sqrt(1 - strength**2) * isotropic)


def never():
    raise AssertionError("the isotropic centers cannot matter here")


@pytest.mark.parametrize(
    ("correlations", "gain", "rank"),
    [
        # What is left to gain beyond each K: 0.09; 0.5, 0.
        ([0.2, 0.182], 0.0, 0),
        ([0.2, 0.1], 0.0, 1),
        # 0.52, 0.36, 0.04, 0, 0.17: the rise at the end doesn't count.
        ([0.2, 0.15, 0.1, 0.096, 0.115], 0.0, 2),
        # 0.4, 0.14, 0.08, 0: isotropic centers gain 0.1 and then some, so the second is not needed.
        ([0.2, 0.14, 0.13, 0.12], 0.0, 2),
        ([0.2, 0.14, 0.13, 0.12], 0.1, 1),
        ([0.2, 0.14, 0.13, 0.12], 0.3, 0),
        # Residuals that only rise.
        ([0.2, 0.3, 0.4], 0.0, 0),
        ([0.2], 0.0, 0),
    ],
)
def test_least_rank_with_no_more_to_gain(correlations, gain, rank):
    assert supported_rank(correlations, 20, 10, lambda: gain) == rank


def test_isotropic_centers_are_drawn_only_where_they_matter():
    assert supported_rank([0.2, 0.19], 20, 10, never) == 0
    assert supported_rank([0.2, 0.14, 0.13, 0.12], 100, 10, never) == 2
    with pytest.raises(AssertionError, match="matter"):
        supported_rank([0.2, 0.14, 0.13, 0.12], 99, 10, never)


@pytest.mark.parametrize(("n_manifolds", "n_draws"), [(10, 6), (20, 3), (100, 2)])
def test_isotropic_gain_is_the_mean_over_draws_of_unit_centers(n_manifolds, n_draws):
    drawn = []

    def search(sets):
        correlations = []
        for isotropic in sets:
            assert isotropic.shape == (n_manifolds, 7)
            np.testing.assert_allclose(np.linalg.norm(isotropic, axis=1), 1)
            drawn.append(isotropic)
            correlations.append([0.2, 0.2 - 0.01 * len(drawn)])
        return correlations

    gain = mean_isotropic_gain(n_manifolds, 7, search)
    assert gain == pytest.approx(0.05 * (n_draws + 1) / 2)
    assert len(drawn) == n_draws and len({one.tobytes() for one in drawn}) == n_draws
    first = drawn[0]
    mean_isotropic_gain(n_manifolds, 7, search)
    np.testing.assert_array_equal(drawn[n_draws], first)


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "strength"), [(0, 0.0), (1, 0.7), (1, 0.95), (3, 0.7), (3, 0.95)])
def test_finds_the_planted_rank(rank, strength):
    """Isotropic centers matter here: 30 of them in 60 dimensions gain about a tenth."""
    for seed in range(2):
        planted = planted_centers(30, 60, rank, strength, seed)
        assert find_center_structure(planted, "supported", restarts=5).rank == rank


@pytest.mark.parametrize("seed", range(5))
def test_unrelated_centers_share_nothing(seed):
    isotropic = np.random.default_rng(seed).standard_normal((10, 300))
    assert find_center_structure(isotropic, restarts=3).rank == 1
    assert find_center_structure(isotropic, "supported", restarts=3).rank == 0


@pytest.mark.parametrize("selection", ["stable", "least_cost"])
def test_directions_are_those_of_the_number_asked_for(selection):
    planted = planted_centers(10, 100, 2, 0.9, 1)
    found = find_center_structure(planted, "supported", selection, 2)
    assert found.rank in (1, 2)
    numbered = find_center_structure(planted, found.rank, selection, 2)
    np.testing.assert_array_equal(found.directions, numbered.directions)
    searched = find_center_structure(planted, "auto", selection, 2)
    np.testing.assert_array_equal(found.residual_correlation, searched.residual_correlation)


@pytest.mark.slow
def test_isotropic_search_has_the_same_selection_and_starts(monkeypatch):
    asked = []

    def gain(*arguments):
        asked.append(arguments)
        return 0.0

    monkeypatch.setattr(centers, "_isotropic_gain", gain)
    planted = planted_centers(12, 30, 2, 0.9, 1)
    find_center_structure(planted, "supported", "least_cost", 4)
    find_center_structure(planted, "supported")
    assert asked == [(12, 30, "least_cost", 4), (12, 30, "stable", 33)]


@pytest.mark.slow
def test_does_not_depend_on_what_was_asked_before():
    planted = planted_centers(8, 12, 1, 0.8, 3)
    centers._isotropic_gain.cache_clear()
    first = find_center_structure(planted, "supported", restarts=2)
    gain = centers._isotropic_gain(8, 12, "stable", 2)
    centers._isotropic_gain.cache_clear()
    find_center_structure(planted_centers(8, 12, 2, 0.8, 4), "supported", restarts=2, seed=5)
    again = find_center_structure(planted, "supported", restarts=2)
    np.testing.assert_array_equal(first.directions, again.directions)
    assert centers._isotropic_gain(8, 12, "stable", 2) == gain > 0


def test_whole_analysis_takes_the_rule():
    clouds = gaussian_clouds(8, 6, 90, radius=0.5)
    found = analyze_manifolds(clouds, center_rank="supported", n_gaussian_vectors=20)
    alone = analyze_manifolds(clouds, center_rank=0, n_gaussian_vectors=20)
    assert found.center_rank == 0 < len(found.residual_correlation) - 1
    np.testing.assert_array_equal(found.capacity, alone.capacity)


@pytest.mark.parametrize("n_manifolds", [2, 3])
def test_few_manifolds_share_nothing(n_manifolds):
    isotropic = np.random.default_rng(0).standard_normal((n_manifolds, 9))
    assert find_center_structure(isotropic, "supported").rank == 0


def test_other_words_are_refused():
    isotropic = np.random.default_rng(0).standard_normal((6, 9))
    with pytest.raises(GeometryError, match=r'"auto", "supported" or an integer.*Got \'best\'\.'):
        find_center_structure(isotropic, "best")


def test_nothing_remains_to_be_gained_at_the_least_correlation():
    np.testing.assert_allclose(remaining_gain([0.4, 0.1, 0.2]), [0.75, 0, 0.5])
