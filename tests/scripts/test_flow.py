"""The scripts, one after another on a tiny experiment: what each leaves for the next."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from experiments import NAME, Named
from helpers import DIGITS, NETWORK, changed, read_published
from manifold_robustness.configuration import merge
from manifold_robustness.errors import (
    ConfigurationError,
    DataError,
    NetworkError,
    StoreError,
    VerificationError,
)
from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.files.geometry import read_geometry
from manifold_robustness.files.images import read_answers, read_images
from manifold_robustness.files.metrics import require_whole_folder
from manifold_robustness.files.predictions import read_predictions, write_predictions
from manifold_robustness.files.stamps import file_sum, read_origin
from manifold_robustness.files.stores import read_points
from manifold_robustness.lineage import Origin
from manifold_robustness.measures import solve_replicates
from manifold_robustness.network.data_sets import gather_images, load_split
from manifold_robustness.network.weights import load_network, save_weights
from manifold_robustness.networks import read_layers
from manifold_robustness.selection import choose_evaluated, select_indices

NOISY = "gaussian/sigma-0.5"


def read_metrics(output):
    return json.loads(Path(output.metrics).read_text())


@pytest.fixture(scope="module")
def wanted(experiment):
    """Return the origin of a file of a stage."""
    return lambda *place: Origin(**experiment.origin(*place))


@pytest.fixture(scope="module")
def answers(wanted, accuracies):
    """Return what the network answers under a condition."""
    return lambda name: read_predictions(accuracies[name], wanted("perturb_images", name))


@pytest.fixture(scope="module")
def pictures(wanted, images):
    """Return the images of a condition, their places and the store's attributes."""
    return lambda name: read_images(images[name], wanted("perturb_images", name))


# The network


def test_training_leaves_weights_history_and_metrics(experiment, trained):
    metrics, history = read_metrics(trained), pd.read_csv(trained.history)
    assert len(history) == experiment.config["training"]["epochs"] == metrics["epochs"]
    kept = history[history["best"]].iloc[0]
    assert metrics["test_accuracy"] == kept["test_accuracy"] >= 0.5
    assert not load_network(NETWORK, 10, trained.weights).training
    written = json.loads(Path(trained.layers).read_text())
    assert written["layers"] == ["input", "first", "norm", "relu", "pool", "flat", "head"]
    assert read_layers(trained.layers, experiment.network) is None  # of other code
    assert written["architecture"] == NETWORK
    beside = (trained.weights, trained.layers, trained.history)
    require_whole_folder(trained.metrics, {Path(one).name: file_sum(one) for one in beside})
    said = read_origin(trained.weights)
    assert {key: said[key] for key in ("network", "lineage")} == {
        "network": NAME,
        "lineage": experiment.lineage("train_network"),
    }


def test_a_training_below_its_minimum_is_taken_once_the_minimum_is_lowered(experiment, capsys):
    with pytest.raises(NetworkError, match=r"below training\.min_accuracy 1\.0"):
        config = merge(experiment.config, {"training": {"min_accuracy": 1.0}})
        experiment.train("weak", config=config, epochs=1)
    folder = experiment.folder / "weak/weights"
    assert [path.name for path in folder.iterdir()] == ["checkpoint.pt"]
    assert "epoch 1/1" in capsys.readouterr().out
    output = experiment.train("weak", epochs=1)
    assert "epoch" not in capsys.readouterr().out
    assert sorted(map(str, folder.iterdir())) == sorted(output)


@pytest.mark.parametrize("change", ["nothing", "recipe", "seed", "files", "code", "device"])
def test_a_state_of_another_training_is_left_alone(experiment, monkeypatch, change):
    impossible = merge(experiment.config, {"training": {"min_accuracy": 1.0}})
    with pytest.raises(NetworkError):
        experiment.train(f"other-{change}", config=impossible, epochs=1)
    found = []
    monkeypatch.setattr(
        "train_network.train", lambda *given: found.append(given[-1].load()) or 1 / 0
    )
    changes = {
        "nothing": {},
        "recipe": {"learning_rate": 0.5},
        "files": {"inputs": Named(__file__)},
        "code": {"code": "another"},
    }.get(change, {})
    if change == "device":
        monkeypatch.setattr("train_network.prepare_device", lambda _: torch.device("meta"))
    if change == "seed":
        monkeypatch.setattr(experiment, "seed", 9)
    with pytest.raises(ZeroDivisionError):
        experiment.train(f"other-{change}", epochs=1, **changes)
    assert (found == [None]) == (change != "nothing")


