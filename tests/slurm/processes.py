"""The processes that descend from this one, orphans too, so that none is left behind."""

import ctypes
import os
import signal
import time

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Become the parent of every descendant whose own parent ends (daemons' jobs, for one)."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants():
    """Return the ids of all processes below this one."""
    children = {}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(pid)
    found, new = set(), [os.getpid()]
    while new:
        new = [child for pid in new for child in children.get(pid, [])]
        found.update(new)
    return found


def of_slurm_job(job):
    """Return the ids of the processes that a Slurm job of this run started, by command line."""
    found = {}
    for pid in descendants():
        try:
            with open(f"/proc/{pid}/environ") as values, open(f"/proc/{pid}/cmdline") as command:
                if f"SLURM_JOB_ID={job}\0" in values.read():
                    found[pid] = command.read()
        except OSError:
            continue
    return found


def kill(pids):
    """SIGKILL processes, each by its id."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def end_all(but, timeout=20):
    """Kill every descendant but those of `but`, and wait until none is left."""
    deadline = time.monotonic() + timeout
    while left := descendants() - but:
        assert time.monotonic() < deadline, f"processes that don't end: {sorted(left)}"
        kill(left)
        for pid in left:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue  # not a child of this process, or not yet
        time.sleep(0.05)
