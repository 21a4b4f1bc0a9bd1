"""Where a run's time goes, and what the same work takes in one bare process.

    pipeline.py [OVERLAY]

runs the workflow once, one job at a time, in a copy of the last commit; then calls every job of it
again, one after the other, in a single process: no driver, no start, no imports but the first, and
neither logs nor checksums of what is gathered. The table has the CPU seconds, user and system, of
both. The row Snakemake is the driver, and what starts and ends each job around Python. Nothing else
should run meanwhile.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
JOBS, TIMES = "jobs", "times.jsonl"
ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# Stands at the end of the copy's jobs.py: each job keeps what it was called with, and its times.
RECORDER = """

def _recorded(run):
    def run_recorded(main, job):
        import atexit, json, pickle, time
        from pathlib import Path

        folder = Path({folder!r})
        names = ("rule", "wildcards", "params", "input", "output", "log", "threads", "config")
        kept = {{name: getattr(job, name) for name in names}}
        # Snakemake runs a copy of the script, whose name ends with the script's.
        kept["script"] = Path(main.__code__.co_filename).stem.rpartition(".")[2]
        (folder / "jobs" / f"{{time.time_ns()}}.pickle").write_bytes(pickle.dumps(kept))

        def times():
            used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
            line = {{
                "rule": str(job.rule),
                "cpu": sum(one.ru_utime + one.ru_stime for one in used),
                "mib": max(one.ru_maxrss for one in used) / 1024,
            }}
            with open(folder / "times.jsonl", "a") as file:
                print(json.dumps(line), file=file)

        atexit.register(times)
        run(main, job)

    return run_recorded


run_job = _recorded(run_job)
"""


def main(arguments):
    if arguments[:1] == ["--bare"]:
        return bare(Path(arguments[1]))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        project = folder / "project"
        subprocess.run(["git", "clone", "-q", PROJECT, project], check=True)
        (folder / JOBS).mkdir()
        library = project / "scripts/manifold_robustness/jobs.py"
        library.write_text(library.read_text() + RECORDER.format(folder=str(folder)))
        overlay = [Path(one).resolve() for one in arguments]
        command = [sys.executable, "-m", "snakemake", "--cores", "1"]
        command += ["--configfile", *overlay] if overlay else []
        run = timed(command, project)
        of_jobs = read_times(folder / TIMES)
        print(f"The run took {run[0]:.0f} s of CPU.", file=sys.stderr)
        (folder / TIMES).unlink()
        subprocess.run(["rm", "-rf", project / "results"], check=True)
        yardstick = timed([sys.executable, Path(__file__).resolve(), "--bare", folder], project)
        show(of_jobs, read_times(folder / TIMES), run, yardstick)
    return 0


def timed(command, folder):
    """CPU and wall seconds of a command with all that it starts."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [str(one) for one in command],
        cwd=folder,
        env=os.environ | ONE,
        check=True,
        stdout=sys.stderr,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - start


def bare(folder):
    """Every job of the run in this process, in the order in which they ran."""
    import importlib
    import pickle
    from types import SimpleNamespace

    sys.path.insert(0, str(folder / "project/scripts"))
    for path in sorted((folder / JOBS).iterdir()):
        kept = pickle.loads(path.read_bytes())
        script = kept.pop("script")
        job = SimpleNamespace(**kept)
        for one in (*job.output, *job.log):
            Path(one).parent.mkdir(parents=True, exist_ok=True)
        start = time.process_time()
        importlib.import_module(script).main(job)
        line = {"rule": str(job.rule), "cpu": time.process_time() - start, "mib": 0}
        with open(folder / TIMES, "a") as file:
            print(json.dumps(line), file=file)
    return 0


def read_times(path):
    times = defaultdict(list)
    for line in path.read_text().splitlines():
        one = json.loads(line)
        times[one["rule"]].append((one["cpu"], one["mib"]))
    return times


def show(jobs, bare_jobs, run, yardstick):
    columns = "| rule | jobs | median CPU s of a job | CPU s | in one process | ratio | peak MiB |"
    print(columns, "|---" * 7 + "|", sep="\n")
    for rule, pairs in sorted(jobs.items(), key=lambda item: -sum(cpu for cpu, _ in item[1])):
        cpu, mib = zip(*pairs, strict=True)
        alone = sum(one for one, _ in bare_jobs[rule])
        print(
            f"| {rule} | {len(cpu)} | {statistics.median(cpu):.2f} | {sum(cpu):.0f} | {alone:.0f} "
            f"| {sum(cpu) / max(alone, 0.01):.2f} | {max(mib):.0f} |"
        )
    in_jobs = sum(cpu for pairs in jobs.values() for cpu, _ in pairs)
    n_jobs = sum(map(len, jobs.values()))
    print(f"| Snakemake | | {(run[0] - in_jobs) / n_jobs:.2f} | {run[0] - in_jobs:.0f} | | | |")
    print(
        f"| whole | {n_jobs} | | {run[0]:.0f} | {yardstick[0]:.0f} | "
        f"**{run[0] / yardstick[0]:.2f}** | |"
    )
    print(f"\nWall: {run[1]:.0f} s, one job at a time; {yardstick[1]:.0f} s in one process.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
