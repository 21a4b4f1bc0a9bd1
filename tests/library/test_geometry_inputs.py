"""Bad input: a named error that says the requirement and the value, never a plausible number."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from library.geometry_clouds import draws, gaussian_clouds
from manifold_robustness.errors import GeometryError
from manifold_robustness.geometry import (
    analyze_manifolds,
    anchor_statistics,
    find_anchor_points,
    find_center_structure,
    manifold_frame,
    simulate_capacity,
    total_dimensionality,
)
from manifold_robustness.measures import simulation


def spoilt(value):
    clouds = gaussian_clouds(3, 5, 8)
    clouds[1, 2, 3] = value
    return clouds


def zero_center():
    """The center of manifold 0 is the global mean, though not the mean of the other centers."""
    clouds = list(gaussian_clouds(3, 5, 8))
    clouds.append(clouds[0][:3])
    others = np.concatenate(clouds[1:]).mean(0)
    clouds[0] = clouds[0] - clouds[0].mean(0) + others
    return clouds


def coinciding():
    clouds = gaussian_clouds(3, 5, 8)
    clouds[2] = clouds[2, 0] + 0.1
    return clouds


POINTS = {
    "NaN": (spoilt(np.nan), r"finite points\. Manifold 1 holds nan at point 2, feature 3"),
    "infinite": (spoilt(-np.inf), r"finite points\. Manifold 1 holds -inf"),
    "one manifold": (gaussian_clouds(1, 5, 8), r"at least two manifolds\. Got 1\."),
    "none": ([], r"at least two manifolds\. Got 0\."),
    "one point": (
        [*gaussian_clouds(2, 5, 8), np.ones((1, 8))],
        r"at least two points in each manifold\. Manifold 2 has 1\.",
    ),
    "features": (
        [np.eye(4), np.ones((3, 5))],
        r"as many features.*Manifold 0 has 4, manifold 1 has 5\.",
    ),
    "no features": (np.ones((3, 4, 0)), r"at least one feature\. Got 0\."),
    "text": ([[["a"], ["b"]], [["c"], ["d"]]], r"real numbers\. Manifold 0 holds <U1\."),
    "complex": (np.ones((2, 3, 4)) * 1j, r"real numbers\. Manifold 0 holds complex128\."),
    "objects": ([[[None], [1]], [[1], [2]]], r"real numbers\. Manifold 0 holds object\."),
    "ragged": ([[[1.0], [1.0, 2.0]], [[1.0], [2.0]]], r"of numbers\. Manifold 0 is ragged\."),
    "flat": (np.ones((6, 7)), r"\(n_manifolds, n_points, n_features\)\. Got .*\(6, 7\)\."),
    "vectors": ([np.ones(3), np.ones(3)], r"Manifold 0 has shape \(3,\)\."),
    "nothing": (None, r"sequence of manifolds\. Got NoneType\."),
    "zero center": (zero_center(), r"Manifold 0: Need a center of norm > .* Got "),
    "coinciding": (coinciding(), r"Manifold 2: .*two distinct points.*All 5 points coincide\."),
    "centers coincide": (
        gaussian_clouds(3, 5, 8) - gaussian_clouds(3, 5, 8).mean(1, keepdims=True),
        r"Manifold 0: Need a center of norm > .* Got ",
    ),
}


@pytest.mark.parametrize("case", POINTS)
def test_points(case):
    points, message = POINTS[case]
    with pytest.raises(GeometryError, match=message):
        analyze_manifolds(points, n_gaussian_vectors=5)


@pytest.mark.parametrize("case", ["NaN", "one manifold", "features", "flat"])
@pytest.mark.parametrize("function", [total_dimensionality, simulate_capacity])
def test_points_of_the_other_measures(function, case):
    points, message = POINTS[case]
    with pytest.raises(GeometryError, match=message):
        function(points)


SETTINGS = [
    ({"margin": -0.1}, r"margin >= 0\. Got -0\.1\."),
    ({"margin": np.nan}, r"margin >= 0\. Got nan\."),
    ({"margin": np.inf}, r"margin >= 0\. Got inf\."),
    ({"margin": "0"}, r"margin >= 0\. Got '0'\."),
    ({"n_gaussian_vectors": 0}, r"at least one Gaussian vector\. Got 0\."),
    ({"n_gaussian_vectors": 2.5}, r"at least one Gaussian vector\. Got 2\.5\."),
    ({"seed": -1}, r"seed of integers >= 0\. Got -1\."),
    ({"seed": (1, "a")}, r"seed of integers >= 0\. Got \(1, 'a'\)\."),
    ({"seed": None}, r"seed of integers >= 0\. Got None\."),
    ({"center_rank": -1}, r"center rank.*Got -1\."),
    ({"center_rank": "best"}, r"center rank.*Got 'best'\."),
    ({"center_rank": 1}, r"center rank <= 0 for 3 manifolds.*Got 1\."),
    ({"center_selection": "first"}, r"stable, least_cost\. Got 'first'\."),
    ({"center_restarts": 0}, r"at least one start.*Got 0\."),
    ({"tolerance": 0.0}, r"tolerance > 0\. Got 0\.0\."),
]


@pytest.mark.parametrize(("setting", "message"), SETTINGS)
def test_settings(setting, message):
    with pytest.raises(GeometryError, match=message):
        analyze_manifolds(gaussian_clouds(3, 5, 8), **setting)


CLOUDS = gaussian_clouds(3, 5, 8)
GOOD = [draws(cloud, 10) for cloud in CLOUDS]
VECTORS = [
    (GOOD[:2], r"each of 3 manifolds\. Got 2\."),
    ([*GOOD[:2], GOOD[2][:-1]], r"shape \(6, 10\).*for manifold 2\. Got \(5, 10\)\."),
    ([*GOOD[:2], GOOD[2][:, :9]], r"shape \(6, 10\).*for manifold 2\. Got \(6, 9\)\."),
    ([one[:, :0] for one in GOOD], r"at least one, for manifold 0\. Got \(6, 0\)\."),
    ([GOOD[0], GOOD[1] * np.nan, GOOD[2]], r"finite Gaussian vectors\. Those of manifold 1"),
    ([GOOD[0].ravel(), *GOOD[1:]], r"for manifold 0\. Got \(60,\)\."),
]


@pytest.mark.parametrize(("vectors", "message"), VECTORS)
def test_gaussian_vectors(vectors, message):
    with pytest.raises(GeometryError, match=message):
        analyze_manifolds(CLOUDS, gaussian_vectors=vectors)


@pytest.mark.parametrize("share", [0.0, 1.1, np.nan])
def test_variance_share(share):
    with pytest.raises(GeometryError, match=r"in \(0, 1\]\. Got"):
        total_dimensionality(CLOUDS, share)


def test_points_that_all_coincide_have_no_dimensionality():
    with pytest.raises(GeometryError, match="two distinct points"):
        total_dimensionality(np.full((2, 3, 4), 0.1))


def test_no_dichotomies():
    with pytest.raises(GeometryError, match=r"at least one dichotomy\. Got 0\."):
        simulate_capacity(CLOUDS, n_dichotomies=0)


def test_center_that_is_the_mean_of_all():
    centers = np.vstack([np.eye(4, 9), -np.eye(4, 9), np.zeros((1, 9))]) + 0.3
    with pytest.raises(GeometryError, match=r"differ from their mean\. That of manifold 8 is at"):
        find_center_structure(centers)


def test_rank_without_a_stable_structure():
    """All but one center on one line: the direction that they share is all that they are."""
    centers = np.outer([1.0, 2, 3, 4, 5, 6], np.eye(8)[0]) + 1e-5 * np.eye(6, 8)
    with pytest.raises(GeometryError, match=r"leaves 0\.001 of each center\. Found none of rank 1"):
        find_center_structure(centers, rank=1)
    assert find_center_structure(centers).rank == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8, bool])
def test_other_numbers_are_welcome(dtype):
    clouds = (30 * gaussian_clouds(3, 6, 20).clip(-4, 4)).round().astype(dtype)
    expected = analyze_manifolds(clouds.astype(float), n_gaussian_vectors=10)
    found = analyze_manifolds(clouds, n_gaussian_vectors=10)
    np.testing.assert_allclose(found.capacity, expected.capacity, rtol=1e-12)


def tensors(clouds):
    """The same points in each form that torch gives: as they come out of a network, say."""
    whole = torch.tensor(clouds)
    with_gradients = torch.tensor(clouds, requires_grad=True)
    return {
        "a tensor": whole,
        "a list of tensors": list(whole),
        "with gradients": 1 * with_gradients,
        "a list of those": [1 * one for one in with_gradients],
        "a list of lists of points": [list(one) for one in with_gradients],
    }


@pytest.mark.parametrize("form", tensors(CLOUDS))
def test_tensors_are_taken_as_they_are(form):
    expected = analyze_manifolds(CLOUDS, n_gaussian_vectors=10)
    points = tensors(CLOUDS)[form]
    found = analyze_manifolds(points, n_gaussian_vectors=10)
    assert np.array_equal(found.capacity, expected.capacity)
    assert total_dimensionality(points) == total_dimensionality(CLOUDS)
    expected, found = (simulate_capacity(one, 5) for one in (CLOUDS, points))
    assert np.array_equal(found.separable_from, expected.separable_from)


def test_gaussian_vectors_may_be_tensors():
    vectors = [torch.tensor(one, requires_grad=True) for one in GOOD]
    found = analyze_manifolds(torch.tensor(CLOUDS), gaussian_vectors=vectors)
    expected = analyze_manifolds(CLOUDS, gaussian_vectors=GOOD)
    assert np.array_equal(found.capacity, expected.capacity)


def test_tensors_of_a_type_that_numpy_has_not():
    points = torch.tensor(CLOUDS).bfloat16()
    found = analyze_manifolds(points, n_gaussian_vectors=10)
    expected = analyze_manifolds(points.double().numpy(), n_gaussian_vectors=10)
    np.testing.assert_allclose(found.capacity, expected.capacity, rtol=1e-6)


def test_tensors_on_a_device_are_fetched():
    """Of a device that tests have everywhere: it holds no numbers to convert before `cpu()`."""

    class OnDevice:
        def __init__(self, values):
            self.values = values

        def detach(self):
            return self

        def cpu(self):
            return torch.tensor(self.values)

        def __array__(self, *_, **__):
            raise TypeError("on a device")

    points = [OnDevice(one) for one in CLOUDS]
    found = analyze_manifolds(points, n_gaussian_vectors=10)
    expected = analyze_manifolds(CLOUDS, n_gaussian_vectors=10)
    assert np.array_equal(found.capacity, expected.capacity)


def test_tensors_that_are_no_points_are_refused_as_arrays_are():
    with pytest.raises(GeometryError, match=r"Got an array of shape \(6, 7\)\."):
        analyze_manifolds(torch.ones(6, 7))
    with pytest.raises(GeometryError, match=r"Manifold 0 has shape \(3,\)"):
        analyze_manifolds([torch.ones(3), torch.ones(3)])
    with pytest.raises(GeometryError, match=r"Manifold 0 is ragged"):
        analyze_manifolds([[torch.ones(3), torch.ones(2)], torch.ones(2, 3)])


def test_an_array_that_looks_transposed_is_warned_of():
    """Once, with the line that hands it over."""
    transposed = gaussian_clouds(3, 9, 6)
    with pytest.warns(UserWarning) as caught:
        analyze_manifolds(transposed, n_gaussian_vectors=5)
    (warning,) = caught
    assert warning.filename == __file__
    message = str(warning.message)
    assert message.startswith("Manifold 0 has 9 points of 6 features. Is it transposed?")
    clouds = [*gaussian_clouds(2, 6, 6), gaussian_clouds(1, 7, 6)[0]]
    with pytest.warns(UserWarning, match="Manifold 2 has 7 points of 6 features"):
        analyze_manifolds(clouds, n_gaussian_vectors=5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("n_points", "settings"), [(6, {}), (5, {}), (9, {"warn_if_transposed": False})]
)
def test_no_warning_of_what_is_as_it_should_be(n_points, settings):
    analyze_manifolds(gaussian_clouds(3, n_points, 6), n_gaussian_vectors=5, **settings)


def test_manifolds_of_a_sequence_are_asked_for_one_at_a_time():
    """So a sequence that reads from a file is never in memory as a whole."""
    clouds, asked = np.random.default_rng(0).standard_normal((4, 6, 50)), []

    class Lazy:
        def __len__(self):
            return 4

        def __getitem__(self, index):
            asked.append(index)
            return clouds[index]

    geometry = analyze_manifolds(Lazy(), n_gaussian_vectors=20)
    assert asked == [0, 1, 2, 3] * 2
    assert geometry.mean_capacity == analyze_manifolds(clouds, n_gaussian_vectors=20).mean_capacity
    assert total_dimensionality(Lazy()) == total_dimensionality(clouds)


@pytest.mark.parametrize("n_features", [3, 7, 40])
def test_dimensions_of_points_that_come_in_parts(n_features):
    """Few features, more points: the rows are reduced on the way."""
    clouds = np.random.default_rng(0).standard_normal((9, 4, n_features)) + 5
    everything = clouds.reshape(36, n_features)
    variances = np.linalg.svd(everything - everything.mean(0), compute_uv=False) ** 2
    found = total_dimensionality(clouds)
    assert found.participation_ratio == pytest.approx(variances.sum() ** 2 / (variances**2).sum())
    assert found.n_components == 1 + np.argmax(np.cumsum(variances) >= 0.9 * variances.sum())


SIMULATE = {"simulate": True, "center_rank": "auto", "center_selection": "stable"}


def everything(clouds):
    """What every measure says of clouds, by name; only the certificates are left out."""
    results = [
        analyze_manifolds(clouds, n_gaussian_vectors=10),
        total_dimensionality(clouds),
        simulate_capacity(clouds, 5),
        find_center_structure(clouds[:, 0]),
    ]
    found = {field.name: getattr(one, field.name) for one in results for field in fields(one)}
    found |= simulation.measure(clouds, SIMULATE, 0, 0)
    return {name: value for name, value in found.items() if not name.endswith("residual")}


SCALED = gaussian_clouds(5, 6, 20)
EXPECTED = everything(SCALED)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("exponent", [-1000, -600, -333, 332, 600, 1018])
def test_a_power_of_two_changes_no_bit(exponent):
    found = everything(np.ldexp(SCALED, exponent))
    for name, expected in EXPECTED.items():
        np.testing.assert_array_equal(found[name], expected, err_msg=name)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e-101, 1e-99, 1e99, 1e101, 1e160, 1e300])
def test_points_of_any_scale_have_the_same_geometry(scale):
    found = everything(SCALED * scale)
    for name in EXPECTED.keys() - {"solver", "reason"}:
        np.testing.assert_allclose(found[name], EXPECTED[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_the_geometry_of_subnormal_points_is_that_of_what_is_left_of_them():
    left = SCALED * 1e-320
    found, expected = everything(left), everything(np.ldexp(left, 1000))
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert found["mean_capacity"] == pytest.approx(EXPECTED["mean_capacity"], rel=1e-3)


@pytest.mark.parametrize("factor", [1e-300, 1e-160])
def test_a_feature_that_is_next_to_nothing_is_nothing(factor):
    clouds, without = SCALED.copy(), SCALED.copy()
    clouds[..., 0] *= factor
    without[..., 0] = 0
    found, expected = everything(clouds), everything(without)
    for name in expected.keys() - {"solver", "reason"}:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_numbers_wider_than_float64_are_rounded_or_refused():
    found = everything(SCALED.astype(np.longdouble))
    assert np.array_equal(found["capacity"], EXPECTED["capacity"])
    clouds = SCALED.astype(np.longdouble)
    clouds[1, 2, 3] = np.longdouble(10) ** 400
    if np.isfinite(clouds).all():
        with pytest.raises(GeometryError, match=r"Manifold 1 holds inf at point 2, feature 3"):
            analyze_manifolds(clouds)


def test_a_manifold_that_rounding_hides_beside_its_center_is_refused():
    """Near the origin its points are exact, and yet too near each other for any solver."""
    clouds = SCALED.copy()
    clouds[2] *= 1e-20
    with pytest.raises(GeometryError, match=r"Manifold 2: .*farther apart than .*coincide"):
        analyze_manifolds(clouds)


def frame_of(scale):
    points = scale * (SCALED[0] - SCALED[0].mean(0))
    frame, vectors = manifold_frame(points), draws(points, 20)
    return anchor_statistics(frame, vectors, find_anchor_points(frame, vectors))


def test_points_too_far_from_their_center_are_refused():
    assert frame_of(1e4).capacity == pytest.approx(frame_of(1e3).capacity, rel=1e-3)
    for scale in (1e12, 1e160):
        with pytest.raises(GeometryError, match=r"within 1e\+10 center norms.*The farthest is at"):
            frame_of(scale)
