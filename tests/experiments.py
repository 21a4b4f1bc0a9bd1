"""A tiny experiment, script by script, with a stub for what Snakemake gives each of them."""

import importlib
import json
from types import SimpleNamespace

from helpers import DIGITS, NETWORK, read_config
from manifold_robustness.conditions import CLEAN
from manifold_robustness.configuration import merge
from manifold_robustness.experiment import read_experiment
from manifold_robustness.variables import measured_groups
from run_time import recorded

NAME = "small"
FAMILY = "gaussian"
STAGES = ["train_network", "evaluate_accuracy", "select_images", "perturb_images"]
STAGES += ["extract_activations", "solve_geometry"]


class Named(list):
    """A list, some of whose items have names, as Snakemake's input and output."""

    def __init__(self, *items, **named):
        super().__init__([*items, *named.values()])
        self._named = named
        self.__dict__.update(named)

    def keys(self):
        return self._named.keys()

    def get(self, key, default=None):
        return self._named.get(key, default)

    def __getitem__(self, key):
        return self._named[key] if isinstance(key, str) else super().__getitem__(key)


class Experiment:
    """Runs scripts in one results folder; settings as the rules slice them from the config.

    `changes` are what an overlay of the tiny experiment says.
    """

    def __init__(self, folder, **changes):
        self.folder = folder
        network = {"name": NAME, "architecture": NETWORK, "weights": "none"}
        config = merge(read_config("tests/configs/tiny.yaml"), changes)
        asked = read_experiment(merge_networks(config, network))
        self.config, self.conditions = asked.config, asked.conditions
        self.families, self.figures = asked.families, asked.figures
        self.network = asked.networks[NAME]
        self.kept, self.analysed = list(self.network.layers), list(self.network.analysed)
        self.pairs = [(c, layer) for c in asked.measured for layer in self.analysed]
        images = self.config["images"]
        self.manifolds = images["manifolds"]
        self.draws = images["n_points"] if self.manifolds == "exemplar" else 1
        self.strengths = {c.name: (c.family, c.strength) for c in self.conditions.values()}
        self.seed = self.config["seed"]
        self.solving = {k: v for k, v in self.config["geometry"].items() if k != "layers"}
        self.measures = [n for own in measured_groups(self.solving).values() for n in own]
        self.settings = {"architecture": NETWORK, "code": "digest"}
        self.weights = self.path(f"{NAME}/weights/weights.safetensors")
        (family,) = self.families
        self.about = {
            "network": None,
            "family": FAMILY,
            "title": family.title,
            "strength": family.strength,
            "published": {},
        }

    def path(self, name):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def given(self, stage, condition=CLEAN, network=NAME):
        """Return the settings that the rule of a stage gives its jobs."""
        of_network = {"settings": self.settings, "data": DIGITS}
        batch = {"batch_size": self.config["accuracy"]["batch_size"]}
        return {
            "train_network": {
                **of_network,
                "initial": {"weights": "none", "weights_file": None},
                "training": self.network.training,
                "seed": self.seed,
            },
            "import_weights": {**of_network, **batch},
            "evaluate_accuracy": {**of_network, **batch},
            "select_images": {
                "answers_of": [network],
                "data": DIGITS,
                "images": self.config["images"],
                "seed": self.seed,
            },
            "perturb_images": {
                **of_network,
                **batch,
                "attacked": None,
                "condition": self.conditions[condition].to_dict(),
                "perturbation_batch": self.config["perturbation_batch"],
                "n_images": self.config["accuracy"]["n_images"],
                "draws": self.draws,
                "seed": self.seed,
            },
            "extract_activations": {
                "settings": self.settings,
                "basis": self.config["activations"]["basis"],
            },
            "solve_geometry": {"geometry": self.solving, "seed": self.seed},
        }[stage]

    def lineage(self, stage, condition=CLEAN, network=NAME, code="digest", **changes):
        """Return what a file of a stage is made from; `changes` are of that stage's settings."""
        passed = STAGES[: STAGES.index(stage) + 1] if stage in STAGES else [stage]
        if condition == CLEAN and "perturb_images" in passed:
            passed.remove("perturb_images")
        entries = {
            one: {"settings": self.given(one, condition, network), "code": "digest"}
            for one in passed
        }
        if stage in entries:  # clean images are perturbed by no job
            settings = {**entries[stage]["settings"], **changes}
            entries[stage] = {"settings": settings, "code": code}
        lineage = {network: entries}
        selecting = entries.get("select_images", {"settings": {"answers_of": []}})
        for other in selecting["settings"]["answers_of"]:
            if other != network:
                lineage |= self.lineage("evaluate_accuracy", network=other)
        return json.loads(json.dumps(lineage))

    def origin(self, stage, condition=CLEAN, layer=None, code="digest", **changes):
        """Return the place of a file of a stage, and what it is made from, as the rules do."""
        lineage = self.lineage(stage, condition, code=code, **changes)
        place = None if stage in ("train_network", "import_weights") else condition
        return {"network": NAME, "condition": place, "layer": layer, "lineage": lineage}

    def lineages(self, stage):
        """Return, by network and condition, what the files of a stage are made from."""
        return {NAME: {name: self.lineage(stage, name) for name in self.conditions}}

    def run_stage(self, stage, output, inputs, condition=CLEAN, layer=None, **changes):
        """Run the job of a stage, its settings changed; further params and options as `run`."""
        options = {key: changes.pop(key) for key in ("config", "checkpoint") if key in changes}
        code = changes.pop("code", "digest")
        params = {**self.given(stage, condition), **changes, "code": code}
        origin = self.origin(stage, condition, layer, code, **changes)
        return self.run(stage, output, inputs, origin=origin, **params, **options)

    def run(self, script, output, inputs=None, threads=1, config=None, **params):
        module = importlib.import_module(script)
        job = SimpleNamespace(
            rule=script,
            input=inputs or Named(),
            output=output,
            params=SimpleNamespace(**params),
            wildcards={},
            threads=threads,
            log=Named(),
            config=config or self.config,
        )
        with recorded(script):
            module.main(job)
        return output

    def network_files(self, folder=NAME):
        names = {
            "weights": "weights.safetensors",
            "metrics": "metrics.json",
            "layers": "layers.json",
        }
        return {key: self.path(f"{folder}/weights/{name}") for key, name in names.items()}

    def train(self, folder=NAME, config=None, inputs=None, code="digest", **changes):
        history = self.path(f"{folder}/weights/history.csv")
        return self.run_stage(
            "train_network",
            Named(**self.network_files(folder), history=history),
            inputs,
            config=config,
            code=code,
            checkpoint=self.path(f"{folder}/weights/checkpoint.pt"),
            training={**self.network.training, **changes},
        )

    def take(self, folder, weights, config=None, **changes):
        output, given = Named(**self.network_files(folder)), Named(weights=weights)
        return self.run_stage("import_weights", output, given, config=config, **changes)

    def evaluate(self):
        output = Named(self.path(f"{NAME}/accuracy/clean.h5"))
        return self.run_stage("evaluate_accuracy", output, Named(weights=self.weights))[0]

    def select(self, *accuracy, answers_of=(NAME,), **changes):
        return self.run_stage(
            "select_images",
            Named(self.path(f"{NAME}/images/clean.zarr.zip")),
            Named(accuracy=accuracy),
            answers_of=answers_of,
            images={**self.config["images"], **changes},
        )[0]

    def perturb(self, name, clean, **changes):
        """Return the files of a condition's accuracy and images."""
        return self.run_stage(
            "perturb_images",
            Named(
                accuracy=self.path(f"{NAME}/accuracy/{name}.h5"),
                images=self.path(f"{NAME}/images/{name}.zarr.zip"),
            ),
            Named(
                images=clean,
                clean=self.path(f"{NAME}/accuracy/clean.h5"),
                weights=self.weights,
                attacked=[],
            ),
            name,
            **changes,
        )

    def extract(self, name, images, layers=None, weights=None):
        stores = [
            self.path(f"{NAME}/activations/{name}/{layer}.zarr.zip")
            for layer in layers or self.kept
        ]
        inputs = Named(images=images, weights=weights or self.weights)
        return self.run_stage("extract_activations", Named(*stores), inputs, name)

    def solve(self, name, layer, store):
        output = Named(self.path(f"{NAME}/geometry/{name}/{layer}.h5"))
        return self.run_stage("solve_geometry", output, Named(store), name, layer)[0]

    def collect(self, geometry, accuracies):
        paths = {
            name: self.path(f"tables/{name}.csv") for name in ("geometry", "summary", "accuracy")
        }
        self.run(
            "collect_geometry",
            Named(geometry=paths["geometry"], summary=paths["summary"]),
            Named(*geometry),
            strengths={NAME: {name: self.strengths[name] for name, _ in self.pairs}},
            layers={NAME: self.analysed},
            lineages=self.lineages("solve_geometry"),
        )
        self.run(
            "collect_accuracy",
            Named(paths["accuracy"]),
            Named(*accuracies),
            networks=[NAME],
            strengths=self.strengths,
            lineages=self.lineages("perturb_images"),
        )
        return paths

    def verify(self, tables, **changes):
        return self.run(
            "verify_results",
            Named(self.path("tables/verification.txt")),
            Named(**tables, metrics=[self.network_files()["metrics"]]),
            coordinates=[(NAME, *pair) for pair in self.pairs],
            images={**self.config["images"], **changes},
            measures=self.measures,
            tolerance=self.config["geometry"]["tolerance"],
            min_accuracy={NAME: self.network.training["min_accuracy"]},
            limits=self.limits(),
            lineages={NAME: self.lineage("train_network")},
        )[0]

    def limits(self):
        return {
            name: {key: getattr(one, key) for key in ("norm", "budget", "low", "high")}
            for name, one in self.conditions.items()
            if not one.is_clean
        }

    def compare_attacks(self, accuracies, images, **expected):
        """Compare noise as if it were an attack of which something is expected."""
        levels = [
            {"condition": name, "norm": "l2", "budget": one.strength}
            for name, one in self.conditions.items()
            if not one.is_clean
        ]
        given = {"name": FAMILY, "perturbation": FAMILY, "symbol": "σ", "levels": levels}
        return self.run(
            "compare_attacks",
            Named(self.path("tables/attacks.csv")),
            Named(predictions=[*accuracies.values()], images=[*images.values()]),
            families=[given | expected],
            conditions=list(self.conditions),
            stored=list(self.conditions),
            lineages=self.lineages("perturb_images"),
        )[0]

    def judge(self, tables):
        output = {
            name: self.path(f"tables/claims.{ending}")
            for name, ending in {"table": "csv", "page": "html", "numbers": "rst"}.items()
        }
        return self.run(
            "judge_claims",
            Named(**output),
            Named(**tables),
            families=[
                {
                    "name": family.name,
                    "title": family.title,
                    "symbol": "σ",
                    "parameterization": "standard_deviation",
                }
                for family in self.families
            ],
            manifolds=self.manifolds,
            seed=self.seed,
        )

    def plot(self, name, inputs, conditions=None, **changes):
        kinds = {"svg": "svg", "png": "png", "text": "rst"}
        output = {key: self.path(f"figures/{name}.{ending}") for key, ending in kinds.items()}
        return self.run(
            "plot_figure",
            Named(**output),
            inputs,
            figure=name,
            network=NAME,
            family=FAMILY if self.figures[name].scope == "family" else "",
            conditions=conditions or {},
            origins=[self.origin("perturb_images", condition) for condition in conditions or {}],
            about={**self.about, **changes},
            style=self.figures[name].style,
        )


def merge_networks(config, *networks):
    """Return a configuration with other networks."""
    return merge(config, {"networks": list(networks)})
