"""Every way to get a configuration wrong ends in one sentence, or is accepted on purpose.

A table row is an overlay in YAML and what comes of it: words of the sentence that refuses it, or
ACCEPTED. Each row is tried on top of config.yaml and on top of the tiny experiment.
"""

import copy
import os
import subprocess
import sys

import pytest
import yaml

from helpers import ROOT, read_schema
from manifold_robustness import experiment
from manifold_robustness.configuration import merge, read_config
from manifold_robustness.declarations import plugin_names, read_declaration
from manifold_robustness.errors import ConfigurationError
from manifold_robustness.experiment import DRAW, main, read_experiment

ACCEPTED = "accepted"
LONGEST = 400  # characters of a sentence
NINES = "9" * 400
TINY = "tests/configs/tiny.yaml"
OWN = "tests/configs/tiny_network.py"
SCHEMA = read_schema()


def network(**changes):
    """An overlay with one network, in YAML."""
    entry = {"name": "a", "architecture": "resnet18", "weights": "none", **changes}
    return "networks:\n  - " + "\n    ".join(f"{key}: {value}" for key, value in entry.items())


def networks(*names):
    return "networks:" + "".join(
        f"\n  - {{name: {name}, architecture: resnet18, weights: none}}" for name in names
    )


def noise(rest):
    """An overlay with one family, in YAML."""
    return f"perturbations: [{{family: gaussian, {rest}}}]"


def layers(*names):
    return f"activations: {{layers: [input, first, head, {', '.join(names)}]}}"


