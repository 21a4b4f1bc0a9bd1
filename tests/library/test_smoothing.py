"""The certificate: exact bounds, their coverage, a radius that is known, no flip within it."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import beta, binom, binomtest, norm
from torch import nn

from manifold_robustness.certification import certified_classes, collect_certificates
from manifold_robustness.conventions import fewest_certifying_draws
from manifold_robustness.errors import DataError, NetworkError, StoreError
from manifold_robustness.files.certificates import read_certificates, write_certificates
from manifold_robustness.image_sums import image_sums, require_known_images
from manifold_robustness.lineage import Origin
from manifold_robustness.network.checkpoints import Checkpoint
from manifold_robustness.network.smoothing import count_answers
from manifold_robustness.smoothing import (
    certified_radius,
    exact_interval,
    greatest_radius,
    lower_bound,
    radii_of_table,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize(("n", "alpha"), [(1, 0.05), (20, 0.001), (1000, 0.001), (1000, 0.2)])
def test_the_bound_is_that_of_scipy(n, alpha):
    counts = np.unique(np.linspace(0, n, 40).astype(int))
    expected = [
        binomtest(int(k), n, alternative="greater").proportion_ci(1 - alpha, "exact").low
        for k in counts
    ]
    np.testing.assert_allclose(lower_bound(counts, n, alpha), expected, rtol=1e-9, atol=1e-15)
    assert lower_bound(n, n, alpha) == pytest.approx(alpha ** (1 / n))


@pytest.mark.parametrize(("n", "alpha"), [(30, 0.05), (200, 0.001), (1000, 0.01)])
def test_the_bound_exceeds_the_probability_no_more_often_than_it_says(n, alpha):
    """Σ_k pmf(k; n, p) [bound(k) > p] ≤ α, exactly, over a grid of p; and not by far for some."""
    counts = np.arange(n + 1)
    bounds = lower_bound(counts, n, alpha)
    missed = [
        float(binom.pmf(counts, n, p)[bounds > p].sum()) for p in np.linspace(0.001, 0.999, 997)
    ]
    assert max(missed) <= alpha * (1 + 1e-9)
    assert max(missed) > 0.8 * alpha  # so that twice alpha, or half of it, would show


@pytest.mark.parametrize(("count", "n"), [(0, 10), (3, 10), (10, 10), (180, 200)])
def test_the_interval_over_images_is_that_of_scipy(count, n):
    expected = binomtest(count, n).proportion_ci(0.95, "exact")
    assert exact_interval(count, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_radii_are_those_of_the_definition():
    counts = np.array([0, 500, 510, 549, 600, 999, 1000])
    bounds = beta.ppf(0.001, np.maximum(counts, 1), 1000 - np.maximum(counts, 1) + 1)
    expected = np.where((counts > 0) & (bounds > 0.5), 0.25 * norm.ppf(bounds), np.nan)
    found = certified_radius(counts, 1000, 0.001, 0.25)
    np.testing.assert_allclose(found, expected)
    assert np.isnan(found[:3]).all() and np.isfinite(found[-2:]).all()
    assert found[-1] == pytest.approx(greatest_radius(1000, 0.001, 0.25))
    np.testing.assert_allclose(certified_radius(counts, 1000, 0.001, 1.0), 4 * found)


@pytest.mark.parametrize(("n", "factor"), [(100_000, 3.81), (1000, 2.46), (100, 1.50)])
def test_the_greatest_radius_is_the_published_one(n, factor):
    assert round(greatest_radius(n, 0.001, 1.0), 2) == factor


@pytest.mark.parametrize("alpha", [0.4, 0.1, 0.001, 1e-12])
def test_fewest_draws_are_those_that_can_prove_something(alpha):
    fewest = fewest_certifying_draws(alpha)
    assert certified_radius(fewest, fewest, alpha, 1.0) > 0
    assert fewest == 1 or np.isnan(certified_radius(fewest - 1, fewest - 1, alpha, 1.0))


@pytest.mark.parametrize(
    ("sigma", "n", "step"),
    [(0.25, 1000, 0.01), (0.5, 100_000, 0.025), (1.0, 100_000, 0.05), (0.003, 1000, 1e-4)],
)
def test_radii_of_a_table_go_in_round_steps_to_the_greatest(sigma, n, step):
    radii = radii_of_table(n, 0.001, sigma)
    assert radii[0] == 0 and radii[-1] == greatest_radius(n, 0.001, sigma)
    np.testing.assert_allclose(np.diff(radii)[:-1], step)
    assert 50 < len(radii) < 140 and (np.diff(radii) > 0).all()


@pytest.mark.parametrize(("n", "alpha"), [(0, 0.1), (10, 0.0), (10, 1.0)])
def test_draws_and_alphas_that_mean_nothing_are_refused(n, alpha):
    with pytest.raises(DataError, match=r"at least 1 draw, and an alpha in \(0, 1\)"):
        lower_bound(0, n, alpha)


def test_counts_beyond_the_draws_are_refused():
    with pytest.raises(DataError, match=r"counts from 0 to 10\. Got some from 3 to 11"):
        lower_bound([3, 11], 10, 0.05)


class Linear(nn.Module):
    """Two classes on either side of a plane: the exact radius is the distance from it."""

    def __init__(self, size=12, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weights = torch.randn(size, generator=generator)
        self.bias = -0.5 * self.weights.sum()  # the plane goes through the middle of the cube

    def forward(self, images):
        score = images.flatten(1) @ self.weights + self.bias
        return torch.stack([-score, score], dim=1)

    def distance(self, images):
        score = images.reshape(len(images), -1) @ self.weights.numpy() + float(self.bias)
        return score / float(self.weights.norm())


class Images(torch.utils.data.Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = torch.as_tensor(images), np.asarray(labels)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], int(self.labels[index])


def some_images(n=40, seed=1):
    return np.random.default_rng(seed).random((n, 3, 2, 2), dtype=np.float32)


def counted(network, data, places, tmp_path, **changes):
    settings = {
        "sigma": 0.25,
        "n_selection": 50,
        "n_estimation": 2000,
        "n_classes": 2,
        "seed": 5,
        "device": CPU,
        "batch_size": 300,
        "require": lambda images, places: None,
    } | changes
    checkpoint = settings.pop("checkpoint", None) or Checkpoint(tmp_path / "x.part", [1])
    return count_answers(network, data, np.asarray(places), **settings, checkpoint=checkpoint)


def test_radii_of_a_linear_network_stay_below_the_exact_ones(tmp_path):
    """One seeded run from end to end: 40 images, of whose radii one in a thousand may fail."""
    network, images = Linear(), some_images()
    data = Images(images, np.zeros(40))
    chosen, count = counted(network, data, range(40), tmp_path)
    exact = network.distance(images)
    radius = certified_radius(count, 2000, 0.001, 0.25)
    sure = ~np.isnan(radius)
    assert sure.sum() > 30
    np.testing.assert_array_equal(chosen[sure], (exact[sure] > 0).astype(int))
    assert (radius[sure] <= np.abs(exact[sure])).all()
    # And not far below: the count is binomial, of Φ(distance / σ).
    within = sure & (np.abs(exact) < 0.4)
    np.testing.assert_allclose(radius[within], np.abs(exact[within]), atol=0.06)
    shares = norm.cdf(np.abs(exact) / 0.25)
    np.testing.assert_allclose(count[sure] / 2000, shares[sure], atol=0.045)


def test_noise_is_not_clipped(tmp_path):
    """A class that only pixels beyond 1 have is the answer for half of the draws at an edge."""

    class Beyond(nn.Module):
        def forward(self, images):
            over = images.amax((1, 2, 3)) > 1.3
            return torch.stack([~over, over], dim=1).float()

    images = np.zeros((1, 3, 2, 2), np.float32)
    images[0, 0, 0, 0] = 1
    chosen, count = counted(Beyond(), Images(images, [0]), [0], tmp_path, sigma=0.3)
    assert chosen.tolist() == [0]
    assert count[0] / 2000 == pytest.approx(norm.cdf(1.0), abs=0.03)


def test_no_attack_within_the_radius_flips_the_smoothed_answer(tmp_path):
    """A small network of two layers; the steepest direction and random ones, of 0.999 radii."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 3))
    with torch.no_grad():
        network[1].weight *= 3
    images = some_images(50, seed=3)
    data = Images(images, np.zeros(50))
    options = {"n_classes": 3, "sigma": 0.3}
    chosen, count = counted(network, data, range(50), tmp_path, **options)
    radius = certified_radius(count, 2000, 0.001, 0.3)
    tried, generator = 0, torch.Generator().manual_seed(7)
    for place in np.flatnonzero(~np.isnan(radius)):
        image = torch.from_numpy(images[place])
        directions = [ascent(network, image, int(chosen[place]), 0.3, generator)]
        directions += [torch.randn(image.shape, generator=generator) for _ in range(4)]
        for direction in directions:
            moved = image + 0.999 * float(radius[place]) * direction / direction.norm()
            noise = 0.3 * torch.randn(20_000, *image.shape, generator=generator)
            answers = torch.bincount(network(moved + noise).argmax(1), minlength=3)
            assert int(answers.argmax()) == chosen[place], (place, radius[place], answers)
            tried += 1
    assert tried >= 200