@pytest.mark.parametrize(
    ("path", "value", "error", "words"),
    [
        ("activations.layers", ["input", "conv1", "head"], ConfigurationError, "names conv1"),
        ("images.n_points", 51, ConfigurationError, "needs 102 test images per class.*has 100"),
    ],
)
def test_what_later_stages_lack_is_said_before_a_training(
    experiment, monkeypatch, path, value, error, words
):
    monkeypatch.setattr("train_network.train", lambda *_: pytest.fail("it trained"))
    with pytest.raises(error, match=words):
        experiment.train("bad", config=changed(experiment.config, path, value))


def test_weights_of_the_user_s_own_are_measured_and_kept(experiment, trained):
    output = experiment.take("imported", trained.weights)
    ours, theirs = (
        load_network(NETWORK, 10, one.weights).state_dict() for one in (output, trained)
    )
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    (stage,) = read_origin(output.weights)["lineage"][NAME].values()
    assert stage["given_sha256"] == file_sum(trained.weights)
    assert Path(output.layers).read_bytes() == Path(trained.layers).read_bytes()
    assert read_metrics(output)["test_accuracy"] == read_metrics(trained)["test_accuracy"]


def test_weights_that_can_t_do_the_experiment_are_refused(experiment, trained):
    with pytest.raises(ConfigurationError, match="n_manifolds is 11"):
        config = merge(experiment.config, {"images": {"n_manifolds": 11}})
        experiment.take("refused", trained.weights, config)
    with pytest.raises(NetworkError, match="need the 122 tensors of the network"):
        other = {"architecture": "resnet18", "code": None}
        experiment.take("refused", trained.weights, settings=other)
    assert not list((experiment.folder / "refused/weights").iterdir())


# The images


def test_clean_accuracy_is_the_model_s(trained, answers):
    found = answers("clean")
    assert len(found.labels) == 1000 and found.classes == list("0123456789")
    assert np.mean(found.correct) == read_metrics(trained)["test_accuracy"]


def test_noise_costs_accuracy(experiment, answers):
    found = [np.mean(answers(name).correct) for name in experiment.conditions]
    assert len(found) == 3 and found[0] > found[2] + 0.1


def test_selected_images_are_correctly_classified_test_images(experiment, answers, pictures):
    selected, indices, attributes = pictures("clean")
    found = answers("clean")
    labels = found.labels
    assert selected.shape == (2, 5, 6, 3, 8, 8) and len(set(indices.ravel())) == 60
    assert np.array_equal(labels[indices], np.broadcast_to(np.arange(5)[:, None], (2, 5, 6)))
    assert np.array_equal(found.predictions[indices], labels[indices])
    classes = list("0123456789")
    expected = select_indices(found.correct, labels, 5, 6, 2, experiment.seed, classes)
    assert np.array_equal(indices, expected)
    assert np.array_equal(selected, gather_images(load_split(DIGITS, "test"), indices))
    assert (attributes["network"], attributes["condition"]) == (NAME, "clean")
    assert attributes["classes"] == classes


def test_too_few_correct_images_name_the_class(experiment, accuracies, images):
    before = Path(images["clean"]).read_bytes()
    with pytest.raises(DataError, match=r"class \d has \d+ test images that may .* needs 100"):
        experiment.select(accuracies["clean"], n_points=50)
    assert Path(images["clean"]).read_bytes() == before


