"""A second perturbation family is one file."""

import numpy as np

FAMILY = '''
"""A step along the sign of the loss's gradient: it needs the network."""

import torch

DECLARATION = {
    "needs_model": True,
    "strength": [{"name": "epsilon", "symbol": "ε", "description": "largest change of a pixel"}],
    "options": {"properties": {"sign": {"enum": ["up", "down"]}}},
}


def perturb(images, labels, indices, strength, *, seed, model, sign):
    pixels = torch.from_numpy(images).requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(pixels), torch.from_numpy(labels).long())
    (gradient,) = torch.autograd.grad(loss, pixels)
    step = strength if sign == "up" else -strength
    return (pixels + step * gradient.sign()).detach().clamp(0, 1).numpy()
'''


def test_a_family_in_one_file_runs_through(experiment):
    library = experiment.root / "scripts/manifold_robustness"
    (library / "perturbations/step.py").write_text(FAMILY)
    assert experiment.stale() == {}
    step = {"family": "step", "strengths": [0.3], "sign": "up"}
    experiment.configure(lambda config: config["perturbations"].append(step))
    stale = experiment.stale()
    assert stale["perturb_images"] == stale["evaluate_accuracy"] == 1
    assert "train_model" not in stale
    experiment.succeed()

    import sys

    sys.path.insert(0, str(library.parent))
    from manifold_robustness.images import read_images
    from manifold_robustness.predictions import read_predictions

    clean, _ = read_images(experiment.result("images/clean.zarr.zip"))
    moved, _ = read_images(experiment.result("images/step/epsilon-0.3.zarr.zip"))
    assert 0.29 < np.abs(moved - clean).max() < 0.3001
    predictions, labels, _ = read_predictions(experiment.result("accuracy/step/epsilon-0.3.h5"))
    clean_predictions, _, _ = read_predictions(experiment.result("accuracy/clean.h5"))
    assert np.mean(predictions == labels) < 0.5 * np.mean(clean_predictions == labels)
    assert experiment.result("figures/step/accuracy.svg").exists()
    assert experiment.result("geometry/step/epsilon-0.3/head.h5").exists()
