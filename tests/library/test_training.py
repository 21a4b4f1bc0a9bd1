"""Training: reproducible, keeps its best epoch, and follows its recipe."""

import csv

import numpy as np
import pytest
import torch
from torch import nn

from helpers import DIGITS, NETWORK, read_config
from manifold_robustness.errors import NetworkError
from manifold_robustness.files.metrics import read_metrics, write_metrics
from manifold_robustness.files.stamps import file_sum
from manifold_robustness.lineage import Origin
from manifold_robustness.network.checks import require_accuracy
from manifold_robustness.network.data_sets import SPLITS, ArrayImages, load_split
from manifold_robustness.network.devices import prepare_device
from manifold_robustness.network.training import (
    HISTORY,
    Augmented,
    augmentation,
    evaluate,
    summarise_history,
    train,
    write_history,
)
from manifold_robustness.network.weights import initial_network

RECIPE = read_config("tests/configs/tiny.yaml")["training"]
OFF = RECIPE["augmentation"]
CPU = torch.device("cpu")
torch.set_num_threads(1)  # so small a network is slower on two


@pytest.fixture(scope="module")
def splits():
    return {split: load_split(DIGITS, split) for split in SPLITS}


def fresh():
    return initial_network(NETWORK, "none", None, 10, seed=0)


def run(splits, seed=0, **changes):
    network = fresh()
    torch.seed()  # nothing may depend on torch's own state
    return network, train(network, splits, {**RECIPE, **changes}, seed, CPU)


@pytest.fixture(scope="module")
def trained(splits):
    return run(splits, epochs=3)


def weights(network):
    return torch.cat([value.flatten().double() for value in network.state_dict().values()])


def figures(monkeypatch, accuracies, losses=None):
    """Prescribe a training's validation accuracies and losses; return its weights, by epoch."""
    given, epochs = zip(accuracies, losses or [1.0] * len(accuracies), strict=True), []

    def evaluate(network, data, *_):
        if len(data) != 150:
            return 1.0, 0.5
        epochs.append(weights(network))
        accuracy, loss = next(given)
        return loss, accuracy

    monkeypatch.setattr("manifold_robustness.network.training.evaluate", evaluate)
    return epochs


def test_the_same_seed_gives_the_same_weights_bit_for_bit(splits, trained):
    network, history = trained
    again, other_history = run(splits, epochs=3)
    assert torch.equal(weights(again), weights(network)) and other_history == history
    other, _ = run(splits, seed=1, epochs=3)
    assert not torch.equal(weights(other), weights(network))


def test_augmentation_is_reproducible_too(splits):
    some = {**OFF, "crop_padding": 1, "rotation": 10}
    first, again, plain = (
        weights(run(splits, epochs=1, augmentation=a)[0]) for a in (some, some, OFF)
    )
    assert torch.equal(first, again) and not torch.equal(first, plain)


def test_it_learns(trained):
    _, history = trained
    assert history[-1]["test_accuracy"] > 0.8
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_the_history_has_a_row_per_epoch_with_every_figure(trained):
    _, history = trained
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert all(sorted(row) == sorted(HISTORY) for row in history)
    assert sum(row["best"] for row in history) == 1
    columns = "epoch learning_rate train_loss train_accuracy validation_loss validation_accuracy"
    assert [*columns.split(), "test_loss", "test_accuracy", "best"] == HISTORY


def test_the_weights_that_are_kept_are_those_of_the_best_epoch(splits, trained):
    network, history = trained
    best = next(row for row in history if row["best"])
    criterion = nn.CrossEntropyLoss(label_smoothing=RECIPE["label_smoothing"])
    for split in ("validation", "test"):
        loss, accuracy = evaluate(network, splits[split], 100, criterion, CPU)
        assert accuracy == best[f"{split}_accuracy"]
        assert np.isclose(loss, best[f"{split}_loss"], rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "best"), [([0.1, 0.9, 0.3], 2), ([0.1, 0.2, 0.3], 3), ([0.5, 0.5, 0.4], 1)]
)
def test_the_best_epoch_is_the_one_of_the_greatest_validation_accuracy(
    splits, monkeypatch, values, best
):
    epochs = figures(monkeypatch, values)
    network, history = run(splits, epochs=3)
    assert [row["epoch"] for row in history if row["best"]] == [best]
    assert [torch.equal(weights(network), each) for each in epochs].index(True) == best - 1
    assert summarise_history(history, network, CPU)["best_epoch"] == best


