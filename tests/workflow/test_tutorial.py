"""The tutorial notebook runs on a finished experiment and shows what its text says."""

import copy
import re

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from helpers import ROOT

NOTEBOOK = ROOT / "docs/tutorial.ipynb"
RUN = 'RUN = Path("../results/digits")'


def read():
    return nbformat.read(NOTEBOOK, nbformat.NO_CONVERT)


def set_run(notebook, folder):
    """Return the notebook with its variable of the run's folder changed, as a reader does."""
    changed = copy.deepcopy(notebook)
    (cell,) = [cell for cell in changed.cells if RUN in cell.source]
    cell.source = cell.source.replace(RUN, f"RUN = Path({str(folder)!r})")
    return changed


def execute(notebook, folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "scripts"))
    notebook = set_run(notebook, folder)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.execute(cwd=str(NOTEBOOK.parent))
    return notebook


def shown(notebook, cell):
    """Return what a cell shows as text: printed, warned, and its table."""
    (outputs,) = [one.outputs for one in notebook.cells if one.id == cell]
    texts = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in outputs]
    return "\n".join(texts)


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.\d+", text)]


def rows(text):
    """Return the numbers of a table's rows, each of which a whole number names."""
    return [numbers(row) for row in re.findall(r"^\d+ .*$", text, re.MULTILINE)]


def test_on_a_finished_run(finished, monkeypatch):
    done = execute(read(), finished.result(""), monkeypatch)

    capacity, _, radius, _, dimension, _, correlation = numbers(shown(done, "noise"))
    assert capacity == pytest.approx(0.0622, rel=0.03)  # as the field's reference implementation
    assert radius == pytest.approx(1.547, rel=0.03)
    assert dimension == pytest.approx(22.1, rel=0.03)
    assert correlation == pytest.approx(1 / 9, abs=0.002)

    for _, on_paper, measured, error in rows(shown(done, "segments")):
        assert measured == pytest.approx(on_paper, abs=3 * error)
    inflated = [row[0] for row in rows(shown(done, "points"))]
    assert len(inflated) == 5
    assert inflated == sorted(inflated, reverse=True)
    assert "Is it transposed?" in shown(done, "warning")

    assert "network small, noise gaussian, 2 layers: input, head" in shown(done, "read")
    assert "gaussian/sigma-0.5" in shown(done, "curves")
    averaged, in_table = numbers(shown(done, "geometry").split("\n")[1])
    assert averaged == in_table
    assert "(5, 6, 10)" in shown(done, "store")
    again, _, kept = numbers(shown(done, "store"))
    assert again == pytest.approx(kept, rel=0.25)  # the tiny run draws 20 random vectors only
    pictures = [
        output
        for cell in done.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 3


def test_without_a_run_it_says_what_to_do(tmp_path, monkeypatch):
    notebook = read()
    notebook.cells = [cell for cell in notebook.cells if cell.id in ("start", "read")]
    with pytest.raises(CellExecutionError, match=r"There is no finished run in .*make run"):
        execute(notebook, tmp_path, monkeypatch)
