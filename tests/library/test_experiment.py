"""What a configuration asks for, and the sentence for each thing that can be known to be wrong."""

import json
import os

import pytest

from helpers import ROOT, changed, read_config, read_yaml
from manifold_robustness.consistency import layers_file
from manifold_robustness.declarations import plugin_names, read_declaration
from manifold_robustness.errors import ConfigurationError
from manifold_robustness.experiment import main, read_experiment

TINY = "tests/configs/tiny.yaml"


@pytest.fixture
def config(monkeypatch):
    monkeypatch.chdir(ROOT)  # paths in a configuration start from the repository's root
    return read_config(TINY)


def network(config, **changes):
    return {**config, "networks": [{**config["networks"][0], **changes}]}


def refusal(config, **options):
    with pytest.raises(ConfigurationError) as caught:
        read_experiment(config, **options)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 2500, message
    return message


@pytest.mark.parametrize(
    "overlays", [[], *[[path.name] for path in ROOT.glob("config.*.yaml")], [TINY]], ids=str
)
def test_our_configurations_are_valid(overlays, monkeypatch):
    monkeypatch.chdir(ROOT)
    experiment = read_experiment(read_config(*overlays), overlays)
    assert next(iter(experiment.conditions)) == "clean"


def test_config_yaml_shows_every_figure_with_its_default_style():
    written = read_yaml("config.yaml")["figures"]
    for name in plugin_names("figures"):
        options = read_declaration("figures", name, "figure")["options"]["properties"]
        assert written[name] == {key: one["default"] for key, one in options.items()}, name


def test_config_yaml_names_every_data_set_and_the_families_that_it_runs():
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    assert all(name in text for name in plugin_names("network/data_sets"))


def test_what_is_asked_for(config):
    experiment = read_experiment(config)
    small = experiment.networks["small"]
    assert list(experiment.conditions) == ["clean", "gaussian/sigma-0.1", "gaussian/sigma-0.5"]
    assert small.layers == ("input", "first", "head") and small.analysed == ("input", "head")
    assert small.is_trained and small.training["epochs"] == 2
    assert len(small.code) == 16
    assert experiment.data == {"name": "digits", "image_size": 8, "test_crop_padding": 0}
    assert experiment.figures["training"].scope == "network"


def test_a_network_says_what_differs(config):
    other = {"name": "b", "architecture": "torchvision/resnet50", "weights": "imagenet"}
    other |= {"layers": ["input", "fc"], "training": {"learning_rate": "1e-5", "augmentation": {}}}
    config = {**config, "networks": [*config["networks"], other]}
    config = changed(config, "geometry.layers", ["input", "head", "fc"])
    config = changed(config, "figures.capacity_accuracy.layer", "last")
    first, second = read_experiment(config).networks.values()
    assert second.training == {**first.training, "learning_rate": 1e-5}
    assert first.analysed == ("input", "head") and second.analysed == ("input", "fc")
    assert second.settings == {"architecture": "torchvision/resnet50", "code": None}


def test_what_is_valid_stays_so_when_read_again(config):
    """The job that trains checks the configuration as the workflow has it."""
    once = read_experiment(config)
    assert repr(read_experiment(once.config)) == repr(once)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"weights": "tests"},
            ["networks, small: weights names the file tests, which is a folder"],
        ),
        ({"weights": "no.pth"}, ["networks, small: weights names the file no.pth", "exist"]),
        ({"weights_file": "no.pth"}, ["weights_file names the file no.pth"]),
        ({"architecture": "no.py:f"}, ["architecture names the file no.py"]),
        ({"architecture": "resnet19"}, ["network architecture", " resnet18, ", ". Got resnet19"]),
        ({"architecture": "resnet18/x"}, ["need resnet18. Got resnet18/x"]),
        ({"architecture": "torchvision/no"}, ["out of alexnet, convnext", "Got torchvision/no"]),
        ({"weights": "imagenet"}, ["weights is imagenet, which the architecture"]),
        ({"training": {"epochs": 0}}, ["networks, small, training", "epochs is 0, but must be at"]),
        ({"training": {"epoch": 1}}, ["small", "training", "epoch is not a known key"]),
        ({"layers": ["first"]}, ["geometry.layers names input, head, which"]),
        ({"name": "comparison"}, ["other than tables, figures", "Got comparison"]),
        ({"name": "../up"}, ["networks.0.name is '../up'", "letters, digits"]),
        ({"name": "x" * 65}, ["networks.0.name is", "at most 64"]),
        ({"nme": "x"}, ["networks.0.nme is not a known key; did you mean name?"]),
    ],
)
def test_a_network_that_can_t_be_is_refused(config, changes, words):
    message = refusal(network(config, **changes))
    assert all(word in message for word in words), message


