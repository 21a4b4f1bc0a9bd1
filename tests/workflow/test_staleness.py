"""Exactly what is stale runs again."""

import pytest
from PIL import Image

GATHERING = {
    "collect_geometry": 1,
    "judge_claims": 1,
    "plot_last_layer": 1,
    "plot_layers": 1,
    "plot_heatmaps": 1,
    "plot_capacity_accuracy": 1,
    "verify_results": 1,
}
GATHERING_ACCURACY = {"collect_accuracy": 1, "plot_accuracy": 1, "plot_examples": 1}
LIBRARY = "scripts/manifold_robustness"


def test_nothing_is_stale_after_a_run(experiment):
    assert experiment.stale() == {}


def test_a_new_strength_runs_its_condition_and_what_gathers(experiment):
    experiment.configure(lambda config: config["perturbations"][0]["strengths"].append(0.2))
    assert experiment.stale() == {
        "evaluate_accuracy": 1,
        "perturb_images": 1,
        "extract_activations": 1,
        "solve_geometry": 2,
        **GATHERING,
        **GATHERING_ACCURACY,
    }


def test_a_layer_more_to_analyse_is_solved(experiment):
    experiment.configure(
        lambda config: config["geometry"].update(layers=["input", "first", "head"])
    )
    assert experiment.stale() == {"solve_geometry": 3, **GATHERING}


def test_a_layer_less_to_analyse_is_gathered_only(experiment):
    experiment.configure(lambda config: config["geometry"].update(layers=["head"]))
    assert experiment.stale() == GATHERING


def test_the_margin_reruns_the_geometry(experiment):
    experiment.configure(lambda config: config["geometry"].update(margin=0.5))
    assert experiment.stale() == {"solve_geometry": 6, **GATHERING}


def test_a_lost_geometry_file_is_solved_again_to_the_last_bit(experiment, finished):
    lost = experiment.result("geometry/gaussian/sigma-0.1/head.h5")
    lost.unlink()
    assert experiment.stale() == {"solve_geometry": 1, **GATHERING}
    experiment.succeed()
    assert experiment.contents("geometry") == finished.contents("geometry")
    assert lost.exists()
    assert experiment.stale() == {}


@pytest.mark.parametrize(
    ("figure", "rule"),
    [
        ("accuracy", "plot_accuracy"),
        ("last_layer", "plot_last_layer"),
        ("layers", "plot_layers"),
        ("training", "plot_training"),
    ],
)
def test_a_figures_style_redraws_that_figure(experiment, figure, rule):
    figures = {figure: {"size": [5, 3]}}
    experiment.configure(lambda config: config.update(figures={**config["figures"], **figures}))
    assert experiment.stale() == {rule: 1}


def test_names_of_layers_redraw_their_figure(experiment):
    figures = {"heatmaps": {"labels": "reference"}}
    experiment.configure(lambda config: config.update(figures={**config["figures"], **figures}))
    assert experiment.stale() == {"plot_heatmaps": 1}


def test_another_meaning_of_the_strengths_judges_the_claims_anew(experiment):
    experiment.configure(
        lambda config: config["perturbations"][0].update(parameterization="variance")
    )
    assert experiment.stale()["judge_claims"] == 1


def test_without_noise_there_is_no_claim_to_judge(experiment):
    experiment.configure(lambda config: config["perturbations"][0].update(strengths=[0]))
    stale = experiment.stale()
    assert stale["collect_geometry"] == 1 and "judge_claims" not in stale


def test_published_values_belong_to_cifar10_under_gaussian_noise(fresh):
    rules = ("compare_published", "judge_claims")
    assert [fresh.stale().get(rule) for rule in rules] == [None, 1]
    fresh.configure(lambda config: config["data"].update(name="cifar10"))
    assert [fresh.stale().get(rule) for rule in rules] == [1, 1]
    fresh.configure(lambda config: config["perturbations"].clear())
    assert [fresh.stale().get(rule) for rule in rules] == [None, None]


def test_the_clipping_reruns_the_perturbed_conditions_only(experiment):
    experiment.configure(lambda config: config["perturbations"][0].update(clip=False))
    assert experiment.stale() == {
        "evaluate_accuracy": 2,
        "perturb_images": 2,
        "extract_activations": 2,
        "solve_geometry": 4,
        **GATHERING,
        **GATHERING_ACCURACY,
    }


def test_the_recipe_reruns_everything(experiment):
    experiment.configure(lambda config: config["training"].update(epochs=1))
    stale = experiment.stale()
    assert stale["train_model"] == 1
    assert stale["solve_geometry"] == 6


def test_what_later_stages_want_does_not_retrain(experiment):
    """Nor does it hide what is stale: train_model checks layers and images, waiting for no job."""
    experiment.configure(lambda config: config["images"].update(n_points=5))
    stale = experiment.stale()
    assert "train_model" not in stale
    assert stale["select_images"] == 1
    assert stale["solve_geometry"] == 6


def test_code_of_the_geometry_reruns_the_solves_not_the_training(experiment):
    path = experiment.root / LIBRARY / "geometry/analysis.py"
    path.write_text(path.read_text() + "\n\nEDITED = True\n")
    assert experiment.stale() == {"solve_geometry": 6, **GATHERING}


def test_code_of_the_own_network_retrains(experiment):
    experiment.replace("tests/configs/tiny_network.py", "nn.Conv2d(3, 8,", "nn.Conv2d(3, 4,")
    assert experiment.stale()["train_model"] == 1


def test_a_comment_reruns_nothing(experiment):
    for name in ("geometry/analysis.py", "network/training.py", "perturbations/gaussian.py"):
        path = experiment.root / LIBRARY / name
        path.write_text("# A remark.\n" + path.read_text())
    experiment.replace(f"{LIBRARY}/geometry/analysis.py", '"""From clouds', '"""Reworded: clouds')
    for name in ("config.yaml", "tests/configs/tiny.yaml", "tests/configs/tiny_network.py"):
        path = experiment.root / name
        path.write_text(path.read_text() + "\n# A remark.\n")
    assert experiment.stale() == {}


def test_an_image_that_comes_retrains(fresh):
    """The splits of a folder of images are those of its listing."""
    for label in range(2):
        (fresh.root / f"images/{label}").mkdir(parents=True)
        for number in range(20):
            image = Image.new("RGB", (8, 8), (120 * label + number, 60, 30))
            image.save(fresh.root / f"images/{label}/{number}.png")
    weights = "results/tiny/model/weights.safetensors"
    data = {"name": "image_folder", "root": "images", "image_size": 8, "test_share": 0.4}
    fresh.configure(lambda config: config.update(data=data))
    fresh.configure(lambda config: config["training"].update(min_accuracy=0))
    fresh.configure(lambda config: config["images"].update(n_manifolds=2, n_points=3))
    fresh.succeed(weights)
    assert fresh.stale(weights) == {}
    Image.new("RGB", (8, 8)).save(fresh.root / "images/0/new.png")
    assert fresh.stale(weights) == {"train_model": 1}
