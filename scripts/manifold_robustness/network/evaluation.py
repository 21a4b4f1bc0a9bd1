"""Predictions of a network on perturbed test images."""

import numpy as np
import torch
from torch.utils.data import DataLoader

from ..perturbations import perturb_images


def perturb_and_predict(model, data, condition, batch_size, seed, device):
    """Return a network's predictions for every image of a data set under a condition.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode, on `device`.
    data : torch.utils.data.Dataset
        Of (image, label).
    condition : dict
        ``family``, ``strength``, ``options``; strength 0 leaves the images alone.
    batch_size : int
        Images per forward pass. An image's perturbation does not depend on it.
    seed : int
    device : torch.device

    Returns
    -------
    predictions, labels : ndarray of int, shape (n_images,)
    """
    predictions, labels = [], []
    start = 0
    for images, truth in DataLoader(data, batch_size=batch_size):
        indices = np.arange(start, start + len(truth))
        start += len(truth)
        if condition["strength"]:
            images = torch.from_numpy(
                perturb_images(
                    condition["family"],
                    images.numpy(),
                    truth.numpy(),
                    indices,
                    condition["strength"],
                    seed=seed,
                    model=model,
                    **condition["options"],
                )
            )
        with torch.inference_mode():
            predictions.append(model(images.to(device)).argmax(1).cpu().numpy())
        labels.append(truth.numpy())
    return np.concatenate(predictions), np.concatenate(labels)
