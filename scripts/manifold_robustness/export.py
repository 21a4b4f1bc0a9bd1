"""A run in one file that others open without this project: numbers, figures, settings, sources.

The numbers are one netCDF file: every measure by network, condition and layer, with its interval,
its meaning and its unit. Beside it lie the tables and figures as they are, the configuration as it
was resolved, what everything was made from, and what to cite.
"""

import io
import json
import platform
import re
import zipfile
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
import xarray
import yaml

from .files.geometry import VARIABLES

AXES = ("network", "condition", "layer")
ENDS = {"_low": "lower", "_high": "upper"}
# What the table of the accuracy says of a network under a condition.
ACCURACIES = {
    "accuracy": "share of test images that the network classifies correctly",
    "kept_accuracy": "the same, of the images that it classifies correctly when they are clean",
}
LABELS = {
    "layer_index": "place of the layer in its network's forward order",
    "layer_label": "the field's reference extractor's name of the layer",
}
COUNTS = {
    "n_manifolds": "manifolds P of a replicate",
    "n_points": "points M of a manifold",
    "n_features": "features N of the layer",
    "n_replicates": "disjoint draws of images",
}
SOFTWARE = ("torch", "torchvision", "numpy", "scipy", "cvxopt", "zarr", "h5py", "snakemake")
OLDEST = (1980, 1, 1, 0, 0, 0)  # a zip's members are dated, and a date would tell two exports apart
README = """\
{run}: what a run of manifold-robustness found.

summary.nc          every measure by network, condition and layer, with 95 % intervals, meanings and
                    units; netCDF-4: xarray.open_dataset("summary.nc"), or any netCDF library
tables/             the same and more as CSV; verification.txt: what was checked of them
explore.html        a page to explore them in a browser
figures/            the run's figures as SVG and PNG, each with its caption as .rst
configuration.yaml  the run's configuration, with its overlays merged
provenance.json     of every network and condition, which settings (defaults too) and which code
                    each stage had, the SHA-256 of the weights, and the versions of the software
                    that exported this
CITATION.md         what to cite (CITATION.cff: the software)

Made by: {command}
Capacities compare at an equal number of points only; when not to trust a measure, docs/measures.md
of the project says.
"""
SOURCES = {
    "mean_field": "Chung, Lee & Sompolinsky, Phys. Rev. X 8, 031003 (2018); Cohen, Chung, Lee & "
    "Sompolinsky, Nat. Commun. 11, 746 (2020)",
    "joint": "Wakhloo, Sussman & Chung, Phys. Rev. Lett. 131, 027301 (2023); Chou et al., ICML "
    "2025",
    "fgsm": "Goodfellow, Shlens & Szegedy, ICLR 2015 (arXiv:1412.6572)",
    "bim": "Kurakin, Goodfellow & Bengio, ICLR 2017 workshop (arXiv:1607.02533)",
    "pgd": "Madry et al., ICLR 2018 (arXiv:1706.06083)",
    "deepfool": "Moosavi-Dezfooli, Fawzi & Frossard, CVPR 2016 (arXiv:1511.04599)",
    "jsma": "Papernot et al., EuroS&P 2016 (arXiv:1511.07528)",
    "apgd": "Croce & Hein, ICML 2020 (arXiv:2003.01690)",
    "certify": "Cohen, Rosenfeld & Kolter, ICML 2019 (arXiv:1902.02918)",
    "exemplar": "Dapello et al., NeurIPS 2021",
    "cifar10": "Krizhevsky, Learning multiple layers of features from tiny images (2009)",
    "digits": "Alpaydin & Kaynak, Optical recognition of handwritten digits, UCI (1998)",
    "resnet": "He, Zhang, Ren & Sun, CVPR 2016 (arXiv:1512.03385)",
}


