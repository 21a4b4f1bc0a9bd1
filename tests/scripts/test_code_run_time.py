"""The proof of the code digests: nothing of ours runs in a job outside of its digest."""

import numpy as np
import pandas as pd
import pytest

from experiments import FAMILY, NAME, Named
from helpers import ROOT, read_published
from manifold_robustness.code_digests import read_library
from manifold_robustness.code_digests.library import Node
from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.files.images import read_images, write_images
from manifold_robustness.files.predictions import read_predictions, write_predictions
from manifold_robustness.lineage import Origin
from run_time import CALLED, ENTRIES, called, imported

pytestmark = pytest.mark.slow  # every script runs, under a trace
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
LIBRARY = read_library(ROOT / "scripts")


@pytest.fixture(scope="module")
def whole_run(experiment, tables, images, accuracies):
    """A run of the tiny experiment, in which every script ran at least once."""
    experiment.take("own", experiment.weights)
    expected = {"no_weaker_than": [FAMILY], "falls": True, "vanishes": True, "nested": True}
    compared = experiment.compare_attacks(accuracies, images, **expected)
    experiment.verify(tables)
    claims = experiment.judge(tables)
    two = _of_two_families(experiment, tables)
    experiment.judge({**tables, "matched": two["matched"]})
    both = {name: _of_two_networks(experiment, path) for name, path in tables.items()}
    others = _of_another_network(experiment, images["clean"], accuracies)
    experiment.run(
        "compare_networks",
        Named(experiment.path("tables/comparison.csv")),
        Named(
            geometry=both["geometry"],
            predictions=[*accuracies.values(), *others["accuracy"]],
            images=[images["clean"], others["images"]],
        ),
        lineages={**experiment.lineages("perturb_images"), "other": others["lineages"]},
        conditions=list(experiment.conditions),
        seed=experiment.seed,
    )
    _certified(experiment, accuracies["clean"])
    _recorded(experiment)
    experiment.run(
        "compare_trainings",
        Named(experiment.path("tables/trainings.csv")),
        Named(summary=tables["summary"], accuracy=tables["accuracy"]),
        recipes={NAME: "recipe"},
    )
    published = read_published("gaussian_cifar10")
    experiment.run(
        "compare_published",
        Named(experiment.path("tables/published.csv")),
        Named(summary=tables["summary"], accuracy=tables["accuracy"]),
        families={
            "gaussian": {
                "published": published,
                "parameterization": "standard_deviation",
            }
        },
    )
    about = {"run": "tiny", "command": "make run", "data": "digits", "correct_for": "own"}
    about |= {"networks": {NAME: "a network"}, "families": {"gaussian": "Gaussian noise"}}
    experiment.run(
        "describe_run",
        Named(experiment.path("tables/run.rst")),
        Named(
            summary=tables["summary"],
            accuracy=tables["accuracy"],
            claims=claims.table,
            attacks=compared,
        ),
        about=about,
    )
    _taken_away(experiment, tables, images)
    history = experiment.path(f"{NAME}/weights/history.csv")
    files = {**tables, "history": history, "images": [*images.values()]}
    files["predictions"] = [*accuracies.values()]
    strengths = {name: one.strength for name, one in experiment.conditions.items()}
    for name, figure in experiment.figures.items():
        given = {"comparison": both, "families": {**files, **two}}.get(figure.scope, files)
        inputs = Named(**{key: given[key] for key in figure.inputs})
        per_condition = {"images", "predictions"} & set(figure.inputs)
        if per_condition and figure.scope == "families":
            continue  # of the other family there are rows only, no files
        conditions = strengths if per_condition else {}
        about = {"families": OF_FAMILIES} if figure.scope == "families" else {}
        experiment.plot(name, inputs, conditions=conditions, published=published, **about)
    return experiment


SIGMA = {"name": "sigma", "symbol": "σ", "description": "standard deviation"}
OF_FAMILIES = {
    name: {"title": name.upper(), "strength": {**SIGMA, "norm": None, "divisor": 1.0}}
    for name in ("gaussian", "other")
}


def _certified(experiment, clean):
    """A certificate of five images, and its tables."""
    level, lineage = "sigma-0.25", experiment.lineage("evaluate_accuracy")
    lineage[NAME]["certify_smoothing"] = {"settings": {}, "code": "digest"}
    path = experiment.path(f"{NAME}/certified/{level}.h5")
    numbers = {"sigma": 0.25, "n_selection": 5, "n_estimation": 20, "alpha": 0.1, "n_images": 5}
    experiment.run(
        "certify_smoothing",
        Named(path),
        Named(clean=clean, weights=experiment.weights),
        origin={"network": NAME, "condition": level, "layer": None, "lineage": lineage},
        **experiment.given("evaluate_accuracy"),
        certify=numbers,
        seed=experiment.seed,
        checkpoint=experiment.path(f"{NAME}/certified/{level}.part"),
    )
    names = {"certified": "certified.csv", "classes": "certified_classes.csv"}
    experiment.run(
        "collect_certificates",
        Named(**{name: experiment.path(f"tables/{file}") for name, file in names.items()}),
        Named(path),
        networks=[NAME],
        levels=[level],
        lineages={NAME: {level: lineage}},
    )