TYPES = [
    ("seed: seven", "seed is 'seven', type integer"),
    ("seed: 1.5", "seed is 1.5, type integer"),
    ("seed: true", "seed is True, type integer"),
    ("seed: null", "seed is None, type integer"),
    ("seed: [1]", "seed is [1], type integer"),
    ("seed: {a: 1}", "seed is {'a': 1}, type integer"),
    ("seed: 7.0", ACCEPTED),
    ("seed: '7'", ACCEPTED),
    ("seed: 0x1F", ACCEPTED),
    ("seed: 1_000", ACCEPTED),
    ("seed: '1_000'", "seed is '1_000', type integer"),
    ("seed: ' 7'", "seed is ' 7', type integer"),
    ("seed: '٣'", "seed is '٣', type integer"),  # a digit, elsewhere
    ("seed: 010", "line 2, 010 is 8 in YAML"),
    ("seed: 1:30", "line 2, 1:30 is 90 in YAML"),
    ("seed: ''", "seed is '', type integer"),
    ("seed: 1e3", ACCEPTED),
    ("seed: 1e-3", "seed is 0.001, type integer"),
    ("run: 2024", "run is 2024, type string"),
    ("run: 2024-01-01", ACCEPTED),  # a date is text
    ("run: yes", "run is True, type string, on and true are the same in YAML, in quotes"),
    ("run: null", "run is None, type string"),
    ("run: 1.5", "run is 1.5, type string"),
    ("run: [a]", "run is ['a'], type string"),
    ("data: digits", "data is 'digits', type object"),
    ("data: null", "data is None, type object"),
    ("data: []", "data is [], type object"),
    ("training: null", "training is None, type object"),
    ("training: [1, 2]", "training is [1, 2], type object"),
    ("training: {augmentation: null}", "training.augmentation is None, type object"),
    ("training: {augmentation: true}", "training.augmentation is True, type object"),
    ("training: {epochs: 1e1}", ACCEPTED),
    ("training: {epochs: 8.5}", "training.epochs is 8.5, type integer"),
    ("training: {epochs: {}}", "training.epochs is {}, type integer"),
    ("training: {learning_rate: 1e-3}", ACCEPTED),
    ("training: {learning_rate: 1}", ACCEPTED),
    ("training: {learning_rate: fast}", "training.learning_rate is 'fast', type number"),
    ("training: {learning_rate: .nan}", "training.learning_rate is nan, finite"),
    ("training: {learning_rate: .inf}", "training.learning_rate is inf, finite"),
    ("training: {learning_rate: -.inf}", "training.learning_rate is -inf, finite"),
    ("training: {learning_rate: nan}", "training.learning_rate is nan, finite"),
    ("training: {learning_rate: 1e400}", "training.learning_rate is inf, finite"),
    ("training: {learning_rate: sNaN}", "training.learning_rate is 'sNaN', type number"),
    ("training: {early_stopping: no}", "early_stopping is False, type integer or null"),
    ("training: {early_stopping: 'null'}", "early_stopping is 'null', type integer or null"),
    ("training: {early_stopping: 3}", ACCEPTED),
    ("training: {optimizer: Adam}", "optimizer is 'Adam', one of adam, adamw, sgd"),
    ("training: {optimizer: [adam]}", "optimizer is ['adam'], one of adam"),
    ("training: {augmentation: {horizontal_flip: 1}}", "horizontal_flip is 1, type boolean"),
    ("training: {augmentation: {horizontal_flip: 'yes'}}", "'yes', type boolean"),
    ("training: {augmentation: {horizontal_flip: yes}}", ACCEPTED),
    ("images: 30", "images is 30, type object"),
    ("networks: {}", "networks is {}, type array"),
    ("networks: []", "networks is [], 1 or more items"),
    ("networks: resnet18", "networks is 'resnet18', type array"),
    ("networks: [resnet18]", "networks.0 is 'resnet18', type object"),
    ("networks: [null]", "networks.0 is None, type object"),
    ("networks: {name: a}", "networks is {'name': 'a'}, type array"),
    ("perturbations: {}", "perturbations is {}, type array"),
    ("perturbations: {family: gaussian}", "perturbations is {'family', type array"),
    ("perturbations: null", "perturbations is None, type array"),
    ("perturbations: []", ACCEPTED),
    ("perturbations: [gaussian]", "perturbations.0 is 'gaussian', type object"),
    (noise("strengths: 0.1"), "perturbations.0.strengths is 0.1, type array"),
    (noise("strengths: {0.1: x}"), "a key must be text, '0.1' is a number"),
    (noise("strengths: {a: 1}"), "strengths is {'a': 1}, type array"),
    (noise("strengths: [a]"), "strengths.0 is 'a', type number"),
    (noise("strengths: [null]"), "strengths.0 is None, type number"),
    (noise("strengths: [[0.1]]"), "strengths.0 is [0.1], type number"),
    (noise("strengths: []"), ACCEPTED),
    (noise("strengths: [1e-1, '0.5', 1]"), ACCEPTED),
    ("activations: {layers: input}", "activations.layers is 'input', type array"),
    ("activations: {layers: {input: 1}}", "activations.layers is {'input': 1}, type array"),
    ("activations: {layers: []}", "activations.layers is [], 1 or more"),
    ("activations: {layers: [1]}", "activations.layers.0 is 1, type string"),
    ("geometry: {layers: null}", "geometry.layers is None, type string or array"),
    ("geometry: {center_rank: automatic}", "center_rank is 'automatic', auto, or a number"),
    ("geometry: {center_rank: '1'}", ACCEPTED),
    ("geometry: {center_rank: 1.5}", "center_rank is 1.5, type string or integer"),
    ("geometry: {simulate: 'false'}", "simulate is 'false', type boolean"),
    ("figures: null", "figures is None, type object"),
    ("figures: []", "figures is [], type object"),
    ("figures: {layers: null}", "figures.layers is None, type object"),
    ("figures: {}", ACCEPTED),
]
BOUNDS = [
    ("seed: -1", "seed is -1, at least 0"),
    ("seed: 9223372036854775807", ACCEPTED),
    ("seed: 9223372036854775808", "seed is 9223372036854775808, at most 9223372036854775807"),
    ("seed: '9223372036854775808'", "seed is 9223372036854775808, at most"),
    ("seed: 18446744073709551616", "seed is 18446744073709551616, at most"),
    ("seed: 1.0e+18", "seed is 1e+18, type integer"),  # no float says which whole number is meant
    ("seed: 1e18", ACCEPTED),
    (f"seed: {NINES}", "seed is 9999999999, …, 300 digits"),
    (f"seed: '{NINES}'", "seed is inf, finite"),
    (f"seed: {'9' * 5000}", "line 2, is no whole number"),
    (f"seed: 0x{'f' * 5000}", "seed is a number of more than 4,000 digits"),
    ("seed: 1e999999", "seed is inf, finite"),
    ("seed: 1e9999999999999", "seed is '1e9999999999999', type integer"),
    (f"training: {{learning_rate: {NINES}}}", "training.learning_rate is 9999, …, 300 digits"),
    ("data: {split_seed: -1}", "data.split_seed is -1, at least 0"),
    ("data: {split_seed: 9223372036854775808}", "data.split_seed is 9, at most"),
    ("data: {image_size: 3}", "data.image_size is 3, at least 4"),
    ("data: {image_size: 1000000}", "data.image_size is 1000000, at most 4096"),
    ("data: {validation_share: 0}", "validation_share is 0.0, greater than 0"),
    ("data: {validation_share: 1}", "validation_share is 1.0, less than 1"),
    ("data: {test_share: 1.1}", "test_share is 1.1, at most 1"),
    ("data: {test_crop_padding: -1}", "test_crop_padding is -1, at least 0"),
    ("data: {test_crop_padding: 100000}", "test_crop_padding is 100000, at most 2048"),
    ("training: {epochs: 0}", "training.epochs is 0, at least 1"),
    ("training: {epochs: 1000000000000}", "training.epochs is 1000000000000, at most 100000"),
    ("training: {batch_size: 1}", "training.batch_size is 1, at least 2"),
    (f"training: {{batch_size: {10**30}}}", "training.batch_size is 1000, at most"),
    ("training: {batch_size: 1e30}", "training.batch_size is 1000, at most"),
    ("training: {learning_rate: 0}", "learning_rate is 0.0, greater than 0"),
    ("training: {learning_rate: 1e300}", "learning_rate is 1e+300, at most 1000"),
    ("training: {learning_rate: 1e-300}", ACCEPTED),  # learns nothing: training.min_accuracy
    ("training: {weight_decay: -1e-9}", "weight_decay is -1e-09, at least 0"),
    ("training: {weight_decay: 1e300}", "weight_decay is 1e+300, at most 1000"),
    ("training: {plateau_factor: 1}", "plateau_factor is 1.0, less than 1"),
    ("training: {plateau_patience: 1e9}", "plateau_patience is 1000000000, at most"),
    ("training: {early_stopping: 0}", "early_stopping is 0, at least 1"),
    ("training: {early_stopping: 1e9}", "early_stopping is 1000000000, at most"),
    ("training: {label_smoothing: 1}", "label_smoothing is 1.0, less than 1"),
    ("training: {min_accuracy: 90}", "min_accuracy is 90.0, at most 1, fraction"),
    ("training: {workers: 100000}", "training.workers is 100000, at most 1024"),
    ("training: {workers: 1024}", ACCEPTED),  # a cluster's node may have what this machine lacks
    ("training: {threads: 3000}", "training.threads is 3000, at most 1024"),
    ("training: {threads: 0}", "training.threads is 0, at least 1"),
    ("training: {augmentation: {crop_padding: 1e9}}", "crop_padding is 1000000000, at most"),
    ("training: {augmentation: {rotation: 181}}", "rotation is 181.0, at most 180"),
    ("training: {augmentation: {color_jitter: 2}}", "color_jitter is 2.0, at most 1"),
    (f"images: {{n_points: {10**30}}}", "images.n_points is 1000, at most"),
    (f"images: {{n_manifolds: {10**30}}}", "images.n_manifolds is 1000, at most"),
    (f"images: {{replicates: {10**30}}}", "images.replicates is 1000, at most"),
    ("images: {n_points: 1}", "images.n_points is 1, at least 2"),
    ("images: {n_manifolds: 1}", "images.n_manifolds is 1, at least 2"),
    ("images: {replicates: 0}", "images.replicates is 0, at least 1"),
    ("perturbation_batch: 0", "perturbation_batch is 0, at least 1"),
    ("perturbation_batch: 1e9", "perturbation_batch is 1000000000, at most"),
    (f"accuracy: {{batch_size: {10**30}}}", "accuracy.batch_size is 1000, at most"),
    (noise("strengths: [-1]"), "strengths.0 is -1.0, at least 0"),
    (noise("strengths: [-0.0]"), ACCEPTED),  # clean
    (noise("strengths: [1e300]"), "strengths.0 is 1e+300, at most 1000000"),
    (noise("strengths: [1e-300]"), "strength 1e-300, at least 1e-24"),
    (noise("strengths: [1e-24, 1e6]"), ACCEPTED),
    (noise("strengths: [.nan]"), "strengths.0 is nan, finite"),
    (noise("strengths: [0.1, 0.1]"), "would both be named, keep one"),
    ("geometry: {margin: -1}", "geometry.margin is -1.0, at least 0"),
    ("geometry: {margin: 1e300}", "geometry.margin is 1e+300, at most 1000"),
    ("geometry: {n_gaussian_vectors: 1}", "n_gaussian_vectors is 1, at least 2"),
    ("geometry: {n_gaussian_vectors: 1000000000000}", "n_gaussian_vectors is 1000, at most"),
    ("geometry: {center_rank: -1}", "center_rank is -1, at least 0"),
    ("geometry: {center_rank: 1e12}", "center_rank is 1000000000000, at most"),
    ("geometry: {tolerance: 0}", "tolerance is 0.0, at least 1e-15"),
    ("geometry: {tolerance: 1e-300}", "tolerance is 1e-300, at least 1e-15"),
    ("geometry: {tolerance: 1}", "tolerance is 1.0, at most 1e-06"),
]
NAMES = [
    ("run: ''", "run is '', not empty"),
    ("run: .", "run is '.', letters, digits"),
    ("run: ..", "run is '..', letters, digits"),
    ("run: ../up", "run is '../up', letters, digits"),
    ("run: a/b", "run is 'a/b', letters, digits"),
    ("run: /tmp/a", "run is '/tmp/a', letters, digits"),
    ("run: a b", "run is 'a b', letters, digits"),
    ("run: -a", "run is '-a', letters, digits"),
    ("run: ~", "run is None, type string"),
    ('run: "a\\n"', "run is 'a\\n', line breaks"),
    ("run: |\n  a\n", "run is 'a\\n', line breaks"),
    ('run: "a\\0b"', "run is 'a\\x00b', control characters"),
    ('run: "a\\ud800"', "run is 'a\\ud800', control characters"),
    ('run: "a\\u2028b"', "run is 'a\\u2028b', line breaks"),
    ("run: größe", "run is 'größe', letters, digits"),
    ("run: a*", "run is 'a*', letters, digits"),
    ("run: 'a{b}'", "run is 'a{b}', letters, digits"),
    (f"run: {'x' * 300}", "run is 'xxx, …, at most 64"),
    (f"run: {'x' * 64}", ACCEPTED),
    (network(name="../up"), "networks.0.name is '../up', letters, digits"),
    (network(name="''"), "networks.0.name is '', not empty"),
    (network(name='"a\\n"'), "networks.0.name is 'a\\n', line breaks"),
    (network(name="x" * 65), "networks.0.name is 'xxx, at most 64"),
    (network(name="tables"), "network's name other than tables, Got tables"),
    (network(name="Tables"), "network's name other than tables, Got Tables"),
    (networks("a", "a"), "networks holds the name a 2 times"),
    (networks("net", "Net"), "networks holds the name net 2 times, whatever the case"),
    (noise("name: ../up, strengths: [1]"), "perturbations.0.name is '../up', letters"),
    (noise('name: "n\\n", strengths: [1]'), "perturbations.0.name is 'n\\n', line breaks"),
    (noise("name: clean, strengths: [1]"), "family's name other than, Got clean"),
    (noise("name: Clean, strengths: [1]"), "family's name other than, Got Clean"),
    (noise(f"name: {'x' * 65}, strengths: [1]"), "perturbations.0.name is, at most 64"),
    (layers("../../../../outside/evil"), "layers.3 is '../../../../outside/evil', module's path"),
    (layers("/etc/passwd"), "activations.layers.3 is '/etc/passwd', module's path"),
    (layers("a/b"), "activations.layers.3 is 'a/b', module's path"),
    (layers(".hidden"), "activations.layers.3 is '.hidden', module's path"),
    (layers("a..b"), "activations.layers.3 is 'a..b', module's path"),
    (layers("a."), "activations.layers.3 is 'a.', module's path"),
    (layers("'block 1'"), "activations.layers.3 is 'block 1', module's path"),
    (layers("'a{b}'"), "activations.layers.3 is 'a{b}', module's path"),
    (layers("''"), "activations.layers.3 is '', not empty"),
    (layers('"a\\n"'), "activations.layers.3 is 'a\\n', line breaks"),
    (layers("x" * 151), "activations.layers.3 is 'xxx, at most 150"),
    (layers("x" * 150), ACCEPTED),
    (layers("a-b.block_1.0"), ACCEPTED),
    (layers("input"), "without repeated items"),
    ("geometry: {layers: [../up]}", "geometry.layers.0 is '../up', module's path"),
    (network(layers="[../up]"), "networks.0.layers.0 is '../up', module's path"),
    ("figures: {../up: {}}", "figures.../up is not a known key"),
    (f"figures: {{{'x' * 900}: {{}}}}", "figures.xxx, … is not a known key"),
    (noise("'../up': 1, strengths: []"), "../up is not a known key"),
]
KEYS = [
    ("sead: 1", "sead is not a known key, did you mean seed?"),
    ("Seed: 1", "Seed is not a known key, did you mean seed?"),
    ("zzz: 1", "zzz is not a known key, the keys here are run, seed"),
    (f"{'k' * 10000}: 1", "line 2, can't be read as YAML"),  # no key of YAML is so long
    (f"{'k' * 1000}: 1", "kkk, … is not a known key"),
    ("training: {epoch: 3}", "training.epoch is not a known key, did you mean epochs?"),
    ("training: {augmentation: {flip: true}}", "training.augmentation.flip is not a known key"),
    (network(nme="x"), "networks.0.nme is not a known key, did you mean name?"),
    ("networks: [{name: a, weights: none}]", "networks.0.architecture is missing"),
    ("perturbations: [{strengths: [1]}]", "perturbations.0.family is missing"),
    ("perturbations: [{family: gaussian}]", "perturbations.0.strengths is missing"),
    ("perturbations: [{}]", "perturbations.0.family is missing"),
    ("model: {weights: none}", "model: is of an older shape"),
    ("__use_yte__: true", "__use_yte__ is not a known key"),
    ("a: 1\nb: 2\nc: 3", "a is not a known key, and 2 more"),
    ("\n".join(f"k{i}: 1" for i in range(200)), "k0 is not a known key"),
    ("seed: -1\nimages: {replicates: 0}", "images.replicates is 0, seed is -1"),
]
PARTS = [
    ("geometry: {layers: [conv9]}", "geometry.layers names conv9, does not keep"),
    ("geometry: {layers: some}", "geometry.layers is 'some', all, or a list"),
    ("geometry: {layers: []}", "geometry.layers is [], 1 or more"),
    ("geometry: {layers: [input, input]}", "without repeated items"),
    (f"geometry: {{layers: [{', '.join(f'c{i}' for i in range(900))}]}}", "names c0, c1, 900 in"),
    (network(layers="[conv9]") + "\ngeometry: {layers: [input]}", "names input, does not keep"),
    ("images: {n_manifolds: 11}", "n_manifolds is 11, 10 classes"),
    ("images: {n_points: 51, replicates: 2}", "needs 102 test images per class, has 100"),
    ("images: {n_points: 100, replicates: 1}", ACCEPTED),
    ("images: {correct_for: all}", "correct_for is 'all', own, every_network"),
    ("geometry: {center_rank: 99}", "center_rank is 99, at most P - 3"),
    ("data: {image_size: 8, test_crop_padding: 5}", "test_crop_padding is 5, at most half"),
    ("figures: {examples: {image: 999999}}", "figures.examples.image is 999999, less than"),
    ("figures: {examples: {image: '999999'}}", "figures.examples.image is 999999, less than"),
    ("figures: {examples: {image: '1'}}", ACCEPTED),
    ("figures: {capacity_accuracy: {layer: nowhere}}", "layer is nowhere, last or one of input"),
    (
        f"figures: {{capacity_accuracy: {{layer: {'x' * 900}}}}}",
        "layer is xxx, …, last or one of input",
    ),
    (noise("strengths: [1]}, {family: gaussian, strengths: [2]"), "gaussian 2 times"),
    (noise("strengths: [1]}, {family: gaussian, name: b, strengths: [2]"), ACCEPTED),
]
FILES = [
    ("data: {name: mnist}", "data set, cifar10, digits, Got mnist"),
    ("data: {name: ../up}", "data set, Got ../up"),
    ("data: {name: ''}", "data set, cifar10, digits, Got none"),
    (f"data: {{name: {'x' * 999}}}", "data set, cifar10, digits, Got xxx, …"),
    ('data: {name: "digits\\n"}', "data.name is 'digits\\n', line breaks"),
    ("data: {root: ''}", "data.root is '', not empty"),
    (f"data: {{root: {'x' * 1001}}}", "data.root is 'xxx, 1000 characters"),
    ("data: {name: image_folder, root: /nowhere}", "one folder of images per class, not exist"),
    (f"data: {{name: image_folder, root: {OWN}}}", "one folder of images per class"),
    (f"data: {{name: image_folder, root: {'x' * 999}}}", "one folder of images per class, xxx"),
    (network(architecture="resnet19"), "network architecture, resnet18, Got resnet19"),
    (network(architecture="''"), "networks.0.architecture is '', not empty"),
    (network(architecture="resnet18/x"), "need resnet18. Got resnet18/x"),
    (network(architecture="torchvision/resnet5"), "Did you mean torchvision/resnet50?"),
    (network(architecture="torchvision"), "torchvision/<name>, Got torchvision"),
    (network(architecture=f"torchvision/{'x' * 900}"), "torchvision/<name>, Got torchvision/xxx"),
    (network(architecture="no.py:build"), "architecture names the file no.py, not exist"),
    (network(architecture=f"{'x' * 900}.py:build"), "architecture names the file xxx"),
    (network(architecture=OWN), "need a function in the file"),
    (network(architecture=f"{OWN}:biuld"), "need a function biuld in"),
    (network(architecture=f"'{OWN}:'"), "need a function, Got a file without"),
    (network(architecture=f"{OWN}:build"), ACCEPTED),
    (network(architecture="tests/configs/tiny.yaml:build"), "network architecture, Got tests"),
    (network(architecture="a.py/b"), "network architecture, Got a.py"),
    (network(weights="no.pth"), "weights names the file no.pth, does not exist, or say none"),
    (network(weights="tests"), "weights names the file tests, is a folder, or say none"),
    (network(weights="None"), "weights names the file None, does not exist"),
    (network(weights="null"), "networks.0.weights is None, type string"),
    (network(weights="imagenet", weights_file="no.pth"), "weights_file names the file no.pth"),
    (network(weights="imagenet", weights_file="tests"), "weights_file, tests, is a folder"),
    (network(weights="imagenet", weights_file="''"), "weights_file is '', not empty"),
    (network(weights="imagenet", architecture=f"{OWN}:build"), "imagenet, does not have"),
    (network(weights="x" * 1001), "networks.0.weights is 'xxx, 1000 characters"),
    (network(weights="x" * 900), "weights names the file xxx"),
    (network(training="{epochs: 0}"), "networks, a, training, epochs is 0, at least 1"),
    (network(training="[1]"), "networks.0.training is [1], type object"),
    (network(training="{augmentation: 3}"), "networks, a, training, augmentation is 3"),
    (network(training="{augmentation: {rotation: 1e300}}"), "training, rotation is 1e+300"),
    (network(training="{epochs: '3'}"), ACCEPTED),
    ("perturbations: [{family: gausian, strengths: []}]", "family, gaussian, Got gausian"),
    ("perturbations: [{family: ../apply, strengths: []}]", "family, gaussian, Got ../apply"),
    ("perturbations: [{family: draws, strengths: []}]", "family, gaussian, Got draws"),
    ("perturbations: [{family: 3, strengths: []}]", "perturbations.0.family is 3, type string"),
]
OPTIONS = [
    (noise("strengths: [1], clp: true"), "family gaussian, clp is not, did you mean clip?"),
    (noise("strengths: [1], clip: 1"), "family gaussian, clip is 1, type boolean"),
    (noise("strengths: [1], clip: null"), "family gaussian, clip is None, type boolean"),
    (noise("strengths: [1], parameterization: sd"), "parameterization is 'sd', one of"),
    (noise("strengths: [1], parameterization: [variance]"), "['variance'], one of"),
    (noise("strengths: [1], parameterization: variance"), ACCEPTED),
    ("figures: {layrs: {}}", "figures.layrs is not a known key"),
    ("figures: {layers: {frme: rank}}", "figures.layers, frme is not, did you mean frame?"),
    ("figures: {layers: {frame: full}}", "figures.layers, frame is 'full', reference, rank"),
    ("figures: {layers: {labels: null}}", "figures.layers, labels is None, one of path"),
    ("figures: {layers: {size: 3}}", "figures.layers, size is 3, type array"),
    ("figures: {layers: {size: [3]}}", "figures.layers, size is [3.0], 2 or more"),
    ("figures: {layers: {size: [3, 4, 5]}}", "figures.layers, size is, 2 items at most"),
    ("figures: {layers: {size: [1e-9, 3]}}", "figures.layers, size.0 is 1e-09, at least 1"),
    ("figures: {layers: {size: [3, 1e9]}}", "size.1 is 1000000000.0, at most 100"),
    ("figures: {layers: {size: [a, b]}}", "figures.layers, size.0 is 'a', type number"),
    ("figures: {layers: {size: [.inf, 3]}}", "figures.layers, size.0 is inf, finite"),
    ("figures: {layers: {size: ['9', 1e1]}}", ACCEPTED),
    ("figures: {examples: {image: -1}}", "figures.examples, image is -1, at least 0"),
    ("figures: {examples: {image: 1.5}}", "figures.examples, image is 1.5, type integer"),
    (f"figures: {{examples: {{image: {10**30}}}}}", "figures.examples, image is 1000, at most"),
    ("figures: {capacity_accuracy: {layer: ''}}", "layer is '', not empty"),
    ("figures: {capacity_accuracy: {layer: [fc]}}", "layer is ['fc'], type string"),
]
SYNTAX = [
    ("", ACCEPTED),
    ("# nothing but a comment", ACCEPTED),
    ("seed: 1\ntraining: {}\nseed: 2", "holds the key seed twice, in lines 2 and 4"),
    ("images:\n  n_points: 3\n  replicates: 2\n  n_points: 4", "key n_points twice, 3 and 5"),
    ("images: {replicates: 1, replicates: 1}", "key replicates twice"),
    ("'seed': 1\nseed: 1", "key seed twice"),
    ("images: {n_points: 3}\nimages: {replicates: 2}", "key images twice"),
    (network(name="a", training="{epochs: 1, epochs: 2}"), "key epochs twice"),
    ("- a", "must map keys to values"),
    ("just words", "must map keys to values, 'just words'"),
    ("1: x", "line 2, a key must be text, '1' is a whole number, in quotes"),
    ("1.5: x", "line 2, a key must be text, '1.5' is a number"),
    ("null: x", "line 2, a key must be text, 'null' is nothing"),
    ("data: {? : x}", "line 2, a key must be text, '' is nothing"),
    (": x", "can't be read as YAML, line 2"),
    ("true: x", "line 2, a key must be text, 'true' is true or false"),
    ("on: x", "line 2, a key must be text, 'on' is true or false"),
    ("[1, 2]: x", "line 2, a key must be text, this one"),
    ("{a: 1}: x", "line 2, a key must be text, this one"),
    ("? [a]\n: x", "line 2, a key must be text"),
    ("data: {2024-01-01: x}", "data.2024-01-01 is not a known key"),
    ("data: !!python/object:os.system a", "line 2, python/object:os.system, leave the tag"),
    ("data: !!python/object/apply:os.system [ls]", "line 2, leave the tag"),
    ("data: !mine a", "line 2, !mine, leave the tag"),
    ("data: !!binary aGVsbG8=", "line 2, binary, leave the tag"),
    ("data: !!timestamp 2024-01-01", "line 2, timestamp, leave the tag"),
    ("data: !!set {a, b}", "line 2, set, leave the tag"),
    ("data: !!omap [a: 1]", "line 2, omap, leave the tag"),
    ("seed: !!int many", "line 2, 'many' is no whole number"),
    ("seed: !!int ''", "line 2, '' is no whole number"),
    ("seed: !!float x", "line 2, 'x' is no number"),
    ("seed: !!bool x", "line 2, 'x' is no true or false"),
    ("seed: !!int [1]", "line 2, this is no whole number"),
    ("seed: !!str 7", ACCEPTED),
    ("data: !!map x", "line 2, a mapping is needed"),
    ("networks: !!seq x", "can't be read as YAML, line 2"),
    ("networks: &a [*a]", "can't be read as YAML, line 2, recursive"),
    ("data: &a {root: *a}", "can't be read as YAML, line 2, recursive"),
    ("data: &a {<<: *a}", "can't be read as YAML, line 2, recursive"),
    ("networks: &a\n  - training: {x: *a}", "can't be read as YAML, line 2, recursive"),
    ("data: *nowhere", "can't be read as YAML, line 2, undefined alias"),
    ("data: {<<: 3}", "line 2, << must name a mapping"),
    ("images: &i {n_points: 5}\ndata: {<<: *i}", "data.n_points is not a known key"),
    ("images: {<<: {n_points: 5, replicates: 2}, replicates: 1}", ACCEPTED),
    ("images: {<<: [{n_points: 5}, {n_points: 6}]}", ACCEPTED),
    (f"networks: {'[' * 10000}", "line 2, more than 32 deep"),
    (f"networks: {'{a: ' * 10000}", "line 2, more than 32 deep"),
    ("networks:\n" + "\n".join(f"{'  ' * i}-" for i in range(1, 500)), "more than 32 deep"),
    (
        "zzz:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "\n".join(
            f"  {b}: &{b} [{', '.join([f'*{a}'] * 10)}]"
            for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "holds more than 100,000 values",
    ),
    ("zzz: [" + "x, " * 100_001 + "]", "holds more than 100,000 values"),
    ("# " + "x" * 2**20, "more than 1,048,576 bytes"),
    ("networks: [1", "can't be read as YAML, line"),
    ("data: {a: 1", "can't be read as YAML, line"),
    ("data: 'a", "can't be read as YAML, line"),
    ("data:\n\troot: x", "can't be read as YAML, line 3"),
    ("data: root: x", "can't be read as YAML, line 2"),
    ("data:\n  root: x\n image_size: 3", "can't be read as YAML, line 4"),
    ("data: @x", "can't be read as YAML, line 2"),
    ("data: %x", "can't be read as YAML, line 2"),
    ("---\nseed: 1\n---\nseed: 2", "can't be read as YAML"),
    ("data: \x00", "can't be read as YAML, line 2, U+0000"),
    ("data: \x07", "can't be read as YAML, line 2, U+0007"),
    (b"\xff\xfes\x00e\x00", "no text in UTF-8, line 2, 0xff"),
    (b"# caf\xe9", "no text in UTF-8, line 2, 0xe9"),
    ("run: 'a\n  b'", "run is 'a b', letters, digits"),  # folded, as YAML has it
]
TABLES = {
    name: rows
    for name, rows in globals().items()
    if name.isupper() and isinstance(rows, list) and name != "TABLES"
}
BASES = {"config.yaml": ["config.yaml"], "tiny": ["config.yaml", TINY]}
FIRST = b"run: fuzz\n"  # an overlay needs a name of its own


