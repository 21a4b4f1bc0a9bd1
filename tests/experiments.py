"""A tiny experiment, script by script, with a stub for what Snakemake gives each of them."""

import importlib
from types import SimpleNamespace

from helpers import DIGITS, NETWORK, read_config
from manifold_robustness.configuration import merge
from manifold_robustness.experiment import read_experiment
from run_time import recorded

NAME = "small"
FAMILY = "gaussian"


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
    """Runs scripts in one results folder; settings as the rules slice them from the config."""

    def __init__(self, folder):
        self.folder = folder
        network = {"name": NAME, "architecture": NETWORK, "weights": "none"}
        asked = read_experiment(merge_networks(read_config("tests/configs/tiny.yaml"), network))
        self.config, self.conditions = asked.config, asked.conditions
        self.families, self.figures = asked.families, asked.figures
        self.network = asked.networks[NAME]
        self.kept, self.analysed = list(self.network.layers), list(self.network.analysed)
        self.pairs = [(c, layer) for c in self.conditions for layer in self.analysed]
        self.strengths = {c.name: (c.family, c.strength) for c in self.conditions.values()}
        self.seed = self.config["seed"]
        settings = {k: v for k, v in self.config["geometry"].items() if k != "layers"}
        points = self.config["images"]["n_points"]
        self.made_with = {"settings": settings, "seed": self.seed, "n_points": points}
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
        return self.run(
            "train_network",
            Named(**self.network_files(folder), history=history),
            inputs,
            config=config,
            network=NAME,
            settings=self.settings,
            initial={"weights": "none", "weights_file": None},
            data=DIGITS,
            training={**self.network.training, **changes},
            seed=self.seed,
            checkpoint=self.path(f"{folder}/weights/checkpoint.pt"),
            code=code,
        )

    def take(self, folder, weights, config=None, **changes):
        settings = {
            "network": NAME,
            "settings": self.settings,
            "data": DIGITS,
            "batch_size": 300,
            **changes,
        }
        output = Named(**self.network_files(folder))
        return self.run("import_weights", output, Named(weights=weights), config=config, **settings)

    def evaluate(self):
        return self.run(
            "evaluate_accuracy",
            Named(self.path(f"{NAME}/accuracy/clean.h5")),
            Named(weights=self.weights),
            network=NAME,
            settings=self.settings,
            data=DIGITS,
            batch_size=self.config["accuracy"]["batch_size"],
        )[0]

    def select(self, *accuracy, **changes):
        return self.run(
            "select_images",
            Named(self.path(f"{NAME}/images/clean.zarr.zip")),
            Named(accuracy=accuracy),
            network=NAME,
            data=DIGITS,
            images={**self.config["images"], **changes},
            seed=self.seed,
        )[0]

    def perturb(self, name, clean):
        """Return the files of a condition's accuracy and images."""
        return self.run(
            "perturb_images",
            Named(
                accuracy=self.path(f"{NAME}/accuracy/{name}.h5"),
                images=self.path(f"{NAME}/images/{name}.zarr.zip"),
            ),
            Named(images=clean, weights=self.weights),
            network=NAME,
            settings=self.settings,
            condition=self.conditions[name].to_dict(),
            data=DIGITS,
            perturbation_batch=self.config["perturbation_batch"],
            batch_size=self.config["accuracy"]["batch_size"],
            seed=self.seed,
        )

    def extract(self, name, images, layers=None):
        stores = [
            self.path(f"{NAME}/activations/{name}/{layer}.zarr.zip")
            for layer in layers or self.kept
        ]
        return self.run(
            "extract_activations",
            Named(*stores),
            Named(images=images, weights=self.weights),
            settings=self.settings,
            basis=self.config["activations"]["basis"],
        )

    def solve(self, name, layer, store):
        return self.run(
            "solve_geometry",
            Named(self.path(f"{NAME}/geometry/{name}/{layer}.h5")),
            Named(store),
            geometry=self.made_with["settings"],
            seed=self.seed,
        )[0]

    def collect(self, geometry, accuracies):
        paths = {
            name: self.path(f"tables/{name}.csv") for name in ("geometry", "summary", "accuracy")
        }
        self.run(
            "collect_geometry",
            Named(geometry=paths["geometry"], summary=paths["summary"]),
            Named(*geometry),
            strengths=self.strengths,
            layers={NAME: self.analysed},
            made_with={NAME: self.made_with},
        )
        self.run(
            "collect_accuracy",
            Named(paths["accuracy"]),
            Named(*accuracies),
            networks=[NAME],
            strengths=self.strengths,
        )
        return paths

    def verify(self, tables, **changes):
        return self.run(
            "verify_results",
            Named(self.path("tables/verification.txt")),
            Named(**tables, metrics=[self.network_files()["metrics"]]),
            coordinates=[(NAME, *pair) for pair in self.pairs],
            images={**self.config["images"], **changes},
            tolerance=self.config["geometry"]["tolerance"],
            min_accuracy={NAME: self.network.training["min_accuracy"]},
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
            family=FAMILY,
            parameterization="standard_deviation",
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
            about={**self.about, **changes},
            style=self.figures[name].style,
        )


def merge_networks(config, *networks):
    """Return a configuration with other networks."""
    return merge(config, {"networks": list(networks)})
