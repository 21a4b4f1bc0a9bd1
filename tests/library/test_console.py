"""The console: what is printed for a reader who stops reading."""

import os
import subprocess
import sys

from helpers import ROOT


def test_a_listing_that_nobody_reads_to_its_end_ends_quietly():
    code = "from manifold_robustness.console import print_all; print_all('a line\\n' * 10**5)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"a line\n"
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait(60) == 0