def test_two_networks_need_two_names(config):
    message = refusal({**config, "networks": config["networks"] * 2})
    assert "networks holds the name small 2 times" in message


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("model", {"weights": "none"}, ["model: is of an older shape", "an entry of networks:"]),
        ("data.name", "mnist", ["data set", "cifar10, digits, ", ". Got mnist"]),
        ("data.name", None, ["data.name is None"]),
        ("geometry.layers", ["conv9"], ["geometry.layers names conv9", "input, first, head"]),
        ("figures.capacity_accuracy.layer", "fc", ["layer is fc", "last or one of input"]),
        ("figures.examples.image", 60, ["figures.examples.image is 60", "less than 60"]),
        ("figures.accuracy.size", [1, 2, 3], ["figures.accuracy", "[1.0, 2.0, 3.0]", "inches"]),
        ("figures.layers.labels", "names", ["labels is 'names'", "one of path, reference"]),
        ("figures.layers.frme", 1, ["figures.layers", "frme", "did you mean frame?"]),
        ("figures.layrs", {}, ["figures.layrs is not a known key; the figures are accuracy"]),
        ("geometry.center_rank", 3, ["geometry.center_rank is 3", "at most P - 3 = 2"]),
        ("geometry.solver", "qp", ["geometry.solver is 'qp'", "active_set, nnls, cvxopt"]),
        ("images.n_manifolds", 11, ["n_manifolds is 11", "has 10 classes"]),
        ("images.n_points", 51, ["needs 102 test images per class", "has 100"]),
        ("accuracy.n_images", 0, ["accuracy.n_images is 0", "at least 1"]),
        ("images.correct_for", "all", ["correct_for is 'all'", "own, every_network, none"]),
        ("data.test_crop_padding", 5, ["test_crop_padding is 5", "at most half"]),
        ("perturbation_batch", 0, ["perturbation_batch is 0", "at least 1"]),
    ],
)
def test_what_can_be_known_is_said(config, path, value, words):
    message = refusal(changed(config, path, value))
    assert all(word in message for word in words), message


def test_a_name_with_a_line_break_is_refused_before_it_is_looked_up(config):
    assert "data.name is 'digits\\n', but must be text without" in refusal(
        changed(config, "data.name", "digits\n")
    )


def test_few_manifolds_leave_no_center_rank(config):
    config = changed(changed(config, "images.n_manifolds", 2), "figures.examples.image", 0)
    config = changed(config, "geometry.joint", False)
    read_experiment(changed(config, "geometry.center_rank", 0))
    assert "at most P - 3 = 0" in refusal(changed(config, "geometry.center_rank", 1))


def test_what_the_joint_program_and_subsets_ask_for(config):
    few = changed(changed(config, "images.n_manifolds", 3), "figures.examples.image", 0)
    assert "geometry.joint needs images.n_manifolds of at least 4" in refusal(few)
    read_experiment(changed(few, "geometry.joint", False))
    margin = changed(config, "geometry.margin", 0.5)
    assert "geometry.joint has no margin, but geometry.margin is 0.5" in refusal(margin)
    read_experiment(changed(margin, "geometry.joint", False))
    subsets = changed(config, "geometry.subsets", [2, 6])
    assert "geometry.subsets has 6, but must have numbers below images.n_poi" in refusal(subsets)
    read_experiment(changed(config, "geometry.subsets", [2, 5]))


def exemplars(config, *families, **images):
    """Return a configuration with exemplar manifolds of some families."""
    images = {**config["images"], "manifolds": "exemplar", **images}
    return {**config, "images": images, "perturbations": list(families)}


RANDOM = {"family": "gaussian", "strengths": [0, 0.1]}


def test_a_clean_exemplar_has_no_geometry(config):
    experiment = read_experiment(exemplars(config, RANDOM))
    assert list(experiment.conditions) == ["clean", "gaussian/sigma-0.1"]
    assert list(experiment.measured) == ["gaussian/sigma-0.1"]
    assert read_experiment(config).measured == read_experiment(config).conditions


def test_exemplars_need_draws_that_differ(config):
    asked = "images.manifolds is exemplar, but"
    for family, words in (
        ({"family": "bim"}, "every draw of the family bim would be the same image; take it out"),
        ({"family": "fgsm", "name": "step"}, "family step would be the same image (random_start: "),
        ({"family": "deepfool"}, "every draw of the family deepfool would be the same image;"),
    ):
        message = refusal(exemplars(config, RANDOM, {**family, "strengths": [0.1]}))
        assert f"{asked} " in message and words in message, message
    words = "(random_start: false); set random_start: true, or set images.manifolds: class"
    assert words in refusal(exemplars(config, {"family": "fgsm", "strengths": [0.1]}))
    assert f"{asked} perturbations is empty" in refusal(exemplars(config))
    weak = {"family": "uniform", "strengths": [0]}
    assert "the family uniform has no strength above 0" in refusal(exemplars(config, RANDOM, weak))
    for name in ("gaussian", "fgsm", "pgd", "apgd", "uniform", "sign_noise"):
        start = {"random_start": True} if name == "fgsm" else {}
        read_experiment(exemplars(config, {"family": name, "strengths": [0.1], **start}))