def test_among_equal_accuracies_the_least_loss_is_best(splits, monkeypatch):
    figures(monkeypatch, [0.5, 0.5, 0.5], losses=[3.0, 1.0, 2.0])
    assert [row["best"] for row in run(splits, epochs=3)[1]] == [False, True, False]


def test_early_stopping(splits, monkeypatch):
    figures(monkeypatch, [0.1, 0.5, 0.4, 0.4, 0.6, 0.7])
    _, history = run(splits, epochs=6, early_stopping=2)
    assert [row["best"] for row in history] == [False, True, False, False]
    figures(monkeypatch, [0.1, 0.5, 0.4, 0.4, 0.6, 0.7])
    assert len(run(splits, epochs=6, early_stopping=3)[1]) == 6


def test_a_plateau_lowers_the_rate(splits, monkeypatch):
    figures(monkeypatch, [0.5] * 6)
    recipe = {"schedule": "plateau", "plateau_factor": 0.1, "plateau_patience": 1}
    _, history = run(splits, epochs=6, learning_rate=0.02, **recipe)
    rates = [row["learning_rate"] for row in history]
    assert np.allclose(rates, [0.02, 0.02, 0.02, 0.002, 0.002, 0.0002])


def test_one_cycle_rises_to_the_rate_and_falls(splits):
    rates = [
        row["learning_rate"]
        for row in run(splits, epochs=10, learning_rate=0.01, schedule="one_cycle")[1]
    ]
    assert rates[0] == pytest.approx(0.01 / 25)
    assert max(rates) == pytest.approx(0.01, rel=0.05) and rates[-1] < rates[0] * 10
    assert rates.index(max(rates)) == 3  # 30 % of the steps


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)],
)
def test_optimizers(splits, monkeypatch, name, kind):
    made = []

    def remember(optimizer, *_):
        made.append(optimizer)
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)

    monkeypatch.setattr("manifold_robustness.network.training._schedule", remember)
    recipe = {"optimizer": name, "weight_decay": 0.01, "learning_rate": 0.003, "epochs": 1}
    _, history = run(splits, schedule="constant", **recipe)
    assert type(made[0]) is kind and history[0]["learning_rate"] == 0.003
    assert made[0].defaults["weight_decay"] == 0.01
    assert made[0].defaults.get("momentum", 0.9) == 0.9


@pytest.mark.parametrize("n_images", [65, 64, 3])  # 65: a last batch of one image alone
def test_any_number_of_images_can_be_trained_on(splits, n_images):
    splits = {**splits, "train": gather(splits["train"], n_images)}
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(192), nn.Linear(192, 10))
    history = train(network, splits, {**RECIPE, "epochs": 1, "batch_size": 64}, 0, CPU)
    assert np.isfinite(history[0]["train_loss"])


def gather(data, n_images):
    return ArrayImages(data.images[:n_images], data.labels[:n_images])


def test_evaluate_against_the_definition(splits):
    network, data = fresh(), splits["validation"]
    network.train()
    images = torch.stack([image for image, _ in data])
    labels = data.labels
    for batch_size in (150, 64, 1):
        loss, accuracy = evaluate(
            network, data, batch_size, nn.CrossEntropyLoss(label_smoothing=0.2), CPU
        )
        network.eval()
        with torch.inference_mode():
            logs = network(images).double().log_softmax(1)
        chosen = logs[torch.arange(150), labels]
        expected = -(0.8 * chosen + 0.2 * logs.mean(1)).mean()
        assert accuracy == (logs.argmax(1) == labels).double().mean()
        assert loss == pytest.approx(float(expected), rel=1e-5)


def test_a_training_that_is_not_good_enough_says_both_numbers():
    config = read_config("tests/configs/tiny.yaml")
    require_accuracy(0.5, "small", config)
    with pytest.raises(
        NetworkError, match=r"accuracy of 0\.4999, below training\.min_accuracy 0\.5"
    ):
        require_accuracy(0.4999, "small", config)


