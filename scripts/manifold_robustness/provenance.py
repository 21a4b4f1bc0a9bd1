"""Which finished files are not what the configuration asks for now, found before a run is planned.

Snakemake decides by dates and by its own records, which know nothing of a file that was copied,
exchanged, damaged or kept at an old date, and nothing at all once ``.snakemake`` is gone. Files of
results prove themselves instead (:mod:`~manifold_robustness.lineage`,
:mod:`~manifold_robustness.files.records`), and what can't is made anew.

Imported by the workflow itself, so it needs the standard library only.
"""

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from .errors import StoreError
from .files.examined import Examined
from .files.metrics import require_whole_folder
from .files.records import as_json, read_record
from .files.stamps import read_origin
from .lineage import (
    IMPORT,
    Content,
    Origin,
    all_contents,
    contents,
    differing_settings,
    mismatch,
    other_place,
    recording_key,
)

# Of what gathers: digests and lineages, which the files that it reads say better themselves.
NOT_SAID = dict.fromkeys(("code", "coordinates", "lineages", "origins"))
SLACK = 60  # seconds by which the clocks of two machines may differ
METRICS, WEIGHTS, STORE = "metrics.json", "weights.safetensors", ".zarr.zip"


@dataclass(frozen=True)
class PlannedJob:
    """A job that the configuration asks for.

    Attributes
    ----------
    rule : str
    inputs, outputs : tuple of str
    log : str
    params : dict
        What the job is given, JSON values; of a stage, ``origin`` says what its files must be.
    """

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    log: str
    params: dict


@dataclass(frozen=True)
class Stale:
    """A file that is not what the configuration asks for, and why, in words."""

    path: str
    reason: str


def find_stale(jobs: Iterable[PlannedJob], examined: Examined) -> list[Stale]:
    """Return the finished files of jobs that are not what the configuration asks for now.

    Parameters
    ----------
    jobs
        In the order of the flow.
    examined
        Knows the files' checksums.

    Returns
    -------
    list of Stale
        At most one per job: its outputs are made together. Outputs that don't exist are none, since
        nobody may need them any more; those beside them are asked all the same.

    Raises
    ------
    StoreError
        For weights that are damaged, or another network's. Nothing makes them anew but hours of
        training, which would also overwrite what somebody put there.
    """
    known: dict[Content, str] = {}
    found = []
    for job in jobs:
        outputs = [path for path in job.outputs if Path(path).is_file()]
        if not outputs:
            continue
        if any(PurePath(path).name == METRICS for path in job.outputs):
            path, reason = outputs[0], _weights(job, examined, known)
        elif "origin" in job.params:
            path, reason = _stage(job, outputs, examined, known)
        else:
            path, reason = outputs[0], _gathered(job, outputs, examined)
        if reason:
            found.append(Stale(path, reason))
    return found


def date_now(jobs: Iterable[PlannedJob]) -> list[str]:
    """Give outputs that are dated in the future the present date, and return them.

    Snakemake removes what a job has made from such a file, since it seems older than its input. A
    file of somebody else keeps its date.
    """
    dated = []
    for job in jobs:
        for path in job.outputs:
            if Path(path).is_file() and Path(path).stat().st_mtime > time.time() + SLACK:
                with suppress(OSError):
                    os.utime(path)
                    dated.append(path)
    return dated


def describe(stale: Iterable[Stale]) -> list[str]:
    """Return which files are not what the configuration asks for, and why: a line per reason.

    >>> describe([Stale("x.h5", "n was 1 and is 2"), Stale("y.h5", "n was 1 and is 2")])
    ['Out of date: x.h5 and 1 other file: n was 1 and is 2']
    """
    groups: dict[str, list[str]] = {}
    for one in stale:
        groups.setdefault(one.reason, []).append(one.path)
    lines = []
    for reason, (first, *others) in groups.items():
        more = f" and {len(others)} other file{'s' * (len(others) > 1)}" if others else ""
        lines.append(f"Out of date: {first}{more}: {reason}")
    return lines


def _stage(job, outputs, examined, known):
    """The first output that is not as it must be, and why."""
    origin = Origin(**job.params["origin"])
    extracts = job.rule.startswith(("extract_activations", IMPORT))
    if job.rule.startswith(IMPORT):
        for path in filter(os.path.isfile, job.inputs):
            key = recording_key(PurePath(path).stem, origin.condition)
            known[Content(key, IMPORT, origin.network)] = examined.sum_of(path)
    seen: dict[Content, str] = {}
    for path in outputs:
        layer = PurePath(path).name.removesuffix(STORE) if extracts else origin.layer
        damage, said = examined.damage_of(path), read_origin(path)
        wrong = mismatch(said, origin.at(layer=layer), through_all=True)
        if damage or wrong:
            return path, f"it is damaged ({damage})" if damage else wrong.reason
        for content, value in all_contents(said["lineage"]).items():
            if known.get(content, value) != value:
                return path, f"it was made from other {content}"
            seen[content] = value
    known |= seen
    return "", ""


def _weights(job, examined, known):
    """Why a network is trained, or its weights are taken, anew."""
    paths = {PurePath(path).name: path for path in job.outputs}
    there = {name: path for name, path in paths.items() if Path(path).is_file()}
    sums = {name: examined.sum_of(path) for name, path in there.items() if name != METRICS}
    unfinished = METRICS not in there and _can_go_on(job)
    if unfinished:
        return "it was not finished"
    require_whole_folder(paths[METRICS], sums)
    path, wanted = paths[WEIGHTS], Origin(**job.params["origin"])
    if WEIGHTS not in there:
        return ""
    said = read_origin(path)
    elsewhere = other_place(said, wanted)
    if elsewhere:
        folder = Path(path).parent
        raise StoreError(
            f"Need {elsewhere.need}. Got {path}, which {elsewhere.got}. Put it back where it "
            f"belongs or, to make these weights anew, remove the folder with: rm -r '{folder}', "
            "then give the same command again."
        )
    wrong = mismatch(said, wanted, through_all=True)
    if wrong:
        return wrong.reason
    ((stage, entry),) = said["lineage"][wanted.network].items()
    given = sorted(examined.sum_of(one) for one in job.inputs if Path(one).is_file())
    if sorted(contents(entry).values()) != given:
        return f"the file that the weights come from is another ({', '.join(job.inputs)})"
    lineage = {wanted.network: {stage: {**contents(entry), "weights_sha256": said["sha256"]}}}
    known |= all_contents(lineage)
    return ""


def _can_go_on(job):
    """Whether the job was stopped before its last file, and makes it anew in seconds."""
    return job.rule == "import_weights" or Path(job.params["checkpoint"]).is_file()


def _gathered(job, outputs, examined):
    """Why what gathers runs again."""
    record = read_record(job.log)
    if record is None:
        return "there is no record of how it was made"
    params = as_json(job.params)
    reason = differing_settings(*({**given, **NOT_SAID} for given in (record["params"], params)))
    if reason:
        return reason
    if json.dumps(record["params"]) != json.dumps(params):  # the order of rows counts too
        return "it was gathered by other code, in another order, or of other files"
    if list(record["inputs"]) != list(dict.fromkeys(job.inputs)):
        return "it was made from other files"
    for path in job.inputs:
        if Path(path).is_file() and record["inputs"][path] != examined.sum_of(path):
            return f"{path}, which it was made from, was another"
    for path in outputs:
        if record["outputs"].get(path) != examined.sum_of(path):
            return f"{PurePath(path).name} is not as it was written"
    return ""