def test_exemplars_need_as_many_images_whatever_their_classes(config):
    read_experiment(exemplars(config, RANDOM, n_manifolds=500, n_points=1000))
    message = refusal(exemplars(config, RANDOM, n_manifolds=501))
    assert "501 x images.replicates 2 exemplars need 1002 test images, but the data" in message
    shown = changed(exemplars(config, RANDOM), "figures.examples.image", 9)
    read_experiment(shown)
    assert "must be less than 10" in refusal(changed(shown, "figures.examples.image", 10))
    assert "order is 'last'" in refusal(exemplars(config, RANDOM, order="last"))


def test_a_figure_of_what_is_not_measured_is_not_drawn(config):
    figures = read_experiment(config).figures
    assert {"capacities", "joint_geometry", "readout"} <= set(figures) and "subsets" not in figures
    config = changed(changed(config, "geometry.joint", False), "geometry.subsets", [3])
    figures = read_experiment(config).figures
    assert {"readout", "subsets"} <= set(figures)
    assert not {"capacities", "joint_geometry"} & set(figures)


def test_a_figure_that_is_not_wanted_is_not_drawn(config):
    before = read_experiment(config).figures
    assert all("draw" not in figure.style for figure in before.values())
    without = changed(config, "figures.layers", {"draw": False, "labels": "reference"})
    after = read_experiment(without).figures
    assert {*before} - {*after} == {"layers"}
    again = read_experiment(changed(without, "figures.layers.draw", True)).figures
    assert {*again} == {*before} and again["layers"].style["labels"] == "reference"
    message = refusal(changed(config, "figures.layers", {"draw": "no"}))
    assert "figures.layers: config: draw is 'no'" in message
    # What is left out is looked at all the same.
    message = refusal(changed(config, "figures.layers", {"draw": False, "sise": [1, 1]}))
    assert "sise is not a known key" in message