def test_augmentation_off_is_none():
    assert augmentation(OFF, 8) is None


@pytest.mark.parametrize("key", [key for key in OFF if key != "validation"])
def test_each_augmentation_can_be_on_alone(key):
    image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    transform = augmentation({**OFF, key: {"rotation": 30, "crop_padding": 2}.get(key, 0.5)}, 8)
    torch.manual_seed(1)
    results = [transform(image) for _ in range(20)]
    assert all(result.shape == image.shape for result in results)
    assert any(not torch.equal(result, image) for result in results)
    if key == "horizontal_flip":
        flipped = [torch.equal(result, image.flip(2)) for result in results]
        assert 0 < sum(flipped) < 20
        assert all(f or torch.equal(r, image) for f, r in zip(flipped, results, strict=True))
    if key == "crop_padding":
        assert any((result[:, 0] == 0).all() or (result[:, -1] == 0).all() for result in results)


def test_validation_images_are_augmented_where_the_recipe_says_so(splits, monkeypatch):
    seen = []
    real = Augmented.__getitem__
    monkeypatch.setattr(
        Augmented, "__getitem__", lambda self, i: (seen.append(len(self)), real(self, i))[1]
    )
    for validation, sizes in ((False, {647}), (True, {647, 150})):
        run(splits, epochs=1, augmentation={**OFF, "rotation": 9, "validation": validation})
        assert set(seen) == sizes
        seen.clear()


def test_a_summed_loss_is_a_mean_one_with_greater_gradients(splits):
    """Adam doesn't see the factor but for the weight decay, which is divided by it.

    A weight without a gradient is moved by rounding alone, so most are compared, not all.
    """
    plain = {"optimizer": "adam", "epochs": 1, "schedule": "constant", "batch_size": 647}
    mean, total, weak = (
        weights(run(splits, loss=loss, weight_decay=decay, **plain)[0])
        for loss, decay in (("mean", 20), ("sum", 20), ("mean", 20 / 647))
    )
    moved = [((total - other).abs() > 0.01).double().mean() for other in (weak, mean)]
    assert moved[0] < 0.01 and moved[1] > 0.2  # a step of Adam is the rate, 0.02, either way


def test_autocast_is_for_the_training_s_forward_pass(splits):
    kinds = {}

    class Watched(nn.Module):
        def forward(self, x):
            kinds.setdefault(self.training, set()).add(x.dtype)
            return x

    for autocast, kind in (("none", torch.float32), ("bfloat16", torch.bfloat16)):
        kinds.clear()
        network = nn.Sequential(nn.Flatten(), nn.Linear(192, 10), Watched())
        train(network, splits, {**RECIPE, "autocast": autocast, "epochs": 1}, 0, CPU)
        assert kinds == {True: {kind}, False: {torch.float32}}
        assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_augmented_data_keep_their_labels(splits):
    data = Augmented(splits["validation"], lambda image: image + 1)
    assert len(data) == 150 and data[3][1] == splits["validation"][3][1]
    assert torch.equal(data[3][0], splits["validation"][3][0] + 1)


def test_files_of_history_and_metrics(trained, tmp_path):
    network, history = trained
    write_history(history, tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == HISTORY and len(rows) == 3
    assert [float(row["test_loss"]) for row in rows] == [row["test_loss"] for row in history]
    metrics, origin = (
        summarise_history(history, network, CPU),
        Origin("small", lineage={"small": {}}),
    )
    write_metrics(tmp_path / "metrics.json", metrics, origin, [tmp_path / "history.csv"])
    found = read_metrics(tmp_path / "metrics.json", origin)
    assert found["files"] == {"history.csv": file_sum(tmp_path / "history.csv")}
    best = next(row for row in history if row["best"])
    assert found["test_accuracy"] == best["test_accuracy"] and found["epochs"] == 3
    assert found["parameters"] == 3 * 8 * 9 + 8 + 16 + 128 * 10 + 10
    assert found["device"] == "cpu"


def test_the_threads_are_those_of_the_recipe():
    before = torch.get_num_threads()
    try:
        assert prepare_device(1).type == ("cuda" if torch.cuda.is_available() else "cpu")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
