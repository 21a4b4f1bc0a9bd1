"""What attacks share: budgets and projections, random starts, losses and their gradients."""

import logging
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from manifold_robustness.errors import NetworkError
from manifold_robustness.perturbations.draws import Draws
from manifold_robustness.perturbations.gradients import (
    LOSSES,
    dlr,
    gradient,
    log_odds,
    logits,
    loss_gradient,
    losses_of,
)
from manifold_robustness.perturbations.projections import budget, norms, project, steepest
from manifold_robustness.perturbations.starts import (
    random_signs,
    random_start,
    uniform_ball,
    uniform_cube,
)
from manifold_robustness.perturbations.watching import (
    see_gradients,
    see_images,
    see_outputs,
    watched,
)

LABELS = torch.tensor([0, 2, 1, 3, 3])


def random_images(seed=0, n=5, scale=1.0):
    return scale * torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


def random_logits(seed=0, scale=1.0):
    made = torch.randn(5, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return scale * made


# Budgets and projections.


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_norms_are_numpy_s_of_each_image(norm):
    images = random_images() - 0.5
    expected = [
        np.linalg.norm(one.numpy().astype(float).ravel(), math.inf if norm == "linf" else 2)
        for one in images
    ]
    assert np.allclose(norms(images, norm), expected, rtol=1e-12)
    in_sets = norms(images[:4].reshape(2, 2, 3, 4, 4), norm)
    assert torch.equal(in_sets, norms(images[:4], norm))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("epsilon", [0.03, 0.4, 30.0])
def test_a_projection_is_in_the_ball_and_the_box_and_leaves_alone_what_is(norm, epsilon):
    images = random_images()
    moved = images + epsilon * 3 * (random_images(1) - 0.5)
    found = project(moved, images, epsilon, norm)
    assert found.min() >= 0 and found.max() <= 1 and found.dtype == torch.float32
    assert norms(found - images, norm).max() <= epsilon + 1e-6
    assert torch.equal(project(images, images, epsilon, norm), images)
    assert torch.allclose(project(found, images, epsilon, norm), found, atol=1e-7)


def test_a_projection_onto_a_ball_is_the_nearest_point():
    """Without the box, which grey images are far from."""
    grey = torch.full((5, 3, 4, 4), 0.5)
    moved = grey + 0.2 * (random_images() - 0.5)
    assert torch.allclose(
        project(moved, grey, 0.05, "linf"), torch.clip(moved, 0.45, 0.55), atol=1e-7
    )
    direction = (moved - grey) / norms(moved - grey, "l2").reshape(-1, 1, 1, 1)
    expected = (grey + 0.05 * direction).float()
    assert torch.allclose(project(moved, grey, 0.05, "l2"), expected, atol=1e-7)


def test_a_large_ball_of_l2_is_kept_to_rounding_of_its_pixels():
    """A factor in single precision would lead out by up to 6e-8 of the radius."""
    images = torch.full((1, 3, 200, 200), 0.5)
    for seed in range(5):
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
        found = project(images + 0.12 * noise, images, 31.0, "l2")
        assert abs(float(norms(found - images, "l2")) - 31) < 5e-7


def test_the_steepest_step_has_norm_one_and_raises_most():
    gradients = random_images() - 0.5
    for norm, dual in (("linf", 1), ("l2", 2)):
        step = steepest(gradients, norm)
        assert torch.allclose(norms(step, norm), torch.ones(5, dtype=torch.float64), atol=1e-6)
        gained = (step * gradients).flatten(1).sum(1)
        assert torch.allclose(gained, gradients.flatten(1).norm(p=dual, dim=1))
        assert not steepest(torch.zeros(2, 3, 4, 4), norm).any()
        # Squares of these vanish in single precision.
        assert torch.allclose(steepest(1e-30 * gradients, norm), step, atol=1e-6)


def test_levels_are_of_255():
    assert budget(8, "levels") == 8 / 255 and budget(8, "fraction") == 8


# Random starts.


def starts(draw, n=200, *coordinates):
    return draw(Draws(3, range(n)), "start", torch.zeros(n, 3, 4, 4), *coordinates)


def test_a_start_in_the_cube_is_uniform():
    found = starts(uniform_cube).numpy().ravel()
    assert found.dtype == np.float32
    assert stats.kstest(found, stats.uniform(-1, 2).cdf).pvalue > 0.01


def test_a_start_in_the_ball_is_uniform():
    found = starts(uniform_ball).double().flatten(1)
    lengths = found.norm(dim=1)
    assert found.shape == (200, 48) and lengths.max() <= 1
    assert stats.kstest(lengths**48, stats.uniform.cdf).pvalue > 0.01  # volume of a radius
    # A coordinate of a point of the unit sphere in n dimensions: its square is Beta(1/2, (n-1)/2).
    squares = (found / lengths[:, None])[:, 7] ** 2
    assert stats.kstest(squares, stats.beta(0.5, 23.5).cdf).pvalue > 0.01
    assert abs(found.mean()) < 4 * found.std() / found.numel() ** 0.5


def test_signs_are_fair_coins():
    found = starts(random_signs)
    assert set(found.unique().tolist()) == {-1.0, 1.0}
    assert abs(found.mean()) < 4 / found.numel() ** 0.5


@pytest.mark.parametrize("draw", [uniform_cube, uniform_ball])
def test_starts_follow_the_image_and_the_restart(draw):
    first, second = starts(draw, 5, 0), starts(draw, 5, 1)
    assert len({one.numpy().tobytes() for one in [*first, *second]}) == 10
    alone = draw(Draws(3, [4]), "start", torch.zeros(1, 3, 4, 4), 1)
    assert torch.equal(alone[0], second[4])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_random_start_scales_with_the_budget(norm):
    grey, draws = torch.full((5, 3, 4, 4), 0.5), Draws(0, range(5))
    base = (uniform_cube if norm == "linf" else uniform_ball)(draws, "start", grey)
    for epsilon in (0.01, 0.2):
        found = random_start(grey, epsilon, norm, draws, "start")
        assert torch.allclose(found, grey + epsilon * base, atol=1e-7)
    far = random_start(grey, 1.0, "linf", draws, "start")
    assert far.min() == 0 and far.max() == 1


# Losses.


def test_the_log_odds_are_those_of_the_cross_entropy():
    for scale in (0.1, 1, 10):
        made = random_logits(scale=scale)
        expected = nn.functional.cross_entropy(made, LABELS, reduction="none")
        assert torch.allclose(nn.functional.softplus(log_odds(made, LABELS)), expected)


def test_the_gradient_of_the_log_odds_points_where_that_of_the_cross_entropy_does():
    made = random_logits().requires_grad_()
    of_entropy, of_odds = (
        torch.autograd.grad(loss.sum(), made)[0]
        for loss in (
            nn.functional.cross_entropy(made, LABELS, reduction="none"),
            log_odds(made, LABELS),
        )
    )
    factor = torch.sigmoid(log_odds(made, LABELS)).detach()
    assert torch.allclose(of_entropy, factor[:, None] * of_odds, rtol=1e-12)


def test_the_difference_of_logits_ratio_is_as_published():
    """By sorting, once for each place of the label."""
    made = random_logits(2)
    for row, label, found in zip(made.numpy(), LABELS.tolist(), dlr(made, LABELS), strict=True):
        first, second, third = np.sort(row)[::-1][:3]
        other = second if row[label] == first else first
        assert float(found) == pytest.approx(-(row[label] - other) / (first - third), rel=1e-12)
    assert torch.allclose(dlr(1e3 * made + 7, LABELS), dlr(made, LABELS))
    assert torch.isfinite(dlr(torch.ones(5, 4, dtype=torch.float64), LABELS)).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_greater_where_the_answer_is_wrong(loss):
    made, labels = random_logits(), torch.arange(4).repeat(5, 1)
    for row, of_row in zip(made, labels, strict=True):
        losses = LOSSES[loss](row.repeat(4, 1), of_row)
        assert losses.argmin() == row.argmax() and losses.argmax() == row.argmin()


def test_dlr_needs_three_classes():
    with pytest.raises(NetworkError, match=r"three classes for the loss dlr.*Got 2; set loss"):
        dlr(random_logits()[:, :2], torch.zeros(5, dtype=torch.int64))


# Gradients.


def linear(n_classes=4, scale=1.0):
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, n_classes))
    made = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=made)
        parameter.requires_grad_(False)
    return network


