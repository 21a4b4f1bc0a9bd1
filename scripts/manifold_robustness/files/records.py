"""Records of the jobs that gather: what tables, pages and figures were made from.

A CSV, a page or a picture can't say what it was made from without becoming another file for its
readers. So the job leaves a record beside its log: its settings, and the SHA-256 of what it read
and wrote. Such a job takes seconds, so one without its record is simply run again.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .atomic import sealed_json, unsealed_json, written_beside
from .stamps import UNREADABLE, file_sum

STAMPED = (".h5", ".zarr.zip", ".safetensors")  # files that say their origin themselves


def needs_record(outputs: Iterable[str | Path]) -> bool:
    """Say whether a job's outputs can't say themselves what they were made from.

    >>> needs_record(["accuracy.svg", "accuracy.png"]), needs_record(["clean.h5"])
    (True, False)
    """
    return not any(str(one).endswith(STAMPED) for one in outputs)


def record_file(log: str | Path) -> Path:
    """Return the record of a job that has this log.

    >>> record_file("logs/collect_accuracy.log").name
    'collect_accuracy.json'
    """
    return Path(log).with_suffix(".json")


def write_record(
    log: str | Path,
    params: Mapping[str, Any],
    inputs: Mapping[str, str],
    outputs: Iterable[str | Path],
) -> None:
    """Write the record of a job that has ended well.

    Parameters
    ----------
    log
        The job's log.
    params
        Everything that it was given, the digest of its code with it; JSON values.
    inputs
        The SHA-256 of the files that it read, by their paths, from before it read them.
    outputs
        The files that it wrote.
    """
    content = {
        "params": as_json(params),
        "inputs": dict(inputs),
        "outputs": {str(path): file_sum(path) for path in outputs},
    }
    with written_beside(record_file(log)) as partial:
        partial.write_text(json.dumps(sealed_json(content)) + "\n", encoding="utf-8")


def read_record(log: str | Path) -> dict | None:
    """Return a job's record: ``params``, ``inputs`` and ``outputs``; None where there is no whole
    one."""
    try:
        return unsealed_json(json.loads(record_file(log).read_text(encoding="utf-8")))
    except UNREADABLE:
        return None


def as_json(value: Any) -> Any:
    """Return a value as it comes back from JSON: tuples are lists, and keys are texts.

    >>> as_json({1: (2, 3)})
    {'1': [2, 3]}
    """
    return json.loads(json.dumps(value))
