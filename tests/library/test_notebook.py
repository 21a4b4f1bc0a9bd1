"""The tutorial notebook as it is committed; tests/workflow/test_tutorial.py runs it."""

import re

import nbformat

from helpers import ROOT

NOTEBOOK = ROOT / "docs/tutorial.ipynb"


def read():
    return nbformat.read(NOTEBOOK, nbformat.NO_CONVERT)


def test_committed_without_outputs():
    notebook = read()
    nbformat.validate(notebook)
    assert len(notebook.cells) < 25
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}, "the version is that of one machine"


def test_its_links_lead_somewhere():
    text = "\n".join(cell.source for cell in read().cells if cell.cell_type == "markdown")
    targets = {link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)}
    assert targets
    assert not [target for target in targets if not (NOTEBOOK.parent / target).is_file()]