def test_gradients_are_those_of_a_closed_form():
    """Of a linear network: the weights of the other classes, by their shares, less the label's."""
    network, images = linear(), random_images()
    weights, bias = (parameter.double() for parameter in network[1].parameters())
    outputs = images.double().flatten(1) @ weights.T + bias
    shares = outputs.scatter(1, LABELS[:, None], -torch.inf).softmax(1)
    losses, found = loss_gradient(network, images, LABELS, "cross_entropy")
    assert torch.allclose(found.double().flatten(1), shares @ weights - weights[LABELS], atol=1e-5)
    assert torch.allclose(losses, log_odds(outputs, LABELS), atol=1e-5)
    assert losses.dtype == torch.float64 and not losses.requires_grad
    assert torch.equal(losses_of(network, images, LABELS, "cross_entropy"), losses)
    assert not images.requires_grad


@pytest.mark.parametrize("loss", LOSSES)
def test_a_gradient_knows_nothing_of_its_neighbours(loss):
    network, images = linear(), random_images()
    _, together = loss_gradient(network, images, LABELS, loss)
    alone = [loss_gradient(network, images[[k]], LABELS[[k]], loss)[1] for k in range(5)]
    assert torch.allclose(together, torch.cat(alone), rtol=1e-4)


def test_a_confident_network_still_has_gradients():
    """Of a margin of hundreds, where the cross-entropy has none in single precision."""
    network, images = linear(scale=1e3), random_images()
    labels = network(images).argmax(1)
    pixels = images.clone().requires_grad_()
    loss = nn.functional.cross_entropy(network(pixels), labels, reduction="sum")
    assert not torch.autograd.grad(loss, pixels)[0].any()
    _, found = loss_gradient(network, images, labels, "cross_entropy")
    assert (found != 0).flatten(1).all()