@pytest.fixture
def bases(monkeypatch):
    monkeypatch.chdir(ROOT)  # paths in a configuration start from the repository's root
    found = {name: read_config(paths) for name, paths in BASES.items()}
    # The schema and config.yaml are read once, not for each of thousands of overlays.
    monkeypatch.setattr(experiment, "read_schema", lambda project: copy.deepcopy(SCHEMA))
    monkeypatch.setattr(experiment, "read_config", lambda paths: found["config.yaml"])
    return found


def outcome(base, path):
    """The experiment that comes of an overlay, or the sentence that refuses it."""
    try:
        return read_experiment(merge(base, read_config([path])), [path])
    except ConfigurationError as error:
        sentence = str(error)
        assert sentence.isprintable() and len(sentence) <= LONGEST, (len(sentence), sentence)
        return sentence


def write(path, overlay):
    """Write an overlay; one that names no run gets a first line that does."""
    content = overlay.encode("utf-8") if isinstance(overlay, str) else overlay
    named = overlay[:4] in ("run:", "- a", "just", "---\n")
    path.write_bytes(content if named else FIRST + content)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_a_row_is_refused_in_its_words_or_accepted_on_purpose(table, bases, tmp_path):
    path, wrong = tmp_path / "o.yaml", []
    for overlay, words in TABLES[table]:
        write(path, overlay)
        for name, base in bases.items():
            found = outcome(base, path)
            refused = isinstance(found, str)
            if words is ACCEPTED and not refused:
                continue
            if not refused or not all(word in found for word in words.split(", ")):
                wrong.append((name, overlay[:80], words, found if refused else ACCEPTED))
    assert not wrong, "\n".join(map(str, wrong))


