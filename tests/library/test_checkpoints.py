"""A training that stops and goes on ends as one that never stopped."""

import pytest
import torch

from helpers import DIGITS, NETWORK, flip_bit, read_config
from manifold_robustness.network.checkpoints import Checkpoint
from manifold_robustness.network.data_sets import SPLITS, ArrayImages, load_split
from manifold_robustness.network.training import train
from manifold_robustness.network.weights import initial_network

CPU = torch.device("cpu")
AUGMENTATION = {
    "crop_padding": 1,
    "color_jitter": 0.2,
    "horizontal_flip": True,
    "rotation": 10,
    "validation": True,
}
RECIPE = {
    **read_config("tests/configs/tiny.yaml")["training"],
    "epochs": 4,
    "augmentation": AUGMENTATION,
}


class Stopped(Exception):
    """Stands for the end of a job's time."""


class Preempted(Checkpoint):
    """Stops the training after an epoch, once its state is saved."""

    def __init__(self, path, settings, after):
        super().__init__(path, settings)
        self.after = after

    def save(self, state):
        super().save(state)
        if len(state["history"]) == self.after:
            raise Stopped


@pytest.fixture(scope="module")
def splits():
    few = {"train": 130, "validation": 60, "test": 50}
    whole = {split: load_split(DIGITS, split) for split in SPLITS}
    return {s: ArrayImages(whole[s].images[:n], whole[s].labels[:n]) for s, n in few.items()}


def run(splits, recipe, checkpoint=None):
    network = initial_network(NETWORK, "none", None, 10, seed=0)
    network.add_module("dropout", torch.nn.Dropout(0.3))
    torch.seed()  # nothing may depend on what torch drew before
    history = train(network, splits, recipe, 0, CPU, checkpoint)
    return {name: value.clone() for name, value in network.state_dict().items()}, history


RECIPES = [
    {},
    {"schedule": "plateau", "plateau_patience": 0, "optimizer": "adamw"},
    {"schedule": "constant", "optimizer": "sgd", "workers": 2},
    {"early_stopping": 1, "learning_rate": 0.3},
]


@pytest.mark.slow
@pytest.mark.parametrize("changes", RECIPES)
def test_stopped_after_every_epoch_it_ends_the_same_bit_for_bit(splits, tmp_path, changes):
    recipe = {**RECIPE, **changes}
    weights, history = run(splits, recipe)
    for after in range(1, len(history) + 1):
        with pytest.raises(Stopped):
            run(splits, recipe, Preempted(tmp_path / "checkpoint.pt", recipe, after))
    again, other = run(splits, recipe, Checkpoint(tmp_path / "checkpoint.pt", recipe))
    assert other == history
    assert all(torch.equal(again[name], weights[name]) for name in weights)


def test_no_epoch_is_run_twice(splits, tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Stopped):
        run(splits, RECIPE, Preempted(path, RECIPE, 3))
    capsys.readouterr()
    run(splits, RECIPE, Checkpoint(path, RECIPE))
    assert capsys.readouterr().out.count("epoch ") == 1


def test_another_training_s_state_is_left_alone(splits, tmp_path):
    path, other = tmp_path / "checkpoint.pt", {**RECIPE, "learning_rate": 0.001}
    with pytest.raises(Stopped):
        run(splits, RECIPE, Preempted(path, RECIPE, 2))
    assert Checkpoint(path, RECIPE).load()["history"]
    assert Checkpoint(path, other).load() is None
    assert run(splits, other, Checkpoint(path, other))[1] == run(splits, other)[1]


def test_a_damaged_state_is_no_state(splits, tmp_path, caplog):
    path = tmp_path / "checkpoint.pt"
    assert Checkpoint(path, RECIPE).load() is None
    run(splits, RECIPE, Checkpoint(path, RECIPE))
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], flip_bit(whole, len(whole) // 2), b""):
        path.write_bytes(damaged)
        assert Checkpoint(path, RECIPE).load() is None
        assert "can't be read" in caplog.text
        caplog.clear()


def test_the_state_is_removed_with_the_last_word(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", {})
    checkpoint.save({"history": []})
    checkpoint.remove()
    checkpoint.remove()
    assert not list(tmp_path.iterdir())