def test_test_images_that_changed_since_the_evaluation_are_refused(
    experiment, images, answers, monkeypatch, tmp_path
):
    """By the selection, which reads the data set anew, and by every perturbation."""
    monkeypatch.setattr(experiment, "folder", tmp_path)
    own = answers("clean")
    origin = Origin(**experiment.origin("evaluate_accuracy"))
    origin = origin.completed(own.lineage)
    path = experiment.path(f"{NAME}/accuracy/clean.h5")
    sums = own.image_sums.copy()
    sums[:, 0] ^= 1
    answers = own.predictions, own.labels, own.indices, own.classes
    write_predictions(path, *answers, sums, origin)
    with pytest.raises(DataError, match=r"Need the test images .*rm -f '.*accuracy/clean\.h5'"):
        experiment.select(path)
    with pytest.raises(DataError, match=r"Need the test images .*rm -f '.*accuracy/clean\.h5'"):
        experiment.perturb(NOISY, images["clean"])


def test_images_are_right_for_every_network_that_is_asked_or_for_none(
    experiment, accuracies, answers, monkeypatch, tmp_path
):
    """Another network's answers count as well, or no network's."""
    monkeypatch.setattr(experiment, "folder", tmp_path)
    own, other = answers("clean"), answers(NOISY)
    paths = {network: str(tmp_path / f"{network}.h5") for network in ("other", NAME)}
    for network, path in paths.items():  # the other's answers, and as if they were its own
        lineage = experiment.lineage("evaluate_accuracy", network=network)
        given = other.predictions, other.labels, other.indices, other.classes, other.image_sums
        write_predictions(path, *given, Origin(network, "clean", lineage=lineage))

    def select(paths_given, networks, **images):
        given = {"answers_of": networks, **images}
        store = experiment.select(*paths_given, **given)
        given["images"] = {**experiment.config["images"], **images}
        changes = {key: given[key] for key in ("answers_of", "images")}
        wanted = Origin(**experiment.origin("select_images", **changes))
        indices, answers = read_images(store, wanted)[1], read_answers(store, wanted)[1]
        kept = other if paths[NAME] in paths_given else own
        assert np.array_equal(answers, kept.predictions[indices])
        return indices

    both = [accuracies["clean"], paths["other"]]
    indices = select(both, [NAME, "other"], n_points=2, correct_for="every_network")
    assert own.correct[indices].all() and other.correct[indices].all()
    indices = select([paths[NAME]], [NAME], n_points=2, correct_for="own")
    assert other.correct[indices].all() and not own.correct[indices].all()
    indices = select(both[:1], [NAME], n_points=50, correct_for="none")
    assert len(set(indices.ravel())) == 500


def test_perturbed_images_are_those_that_were_evaluated(experiment, trained, answers, pictures):
    noisy, indices, attributes = pictures(NOISY)
    clean, clean_indices, _ = pictures("clean")
    assert np.array_equal(indices, clean_indices)
    assert noisy.min() == 0 and noisy.max() == 1 and 0.1 < np.abs(noisy - clean).mean() < 0.5
    network = load_network(NETWORK, 10, trained.weights)
    with torch.inference_mode():
        found = network(torch.from_numpy(noisy.reshape(-1, 3, 8, 8))).argmax(1).numpy()
    assert np.array_equal(found, answers(NOISY).predictions[indices.ravel()])
    assert attributes["condition"] == NOISY and attributes["network"] == NAME
    assert attributes["perturbation"] == experiment.conditions[NOISY].to_dict()


def test_a_part_of_the_test_images_is_perturbed_where_so_many_are_asked_for(
    experiment, images, accuracies, answers, pictures, monkeypatch, tmp_path
):
    """And the selected images, to the same bits."""
    monkeypatch.setattr(experiment, "folder", tmp_path)
    copy = Path(experiment.path(f"{NAME}/accuracy/clean.h5"))
    copy.write_bytes(Path(accuracies["clean"]).read_bytes())
    output = experiment.perturb(NOISY, images["clean"], n_images=40)
    wanted = Origin(**experiment.origin("perturb_images", NOISY, n_images=40))
    found, whole = read_predictions(output.accuracy, wanted), answers(NOISY)
    part = choose_evaluated(1000, 40, experiment.seed)
    assert found.indices.tolist() == part.tolist() and len(part) == 40
    for name in ("predictions", "labels", "image_sums"):
        assert np.array_equal(getattr(found, name), getattr(whole, name)[part])
    pixels, predictions, _ = read_answers(output.images, wanted)
    assert np.array_equal(pixels, pictures(NOISY)[0])
    assert np.array_equal(predictions, whole.predictions[pictures(NOISY)[1]])