def ascent(network, image, label, sigma, generator):
    """The direction in which the smoothed probability of a class falls fastest."""
    moved = image.clone().requires_grad_()
    noise = sigma * torch.randn(2000, *image.shape, generator=generator)
    torch.log_softmax(network(moved + noise), 1)[:, label].mean().backward()
    return -moved.grad


def test_draws_depend_on_the_image_alone_and_not_on_batches_or_company(tmp_path):
    network, images = Linear(seed=2), some_images()
    data = Images(images, np.zeros(40))
    chosen, count = counted(network, data, [3, 7, 20], tmp_path)
    for other in ({"batch_size": 2000}, {"batch_size": 7}):
        again = counted(network, data, [20, 3], tmp_path, **other)
        np.testing.assert_array_equal(again[0], chosen[[2, 0]])
        np.testing.assert_array_equal(again[1], count[[2, 0]])
    _, other_seed = counted(network, data, [3, 7, 20], tmp_path, seed=6)
    assert (other_seed != count).any()


def test_selection_and_estimation_have_draws_of_their_own(tmp_path):
    """With the same draws, the chosen class would have them all where one draw chooses."""
    network = Linear()
    images = some_images(60, seed=9)
    near = images[np.argsort(np.abs(network.distance(images)))[:20]]
    _, count = counted(
        network, Images(near, np.zeros(20)), range(20), tmp_path, n_selection=1, n_estimation=1
    )
    assert 0 < count.sum() < 20


