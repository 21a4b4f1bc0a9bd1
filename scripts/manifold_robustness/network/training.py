"""Training: the recipe of the configuration, the best weights on validation data, a history."""

import copy
import csv
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..files.atomic import written_beside
from .devices import place
from .perturbed import load_perturbation

if TYPE_CHECKING:
    from .checkpoints import Checkpoint

logger = logging.getLogger(__name__)
HISTORY = [
    "epoch",
    "learning_rate",
    *(
        f"{split}_{figure}"
        for split in ("train", "validation", "test")
        for figure in ("loss", "accuracy")
    ),
    "best",
]
ATTACKED = "attacked_accuracy"  # of a training whose images are perturbed
STATEFUL = ("network", "optimizer", "schedule")


class Augmented(Dataset):
    """A data set whose images pass through a random transform."""

    def __init__(self, data: Dataset, transform: Callable[[torch.Tensor], torch.Tensor]):
        self.data, self.transform = data, transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image, label = self.data[index]
        return self.transform(image), label


def train(
    network: nn.Module,
    splits: dict[str, Dataset],
    recipe: dict,
    seed: int,
    device: torch.device,
    checkpoint: "Checkpoint | None" = None,
) -> list[dict]:
    """Train `network` in place, keep its best weights on validation data, return the history.

    Parameters
    ----------
    network : torch.nn.Module
    splits : dict
        ``train``, ``validation`` and ``test`` data sets of (image, label).
    recipe : dict
        The configuration's ``training`` section. The loss is cross-entropy with label smoothing,
        for every split. ``perturb``: what is done to the images of a batch
        (:class:`~.perturbed.batches.TrainingPerturbation`), or None.
    seed : int
        Of the order of images, the augmentation, the dropout, and the perturbation.
    device : torch.device
    checkpoint : Checkpoint, optional
        Where the state is kept after every epoch. A training that finds its own there goes on
        after it and, on the CPU, ends as if it had never stopped, bit for bit.

    Returns
    -------
    list of dict
        One per epoch, with the keys `HISTORY`: losses per image, accuracies as fractions. ``best``
        marks the epoch whose weights were kept: the greatest validation accuracy, among equals
        the least validation loss. Where the recipe perturbs, there is ``attacked_accuracy`` too,
        on validation images under PGD of the same budget (under the perturbation itself where it is
        no attack), and the greatest of that decides first.
    """
    torch.manual_seed(seed)
    training = Training(place(network, device), splits, recipe, seed, device)
    saved = checkpoint and checkpoint.load()
    if saved:
        training.restore(saved)
        logger.info("goes on after epoch %d", len(training.history))
    while not training.is_finished():
        training.run_epoch()
        if checkpoint:
            checkpoint.save(training.state())
    network.load_state_dict(training.best_weights)
    best = best_epoch(training.history)
    return [{**row, "best": row["epoch"] == best} for row in training.history]


