"""Runs that are killed again and again, at moments that nobody chose, end at the same files."""

import os
import random
import secrets
import shutil
import time

import pytest

from workflow.killing import kill_when

KILLS = 50
LONGEST = 16  # seconds that a run may live; a whole one takes about twenty
SEED = int(os.environ.get("KILLS_SEED", secrets.randbelow(2**32)))


def files_of(experiment):
    """Return the bytes of every result, by name; logs say when things were, and are left out."""
    base = experiment.result("")
    paths = {str(path.relative_to(base)): path for path in base.glob("**/*") if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if not name.startswith("logs/")}


def kill_at_random(experiment, generator):
    """Start a run; kill it at a random moment; return whether that came before its end."""
    moment = time.monotonic() + generator.uniform(0, LONGEST)
    return kill_when(experiment, 2, lambda: time.monotonic() > moment)


def assert_the_same(experiment, expected):
    found = files_of(experiment)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert not list(experiment.root.glob("**/*.partial"))
    assert experiment.stale() == {}


@pytest.mark.long
def test_killed_at_random_and_resumed(fresh, finished):
    """Several runs, each killed until it ends."""
    print(f"KILLS_SEED={SEED} chooses the moments")
    generator, expected = random.Random(SEED), files_of(finished)
    kills = caught = runs = 0
    while kills < KILLS:
        killed = kill_at_random(fresh, generator)
        if killed:
            kills += 1
            at_work = any((fresh.root / ".snakemake/incomplete").glob("*"))
            caught += at_work
            print(
                f"kill {kills}: {len(files_of(fresh))} files, jobs at work: {at_work}", flush=True
            )
            fresh.succeed("--unlock")
        else:
            assert_the_same(fresh, expected)
            runs += 1
            shutil.rmtree(fresh.result(""))
            shutil.rmtree(fresh.root / ".snakemake")
    fresh.succeed()
    assert_the_same(fresh, expected)
    assert caught > KILLS / 4 and runs > 1