def test_parameters_get_no_gradient():
    network = linear()
    network[1].weight.requires_grad_(True)
    loss_gradient(network, random_images(), LABELS, "dlr")
    assert network[1].weight.grad is None


class Made(nn.Module):
    """A network of one function."""

    def __init__(self, function):
        super().__init__()
        self.forward = function


def first_values(images, n=4):
    return images.flatten(1)[:, :n]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: first_values(x).detach(), r"outputs have a gradient.*Got one without"),
        (lambda x: torch.ones(5, 4).requires_grad_(), r"outputs have a gradient.*Got one without"),
        (lambda x: first_values(x, 1), r"at least two classes.*shape \(5, 1\) for 5 images"),
        (lambda x: first_values(x)[:4], r"one row of logits per image.*shape \(4, 4\) for 5"),
        (lambda x: x, r"one row of logits.*shape \(5, 3, 4, 4\)"),
        (lambda x: first_values(x) / (LABELS != 3)[:, None], r"finite logits.*Got 2 of 5 images"),
        (lambda x: (0 * first_values(x)).sqrt(), r"finite gradients.*Got 5 of 5 images"),
    ],
    ids=["detached", "unused", "one class", "rows", "shape", "infinite", "gradient"],
)
def test_a_network_that_can_t_be_attacked_is_told(function, words):
    with pytest.raises(NetworkError, match=words):
        loss_gradient(Made(function), random_images(), LABELS, "cross_entropy")