def test_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("manifold_robustness.network.smoothing.BETWEEN_SAVES", -1)
    network, data = Linear(), Images(some_images(), np.zeros(40))
    whole = counted(network, data, range(6), tmp_path / "whole")
    path = tmp_path / "stopped" / "x.part"

    class Stopping(Linear):
        seen = 0

        def forward(self, images):
            self.seen += len(images)
            if self.seen > 3 * 2050:
                raise KeyboardInterrupt
            return super().forward(images)

    with pytest.raises(KeyboardInterrupt):
        counted(Stopping(), data, range(6), tmp_path, checkpoint=Checkpoint(path, [1]))
    counter = Stopping()
    resumed = counted(counter, data, range(6), tmp_path, checkpoint=Checkpoint(path, [1]))
    np.testing.assert_array_equal(resumed, whole)
    assert counter.seen == 3 * 2050
    fresh = Stopping()  # of other settings: nothing is taken over
    with pytest.raises(KeyboardInterrupt):
        counted(fresh, data, range(6), tmp_path, checkpoint=Checkpoint(path, [2]))


def test_images_that_are_others_than_they_were_are_refused(tmp_path):
    images = some_images(4)
    known = image_sums(images)
    require = partial(require_known_images, known=known, answers="clean.h5")
    counted(Linear(), Images(images, np.zeros(4)), [1, 3], tmp_path, require=require)
    images[3] += 0.01
    data = Images(images, np.zeros(4))
    counted(Linear(), data, [1], tmp_path, require=require)
    with pytest.raises(DataError, match=r"clean\.h5"):
        counted(Linear(), data, [1, 3], tmp_path, require=require)