class Training:
    """A training between two epochs: all that the next one depends on."""

    def __init__(
        self,
        network: nn.Module,
        splits: dict[str, Dataset],
        recipe: dict,
        seed: int,
        device: torch.device,
    ):
        self.network, self.recipe, self.device = network, recipe, device
        self.splits = _augmented_splits(splits, recipe["augmentation"])
        self.validation = splits["validation"]  # as it is, for attacks
        self.perturbation = load_perturbation(recipe["perturb"], seed, device)
        self.loader = _training_loader(splits, self.splits, recipe, self.perturbation, seed)
        self.optimizer = _optimizer(network, recipe)
        self.schedule = _schedule(self.optimizer, recipe, len(self.loader))
        self.criterion = nn.CrossEntropyLoss(label_smoothing=recipe["label_smoothing"])
        self.history, self.best_weights = [], None

    def is_finished(self) -> bool:
        """Say whether the last epoch was run, or too many brought nothing better."""
        done, patience = len(self.history), self.recipe["early_stopping"]
        without = done - best_epoch(self.history) if done else 0
        if patience and without >= patience:
            logger.info("stopped early: %d epochs without a better one", without)
            return True
        return done == self.recipe["epochs"]

    def run_epoch(self) -> None:
        """Train for one epoch, measure every split, and keep the weights where they are best."""
        start, rate = time.perf_counter(), self.optimizer.param_groups[0]["lr"]
        row = {"epoch": len(self.history) + 1, "learning_rate": rate}
        with self.perturbation.watched() if self.perturbation else nullcontext():
            row["train_loss"], row["train_accuracy"] = self._train()
        for split in ("validation", "test"):
            row[f"{split}_loss"], row[f"{split}_accuracy"] = evaluate(
                self.network,
                self.splits[split],
                self.recipe["batch_size"] * 8,
                self.criterion,
                self.device,
                self.recipe["workers"],
            )
        if self.perturbation:
            row[ATTACKED] = self.perturbation.accuracy(
                self.network, self.validation, self.recipe["batch_size"]
            )
        self.history.append(row)
        if self.perturbation:
            row["collapsed"] = self.perturbation.has_collapsed(self.history)
            _warn_of_collapse(self.history)
        if best_epoch(self.history) == row["epoch"]:
            self.best_weights = copy.deepcopy(self.network.state_dict())
        if self.recipe["schedule"] == "plateau":
            self.schedule.step(row["validation_accuracy"])
        _report(row, self.recipe["epochs"], time.perf_counter() - start)

    def state(self) -> dict[str, Any]:
        """Return everything as a checkpoint keeps it."""
        cuda = torch.cuda.get_rng_state_all() if self.device.type == "cuda" else []
        return {
            **{name: getattr(self, name).state_dict() for name in STATEFUL},
            "history": self.history,
            "best_weights": self.best_weights,
            "random": [torch.get_rng_state(), self.loader.generator.get_state(), cuda],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state` returned."""
        for name in STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        self.history, self.best_weights = state["history"], state["best_weights"]
        here, of_loader, cuda = state["random"]
        torch.set_rng_state(here)
        self.loader.generator.set_state(of_loader)
        if cuda and len(cuda) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(cuda)

    def _train(self):
        self.network.train()
        low = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.recipe["autocast"] == "bfloat16"
        )
        loss_sum = correct = seen = 0.0
        for images, labels, *places in tqdm(self.loader, unit="step", disable=None, leave=False):
            if self.perturbation:
                epoch = len(self.history) + 1
                images = self.perturbation.perturb(self.network, images, labels, *places, epoch)
            images, labels = images.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad(set_to_none=True)
            with low:
                outputs = self.network(images)
                loss = self.criterion(outputs, labels)
            (loss * len(labels) if self.recipe["loss"] == "sum" else loss).backward()
            self.optimizer.step()
            if self.recipe["schedule"] == "one_cycle":
                self.schedule.step()
            loss_sum += loss.item() * len(labels)
            correct += (outputs.argmax(1) == labels).sum().item()
            seen += len(labels)
        return loss_sum / seen, correct / seen


def best_epoch(history: list[dict]) -> int:
    """Return the epoch of greatest validation accuracy, among equals of least validation loss.

    Of a training whose images are perturbed, first that of the greatest accuracy under the attack:
    robustness may fall again while the clean accuracy rises (Rice et al., ICML 2020).
    """

    def rank(row):
        return row.get(ATTACKED, 0), row["validation_accuracy"], -row["validation_loss"]

    return max(history, key=rank)["epoch"]


def evaluate(
    network: nn.Module,
    data: Dataset,
    batch_size: int,
    criterion: nn.Module,
    device: torch.device,
    workers: int = 0,
) -> tuple[float, float]:
    """Return a network's mean loss per image and its accuracy (a fraction) on a data set."""
    network.eval()
    loss = correct = 0.0
    with torch.inference_mode():
        for images, labels in DataLoader(data, batch_size=batch_size, num_workers=workers):
            outputs, labels = network(images.to(device)), labels.to(device)
            loss += criterion(outputs, labels).item() * len(labels)
            correct += (outputs.argmax(1) == labels).sum().item()
    return loss / len(data), correct / len(data)


def summarise_history(history: list[dict], network: nn.Module, device: torch.device) -> dict:
    """Return a trained network's figures: those of the epoch whose weights were kept."""
    kept = next(row for row in history if row["best"])
    return {
        "best_epoch": kept["epoch"],
        "epochs": len(history),
        **{key: kept[key] for key in HISTORY if key.startswith(("train_", "validation_", "test_"))},
        **_summarise_attacked(history, kept),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "device": str(device),
    }


def write_history(history: list[dict], path: str | Path) -> None:
    """Write the history as CSV, one row per epoch."""
    with written_beside(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, [*HISTORY, *(key for key in history[0] if key not in HISTORY)]
        )
        writer.writeheader()
        writer.writerows(history)


def augmentation(settings: dict, image_size: int) -> nn.Module | None:
    """Return the random transform of training images, or None where all of it is off."""
    from .torchvision_import import torchvision

    v2 = torchvision.transforms.v2
    jitter = settings["color_jitter"]
    steps = [
        settings["crop_padding"] and v2.RandomCrop(image_size, padding=settings["crop_padding"]),
        jitter and v2.ColorJitter(brightness=jitter, contrast=jitter, saturation=jitter),
        settings["horizontal_flip"] and v2.RandomHorizontalFlip(),
        settings["rotation"] and v2.RandomRotation(settings["rotation"]),
    ]
    steps = [step for step in steps if step]
    return v2.Compose(steps) if steps else None


def _augmented_splits(splits, settings):
    transform = augmentation(settings, splits["train"][0][0].shape[-1])
    if transform is None:
        return splits
    shared = ("train", "validation") if settings["validation"] else ("train",)
    return {**splits, **{split: Augmented(splits[split], transform) for split in shared}}


def _training_loader(splits, augmented, recipe, perturbation, seed):
    data, random = augmented["train"], torch.Generator().manual_seed(seed)
    batch = min(recipe["batch_size"], len(data))
    loading = {"generator": random, "num_workers": recipe["workers"]}
    if perturbation:
        data = perturbation.numbered(data)
    if perturbation and perturbation.is_of_sets:
        batches = perturbation.set_batches(splits["train"], batch, random)
        return DataLoader(data, batch_sampler=batches, **loading)
    return DataLoader(
        data,
        batch_size=batch,
        shuffle=True,
        drop_last=len(data) % batch == 1,  # batch normalisation needs two images
        **loading,
    )


def _optimizer(network, recipe):
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    extra = {"momentum": 0.9} if recipe["optimizer"] == "sgd" else {}
    return kinds[recipe["optimizer"]](
        network.parameters(),
        lr=recipe["learning_rate"],
        weight_decay=recipe["weight_decay"],
        **extra,
    )


def _schedule(optimizer, recipe, steps):
    schedulers = torch.optim.lr_scheduler
    if recipe["schedule"] == "one_cycle":
        return schedulers.OneCycleLR(
            optimizer, recipe["learning_rate"], total_steps=recipe["epochs"] * steps
        )
    if recipe["schedule"] == "plateau":
        return schedulers.ReduceLROnPlateau(
            optimizer, "max", factor=recipe["plateau_factor"], patience=recipe["plateau_patience"]
        )
    return schedulers.ConstantLR(optimizer, factor=1.0)


def _report(row, epochs, seconds):
    message = (
        f"epoch {row['epoch']}/{epochs} in {seconds:.1f} s: accuracy "
        f"train {row['train_accuracy']:.3f}, validation {row['validation_accuracy']:.3f}, "
        f"test {row['test_accuracy']:.3f}"
    )
    if ATTACKED in row:
        message += f", validation under attack {row[ATTACKED]:.3f}"
    logger.info(message)
    tqdm.write(message)


def _summarise_attacked(history, kept):
    if ATTACKED not in kept:
        return {}
    first = next((row["epoch"] for row in history if row["collapsed"]), None)
    return {ATTACKED: kept[ATTACKED], "collapsed_epoch": first}


def _warn_of_collapse(history):
    last = history[-1]
    if last["collapsed"]:
        logger.warning(
            "catastrophic overfitting in epoch %d: the accuracy under attack fell to %.3f, while "
            "that on the training images is %.3f. Train with more steps (family: pgd), a smaller "
            "strength or a warm_up",
            last["epoch"],
            last[ATTACKED],
            last["train_accuracy"],
        )