def summary_dataset(
    summary: pd.DataFrame, accuracy: pd.DataFrame, families: Mapping[str, Mapping], run: str
) -> xarray.Dataset:
    """Return the tables of a run as one Dataset.

    Parameters
    ----------
    summary
        ``tables/summary.csv``: one row per network, condition and layer.
    accuracy
        ``tables/accuracy.csv``: one row per network and condition.
    families
        By name, the strength as a perturbation declares it: ``name``, ``symbol``, ``description``.
    run
        Its name.

    Returns
    -------
    xarray.Dataset
        Of the dimensions network, condition and layer, in the tables' order; ``layer_index`` is the
        order of each network's own layers, where networks differ in them. Each measure has
        ``<measure>_low`` and ``<measure>_high`` beside it, and the attributes ``long_name``,
        ``units`` and, of a measure, ``equation``. NaN where a network has no such layer.

    Examples
    --------
    >>> place = {"network": "a", "condition": "clean", "family": "clean", "strength": 0.0}
    >>> ends = {"capacity": 0.2, "capacity_low": 0.1, "capacity_high": 0.3}
    >>> counts = dict.fromkeys(COUNTS, 3)
    >>> layer = {"layer": "fc", "layer_label": "x", "layer_index": 0}
    >>> summary = pd.DataFrame([place | layer | counts | ends])
    >>> known = {f"{name}{end}": 0.9 for name in ACCURACIES for end in ("", *ENDS)}
    >>> accuracy = pd.DataFrame([place | {"n_images": 9} | known])
    >>> found = summary_dataset(summary, accuracy, {}, "mine")
    >>> float(found.capacity_low.sel(network="a", condition="clean", layer="fc"))
    0.1
    """
    measures = [name for name in VARIABLES if name in summary]
    columns = [f"{name}{end}" for name in measures for end in ("", *ENDS)]
    grid = summary.set_index(list(AXES))[[*columns, *COUNTS]].to_xarray()
    one_each = summary.drop_duplicates(["network", "layer"]).set_index(["network", "layer"])
    labels = one_each[list(LABELS)].to_xarray()
    known = [f"{name}{end}" for name in ACCURACIES for end in ("", *ENDS)]
    answers = accuracy.set_index(list(AXES[:2]))[[*known, "n_images"]].to_xarray()
    rows = pd.concat(
        [table[[*AXES[:2], "family", "strength"]] for table in (accuracy, summary) if len(table)]
    )
    order = {axis: list(dict.fromkeys(rows[axis])) for axis in AXES[:2]}
    order["layer"] = list(dict.fromkeys(summary["layer"]))
    grid = xarray.merge([grid, answers, labels], join="outer").reindex(order)
    grid["layer_label"] = grid["layer_label"].fillna("").astype(str)
    places = rows.drop_duplicates("condition").set_index("condition")
    for name in ("family", "strength"):
        grid = grid.assign_coords({name: ("condition", places[name].to_numpy())})
    meanings = [_strength_told(families.get(one)) for one in places["family"]]
    grid = grid.assign_coords(strength_meaning=("condition", meanings))
    for name in measures:
        variable = VARIABLES[name]
        described = {"units": variable.units, "equation": variable.equation}
        _describe(grid, name, variable.long_name, described)
    for name, meaning in ACCURACIES.items():
        _describe(grid, name, meaning, {"units": "1"})
    for name, meaning in (COUNTS | {"n_images": "test images of the accuracy"}).items():
        grid[name].attrs |= {"long_name": meaning, "units": "1"}
    for name, meaning in LABELS.items():
        grid[name].attrs |= {"long_name": meaning}
    grid["strength"].attrs |= {"long_name": "strength of the perturbation, see strength_meaning"}
    grid.attrs = {
        "title": f"Manifold geometry of the run {run}",
        "intervals": "95 %: Student's t over replicates of a measure, Wilson over images of an "
        "accuracy",
        "source": "manifold-robustness",
    }
    return grid


def to_netcdf(dataset: xarray.Dataset) -> bytes:
    """Return a Dataset as the bytes of a netCDF-4 file."""
    buffer = io.BytesIO()
    dataset.to_netcdf(buffer, engine="h5netcdf")
    return buffer.getvalue()


def citations(
    config: dict,
    measures: Iterable[str],
    architectures: Iterable[str],
    trained_on: Iterable[str] = (),
) -> str:
    """Return what to cite of a run with these settings, as Markdown.

    `trained_on`: the families of perturbations that networks are trained on.

    >>> config = {"data": {"name": "digits"}, "perturbations": [{"family": "pgd"}],
    ...     "certify": None, "images": {"manifolds": "class"}}
    >>> print(citations(config, ["capacity"], ["resnet18"]).splitlines()[-1])
    - the architecture: He, Zhang, Ren & Sun, CVPR 2016 (arXiv:1512.03385)
    """
    used = {"the geometry": "mean_field"}
    if "joint_capacity" in measures:
        used["the joint program"] = "joint"
    attacks = [*(one["family"] for one in config["perturbations"]), *trained_on]
    used |= {f"the attack {one}": one for one in attacks if one in SOURCES}
    if config["certify"]:
        used["the certificate"] = "certify"
    if config["images"]["manifolds"] == "exemplar":
        used["exemplar manifolds"] = "exemplar"
    if config["data"]["name"] in SOURCES:
        used["the images"] = config["data"]["name"]
    if any(re.fullmatch(r"(torchvision/)?resnet\d+(_narrow)?", one) for one in architectures):
        used["the architecture"] = "resnet"
    lines = ["Cite the software (CITATION.cff), and of what this run stands on:", ""]
    return "\n".join([*lines, *(f"- {what}: {SOURCES[key]}" for what, key in used.items()), ""])


def readme(run: str, command: str) -> str:
    """Return the text that says what is what."""
    return README.format(run=run, command=command)


def versions() -> dict[str, str]:
    """Return the versions of Python, the platform and the software, where it is installed."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in SOFTWARE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_zip(path: str | Path, members: Mapping[str, bytes], folder: str) -> None:
    """Write files into a zip, all in one folder; the same ones give the same bytes.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "a.zip")
    >>> write_zip(path, {"b.txt": b"b", "a.txt": b"a"}, "run")
    >>> zipfile.ZipFile(path).namelist()
    ['run/a.txt', 'run/b.txt']
    """
    with zipfile.ZipFile(path, "w") as file:
        for name in sorted(members):
            member = zipfile.ZipInfo(f"{folder}/{name}", OLDEST)
            member.external_attr = 0o644 << 16
            file.writestr(member, members[name], zipfile.ZIP_DEFLATED)


def as_yaml(config: dict) -> bytes:
    """Return a resolved configuration as YAML, in its own order."""
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode()


def as_json(values: dict) -> bytes:
    """Return what files were made from as JSON."""
    return json.dumps(values, indent=1, ensure_ascii=False).encode()


def _strength_told(strength):
    if not strength:
        return ""
    return f"{strength.get('symbol', strength['name'])}: {strength.get('description', '')}"


def _describe(grid, name, meaning, described):
    grid[name].attrs |= {"long_name": meaning, **described}
    for end, word in ENDS.items():
        interval = f"{word} end of the 95 % interval of {name}"
        grid[f"{name}{end}"].attrs |= {"long_name": interval, "units": described["units"]}
