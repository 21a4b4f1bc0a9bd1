"""The processes of the private cluster: found below this one, and ended with it.

Run as a program, this is their guardian. It starts what its standard input says, becomes the parent
of all that loses its own, and kills them all once that input ends: closed, or because the process
that held it is gone, however that came.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


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
    """Return the ids of the processes below this one that a Slurm job started: {id: command}."""
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


def guard():
    """Start each line's command, a dict of ``args`` and ``log``; kill all when the lines end."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, _reap)
    for line in sys.stdin:
        command = json.loads(line)
        with open(command["log"], "w") as log:
            subprocess.Popen(command["args"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + 20
    while left := descendants():
        assert time.monotonic() < deadline, f"processes that don't end: {sorted(left)}"
        kill(left)
        time.sleep(0.05)


def _reap(*_):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass  # none is left


if __name__ == "__main__":
    guard()