# Where every file comes from


def test_every_file_says_what_it_was_made_from(experiment, trained, activations, geometry):
    """The settings of all its stages, and the SHA-256 of the weights and of the test images."""
    said = read_origin(geometry[NOISY, "head"])
    weights = read_origin(trained.weights)["sha256"]
    stages = said["lineage"][NAME]
    assert stages["train_network"].pop("weights_sha256") == weights
    assert len(stages["evaluate_accuracy"].pop("test_images_sha256")) == 64
    assert said == experiment.origin("solve_geometry", NOISY, "head")
    clean = read_origin(activations["clean", "head"])["lineage"][NAME]
    assert list(clean) == [
        "train_network",
        "evaluate_accuracy",
        "select_images",
        "extract_activations",
    ]


@pytest.mark.parametrize("stage", ["perturb_images", "extract_activations", "solve_geometry"])
def test_a_job_refuses_what_is_of_another_condition(experiment, images, activations, stage):
    """Whoever renames a file, or copies it, exchanges no condition for another."""
    run = {
        "perturb_images": lambda: experiment.perturb(NOISY, images[NOISY]),
        "extract_activations": lambda: experiment.extract("clean", images[NOISY]),
        "solve_geometry": lambda: experiment.solve("clean", "head", activations[NOISY, "head"]),
    }[stage]
    words = rf"condition clean\. Got .*, which is of the condition {NOISY}"
    with pytest.raises(StoreError, match=words):
        run()


def test_a_job_refuses_what_was_made_with_other_settings(experiment, images, monkeypatch):
    changed_seed = experiment.seed + 1
    monkeypatch.setattr(experiment, "seed", changed_seed)
    words = f"the training of the network {NAME}, seed was {changed_seed - 1} and is {changed_seed}"
    with pytest.raises(StoreError, match=words):
        experiment.extract("clean", images["clean"])


def test_a_job_refuses_images_and_weights_of_two_trainings(experiment, images, trained, tmp_path):
    """Both as the configuration says: only the contents differ."""
    network = load_network(NETWORK, 10, trained.weights)
    with torch.no_grad():
        network.head.bias[0] += 1
    path = tmp_path / "weights.safetensors"
    save_weights(network, path, Origin(**experiment.origin("train_network")))
    with pytest.raises(StoreError, match=f"from other weights of the network {NAME}"):
        experiment.extract("clean", images["clean"], weights=str(path))


# Activations, geometry, tables


@pytest.fixture(scope="module")
def points(activations, wanted):
    """Return the activations of a condition and layer, and the store's attributes."""
    return lambda *place: read_points(activations[place], wanted("extract_activations", *place))


def test_there_is_a_store_per_layer(points):
    values = {layer: points("clean", layer)[0] for layer in ("input", "first", "head")}
    assert [value.shape for value in values.values()] == [
        (2, 5, 6, 30),
        (2, 5, 6, 30),
        (2, 5, 6, 10),
    ]
    attributes = points(NOISY, "first")[1]
    assert attributes["layer"] == "first" and attributes["condition"] == NOISY
    assert attributes["n_features"] == 512 and attributes["classes"] == list("0123456789")
    assert attributes["layer_label"] == "layer_1_Conv2d"


def test_the_input_layer_is_the_images(pictures, points):
    pixels = pictures(NOISY)[0].reshape(2, 30, -1).astype(float)
    span = points(NOISY, "input")[0].reshape(2, 30, -1)
    products = pixels @ pixels.transpose(0, 2, 1)
    assert np.allclose(span @ span.transpose(0, 2, 1), products, atol=1e-10)


def test_an_unknown_layer_is_refused_by_the_extraction(experiment, images):
    with pytest.raises(ConfigurationError, match=r"names conv9.*valid names are input, first"):
        experiment.extract("clean", images["clean"], ["input", "conv9"])


