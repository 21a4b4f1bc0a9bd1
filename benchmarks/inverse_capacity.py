"""The inverse capacity and its gradient beside a pass of the network: time, and noise of draws.

    python benchmarks/inverse_capacity.py

One process, one thread, CPU seconds. Times: Gaussian clouds of ten manifolds of 30 points, in turn
with a forward and backward pass of the ResNet18, to the pixels of 300 images of 16 x 16, its
parameters frozen. Noise: activations of that network once it has learned the digits for a moment;
the cosine between the gradient of few draws and the mean of many.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

sys.path[:0] = [str(Path(__file__).parent.parent / "scripts")]

from manifold_robustness.network.architectures import build_network  # noqa: E402
from manifold_robustness.network.inverse_capacity import inverse_capacity  # noqa: E402

N_MANIFOLDS, N_POINTS = 10, 30
PROGRAMS = (("capacity", 50), ("joint_capacity", 24))
FEATURES = (512, 8192, 65536)
REPEATS = 7
# Draws of the gradient that stands for the exact one, in calls of so many each.
MANY, OF_ONE_CALL = 1000, 200
SEEDS = 5
LAYERS = ("layer2.1.conv2", "layer3.1.conv2", "layer4.1.conv2")


def cpu_seconds(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def digits():
    """Images (300, 3, 16, 16) of the digits, class by class, and their labels."""
    bunch = load_digits()
    chosen = [bunch.images[bunch.target == label][:N_POINTS] for label in range(N_MANIFOLDS)]
    images = torch.tensor(np.concatenate(chosen) / 16, dtype=torch.float32)[:, None]
    labels = torch.arange(N_MANIFOLDS).repeat_interleave(N_POINTS)
    return nn.functional.interpolate(images, size=16).repeat(1, 3, 1, 1), labels


def gradient(activations, objective, count, seed=0, within_span=False):
    points = activations.detach().requires_grad_()
    value = inverse_capacity(
        points, objective, n_gaussian_vectors=count, seed=seed, within_span=within_span
    )
    value.backward()
    return points.grad


def measure_times(network):
    images = torch.rand(N_MANIFOLDS * N_POINTS, 3, 16, 16)

    def network_pass():
        pixels = images.clone().requires_grad_()
        network(pixels).sum().backward()

    network_pass()
    print("| objective | draws | N | within span | seconds | share of a pass (least to greatest) |")
    print("|---|---|---|---|---|---|")
    random = torch.Generator().manual_seed(0)
    for n_features in FEATURES:
        shape = (N_MANIFOLDS, N_POINTS, n_features)
        centers = torch.randn(N_MANIFOLDS, 1, n_features, generator=random)
        clouds = centers + torch.randn(shape, generator=random)
        for objective, count in PROGRAMS:
            for within_span in (False, True):
                settings = (clouds, objective, count, 0, within_span)
                gradient(*settings)
                pairs = [
                    (cpu_seconds(lambda s=settings: gradient(*s)), cpu_seconds(network_pass))
                    for _ in range(REPEATS)
                ]
                shares = [own / other for own, other in pairs]
                print(
                    f"| {objective} | {count} | {n_features} | {'yes' if within_span else 'no'} "
                    f"| {median(own for own, _ in pairs):.3f} "
                    f"| {median(shares):.3f} ({min(shares):.3f} to {max(shares):.3f}) |",
                    flush=True,
                )
    print(f"\nA pass takes {median(other for _, other in pairs):.2f} s.\n")


def learn(network, images, labels):
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    network.train()
    for _ in range(4):
        for batch in torch.randperm(len(images)).split(50):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
            optimizer.step()
    network.eval()


def measure_noise(network):
    images, labels = digits()
    learn(network, images, labels)
    network.requires_grad_(False)
    pixels = images.requires_grad_()
    outputs = {}
    for name in LAYERS:
        network.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: outputs.update({name: output})
        )
    network(pixels)
    print("| layer | N | objective | draws | out of span | exact | within span | at the pixels |")
    print("|---|---|---|---|---|---|---|---|")
    for name in LAYERS:
        layer = outputs[name].unflatten(0, (N_MANIFOLDS, N_POINTS))
        for objective, count in PROGRAMS:
            truth = sum(
                gradient(layer, objective, OF_ONE_CALL, (99, part), True)
                for part in range(MANY // OF_ONE_CALL)
            )
            at_pixels = to_pixels(layer, pixels, truth)
            rows = []
            for seed in range(SEEDS):
                found = [gradient(layer, objective, count, seed, within) for within in (0, 1)]
                lengths = [(found[0] - found[1]).norm(), found[1].norm()]
                row = [(lengths[0] / lengths[1]).item()]
                row += [cosine(one, truth) for one in found]
                row += [cosine(to_pixels(layer, pixels, one), at_pixels) for one in found]
                rows.append(row)
            outside, exact, within, pixel_exact, pixel_within = np.mean(rows, 0)
            print(
                f"| {name} | {layer[0, 0].numel()} | {objective} | {count} | {outside:.1f} "
                f"| {exact:.2f} | {within:.2f} | {pixel_exact:.2f}, {pixel_within:.2f} |",
                flush=True,
            )


def to_pixels(layer, pixels, of_layer):
    return torch.autograd.grad(layer, pixels, of_layer, retain_graph=True)[0]


def cosine(one, other):
    return nn.functional.cosine_similarity(one.flatten(), other.flatten(), 0).item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = build_network("resnet18", N_MANIFOLDS)
    frozen = build_network("resnet18", N_MANIFOLDS).eval().requires_grad_(False)
    measure_times(frozen)
    measure_noise(network)


if __name__ == "__main__":
    main()
