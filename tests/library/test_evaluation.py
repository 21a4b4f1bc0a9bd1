"""Evaluation: the same predictions at any batch size, of the images that the stages share."""

import numpy as np
import pytest
import torch

from helpers import DIGITS, NETWORK
from manifold_robustness.network.data_sets import load_split
from manifold_robustness.network.evaluation import perturb_and_predict
from manifold_robustness.network.model import initial_model
from manifold_robustness.perturbations import perturb_images

CPU = torch.device("cpu")
OPTIONS = {"parameterization": "standard_deviation", "clip": True}


@pytest.fixture(scope="module")
def data():
    return load_split(DIGITS, "validation")


@pytest.fixture(scope="module")
def model():
    settings = {"architecture": NETWORK, "weights": "none", "weights_file": None}
    return initial_model(settings, 10, seed=1).eval()


def predict(model, data, strength=0.3, batch_size=150, seed=3):
    condition = {"family": "gaussian", "strength": strength, "options": OPTIONS}
    return perturb_and_predict(model, data, condition, batch_size, seed, CPU)


def test_predictions_do_not_depend_on_the_batch_size(model, data):
    whole, labels = predict(model, data)
    assert np.array_equal(labels, data.labels)
    for batch_size in (1, 7, 64, 1000):
        found, truth = predict(model, data, batch_size=batch_size)
        assert np.array_equal(found, whole) and np.array_equal(truth, labels)


def test_the_images_are_those_that_the_perturbation_stage_makes(model, data):
    labels = data.labels.numpy()
    images = perturb_images(
        "gaussian", data.images.numpy(), labels, range(150), 0.3, seed=3, **OPTIONS
    )
    with torch.inference_mode():
        expected = model(torch.from_numpy(images)).argmax(1).numpy()
    assert np.array_equal(predict(model, data)[0], expected)
    assert not np.array_equal(predict(model, data, seed=4)[0], expected)


def test_strength_zero_leaves_the_images_alone(model, data):
    with torch.inference_mode():
        expected = model(data.images).argmax(1).numpy()
    condition = {"family": "clean", "strength": 0.0, "options": {}}
    found, _ = perturb_and_predict(model, data, condition, 40, 0, CPU)
    assert np.array_equal(found, expected)
