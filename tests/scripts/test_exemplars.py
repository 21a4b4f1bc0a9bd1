"""Exemplar manifolds, script by script on a tiny experiment: one image under draws of noise."""

from pathlib import Path

import numpy as np
import pytest
import torch

from experiments import NAME, Experiment
from helpers import NETWORK
from manifold_robustness.files.csv import read_table
from manifold_robustness.files.geometry import read_geometry
from manifold_robustness.files.images import read_answers, read_images
from manifold_robustness.files.predictions import read_predictions
from manifold_robustness.lineage import Origin
from manifold_robustness.network.weights import load_network

NOISY = "gaussian/sigma-0.5"
IMAGES = {"manifolds": "exemplar", "n_manifolds": 5, "n_points": 6, "replicates": 2}


@pytest.fixture(scope="module")
def exemplars(tmp_path_factory):
    return Experiment(tmp_path_factory.mktemp("exemplars"), images=IMAGES)


@pytest.fixture(scope="module")
def files(exemplars):
    """The files of the whole flow, by stage and coordinates."""
    exemplars.train()
    accuracy = exemplars.evaluate()
    clean = exemplars.select(accuracy)
    found = {"accuracy": {"clean": accuracy}, "images": {"clean": clean}, "geometry": {}}
    for name in list(exemplars.conditions)[1:]:
        output = exemplars.perturb(name, clean)
        found["accuracy"][name], found["images"][name] = output.accuracy, output.images
        stores = exemplars.extract(name, output.images)
        for layer, store in zip(exemplars.kept, stores, strict=True):
            if layer in exemplars.analysed:
                found["geometry"][name, layer] = exemplars.solve(name, layer, store)
    tables = exemplars.collect(found["geometry"].values(), found["accuracy"].values())
    return found | {"tables": tables}


@pytest.fixture(scope="module")
def wanted(exemplars):
    return lambda *place: Origin(**exemplars.origin(*place))


def test_a_manifold_is_one_image_under_draws_and_the_first_is_the_evaluated_one(files, wanted):
    clean, places, said = read_images(files["images"]["clean"], wanted("select_images"))
    assert clean.shape == (2, 5, 1, 3, 8, 8) and len(set(places.ravel())) == 10
    origin = wanted("perturb_images", NOISY)
    noisy, points, _ = read_images(files["images"][NOISY], origin)
    assert noisy.shape == (2, 5, 6, 3, 8, 8)
    assert np.array_equal(points, np.broadcast_to(places, (2, 5, 6)))
    assert len({one.tobytes() for one in noisy.reshape(60, -1)}) == 60
    difference = np.abs(noisy - clean).mean(axis=(3, 4, 5))
    assert difference.min() > 0.1 and difference.max() < 0.5
    _, predictions, _ = read_answers(files["images"][NOISY], origin)
    answers = read_predictions(files["accuracy"][NOISY], origin)
    assert np.array_equal(predictions[..., 0], answers.predictions[places[..., 0]])
    assert said["image_index"] == places[..., 0].tolist()
    labels = answers.labels[places[..., 0]]
    assert said["manifold_class"] == [[str(label) for label in row] for row in labels]


def test_the_answers_to_all_draws_are_the_network_s(exemplars, files, wanted):
    network = load_network(NETWORK, 10, exemplars.weights)
    noisy, predictions, _ = read_answers(files["images"][NOISY], wanted("perturb_images", NOISY))
    with torch.inference_mode():
        found = network(torch.from_numpy(noisy.reshape(-1, 3, 8, 8))).argmax(1).numpy()
    assert np.array_equal(found, predictions.ravel())


def test_accuracies_are_those_of_class_manifolds(tmp_path, exemplars, files, wanted):
    """The first draw of an image is the one that it has in any run."""
    classes = Experiment(tmp_path)
    classes.weights = exemplars.weights
    accuracy = classes.evaluate()
    output = classes.perturb(NOISY, classes.select(accuracy))
    origin = Origin(**classes.origin("perturb_images", NOISY))
    found = read_predictions(output.accuracy, origin)
    ours = read_predictions(files["accuracy"][NOISY], wanted("perturb_images", NOISY))
    assert np.array_equal(ours.predictions, found.predictions)


def test_tables_name_the_images_and_have_no_clean_geometry(exemplars, files, wanted):
    table = read_table(files["tables"]["geometry"])
    assert len(table) == 2 * 2 * 2 * 5 and "clean" not in set(table["condition"])
    origin = wanted("solve_geometry", NOISY, "head")
    _, manifolds, attributes = read_geometry(files["geometry"][NOISY, "head"], origin)
    rows = table[(table["condition"] == NOISY) & (table["layer"] == "head")]
    assert rows["manifold"].tolist() == manifolds["manifold"].ravel().tolist()
    assert rows["class"].tolist() == manifolds["class"].ravel().tolist()
    assert rows["manifold"].str.fullmatch(r"image-\d+").all() and attributes["n_points"] == 6
    accuracy = read_table(files["tables"]["accuracy"])
    assert accuracy["condition"].tolist() == list(exemplars.conditions)


def test_the_results_are_verified_and_the_geometry_is_not_judged(exemplars, files):
    lines = Path(exemplars.verify(files["tables"])).read_text().splitlines()
    assert lines[0] == "holds: geometry.csv: 4 (network, condition, layer) places x 10 rows"
    claims = read_table(exemplars.judge(files["tables"]).table)
    accuracy, rest = claims.iloc[0], claims.iloc[1:]
    assert accuracy["verdict"] == "holds" and set(rest["verdict"]) == {"undecided"}
    assert rest["reason"].str.startswith("no clean geometry").all() and NAME in set(rest["network"])