def test_there_are_many_rows():
    assert sum(map(len, TABLES.values())) > 250


# Every setting, with every kind of value

VALUES = ["null", "true", "x", "''", "-1", "0", "1e400", ".inf", ".nan", "[]", "{}", "'1e5'", NINES]
VALUES += [f"'{NINES}'", "1.5", "[1]", "{a: 1}", "1e30", "2024-01-01"]
KINDS = {"string": str, "boolean": bool, "integer": int, "number": float, "null": type(None)}
KINDS |= {"array": list, "object": dict}


def leaves(schema, path=()):
    """The paths of all settings below a schema, and the schema of each; of lists the first item."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    yield path, schema
    for key, inner in schema.get("properties", {}).items():
        yield from leaves(inner, (*path, key))
    if "items" in schema:
        yield from leaves(schema["items"], (*path, 0))


def swept():
    """Every setting: of the schema, of a network's own recipe, of figures and of families."""
    yield from leaves({"properties": SCHEMA["properties"]})
    yield from leaves(SCHEMA["properties"]["training"], ("networks", 0, "training"))
    for name in plugin_names("figures"):
        options = read_declaration("figures", name, "figure")["options"]
        yield from leaves({"type": "object", **options}, ("figures", name))
    yield from leaves({"type": "object", "properties": DRAW}, ("figures", "accuracy"))
    for name in plugin_names("perturbations"):
        options = read_declaration("perturbations", name, "family")["options"]
        yield from leaves({"type": "object", **options}, ("perturbations", 0))


