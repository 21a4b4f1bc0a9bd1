"""Seeds from coordinates: a draw depends on what it is for, never on what was drawn before it."""

import zlib

import numpy as np


def entropy(seed: int, *coordinates: str | int) -> tuple[int, ...]:
    """Return the entropy of a draw as a tuple of non-negative integers.

    Parameters
    ----------
    seed : int
        The run's seed.
    *coordinates : str or int
        What the draw is for, as ``"noise", 17``. A string stands by its CRC-32.

    Examples
    --------
    >>> entropy(42, "noise", 17)
    (42, 4255749673, 17)
    """
    return (
        int(seed),
        *(zlib.crc32(c.encode()) if isinstance(c, str) else int(c) for c in coordinates),
    )


def generator(seed: int, *coordinates: str | int) -> np.random.Generator:
    """Return a NumPy generator for the draw that `coordinates` name (see :func:`entropy`)."""
    return np.random.default_rng(np.random.SeedSequence(entropy(seed, *coordinates)))
