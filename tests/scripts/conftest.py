"""A tiny experiment, script by script: each fixture is a stage of the flow."""

import pytest

from experiments import Experiment, Named


@pytest.fixture(scope="session")
def experiment(tmp_path_factory):
    return Experiment(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def trained(experiment):
    return experiment.train()


@pytest.fixture(scope="session")
def accuracies(experiment, trained):
    return {name: experiment.evaluate(name) for name in experiment.conditions}


@pytest.fixture(scope="session")
def images(experiment, accuracies):
    clean = experiment.select(accuracies["clean"])
    others = [name for name in experiment.conditions if name != "clean"]
    return {"clean": clean, **{name: experiment.perturb(name, clean) for name in others}}


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
    paths = {
        name: experiment.path(f"tables/{name}.csv") for name in ("geometry", "summary", "accuracy")
    }
    experiment.run(
        "collect_geometry",
        Named(geometry=paths["geometry"], summary=paths["summary"]),
        Named(*geometry.values()),
        strengths=experiment.strengths,
        layers=experiment.analysed,
        made_with=experiment.made_with,
    )
    experiment.run(
        "collect_accuracy",
        Named(paths["accuracy"]),
        Named(*accuracies.values()),
        strengths=experiment.strengths,
    )
    return paths