def put(config, path, value):
    """Put a value at a path, where lists and mappings on the way are made."""
    for place, key in enumerate(path[:-1]):
        empty = [None] if isinstance(path[place + 1], int) else {}
        if isinstance(config, list):
            config[key] = config[key] if config[key] is not None else empty
            config = config[key]
        else:
            config[key] = empty if config.get(key) is None else config[key]
            config = config[key]
    if isinstance(config, list):
        config[:] = config or [None]
    config[path[-1]] = value


def at(experiment, path):
    """What an experiment has at a path of the configuration, as jobs get it."""
    if path[2:] == ("draw",):
        return path[1] in experiment.figures
    if path[:1] == ("figures",) and len(path) > 2 and path[1] in experiment.figures:
        value, path = experiment.figures[path[1]].style, path[2:]
    elif path[:3] == ("networks", 0, "training"):
        value, path = next(iter(experiment.networks.values())).training, path[3:]
    elif path[:2] == ("perturbations", 0) and path[2:] in (("clip",), ("parameterization",)):
        value, path = experiment.families[0].options, path[2:]
    else:
        value = experiment.config
    for key in path:
        value = value[key]
    return value


def is_of(value, schema):
    if "enum" in schema:
        return value in schema["enum"]
    types = schema["type"]
    kinds = [KINDS[one] for one in ([types] if isinstance(types, str) else types)]
    return type(value) in kinds


