"""Where torch runs: CUDA when there is one, with fixed thread counts and deterministic kernels."""

import logging
import os

import torch
from torch import nn

logger = logging.getLogger(__name__)


def prepare_device(threads: int) -> torch.device:
    """Fix torch's CPU threads, ask for deterministic kernels, and return the device to use."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # its convolutions are good to three digits only
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and os.environ.get("CUDA_VISIBLE_DEVICES"):
        logger.warning(
            "this job was given a GPU, but torch %s finds none that it can use (torch.version.cuda "
            "is %s): it runs on the CPU",
            torch.__version__,
            torch.version.cuda,
        )
    logger.info("runs on %s", device)
    return device


def place(model: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to `device` and return it; on CUDA with channels last, its faster layout."""
    layout = torch.channels_last if device.type == "cuda" else torch.preserve_format
    return model.to(device, memory_format=layout)
