"""A tiny experiment, script by script, with a stub for what Snakemake gives each of them."""

import importlib
from types import SimpleNamespace

from helpers import DIGITS, NETWORK, merge, read_config, read_schema
from manifold_robustness.conditions import family_strength, list_conditions
from manifold_robustness.configuration import check_config


class Named(list):
    """A list, some of whose items have names, as Snakemake's input and output."""

    def __init__(self, *items, **named):
        super().__init__([*items, *named.values()])
        self._named = named
        self.__dict__.update(named)

    def keys(self):
        return self._named.keys()

    def __getitem__(self, key):
        return self._named[key] if isinstance(key, str) else super().__getitem__(key)


class Experiment:
    """Runs scripts in one results folder; settings as the rules slice them from the config."""

    def __init__(self, folder):
        self.folder = folder
        config = merge(read_config("tests/configs/tiny.yaml"), {"model": {"architecture": NETWORK}})
        self.config = check_config(config, read_schema())
        self.conditions = {c.name: c for c in list_conditions(self.config["perturbations"])}
        self.kept = self.config["activations"]["layers"]
        self.analysed = self.config["geometry"]["layers"]
        self.pairs = [(c, layer) for c in self.conditions for layer in self.analysed]
        self.strengths = {c.name: (c.family, c.strength) for c in self.conditions.values()}
        self.seed = self.config["seed"]
        settings = {k: v for k, v in self.config["geometry"].items() if k != "layers"}
        points = self.config["images"]["n_points"]
        self.made_with = {"settings": settings, "seed": self.seed, "n_points": points}
        self.network = {"architecture": NETWORK, "code": "digest"}
        self.weights = self.path("model/weights.safetensors")
        self.figure = {
            "family": "gaussian",
            "strength": family_strength("gaussian", self.config["perturbations"][0]),
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
        module.main(job)
        return output

    def model_files(self, folder="model"):
        names = {"weights": "weights.safetensors", "metrics": "metrics.json"}
        return {key: self.path(f"{folder}/{name}") for key, name in names.items()}

    def train(self, folder="model", config=None, inputs=None, library="digest", **changes):
        output = Named(**self.model_files(folder), history=self.path(f"{folder}/history.csv"))
        return self.run(
            "train_model",
            output,
            inputs,
            config=config,
            data=DIGITS,
            network=self.network,
            initial={"weights": "none", "weights_file": None},
            training={**self.config["training"], **changes},
            seed=self.seed,
            checkpoint=self.path(f"{folder}/checkpoint.pt"),
            library=library,
        )

    def condition(self, name):
        return vars(self.conditions[name])

    def evaluate(self, name):
        return self.run(
            "evaluate_accuracy",
            Named(self.path(f"accuracy/{name}.h5")),
            Named(weights=self.weights),
            condition=self.condition(name),
            data=DIGITS,
            network=self.network,
            batch_size=self.config["accuracy"]["batch_size"],
            seed=self.seed,
        )[0]

    def select(self, accuracy, **changes):
        return self.run(
            "select_images",
            Named(self.path("images/clean.zarr.zip")),
            Named(accuracy=accuracy),
            data=DIGITS,
            images={**self.config["images"], **changes},
            seed=self.seed,
        )[0]

    def perturb(self, name, clean, **changes):
        return self.run(
            "perturb_images",
            Named(self.path(f"images/{name}.zarr.zip")),
            Named(images=clean, weights=self.weights),
            condition={**self.condition(name), **changes},
            network=self.network,
            seed=self.seed,
        )[0]

    def extract(self, name, images, layers=None):
        stores = [
            self.path(f"activations/{name}/{layer}.zarr.zip") for layer in layers or self.kept
        ]
        return self.run(
            "extract_activations",
            Named(*stores),
            Named(images=images, weights=self.weights),
            network=self.network,
            basis=self.config["activations"]["basis"],
        )

    def solve(self, name, layer, store):
        return self.run(
            "solve_geometry",
            Named(self.path(f"geometry/{name}/{layer}.h5")),
            Named(store),
            geometry=self.made_with["settings"],
            seed=self.seed,
        )[0]

    def verify(self, tables, **changes):
        return self.run(
            "verify_results",
            Named(self.path("tables/verification.txt")),
            Named(**tables, metrics=self.model_files()["metrics"]),
            coordinates=self.pairs,
            images={**self.config["images"], **changes},
            tolerance=self.config["geometry"]["tolerance"],
            min_accuracy=self.config["training"]["min_accuracy"],
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
            parameterization="standard_deviation",
            seed=self.seed,
        )

    def plot(self, name, inputs, **params):
        kinds = {"svg": "svg", "png": "png", "numbers": "rst"}
        output = {key: self.path(f"figures/{name}.{ending}") for key, ending in kinds.items()}
        style = self.config["figures"][name]
        return self.run(f"plot_{name}", Named(**output), inputs, style=style, **params)
