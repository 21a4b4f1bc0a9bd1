"""A tiny experiment, script by script: each fixture is a stage of the flow."""

import pytest

from experiments import Experiment


@pytest.fixture(scope="session")
def experiment(tmp_path_factory):
    return Experiment(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def trained(experiment):
    return experiment.train()


@pytest.fixture(scope="session")
def clean(experiment, trained):
    """The files of the clean accuracy and of the selected images."""
    accuracy = experiment.evaluate()
    return {"accuracy": accuracy, "images": experiment.select(accuracy)}


@pytest.fixture(scope="session")
def perturbed(experiment, clean):
    """The files of every condition, clean first, by what they hold."""
    found = {"accuracy": {"clean": clean["accuracy"]}, "images": {"clean": clean["images"]}}
    for name, condition in experiment.conditions.items():
        if not condition.is_clean:
            output = experiment.perturb(name, clean["images"])
            found["accuracy"][name], found["images"][name] = output.accuracy, output.images
    return found


@pytest.fixture(scope="session")
def accuracies(perturbed):
    return perturbed["accuracy"]


@pytest.fixture(scope="session")
def images(perturbed):
    return perturbed["images"]


@pytest.fixture(scope="session")
def activations(experiment, images):
    """The paths of stores by (condition, layer)."""
    return {
        (name, layer): store
        for name, path in images.items()
        for layer, store in zip(experiment.kept, experiment.extract(name, path), strict=True)
    }


@pytest.fixture(scope="session")
def geometry(experiment, activations):
    return {
        (name, layer): experiment.solve(name, layer, activations[name, layer])
        for name, layer in experiment.pairs
    }


@pytest.fixture(scope="session")
def tables(experiment, geometry, accuracies):
    return experiment.collect(geometry.values(), accuracies.values())