def test_a_file_that_is_no_python_is_named(config, tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("def build(:\n")
    message = refusal(network(config, architecture=f"{path}:build"))
    assert f"networks, small: {path} is no Python file: invalid syntax" in message


def test_a_function_that_the_file_does_not_have_is_named(config):
    path = config["networks"][0]["architecture"].partition(":")[0]
    message = refusal(network(config, architecture=f"{path}:biuld"))
    assert f"need a function biuld in {path}" in message
    assert "as my_network.py:build. Got my" in refusal(
        network(config, architecture="my_network.py")
    )


def test_a_figure_asks_for_what_there_is(config, monkeypatch):
    """One sentence, not a rule that can't find its input."""
    declared = {"title": "t", "scope": "family", "inputs": ["summary"], "order": 1}
    declared |= {"caption": "c", "options": {"properties": {}}}

    def ask(**changes):
        def read(folder, *names):
            changed = {**declared, **changes}
            return changed if folder == "figures" else read_declaration(folder, *names)

        monkeypatch.setattr("manifold_robustness.experiment.read_declaration", read)
        return refusal({**config, "figures": {}})

    assert "Need inputs out of summary, accuracy, geometry, subsets, " in ask(inputs=["sumary"])
    assert "as the setting of the figure accuracy. Got jiont" in ask(setting="jiont")
    words = "whose scope is network. Got images"
    assert words in ask(scope="network", inputs=["summary", "images"])
    assert "whose scope is comparison. Got pre" in ask(scope="comparison", inputs=["predictions"])
    scopes = "network, family, families, comparison, networks"
    assert f"Need a scope out of {scopes} in" in ask(scope="famly")
    own = {"properties": {"draw": {"type": "string", "default": "all"}}}
    assert "Need options other than draw in the figure accuracy" in ask(options=own)
    assert "Need a JSON schema for the options that figures/accuracy.py" in ask(options=[])
    assert "Got one with properties = 3" in ask(options={"properties": 3})


def test_an_option_without_a_default_is_asked_for_where_it_belongs(config, monkeypatch):
    options = {"properties": {"bins": {"type": "integer", "minimum": 1}}}

    def read(folder, name, *rest):
        declared = read_declaration(folder, name, *rest)
        return {**declared, "options": options} if name in ("digits", "training") else declared

    monkeypatch.setattr("manifold_robustness.experiment.read_declaration", read)
    config = {**config, "figures": {}}
    assert "value of bins in data, since network/data_sets/digits.py declares" in refusal(config)
    config = changed(config, "data.bins", "3")
    message = refusal(config)
    assert "value of bins in figures.training, since figures/training.py declares" in message
    assert "bins is 0, but must be at least 1" in refusal(changed(config, "data.bins", 0))
    experiment = read_experiment({**config, "figures": {"training": {"bins": 4}}})
    assert experiment.data["bins"] == 3 and experiment.figures["training"].style == {"bins": 4}


def test_a_configuration_that_is_read_is_not_changed(config, monkeypatch):
    options = {"properties": {"bins": {"default": 2}}}

    def read(folder, name, *rest):
        return {**read_declaration(folder, name, *rest), "options": options}

    monkeypatch.setattr("manifold_robustness.experiment.read_declaration", read)
    config, before = {**config, "figures": {}}, repr({**config, "figures": {}})
    assert read_experiment(config).data["bins"] == 2 and repr(config) == before


def test_a_declaration_that_lacks_something_is_named(tmp_path):
    folder = tmp_path / "perturbations"
    folder.mkdir()
    (folder / "half.py").write_text("DECLARATION = {'title': 'x', 'options': {}, 'scope': 'image'}")
    words = r"half\.py\. Got none of wants_network, strength"
    with pytest.raises(ConfigurationError, match=words):
        read_declaration("perturbations", "half", "perturbation family", tmp_path)


def test_an_overlay_names_its_own_run(config):
    read_experiment(config, [TINY])
    read_experiment(changed(config, "run", "digits"), ["config.yaml"])
    message = refusal(changed(config, "run", "digits"), overlays=[TINY])
    assert f"{TINY} must name a run: of its own, since results/digits holds" in message


def test_a_folder_of_images_is_looked_at(config, tmp_path):
    config = changed(config, "data.name", "image_folder")
    config = changed(config, "data.root", str(tmp_path / "images"))
    assert "does not exist" in refusal(config)
    (tmp_path / "images").mkdir()
    assert "has none" in refusal(config)
    for name in ("ant", "bee"):
        (tmp_path / "images" / name).mkdir()
    assert "n_manifolds is 5, but the data set has 2 classes" in refusal(config)
    config = changed(changed(config, "images.n_manifolds", 2), "figures.examples.image", 0)
    config = changed(config, "geometry.joint", False)
    data = read_experiment(config).data
    assert data["content"]["n_classes"] == 2 and data["test_share"] == 0.2


def test_a_folder_of_images_is_known_by_names_and_sizes(config, tmp_path):
    config = changed(config, "data.name", "image_folder")
    config = changed(config, "data.root", str(tmp_path))
    config = changed(changed(config, "images.n_manifolds", 2), "figures.examples.image", 0)
    config = changed(config, "geometry.joint", False)
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"12")

    def content():
        return read_experiment(config).data["content"]

    first = content()
    os.utime(tmp_path / "ant/1.png", (1, 1))
    os.utime(tmp_path / "ant", (1, 1))
    (tmp_path / "ant/.hidden").write_bytes(b"1")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/x").write_bytes(b"1")
    (tmp_path / "bee/back").symlink_to(tmp_path)  # leads round in a circle
    assert content() == first
    for change in (
        lambda: (tmp_path / "ant/1.png").write_bytes(b"123"),
        lambda: (tmp_path / "ant/1.png").rename(tmp_path / "bee/2.png"),
        lambda: (tmp_path / "bee/3.png").write_bytes(b"12"),
    ):
        before = content()
        change()
        assert content() != before


def test_layers_beside_the_weights_are_known(config, tmp_path, monkeypatch):
    settings = read_experiment(config).networks["small"].settings
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    path = layers_file("tiny", "small")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**settings, "layers": ["input", "head", "first"]}))
    assert "in forward order, which is input, head, first. Got" in refusal(config)
    path.write_text(json.dumps({**settings, "layers": ["input", "head"]}))
    assert "names first, which the network small does not have" in refusal(config)
    for text in (json.dumps({**settings, "code": "older", "layers": []}), "{", "[]"):
        path.write_text(text)
        read_experiment(config)


def test_results_of_an_older_layout_are_not_built_upon(config, tmp_path, monkeypatch):
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/tiny/model/weights").mkdir(parents=True)
    read_experiment(network(config, name="model"))  # a network of that name
    (tmp_path / "results/tiny/model/metrics.json").touch()
    assert "results/tiny holds results of an older layout (model)" in refusal(config)


def test_the_command_says_that_all_is_well_or_what_is_not(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    main(["config.yaml", TINY])
    assert (
        "the run tiny is valid: 1 network, 3 conditions, 6 geometry files."
        in capsys.readouterr().out
    )
    bad = tmp_path / "bad.yaml"
    bad.write_text("run: bad\nsead: 3\n")
    with pytest.raises(SystemExit, match="sead is not a known key; did you mean seed"):
        main(["config.yaml", str(bad)])