@pytest.mark.slow
@pytest.mark.parametrize("text", VALUES, ids=lambda text: text[:12])
def test_no_value_of_any_setting_is_more_than_a_sentence(text, bases, tmp_path):
    settings = [(path, schema) for path, schema in swept() if path]
    assert len(settings) > 90
    base, accepted = bases["tiny"], 0
    for path, schema in settings:
        section = {path[0]: copy.deepcopy(base.get(path[0], {}))}
        marker = "the value comes here"
        put(section, path, marker)
        written = yaml.safe_dump(section, width=10**6, allow_unicode=True)
        assert written.count(marker) == 1, path
        (tmp_path / "o.yaml").write_text(written.replace(marker, text), encoding="utf-8")
        found = outcome(base, tmp_path / "o.yaml")
        if not isinstance(found, str):
            accepted += 1
            value = at(found, path)
            assert is_of(value, schema), (path, value)
    assert accepted < len(settings) / 2  # and where it is, it is of the right type


# The commands


NASTY = [
    ("seed: 1\nseed: 2", "holds the key seed twice"),
    ("perturbations: {}", "perturbations is {}, but must be of type array"),
    (f"seed: {NINES}", "seed is 9999"),
    (layers("../../../../outside/evil"), "layers.3 is '../../../../outside/evil'"),
    ("data: !!set {a, b}", "plain values are needed"),
    ('data: {name: "digits\\n"}', "line breaks"),
]


