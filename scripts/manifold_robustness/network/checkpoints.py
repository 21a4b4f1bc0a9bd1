"""The state of a long job, as of a training after an epoch: one that is stopped goes on there."""

import hashlib
import io
import json
import logging
from pathlib import Path

import torch

from ..files.atomic import sealed, unsealed, written_beside

logger = logging.getLogger(__name__)


class Checkpoint:
    """A file that holds how far one job has come.

    Parameters
    ----------
    path : path
    settings : list or dict
        Everything that the job's result depends on (JSON values). A state that was saved
        under other settings is left alone.
    """

    def __init__(self, path: str | Path, settings: list | dict):
        self.path = Path(path)
        text = json.dumps([settings, torch.__version__], sort_keys=True)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()

    def save(self, state: dict) -> None:
        """Write a state (tensors, numbers, strings, lists and dicts), whole or not at all."""
        buffer = io.BytesIO()
        torch.save({"fingerprint": self.fingerprint, **state}, buffer)
        with written_beside(self.path) as partial:
            partial.write_bytes(sealed(buffer.getvalue()))  # torch reads flipped bits as numbers

    def load(self) -> dict | None:
        """Return the state, its tensors on the CPU, or None where there is none that fits."""
        if not self.path.is_file():
            return None
        try:
            content = io.BytesIO(unsealed(self.path.read_bytes()))
            state = torch.load(content, map_location="cpu", weights_only=True)
            fits = state.pop("fingerprint") == self.fingerprint
        except Exception as error:  # a damaged file fails in many ways
            logger.warning("%s can't be read (%s): the job starts anew", self.path, error)
            return None
        if not fits:
            logger.info("%s was saved under other settings: the job starts anew", self.path)
        return state if fits else None

    def remove(self) -> None:
        """Remove the file, once the job's results are written."""
        self.path.unlink(missing_ok=True)
