"""One private cluster for all tests, and experiments for it."""

import shutil
import signal

import pytest

from slurm.cluster import Cluster, missing
from slurm.experiments import ClusterExperiment
from workflow.conftest import copy_project


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Return a running cluster."""
    why = missing()
    if why:
        pytest.skip(f"no private Slurm: {why}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: everything is ended
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


OTHER = {
    "name": "other",
    "architecture": "tests/configs/tiny_network.py:build",
    "weights": "none",
    "layers": ["head"],
    "training": {"epochs": 1},
}


ATTACK = {"family": "pgd", "steps": 5, "strengths": [0.1]}


def copy_with_two_networks(root):
    """Copy the project, with a second network and an attack in its tiny experiment."""
    experiment = copy_project(root)
    experiment.configure(lambda config: config["networks"].append(OTHER))
    experiment.configure(lambda config: config["perturbations"].append(ATTACK))
    experiment.draw_only("layers", "families_accuracy", "compared_capacity")
    return experiment


@pytest.fixture(scope="session")
def local(cluster, tmp_path_factory):
    """Return a tiny experiment that was run here, without Slurm; not to be changed."""
    experiment = copy_with_two_networks(tmp_path_factory.mktemp("local"))
    experiment.succeed()
    return experiment


@pytest.fixture
def fresh(cluster, tmp_path):
    """Give an experiment that nothing was run in, for the cluster."""
    copy_with_two_networks(tmp_path)
    experiment = ClusterExperiment(tmp_path, cluster)
    experiment.instrument()
    yield experiment
    experiment.end()


@pytest.fixture
def experiment(local, cluster, tmp_path):
    """Give a copy of the local run whose solves are stale, for the cluster."""
    shutil.copytree(local.root, tmp_path, dirs_exist_ok=True, symlinks=True)
    experiment = ClusterExperiment(tmp_path, cluster)
    experiment.instrument()
    experiment.edit_the_geometry()
    yield experiment
    experiment.end()
