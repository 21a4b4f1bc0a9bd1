"""Which finished files are not what the configuration asks for now, found before a run is planned.

Snakemake decides by dates and by its own records, which know nothing of a file that was copied,
exchanged, damaged or kept at an old date, and nothing at all once ``.snakemake`` is gone. Files of
results prove themselves instead (:mod:`~manifold_robustness.lineage`,
:mod:`~manifold_robustness.files.records`), and what can't is made anew.

Imported by the workflow itself, so it needs the standard library only.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import StoreError
from .files.examined import Examined
from .files.metrics import require_whole_folder
from .files.records import as_json, read_record
from .files.stamps import read_origin
from .lineage import (
    STAGES,
    Origin,
    contents,
    differing_entry,
    differing_settings,
    named,
    other_lineage,
    other_place,
)

# Of what gathers: digests and lineages, which the files that it reads say better themselves.
NOT_SAID = dict.fromkeys(("code", "lineages", "origins"))
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
        At most one per job: its outputs are made together. Files that don't exist are none.

    Raises
    ------
    StoreError
        For weights that are damaged, or another network's. Nothing makes them anew but hours of
        training, which would also overwrite what somebody put there.
    """
    known: dict[tuple[str, str, str], str] = {}
    found = []
    for job in jobs:
        if not all(Path(path).is_file() for path in job.outputs):
            continue  # made anew anyhow
        if "origin" not in job.params:
            path, reason = job.outputs[0], _gathered(job, examined)
        elif any(Path(path).name == METRICS for path in job.outputs):
            path, reason = job.outputs[0], _weights(job, examined, known)
        else:
            path, reason = _stage(job, examined, known)
        if reason:
            found.append(Stale(path, reason))
    return found


def date_back(jobs: Iterable[PlannedJob]) -> list[str]:
    """Give outputs that are dated in the future the present date, and return them.

    Snakemake removes what a job has made from such a file, since it seems older than its input.
    """
    dated = []
    for job in jobs:
        for path in job.outputs:
            if Path(path).is_file() and Path(path).stat().st_mtime > time.time() + SLACK:
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


def _stage(job, examined, known):
    """The first output that is not as it must be, and why."""
    seen = {}
    for path in job.outputs:
        wanted = Origin(**job.params["origin"])
        if wanted.layer is None and len(job.outputs) > 1 and "activations" in Path(path).parts:
            wanted = wanted.at(layer=Path(path).name.removesuffix(STORE))
        reason, new = _file(path, wanted, examined, known)
        if reason:
            return path, reason
        seen |= new
    known |= {key: value for key, value in seen.items() if key not in known}
    return "", ""


def _file(path, wanted, examined, known):
    damage = examined.damage_of(path)
    if damage:
        return f"it is damaged ({damage})", {}
    said = read_origin(path)
    problem = other_place(said, wanted) or other_lineage(said.get("lineage"), wanted)
    if problem:
        return _because(problem, said, wanted), {}
    return _other_contents(said["lineage"], known)


def _other_contents(lineage, known):
    new = {}
    for network, stages in lineage.items():
        for stage, entry in stages.items():
            for key, value in contents(entry).items():
                if known.get((network, stage, key), value) != value:
                    return f"it was made from other {named(key)} of the network {network}", {}
                new[network, stage, key] = value
    return "", new


def _because(problem, said, wanted):
    """The reason alone, without the file's name."""
    for network, stages in (said.get("lineage") or {}).items():
        for stage, entry in stages.items():
            asked = wanted.lineage.get(network, {}).get(stage)
            reason = asked and differing_entry(entry, asked)
            if reason:
                return f"in {STAGES.get(stage, stage)} of {network}, {reason}"
    return problem.partition("Got {path}, which ")[2].replace("{{", "{").replace("}}", "}")


def _weights(job, examined, known):
    """Why a network is trained, or its weights are taken, anew."""
    paths = {Path(path).name: path for path in job.outputs}
    sums = {name: examined.sum_of(path) for name, path in paths.items() if name != METRICS}
    require_whole_folder(paths[METRICS], sums)
    path, wanted = paths[WEIGHTS], Origin(**job.params["origin"])
    said = read_origin(path)
    problem = other_place(said, wanted)
    if problem:
        folder = Path(path).parent
        raise StoreError(
            f"{problem.format(path=path)}. Put it back where it belongs or, to make these weights "
            f"anew, remove the folder with: rm -r '{folder}', then give the same command again."
        )
    problem = other_lineage(said.get("lineage"), wanted)
    if problem:
        return _because(problem, said, wanted)
    (stage, entry), *_ = said["lineage"][wanted.network].items()
    given = sorted(examined.sum_of(one) for one in job.inputs if Path(one).is_file())
    if sorted(contents(entry).values()) != given:
        return f"the file that the weights come from is another ({', '.join(job.inputs)})"
    for key, value in {**contents(entry), "weights_sha256": said["sha256"]}.items():
        known[wanted.network, stage, key] = value
    return ""


def _gathered(job, examined):
    """Why what gathers runs again."""
    record = read_record(job.log)
    if record is None:
        return "there is no record of how it was made"
    params = as_json(job.params)
    reason = differing_settings(*({**given, **NOT_SAID} for given in (record["params"], params)))
    if reason:
        return reason
    if record["params"] != params:
        return "it was gathered by other code, or from files that were made otherwise"
    sums = {path: examined.sum_of(path) for path in job.inputs if Path(path).is_file()}
    if set(record["inputs"]) != set(job.inputs):
        return "it was made from other files"
    for path, found in sums.items():
        if record["inputs"][path] != found:
            return f"{path} was another"
    for path in job.outputs:
        if record["outputs"].get(path) != examined.sum_of(path):
            return f"{path} is not as it was written"
    return ""
