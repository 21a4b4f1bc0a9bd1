"""Whole writing: a file is there and complete, or it is as it was before."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from helpers import ROOT
from manifold_robustness.errors import StoreError
from manifold_robustness.files.atomic import written_beside


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "new" / "folder" / "table.csv"
    with written_beside(path) as partial:
        partial.write_text("old")
    return path


def everything_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_when_the_block_ends(target):
    with written_beside(target) as partial:
        partial.write_text("new")
        assert partial.parent == target.parent  # so that renaming is one step
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert everything_in(target.parent) == ["table.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, PermissionError])
def test_a_block_that_fails_leaves_the_old_file_alone(target, error):
    with pytest.raises(error), written_beside(target) as partial:
        partial.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert everything_in(target.parent) == ["table.csv"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_sentence(target, code):
    with pytest.raises(StoreError) as caught, written_beside(target) as partial:
        partial.write_text("half")
        raise OSError(code, os.strerror(code))
    assert f"no room to write {target} ({os.strerror(code)})" in str(caught.value)
    assert "free some space" in str(caught.value)
    assert target.read_text() == "old"
    assert everything_in(target.parent) == ["table.csv"]


def test_a_killed_process_leaves_the_old_file_and_the_next_one_clears_up(target):
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from manifold_robustness.files.atomic import written_beside\n"
        "with written_beside(sys.argv[2]) as partial:\n"
        "    partial.write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ROOT / "scripts"), str(target)])
    assert done.returncode == -signal.SIGKILL
    assert target.read_text() == "old"
    assert len(everything_in(target.parent)) == 2
    with written_beside(target) as partial:
        assert not partial.exists()
        partial.write_text("new")
    assert everything_in(target.parent) == ["table.csv"]


def test_a_block_that_writes_nothing_is_an_error(target):
    with pytest.raises(FileNotFoundError), written_beside(target):
        pass
    assert target.read_text() == "old"


def test_two_writers_of_one_file_leave_one_whole(tmp_path):
    """The second process writes while the first is at it; whoever ends last has the file."""
    target = tmp_path / "x.csv"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from manifold_robustness.files.atomic import written_beside\n"
        "with written_beside(sys.argv[2]) as partial:\n"
        "    partial.write_text('other')\n"
    )
    with written_beside(target) as partial:
        partial.write_text("whole")
        subprocess.run([sys.executable, "-c", code, str(ROOT / "scripts"), str(target)], check=True)
        assert target.read_text() == "other"
    assert target.read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_what_another_host_left_is_removed_once_it_is_old(target):
    """Whether its process still writes can't be asked from here."""
    left = [target.with_name(f".{target.name}.node{n}-77.partial") for n in (1, 2)]
    for path, days in zip(left, (1, 3), strict=True):
        path.write_text("half")
        os.utime(path, (time.time() - days * 24 * 3600,) * 2)
    with written_beside(target) as partial:
        partial.write_text("new")
    assert [path.exists() for path in left] == [True, False]
