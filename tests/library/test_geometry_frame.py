"""The frame, and what the results owe to it: they survive rotation, reduction, permutation."""

import numpy as np
import pytest

from library.geometry_clouds import (
    clouds_with_duplicates,
    draws,
    gaussian_clouds,
    low_rank_centers,
    random_rotation,
    relu_clouds,
)
from manifold_robustness.geometry import (
    analyze_manifolds,
    find_center_structure,
    manifold_frame,
    remove_directions,
    total_dimensionality,
)

MEASURES = ("capacity", "radius", "dimension", "rank_dimension", "residual_correlation")


def assert_same(found, expected, tolerance):
    for name in MEASURES:
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=tolerance, err_msg=name
        )
    assert found.center_rank == expected.center_rank
    np.testing.assert_array_equal(found.rank, expected.rank)


CLOUDS = {
    "fewer points than features": gaussian_clouds(6, 12, 100),
    "more points than features": gaussian_clouds(6, 30, 10),
    "duplicate points": clouds_with_duplicates(6, 12, 60),
    "sparse": relu_clouds(6, 20, 80),
    "symmetric segments": low_rank_centers(6, 40, 1)[:, None]
    + np.array([[1.0], [-1.0]]) * np.random.default_rng(1).standard_normal((6, 1, 40)),
    "far from the origin": 1000.0 + gaussian_clouds(6, 12, 50),
}


@pytest.mark.filterwarnings("ignore:Manifold 0 has 30 points of 10 features")
@pytest.mark.parametrize("case", CLOUDS)
def test_results_survive_a_rotation(case):
    clouds = CLOUDS[case]
    expected = analyze_manifolds(clouds, n_gaussian_vectors=50)
    for seed in range(3):
        rotated = clouds @ random_rotation(clouds.shape[2], seed)
        assert_same(analyze_manifolds(rotated, n_gaussian_vectors=50), expected, 1e-9)


def test_results_survive_a_reduction_to_the_span():
    clouds = relu_clouds(5, 10, 2000)
    basis = np.linalg.qr(clouds.reshape(50, -1).T)[0]
    expected = analyze_manifolds(clouds, n_gaussian_vectors=50)
    found = analyze_manifolds(clouds @ basis, n_gaussian_vectors=50)
    assert_same(found, expected, 1e-9)
    ours, theirs = total_dimensionality(clouds @ basis), total_dimensionality(clouds)
    assert ours.n_components == theirs.n_components
    assert ours.participation_ratio == pytest.approx(theirs.participation_ratio, rel=1e-10)


def test_results_survive_a_change_of_unit_and_origin():
    clouds = gaussian_clouds(5, 10, 40)
    expected = analyze_manifolds(clouds, n_gaussian_vectors=50)
    assert_same(analyze_manifolds(3e-5 * (clouds + 7.0), n_gaussian_vectors=50), expected, 1e-8)


def test_frame_keeps_inner_products_and_shows_the_rank():
    offsets = clouds_with_duplicates(1, 10, 40)[0]
    offsets -= offsets.mean(0)
    frame = manifold_frame(offsets)
    assert frame.coordinates.shape == (10, 10)
    assert frame.rank == 4
    np.testing.assert_array_equal(frame.coordinates[:, 4:], 0)
    gram = frame.coordinates @ frame.coordinates.T
    np.testing.assert_allclose(gram, offsets @ offsets.T, atol=1e-12 * gram.max())
    literal = manifold_frame(offsets, literal=True)
    assert literal.rank == 4
    np.testing.assert_allclose(
        np.abs(literal.coordinates), np.abs(np.linalg.qr(offsets.T, mode="r").T), atol=1e-14
    )
    np.testing.assert_allclose(
        (literal.coordinates @ literal.span) @ literal.span.T, literal.coordinates, atol=1e-12
    )


def test_tie_goes_to_the_first_point():
    segment = np.array([[0.3, 0.1], [-0.3, -0.1]])
    for scale in (1.0, 1.0 + 1e-15, 1.0 - 1e-15):
        frame = manifold_frame(segment * [[1.0], [scale]])
        assert frame.coordinates[0, 0] > 0 > frame.coordinates[1, 0]


def test_literal_frame_where_features_are_fewer():
    offsets = gaussian_clouds(1, 9, 4)[0]
    np.testing.assert_array_equal(manifold_frame(offsets, literal=True).coordinates, offsets)


def test_permuting_manifolds_permutes_the_results():
    clouds = relu_clouds(8, 15, 100)
    structure = find_center_structure(clouds.mean(1))
    clouds = remove_directions(clouds, structure.directions)
    vectors = [draws(cloud, 40, seed) for seed, cloud in enumerate(clouds)]
    order = np.random.default_rng(0).permutation(8)
    expected = analyze_manifolds(clouds, gaussian_vectors=vectors, center_rank=0)
    found = analyze_manifolds(
        clouds[order], gaussian_vectors=[vectors[i] for i in order], center_rank=0
    )
    for name in ("capacity", "radius", "dimension", "rank_dimension"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name)[order], rtol=1e-10)
    assert found.center_correlation == pytest.approx(expected.center_correlation, rel=1e-12)


def test_total_dimensionality_of_a_known_spectrum():
    variances = np.array([4.0, 2.0, 1.0, 1.0])
    corners = np.vstack([np.diag(np.sqrt(variances)), -np.diag(np.sqrt(variances))])
    found = total_dimensionality(corners.reshape(2, 4, 4) + 5.0)
    assert found.participation_ratio == pytest.approx(64 / 22)
    assert found.n_components == 4
    assert total_dimensionality(corners.reshape(2, 4, 4), 0.75).n_components == 2
    assert total_dimensionality(corners.reshape(2, 4, 4), 0.76).n_components == 3