@pytest.mark.parametrize(("overlay", "words"), NASTY)
def test_make_check_says_it(overlay, words, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    path = write(tmp_path / "o.yaml", overlay)
    with pytest.raises(SystemExit) as caught:
        main(["config.yaml", TINY, str(path)])
    assert words in str(caught.value.code)
    assert str(caught.value.code).strip().isprintable()


@pytest.mark.slow
@pytest.mark.parametrize(("overlay", "words"), NASTY)
def test_the_workflow_says_the_same(overlay, words, tmp_path):
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    write(tmp_path / "o.yaml", overlay)
    with pytest.raises(SystemExit) as caught:
        main([str(ROOT / "config.yaml"), str(ROOT / TINY), str(tmp_path / "o.yaml")])
    done = plan(tmp_path, "--configfile", TINY, str(tmp_path / "o.yaml"))
    assert done.returncode == 1 and str(caught.value.code).strip() in done.stdout, done.stdout
    assert words in done.stdout and "Traceback" not in done.stdout


@pytest.mark.slow
def test_a_setting_of_the_command_line_is_laid_on_top(tmp_path):
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    settings = ["--config", "seed=-1", "images={replicates: 0}"]
    done = plan(tmp_path, "--configfile", TINY, *settings)
    assert "images.replicates is 0, but must be at least 1" in done.stdout
    assert "seed is -1, but must be at least 0" in done.stdout
    done = plan(tmp_path, "--configfile", TINY, "--config", "perturbations=[]")
    assert done.returncode == 0 and "gaussian" not in done.stdout


def plan(folder, *arguments):
    """Start a dry run of the workflow in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "-s", ROOT / "Snakefile", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
