"""Training: the recipe of the configuration, the best weights on validation data, a history."""

import copy
import csv
import json
import logging
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..atomic import written_beside
from ..errors import ModelError

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


class Augmented(Dataset):
    """A data set whose images pass through a random transform."""

    def __init__(self, data, transform):
        self.data, self.transform = data, transform

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        image, label = self.data[index]
        return self.transform(image), label


def train(model, splits, recipe, seed, device):
    """Train `model` in place, keep its best weights on validation data, return the history.

    Parameters
    ----------
    model : torch.nn.Module
    splits : dict
        ``train``, ``validation`` and ``test`` data sets of (image, label).
    recipe : dict
        The configuration's ``training`` section. The loss is cross-entropy with label smoothing,
        for every split.
    seed : int
        Of the order of images, the augmentation and the dropout.
    device : torch.device

    Returns
    -------
    list of dict
        One per epoch, with the keys `HISTORY`: losses per image, accuracies as fractions. ``best``
        marks the epoch whose weights were kept: the greatest validation accuracy, among equals
        the least validation loss.
    """
    torch.manual_seed(seed)
    model.to(device)
    loader = _training_loader(splits["train"], recipe, seed)
    optimizer = _optimizer(model, recipe)
    schedule = _schedule(optimizer, recipe, len(loader))
    criterion = nn.CrossEntropyLoss(label_smoothing=recipe["label_smoothing"])
    history, best, best_weights, best_epoch = [], None, None, 0
    bar = tqdm(total=recipe["epochs"] * len(loader), unit="step", disable=None, leave=False)
    for epoch in range(1, recipe["epochs"] + 1):
        start, rate = time.perf_counter(), optimizer.param_groups[0]["lr"]
        row = {"epoch": epoch, "learning_rate": rate}
        row["train_loss"], row["train_accuracy"] = _train_epoch(
            model, loader, optimizer, schedule, criterion, device, bar
        )
        for split in ("validation", "test"):
            row[f"{split}_loss"], row[f"{split}_accuracy"] = evaluate(
                model, splits[split], recipe["batch_size"] * 8, criterion, device
            )
        history.append(row)
        score = (row["validation_accuracy"], -row["validation_loss"])
        if best is None or score > best:
            best, best_epoch, best_weights = score, epoch, copy.deepcopy(model.state_dict())
        if recipe["schedule"] == "plateau":
            schedule.step(row["validation_accuracy"])
        _report(row, recipe["epochs"], time.perf_counter() - start)
        if recipe["early_stopping"] and epoch - best_epoch >= recipe["early_stopping"]:
            logger.info("stopped early: %d epochs without a better one", epoch - best_epoch)
            break
    bar.close()
    model.load_state_dict(best_weights)
    return [{**row, "best": row["epoch"] == best_epoch} for row in history]


def evaluate(model, data, batch_size, criterion, device):
    """Return a network's mean loss per image and its accuracy (a fraction) on a data set."""
    model.eval()
    loss = correct = 0.0
    with torch.inference_mode():
        for images, labels in DataLoader(data, batch_size=batch_size):
            outputs, labels = model(images.to(device)), labels.to(device)
            loss += criterion(outputs, labels).item() * len(labels)
            correct += (outputs.argmax(1) == labels).sum().item()
    return loss / len(data), correct / len(data)


def check_accuracy(accuracy, minimum):
    """Raise :class:`ModelError` where a test accuracy is below the configured minimum."""
    if accuracy < minimum:
        raise ModelError(
            f"training ended at a test accuracy of {accuracy:.4f}, below training.min_accuracy "
            f"{minimum}; train for longer (training.epochs), mend the recipe, or lower the minimum"
        )


def summarise_history(history, model, device):
    """Return a trained model's figures: those of the epoch whose weights were kept."""
    kept = next(row for row in history if row["best"])
    return {
        "best_epoch": kept["epoch"],
        "epochs": len(history),
        **{key: kept[key] for key in HISTORY if key.startswith(("train_", "validation_", "test_"))},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "device": str(device),
    }


def write_history(history, path):
    """Write the history as CSV, one row per epoch."""
    with written_beside(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HISTORY)
        writer.writeheader()
        writer.writerows(history)


def write_metrics(metrics, path):
    """Write a model's figures as JSON."""
    with written_beside(path) as partial:
        partial.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


def augmentation(settings, image_size):
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


def _training_loader(data, recipe, seed):
    transform = augmentation(recipe["augmentation"], data[0][0].shape[-1])
    if transform is not None:
        data = Augmented(data, transform)
    batch = min(recipe["batch_size"], len(data))
    return DataLoader(
        data,
        batch_size=batch,
        shuffle=True,
        drop_last=len(data) % batch == 1,  # batch normalisation needs two images
        generator=torch.Generator().manual_seed(seed),
    )


def _optimizer(model, recipe):
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    extra = {"momentum": 0.9} if recipe["optimizer"] == "sgd" else {}
    return kinds[recipe["optimizer"]](
        model.parameters(), lr=recipe["learning_rate"], weight_decay=recipe["weight_decay"], **extra
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


def _train_epoch(model, loader, optimizer, schedule, criterion, device, bar):
    model.train()
    loss_sum = correct = seen = 0.0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad(set_to_none=True)
        outputs = model(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        if isinstance(schedule, torch.optim.lr_scheduler.OneCycleLR):
            schedule.step()
        loss_sum += loss.item() * len(labels)
        correct += (outputs.argmax(1) == labels).sum().item()
        seen += len(labels)
        bar.update()
    return loss_sum / seen, correct / seen


def _report(row, epochs, seconds):
    message = (
        f"epoch {row['epoch']}/{epochs} in {seconds:.1f} s: accuracy "
        f"train {row['train_accuracy']:.3f}, validation {row['validation_accuracy']:.3f}, "
        f"test {row['test_accuracy']:.3f}"
    )
    logger.info(message)
    tqdm.write(message)
