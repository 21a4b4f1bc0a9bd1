"""One line per finished job on the console, with its place in the whole and the time that is left.

The workflow engine tells of a job in five lines when it starts and in three when it ends. This
filter for the handlers of its log, which knows its events by their names, makes one of them.
"""

import logging
import os
import sys
import time
from collections.abc import Iterable

QUIET = ("Select jobs to execute...", "Execute ")
NO_WORK = ("total", "all")  # of what the engine counts: no job, or one that does nothing
FEWEST = 3  # finished jobs before anything is said of the time


def print_all(text: str) -> None:
    """Print a text; where nobody reads on, as after ``| head``, stop without a word."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What is left in the buffer goes nowhere when the process ends, instead of raising again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class TimeLeft:
    """How long a run still takes, by the jobs of each kind that it has finished.

    What is left of a rule counts as much as its finished jobs took on average; all of it is shared
    by as many jobs at once as ran at once until now. Of a rule that has finished none, nothing is
    known, and the time is a lower bound.

    Examples
    --------
    >>> left = TimeLeft({"solve": 5, "plot": 1, "total": 7, "all": 1})
    >>> for place in range(3):
    ...     left.finished("solve", 60.0)
    >>> left.told(elapsed=90.0)
    'more than 1 min left'
    """

    def __init__(self, counts: dict[str, int]):
        self._waiting = {rule: count for rule, count in counts.items() if rule not in NO_WORK}
        self._took: dict[str, list[float]] = {}

    def finished(self, rule: str, seconds: float) -> None:
        """Note a finished job."""
        self._waiting[rule] = self._waiting.get(rule, 0) - 1
        self._took.setdefault(rule, []).append(seconds)

    def told(self, elapsed: float, running: Iterable[tuple[str, float]] = ()) -> str:
        """Return the time that is left in words; nothing where too little is known.

        `elapsed`: seconds since the run began; `running`: of each job that runs its rule and the
        seconds that it has run.
        """
        waiting = {rule: count for rule, count in self._waiting.items() if count > 0}
        spent = sum(map(sum, self._took.values()))
        if sum(map(len, self._took.values())) < FEWEST or not waiting or min(spent, elapsed) <= 0:
            return ""
        known = sum(
            count * sum(self._took[rule]) / len(self._took[rule])
            for rule, count in waiting.items()
            if rule in self._took
        )
        known -= sum(
            min(seconds, sum(self._took[rule]) / len(self._took[rule]))
            for rule, seconds in running
            if rule in self._took
        )
        at_once = max(spent / elapsed, 1.0)
        word = "about" if set(waiting) <= set(self._took) else "more than"
        return f"{word} {_duration(known / at_once)} left"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "half a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


class OneLinePerJob(logging.Filter):
    """Keeps what a job says of itself as it starts, and shows it with the count as it ends.

    Errors, warnings and all that is not about a job pass as they are.

    Examples
    --------
    >>> import types
    >>> lines = OneLinePerJob()
    >>> def event(name, **fields):
    ...     record = logging.makeLogRecord({"event": types.SimpleNamespace(name=name), **fields})
    ...     return record if lines.filter(record) else None
    >>> event("JOB_INFO", jobid=5, rule_msg="Train the network small")
    >>> event("JOB_FINISHED", job_id=5)
    >>> event("PROGRESS", done=3, total=27).msg[9:]
    ' 3/27  Train the network small'
    """

    def __init__(self):
        super().__init__()
        self._told, self._finished = {}, []
        self._left, self._begun = TimeLeft({}), time.monotonic()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is shown; that of a count becomes the line of its job."""
        name = getattr(getattr(record, "event", None), "name", None)
        if name == "RUN_INFO":
            self._left, self._begun = TimeLeft(record.stats), time.monotonic()
        if name == "JOB_INFO":
            rule, now = getattr(record, "rule_name", ""), time.monotonic()
            self._told[record.jobid] = record.rule_msg or rule, rule, now
            return False
        if name == "JOB_FINISHED":
            told, rule, start = self._told.pop(record.job_id, ("", "", time.monotonic()))
            self._left.finished(rule, time.monotonic() - start)
            self._finished.append(told)
            return False
        if name == "PROGRESS" and self._finished:
            place = f"{record.done:{len(str(record.total))}}/{record.total}"
            clock = time.strftime("%H:%M:%S")
            now = time.monotonic()
            running = [(rule, now - start) for _, rule, start in self._told.values()]
            left = self._left.told(now - self._begun, running)
            lines = [f"{clock} {place}  {told}" for told in self._finished]
            record.msg = "\n".join(lines) + (f"  ({left})" if left else "")
            record.event = None
            self._finished = []
        return not (record.levelno == logging.INFO and str(record.msg).startswith(QUIET))
