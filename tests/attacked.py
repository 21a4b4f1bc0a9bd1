"""What tests of attacks share: a small network with convolutions that was trained, its images."""

from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from manifold_robustness.conditions import list_families
from manifold_robustness.perturbations.apply import perturb_batch

CPU = torch.device("cpu")
N_UNSEEN = 300


@cache
def digits():
    """Return the digits 0 to 9 in 8 x 8 pixels from 0 to 1, and their labels."""
    bunch = load_digits()
    images = torch.from_numpy((bunch.images / 16).astype(np.float32))[:, None]
    return images, torch.from_numpy(bunch.target)


def unseen_images(n=N_UNSEEN):
    """Return images that the network was not trained on, at most 300, and their labels."""
    images, labels = digits()
    return images[-n:], labels[-n:]


@cache
def trained_network():
    """Return a network that classifies nine of ten unseen images, the same in each run."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10)),
        )
        images, labels = (part[:-N_UNSEEN] for part in digits())
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
        for _ in range(3):
            for batch in torch.randperm(len(images)).split(50):
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
                optimizer.step()
    return network.eval()


def attack(
    family,
    strength,
    images,
    labels,
    network,
    *,
    indices=None,
    seed=0,
    batch_size=50,
    device=CPU,
    **options,
):
    """Return images under a family, as every stage gets them; options are a configuration's."""
    entry = {"family": family, "strengths": [strength], **options}
    ((condition,),) = (one.conditions for one in list_families([entry]))
    indices = np.arange(len(images)) if indices is None else np.asarray(indices)
    settings = {"seed": seed, "device": device, "batch_size": batch_size}
    return perturb_batch(condition, images, labels, indices, network, **settings)


def accuracy(network, images, labels):
    """Return the share of images that a network classifies as their labels say."""
    with torch.inference_mode():
        return float((network(images).argmax(1) == labels).double().mean())
