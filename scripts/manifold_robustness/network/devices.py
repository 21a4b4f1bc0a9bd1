"""Where torch runs: CUDA when there is one, with fixed thread counts and deterministic kernels."""

import torch


def prepare_device(threads):
    """Fix torch's CPU threads, ask for deterministic kernels, and return the device to use."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # its convolutions are good to three digits only
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def place(model, device):
    """Move a network to `device` and return it; on CUDA with channels last, its faster layout."""
    layout = torch.channels_last if device.type == "cuda" else torch.preserve_format
    return model.to(device, memory_format=layout)