def test_two_gradients_of_the_same_outputs():
    pixels = random_images().requires_grad_()
    outputs = logits(linear(), pixels)
    every = torch.ones(len(pixels), dtype=torch.bool)
    total = gradient(outputs.sum(), pixels, every, retain_graph=True)
    parts = [gradient(outputs[:, k].sum(), pixels, every, retain_graph=True) for k in range(4)]
    assert torch.allclose(total, sum(parts), atol=1e-5)


# What is told while it runs.


def zero_gradients(n, n_zero):
    made = torch.ones(n, 1, 2, 2)
    made[:n_zero] = 0
    made[n_zero:, :, 0] = 0  # zero in some pixels only
    see_gradients(made, torch.ones(n, dtype=torch.bool))


def test_gradients_of_images_that_are_fooled_already_do_not_count(caplog):
    """The loss dlr is flat, at its greatest, where the label's logit is the third."""
    logits = torch.tensor([[4.0, 3.0, 2.0, 1.0], [4.0, 2.0, 3.0, 1.0]])
    made = Made(lambda x: logits + 0 * first_values(x))
    with watched("apgd/epsilon-0.1") as watch:
        loss_gradient(made, random_images()[:2], torch.tensor([0, 1]), "dlr")
    assert (int(watch.n_gradients), int(watch.n_zero)) == (1, 1)
    assert "1 of 1 gradients" in caplog.text


def test_gradients_that_vanish_are_counted_over_the_whole_job(caplog):
    with watched("pgd/epsilon-0.1"):
        for n_zero in (0, 3, 1):
            with watched("a chunk"):
                zero_gradients(100, n_zero)
            assert not caplog.records
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "pgd/epsilon-0.1: 4 of 300 gradients of the loss (1.3 %)" in record.getMessage()


def test_one_in_a_hundred_gradients_may_vanish(caplog):
    with watched("pgd/epsilon-0.1"):
        zero_gradients(100, 1)
    zero_gradients(1, 1)  # nobody watches
    with watched("pgd/epsilon-0.1"):
        pass
    assert not caplog.records


def test_a_watch_that_fails_is_over(caplog):
    with pytest.raises(ZeroDivisionError), watched("broken"):
        zero_gradients(1, 1)
        raise ZeroDivisionError
    assert not caplog.records
    with watched("next"):
        zero_gradients(1, 1)
    assert "next: 1 of 1" in caplog.text


def test_probabilities_are_told_once(caplog):
    shares = torch.tensor([[0.2, 0.8], [0.5, 0.5]])
    with watched("fgsm/epsilon-0.1"):
        see_outputs(shares)
        assert "fgsm/epsilon-0.1: the network's outputs are positive and sum to 1" in caplog.text
        see_outputs(shares)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("outputs", [[[0.2, 0.8], [0.6, 0.5]], [[0.2, 0.8], [-1.0, 2.0]]])
def test_logits_are_not_taken_for_probabilities(outputs, caplog):
    with watched("fgsm/epsilon-0.1"):
        see_outputs(torch.tensor(outputs))
    assert not caplog.records


def test_the_extremes_of_several_batches_are_those_of_all():
    with watched("pgd/epsilon-0.1") as watch:
        see_images(0.25, 0.5, 0.125)
        see_images(0.0, 0.75, 0.0625)
        see_images(0.5, 0.5, 0.0)
    see_images(-1.0, 2.0, 3.0)  # nobody watches
    found = {"lowest_pixel": 0.0, "highest_pixel": 0.75, "largest_norm": 0.125}
    assert watch.record() == found | {"n_gradients": 0, "n_zero_gradients": 0}
    with watched("noise") as watch:
        see_images(0.0, 1.0, None)
    assert "largest_norm" not in watch.record()
