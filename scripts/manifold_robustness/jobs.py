"""How a rule's script runs: a log with coordinate, host, time, memory; errors as one sentence."""

import logging
import resource
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from .errors import ManifoldRobustnessError
from .files.records import needs_record, write_record
from .files.stamps import file_sum

logger = logging.getLogger("manifold_robustness")


def run_job(main: Callable[[Any], None], job: Any) -> None:
    """Call ``main(job)``; an error that is meant for the reader ends the process with one sentence.

    `job` has ``rule``, ``wildcards``, ``params``, ``input``, ``output`` and ``log`` as a workflow's
    script finds them. The log file gets every message, the time and the greatest memory; the screen
    gets what went wrong. A job that gathers leaves a record beside its log
    (:mod:`~manifold_robustness.files.records`).
    """
    _open_log(job.log)
    name = job_name(job)
    logger.info("%s starts on %s", name, socket.gethostname())
    start = time.perf_counter()
    try:
        read = _sums(job.input) if needs_record(job.output) else None
        main(job)
    except ManifoldRobustnessError as error:
        sys.exit(_failed(f"{name} failed: {error}"))
    except Exception:
        logger.exception("%s failed", name)
        raise
    if read is not None:
        _leave_record(job, read)
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)  # loading processes count too
    peak = max(resource.getrusage(one).ru_maxrss for one in whose) / 1024
    logger.info("%s took %.1f s, peak memory %.0f MiB", name, time.perf_counter() - start, peak)


def _sums(paths):
    return {str(path): file_sum(path) for path in paths}


def _leave_record(job, read):
    try:
        write_record(job.log[0], dict(job.params.items()), read, job.output)
    except OSError as error:  # the outputs stand; without a record they are made anew next time
        print(f"no record is kept beside {job.log[0]} ({error})", file=sys.stderr)


def job_name(job: Any) -> str:
    """Return a job's rule and coordinates, as ``solve_geometry (clean, conv1)``."""
    coordinates = ", ".join(str(value) for value in dict(job.wildcards.items()).values())
    return f"{job.rule} ({coordinates})" if coordinates else job.rule


def _open_log(log):
    logger.setLevel(logging.INFO)
    logging.raiseExceptions = False  # on a full disk a job fails by its output, not by its log
    for path in list(log)[:1]:
        try:
            handler = logging.FileHandler(path, mode="w", encoding="utf-8")
        except OSError as error:
            print(f"no log is kept in {path} ({error.strerror})", file=sys.stderr)
            continue
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.addHandler(handler)


def _failed(sentence):
    logger.error(sentence)
    print(f"\n{sentence}\n", file=sys.stderr, flush=True)
    return 1