def test_an_answer_beyond_the_classes_is_refused(tmp_path):
    data = Images(some_images(3), np.zeros(3))
    with pytest.raises(NetworkError, match=r"out of the 1 classes.*build the network with 1 outp"):
        counted(Linear(), data, range(3), tmp_path, n_classes=1)


def test_an_answer_that_is_not_finite_is_refused(tmp_path):
    class Broken(nn.Module):
        def forward(self, images):
            return torch.full((len(images), 2), float("nan"))

    with pytest.raises(NetworkError, match="finite outputs"):
        counted(Broken(), Images(some_images(1), [0]), [0], tmp_path)


# Files and tables

ORIGIN = Origin("small", "sigma-0.25", lineage={"small": {"certify_smoothing": {"code": "ab"}}})
NUMBERS = {"sigma": 0.25, "n_selection": 100, "n_estimation": 1000, "alpha": 0.001}


def write(path, origin=ORIGIN, chosen=(0, 0, 1, 1), count=(1000, 900, 1000, 400)):
    radius = certified_radius(np.array(count), 1000, 0.001, 0.25)
    values = {"index": [2, 5, 7, 9], "label": [0, 0, 0, 1], "chosen": chosen, "count": count}
    values = {name: np.array(one) for name, one in values.items()} | {"radius": radius}
    write_certificates(path, values, NUMBERS, ["cat", "=dog"], origin)
    return path


def test_a_file_reads_as_it_was_written(tmp_path):
    found = read_certificates(write(tmp_path / "a.h5"), ORIGIN)
    assert (found.sigma, found.n_selection, found.n_estimation, found.alpha) == (
        0.25,
        100,
        1000,
        0.001,
    )
    assert found.classes == ["cat", "=dog"] and found.index.tolist() == [2, 5, 7, 9]
    assert found.abstained.tolist() == [False, False, False, True]
    full, part = certified_radius([1000, 900], 1000, 0.001, 0.25)
    assert found.right_within.tolist() == [full, part, -1, -1]
    with pytest.raises(StoreError, match=r"of the condition sigma-0\.5"):
        read_certificates(tmp_path / "a.h5", ORIGIN.at(condition="sigma-0.5"))


def test_the_table_counts_images_that_are_proven_right_within_each_radius(tmp_path):
    lineage = ORIGIN.lineage
    table = collect_certificates([("small", "sigma-0.25", lineage, write(tmp_path / "a.h5"))])
    radii = radii_of_table(1000, 0.001, 0.25)
    assert table["radius"].tolist() == radii.tolist()
    full, part = certified_radius([1000, 900], 1000, 0.001, 0.25)
    assert radii[-2] < full and radii[-1] == pytest.approx(full)
    expected = [0.5 if radius <= part else 0.25 if radius <= full else 0 for radius in radii]
    assert table["certified_accuracy"].tolist() == expected
    first = table.iloc[0]
    assert (first.certified_accuracy_low, first.certified_accuracy_high) == pytest.approx(
        tuple(binomtest(2, 4).proportion_ci(0.95, "exact"))
    )
    assert first.abstained == 0.25 and first.mean_radius == pytest.approx((full + part) / 4)
    assert (table["sigma"] == 0.25).all() and (table["n_certified"].diff().dropna() <= 0).all()


def test_classes_have_the_mean_of_their_images(tmp_path):
    path = write(tmp_path / "a.h5")
    table = certified_classes([("small", "sigma-0.25", ORIGIN.lineage, path)])
    full, part = certified_radius([1000, 900], 1000, 0.001, 0.25)
    assert table["manifold"].tolist() == ["cat", "=dog"] and table["n_images"].tolist() == [3, 1]
    assert table["mean_radius"].tolist() == pytest.approx([(full + part) / 3, 0])


def test_files_of_other_weights_are_not_gathered_together(tmp_path):
    def of(weights):
        stages = {"train_network": {"code": "a", "weights_sha256": weights}}
        return Origin("small", "sigma-0.25", lineage={"small": stages})

    files = [
        ("small", "sigma-0.25", of(one).lineage, write(tmp_path / f"{one}.h5", of(one)))
        for one in "xy"
    ]
    with pytest.raises(StoreError, match="of one lineage"):
        collect_certificates(files)
