"""One line per finished job on the console, with its place in the whole.

The workflow engine tells of a job in five lines when it starts and in three when it ends. This
filter for the handlers of its log, which knows its events by their names, makes one of them.
"""

import logging
import os
import sys
import time

QUIET = ("Select jobs to execute...", "Execute ")


def print_all(text: str) -> None:
    """Print a text; where nobody reads on, as after ``| head``, stop without a word."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What is left in the buffer goes nowhere when the process ends, instead of raising again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is shown; that of a count becomes the line of its job."""
        name = getattr(getattr(record, "event", None), "name", None)
        if name == "JOB_INFO":
            self._told[record.jobid] = record.rule_msg or getattr(record, "rule_name", "")
            return False
        if name == "JOB_FINISHED":
            self._finished.append(self._told.pop(record.job_id, ""))
            return False
        if name == "PROGRESS" and self._finished:
            place = f"{record.done:{len(str(record.total))}}/{record.total}"
            clock = time.strftime("%H:%M:%S")
            record.msg = "\n".join(f"{clock} {place}  {told}" for told in self._finished)
            record.event = None
            self._finished = []
        return not (record.levelno == logging.INFO and str(record.msg).startswith(QUIET))