def test_the_geometry_of_a_layer(experiment, points, geometry, wanted):
    origin = wanted("solve_geometry", NOISY, "head")
    values, manifolds, attributes = read_geometry(geometry[NOISY, "head"], origin)
    assert manifolds["manifold"].tolist() == manifolds["class"].tolist() == [list("01234")] * 2
    assert values["capacity"].shape == (2, 5)
    assert (attributes["network"], attributes["condition"], attributes["layer"]) == (
        NAME,
        NOISY,
        "head",
    )
    assert attributes["layer_label"] == "layer_6_Linear"
    assert attributes["n_features"] == 10 and attributes["n_points"] == 6
    settings = {k: v for k, v in experiment.config["geometry"].items() if k != "layers"}
    solved = attributes["lineage"][NAME]["solve_geometry"]["settings"]
    assert solved == {"geometry": settings, "seed": experiment.seed}
    expected = solve_replicates(points(NOISY, "head")[0], settings, experiment.seed)
    measured = experiment.measures
    assert set(values) == set(measured) and "joint_capacity" in measured
    for name in set(measured) - {"residual_correlation"}:
        assert np.array_equal(
            values[name], np.stack([r[name] for r in expected]), equal_nan=True
        ), name


def test_a_damaged_store_is_refused_by_its_solve(experiment, activations):
    path = Path(activations["clean", "head"])
    content = path.read_bytes()
    damaged = path.with_name("damaged.zarr.zip")
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match=r"damaged\.zarr\.zip is truncated.*remove it with: rm -f"):
        experiment.solve("clean", "damaged", str(damaged))
    assert not (experiment.folder / NAME / "geometry/clean/damaged.h5").exists()


def test_the_tables_hold_every_coordinate(experiment, tables):
    geometry, summary, accuracy = (pd.read_csv(tables[name]) for name in tables)
    assert len(geometry) == len(experiment.pairs) * 2 * 5
    assert [*zip(summary["condition"], summary["layer"], strict=True)] == experiment.pairs
    assert list(accuracy["condition"]) == list(experiment.conditions)
    assert list(accuracy["strength"]) == [0, 0.1, 0.5]
    assert list(summary["layer_index"]) == [0, 1] * 3
    assert list(summary["layer_label"]) == ["layer_0_Input", "layer_6_Linear"] * 3
    head = geometry[(geometry["condition"] == NOISY) & (geometry["layer"] == "head")]
    inverse = 1 / head["capacity"]
    row = summary[(summary["condition"] == NOISY) & (summary["layer"] == "head")].iloc[0]
    assert row["capacity"] == pytest.approx(1 / inverse.mean())
    assert row["capacity_low"] < row["capacity"] < row["capacity_high"]


def test_the_table_s_numbers_are_those_of_the_files(geometry, tables, wanted):
    table = pd.read_csv(tables["geometry"])
    for (condition, layer), path in geometry.items():
        rows = table[(table["condition"] == condition) & (table["layer"] == layer)]
        values = read_geometry(path, wanted("solve_geometry", condition, layer))[0]
        assert rows["radius"].tolist() == values["radius"].ravel().tolist()


def test_sound_results_are_verified(experiment, tables):
    lines = Path(experiment.verify(tables)).read_text().splitlines()
    assert len(lines) == 18 and all(line.startswith("holds: ") for line in lines)


def test_hints_at_odd_gradients_are_told_with_the_verification(
    experiment, tables, accuracies, images
):
    """Noise is no attack: it leaves images right. But more of it goes on from where less ended."""
    path = experiment.compare_attacks(accuracies, images, vanishes=True, falls=True)
    found = read_table(path)
    assert list(found["check"]) == ["falls", "vanishes"]
    assert list(found["verdict"]) == ["holds", "warns"]
    lines = Path(experiment.verify({**tables, "attacks": path})).read_text().splitlines()
    assert len(lines) == 20 and lines[-1].startswith(f"warns: {NAME}: {NOISY}, the greatest")
    path = experiment.compare_attacks(accuracies, images, nested=True)
    table = read_table(path)
    assert list(table["verdict"]) == ["holds"] and list(table["n"]) == [60]
    write_table(table.assign(verdict="broken"), path)
    with pytest.raises(VerificationError, match=r"sigma-0\.5 goes on from where .* selected"):
        experiment.verify({**tables, "attacks": path})


