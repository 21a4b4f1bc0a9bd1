"""A second perturbation family is one file: here an attack, which wants the network."""

import numpy as np
import torch

from manifold_robustness.files.images import read_images
from manifold_robustness.files.predictions import read_predictions
from manifold_robustness.network.data_sets import load_split
from manifold_robustness.network.weights import load_network
from result_files import origin_said

FAMILY = '''
"""One step along the sign of the loss's gradient."""

import torch

DECLARATION = {
    "title": "A step",
    "wants_network": True,
    "scope": "image",
    "strength": [
        {
            "name": "epsilon",
            "symbol": "ε",
            "description": "largest change of a pixel",
            "norm": "linf",
        }
    ],
    "range": [{"low": 0.0, "high": 1.0}],
    "options": {"properties": {"sign": {"enum": ["up", "down"], "default": "up"}}},
}


def perturb(images, labels, strength, *, draws, network, sign):
    pixels = images.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(network(pixels), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, pixels)
    step = strength if sign == "up" else -strength
    return (images + step * gradient.sign()).clamp(0, 1)
'''
SIZE = {"name": "digits", "image_size": 8, "test_crop_padding": 0}


def test_a_family_in_one_file_runs_through(experiment):
    library = experiment.root / "scripts/manifold_robustness"
    (library / "perturbations/step.py").write_text(FAMILY)
    (library / "perturbations/helping.py").write_text("LIMIT = 1\n")  # a helper is no family
    assert experiment.stale() == {}
    steps = [
        {"family": "step", "strengths": [0.3]},
        {"family": "step", "name": "step-down", "sign": "down", "strengths": [0.1]},
    ]
    experiment.configure(lambda config: config["perturbations"].extend(steps))
    stale = experiment.stale()
    assert stale["perturb_images"] == 2
    assert not {"train_network", "evaluate_accuracy", "select_images"} & set(stale)
    experiment.succeed()

    condition = "step/epsilon-0.3"
    path = experiment.result("small/images/clean.zarr.zip")
    clean, indices, _ = read_images(path, origin_said(path, "clean"))
    path = experiment.result(f"small/images/{condition}.zarr.zip")
    moved, _, _ = read_images(path, origin_said(path, condition))
    assert 0.29 < np.abs(moved - clean).max() < 0.3001
    path = experiment.result(f"small/accuracy/{condition}.h5")
    found = read_predictions(path, origin_said(path, condition))
    expected, images = attack_by_hand(experiment)
    assert np.array_equal(found.predictions, expected) and np.mean(found.correct) < 0.5
    assert np.array_equal(moved.reshape(-1, 3, 8, 8), images[indices.ravel()])
    assert experiment.result("figures/small/step-down/accuracy.svg").exists()
    assert experiment.result("small/geometry/step-down/epsilon-0.1/head.h5").exists()


def attack_by_hand(experiment):
    """Return what the network answers to a step of 0.3, and the images, in batches of 50."""
    weights = experiment.result("small/weights/weights.safetensors")
    network = load_network(f"{experiment.root}/tests/configs/tiny_network.py:build", 10, weights)
    data = load_split(SIZE, "test")
    found = []
    for start in range(0, len(data), 50):
        pairs = [data[place] for place in range(start, start + 50)]
        images = torch.stack([image for image, _ in pairs]).requires_grad_()
        loss = torch.nn.functional.cross_entropy(
            network(images), torch.tensor([label for _, label in pairs]), reduction="sum"
        )
        (gradient,) = torch.autograd.grad(loss, images)
        found.append((images + 0.3 * gradient.sign()).clamp(0, 1).detach())
    images = torch.cat(found)
    with torch.inference_mode():
        return network(images).argmax(1).numpy(), images.numpy()