def _taken_away(experiment, tables, images):
    """The page to explore the run, and the run in one file."""
    given = {name: tables[name] for name in ("summary", "accuracy")}
    page = experiment.run(
        "explore_run",
        Named(experiment.path("explore.html")),
        Named(**given, images=[*images.values()]),
        about={"run": "tiny", "data": "digits", "networks": {NAME: "a network"}},
        families={FAMILY: {"title": "Gaussian noise", "strength": SIGMA}},
        origins=[experiment.origin("perturb_images", name) for name in images],
    )[0]
    experiment.run(
        "export_run",
        Named(experiment.path("export/tiny.zip")),
        Named(**given, tables=[*given.values()], figures=[page], weights=[experiment.weights]),
        about={"run": "tiny", "command": "make run"},
        configuration=experiment.config,
        networks={NAME: "a network"},
        families={FAMILY: SIGMA},
        trained_on=["fgsm"],
        lineages=experiment.lineages("solve_geometry"),
        certificates={},
    )


def _recorded(experiment):
    """The import of recorded activations: one layer in its points' span, one in its features."""
    stores = []
    for layer, n_features in (("V1", 4), ("V2", 90)):
        points = np.random.default_rng(0).standard_normal((3, 8, n_features))
        np.save(experiment.path(f"recordings/full/{layer}.npy"), points)
        stores.append(experiment.path(f"cortex/activations/clean/{layer}.zarr.zip"))
    experiment.run(
        "import_activations",
        stores,
        [experiment.path(f"recordings/full/{layer}.npy") for layer in ("V1", "V2")],
        origin={
            "network": "cortex",
            "condition": "clean",
            "layer": None,
            "lineage": {"cortex": {"import_activations": {"settings": {}, "code": "digest"}}},
        },
        n_manifolds=2,
        n_points=4,
        replicates=2,
        basis="auto",
        seed=0,
    )


def _of_two_families(experiment, tables):
    """The tables with the rows of noise again, as those of another family; both matched."""
    two = {}
    for name in ("geometry", "summary", "accuracy"):
        table = read_table(tables[name])
        noisy = table[table["strength"] > 0].assign(family="other")
        noisy["condition"] = noisy["condition"].str.replace("gaussian", "other")
        two[name] = experiment.path(f"tables/two-{name}.csv")
        write_table(pd.concat([table, noisy]), two[name])
    two["matched"] = experiment.run(
        "match_families",
        Named(experiment.path("tables/matched.csv")),
        Named(geometry=two["geometry"], accuracy=two["accuracy"]),
        families=["gaussian", "other"],
        reference="gaussian",
        share=0.9,
    )[0]
    return two


def _of_two_networks(experiment, path):
    table = read_table(path)
    both = experiment.path(f"tables/both-{path.rpartition('/')[2]}")
    write_table(pd.concat([table, table.assign(network="other")]), both)
    return both


def _of_another_network(experiment, clean, accuracies):
    """The files of a network that sees the same images and gives the same answers."""
    lineages = {
        name: experiment.lineage("perturb_images", name, network="other") for name in accuracies
    }
    others = {"accuracy": [], "images": experiment.path("other/images/clean.zarr.zip")}
    for name, path in accuracies.items():
        found = read_predictions(path, Origin(**experiment.origin("perturb_images", name)))
        others["accuracy"].append(experiment.path(f"other/accuracy/{name}.h5"))
        answers = found.predictions, found.labels, found.indices, found.classes, found.image_sums
        origin = Origin("other", name, lineage=lineages[name])
        write_predictions(others["accuracy"][-1], *answers, origin)
    images, indices, _ = read_images(clean, Origin(**experiment.origin("select_images")))
    origin = Origin("other", "clean", lineage=lineages["clean"])
    write_images(others["images"], images, indices, indices, origin, {})
    return {**others, "lineages": lineages}


def entries(experiment, script):
    """What the rules say that a job of the tiny experiment loads by name."""
    figures = [f"figures.{name}:draw,DECLARATION" for name in experiment.figures]
    return figures if script == "plot_figure" else ENTRIES.get(script, [])


def test_every_function_that_a_job_calls_is_in_its_digest(whole_run):
    """Exempt is what only words or refuses, and what is called for it (see `run_time`)."""
    assert sorted({script for script, _ in CALLED}) == SCRIPTS
    for script in SCRIPTS:
        definitions, _, modules = LIBRARY.reach(LIBRARY.roots(script, entries(whole_run, script)))
        found = called(script)
        assert (script, "main") in found and len(found) > 5
        assert not found - definitions, (script, found - definitions)
        assert {module for module, _ in found} <= modules
        _check_imports(script, called(script, "import"), definitions)


def test_every_module_that_a_script_imports_is_looked_at():
    for script, found in imported(*SCRIPTS).items():
        definitions, _, modules = LIBRARY.reach(LIBRARY.roots(script))
        assert len(found["modules"]) > 3
        assert not found["modules"] - modules, script
        _check_imports(script, found["called"], definitions)


def _check_imports(script, found, definitions):
    """Of what importing a module calls, whatever changes anything must be in the digest."""
    outside = {node for node in found - definitions if LIBRARY.acts(Node(*node))}
    assert not outside, (script, outside)