def test_broken_results_are_not(experiment, tables, tmp_path):
    broken = {**tables, "geometry": str(tmp_path / "geometry.csv")}
    table = pd.read_csv(tables["geometry"])
    table.assign(capacity=0 * table["capacity"]).to_csv(broken["geometry"], index=False)
    Path(experiment.verify(tables)).unlink()
    with pytest.raises(VerificationError, match="every capacity is positive, least 0, but not at"):
        experiment.verify(broken)
    with pytest.raises(VerificationError, match="missing or incomplete"):
        experiment.verify(tables, replicates=3)
    assert not (experiment.folder / "tables/verification.txt").exists()


def test_layers_whose_names_are_numbers_are_found_again(experiment, tables, tmp_path):
    """A torch.nn.Sequential names its modules so."""
    numbers = {"input": "0", "head": "1.10"}
    renamed = {}
    for name in ("geometry", "summary"):
        renamed[name] = str(tmp_path / f"{name}.csv")
        pd.read_csv(tables[name]).replace({"layer": numbers}).to_csv(renamed[name], index=False)
    pairs = [(condition, numbers[layer]) for condition, layer in experiment.pairs]
    experiment.run(
        "verify_results",
        Named(str(tmp_path / "verification.txt")),
        Named(**{**tables, **renamed}, metrics=[experiment.network_files()["metrics"]]),
        coordinates=[(NAME, *pair) for pair in pairs],
        images=experiment.config["images"],
        measures=experiment.measures,
        tolerance=1e-10,
        min_accuracy={NAME: 0.5},
        limits=experiment.limits(),
        lineages={NAME: experiment.lineage("train_network")},
    )


# The paper beside the run


def test_the_claims_are_judged_on_the_tables(experiment, tables):
    output = experiment.judge(tables)
    claims = read_table(output.table)
    assert [*zip(claims["claim"], claims["layer"], strict=True)] == [
        (1, ""),
        *[(claim, layer) for layer in experiment.analysed for claim in (2, 2, 3, 3, 4, 4, 5)],
    ]
    assert set(claims["first_strength"]) <= {0.1, 0.5} and set(claims["strength"]) == {0.5}
    geometry = pd.read_csv(tables["geometry"]).query("layer == 'head'")
    means = geometry.groupby(["condition", "replicate"])["radius"].mean()
    radius = claims[(claims["quantity"] == "radius") & (claims["layer"] == "head")].iloc[0]
    assert radius["effect"] == pytest.approx((means[NOISY] - means["clean"]).mean())
    page, sentence = Path(output.page).read_text(), Path(output.numbers).read_text()
    assert page.startswith("<!DOCTYPE html>") and "P = 5 classes, M = 6 images" in page
    assert sentence.endswith("\n") and "Capacity falls after σ = 0.05: " in sentence


def test_a_family_is_judged_by_its_own_rows(experiment, tables, tmp_path):
    both = {}
    for name in ("geometry", "summary", "accuracy"):
        table = read_table(tables[name])
        other = table.assign(family="pgd", condition="pgd/epsilon-1", strength=1.0)
        both[name] = str(tmp_path / f"{name}.csv")
        pd.concat([table, other]).to_csv(both[name], index=False)
    alone = experiment.judge(tables)
    expected = Path(alone.table).read_bytes()
    assert Path(experiment.judge(both).table).read_bytes() == expected


def test_published_values_stand_beside_ours(experiment, tables):
    path = experiment.run(
        "compare_published",
        Named(experiment.path("tables/published.csv")),
        Named(summary=tables["summary"], accuracy=tables["accuracy"]),
        families={
            "gaussian": {
                "published": read_published("gaussian_cifar10"),
                "parameterization": "standard_deviation",
            }
        },
    )[0]
    table = pd.read_csv(path)
    assert set(table["family"]) == {"gaussian"}
    known = table[table["ours"].notna()]
    assert set(known["strength"]) == {0, 0.1, 0.5} and set(table["layer"].dropna()) == {"head"}
    accuracy = pd.read_csv(tables["accuracy"]).set_index("strength")
    row = known[(known["quantity"] == "kept_accuracy") & (known["strength"] == 0.1)].iloc[0]
    assert row["ours"] == accuracy.loc[0.1, "kept_accuracy"] and row["published"] == 0.3059
    assert row["difference"] == pytest.approx(row["ours"] - 0.3059)
