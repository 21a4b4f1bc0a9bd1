"""A private Slurm of three virtual nodes on loopback, all of it under one folder."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from slurm import processes

NODES = {"cpu1": "", "cpu2": "", "gpu1": "Gres=gpu:h200:2"}  # CPUs and memory are only believed
CLIENTS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
PROGRAMS = ("slurmctld", "slurmd", *CLIENTS, "setpriv")
# JobAcctGather samples memory each second: a job over its limit is ended at the next sample.
SLURM_CONF = """\
ClusterName=private
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=0
ReturnToService=0
MinJobAge=1800
KillWait=2
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
DefMemPerCPU=500
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=cpu[1-2] Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=gpu1 MaxTime=INFINITE State=UP
"""
GRES_CONF = """\
AutoDetect=off
NodeName=gpu1 Name=gpu Type=h200 File={folder}/gpu[0-1]
"""


def missing():
    """Return why no private Slurm can run here, or None."""
    if os.geteuid() != 0:
        return "slurmd needs root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"{', '.join(absent)} not installed" if absent else None


class Cluster:
    """Starts with its ``with`` block and ends with it, and with it all its processes."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.environment = {
            **os.environ,
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
        }

    def __enter__(self):
        self.guardian = subprocess.Popen(
            [sys.executable, processes.__file__],
            env=self.environment,
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self._configure()
            self._start("slurmctld", "-D", "-i")
            for node in NODES:
                self._start("slurmd", "-D", "-N", node)
            self.wait(lambda: set(self.call("sinfo", "-h", "-N", "-o", "%T").split()) == {"idle"})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        self.guardian.stdin.close()
        assert self.guardian.wait(30) == 0, "processes of the private cluster are left"

    def call(self, *command):
        """Run one of Slurm's commands and return what it printed."""
        process = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert process.returncode == 0, f"{command}: {process.stderr}"
        return process.stdout

    def queue(self):
        """Return the jobs that Slurm knows of, ended ones too: a dict each, of the keys below."""
        lines = self.call("squeue", "-h", "--states=all", "-o", "%i|%T|%P|%N|%C|%Z|%k").splitlines()
        keys = ("id", "state", "partition", "node", "cpus", "folder", "comment")
        return [dict(zip(keys, line.split("|"), strict=True)) for line in lines]

    def wait(self, condition, timeout=180):
        """Wait until a condition holds and return what it gave."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            assert time.monotonic() < deadline, f"waited for {timeout} s; {self.logs()}"
            time.sleep(0.2)
        return value

    def logs(self):
        """Return the last lines of the daemons' logs."""
        return "\n".join(path.read_text()[-1500:] for path in self.folder.glob("*.log"))

    def _configure(self):
        host = socket.gethostname().split(".")[0]
        port, *ports = _free_ports(len(NODES) + 1)
        nodes = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={each} CPUs=8 "
            f"RealMemory=64000 {extra} State=UNKNOWN"
            for (name, extra), each in zip(NODES.items(), ports, strict=True)
        ]
        for name in ("state", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir()
        for index in range(2):
            os.mknod(self.folder / f"gpu{index}", 0o020666, os.makedev(1, 3))  # as /dev/null
        settings = {"host": host, "folder": self.folder, "port": port}
        text = SLURM_CONF.format(nodes="\n".join(nodes), **settings)
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "gres.conf").write_text(GRES_CONF.format(folder=self.folder))
        # The plugin's job step drops every SLURM_ variable before it calls srun, SLURM_CONF too.
        srun = self.folder / "bin/srun"
        srun.parent.mkdir()
        program = f'SLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"'
        srun.write_text(f"#!/bin/sh\n{program}\n")
        srun.chmod(0o755)

    def _start(self, program, *options):
        log = self.folder / f"{program}{options[-1]}.log"
        print(json.dumps({"args": [program, *options], "log": str(log)}), file=self.guardian.stdin)
        self.guardian.stdin.flush()


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
