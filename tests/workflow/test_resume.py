"""A run that is killed in any stage ends, resumed, at the same results bit for bit."""

import shutil
import time

from workflow.killing import kill_in, kill_when

STAGES = [
    "train_network",
    "evaluate_accuracy",
    "select_images",
    "perturb_images",
    "extract_activations",
    "solve_geometry",
    "collect_geometry",
    "plot_family_figure",
]


def test_killed_in_every_stage_and_resumed(fresh, finished):
    fresh.draw_only("layers", "accuracy")
    for rule in STAGES:
        assert kill_in(fresh, rule, cores=1), f"no job of {rule} was caught at work"
        fresh.succeed("--unlock")
    fresh.succeed(cores=1)
    assert fresh.contents("small/geometry") == finished.contents("small/geometry")
    assert fresh.contents("small/weights", "*.safetensors") == finished.contents(
        "small/weights", "*.safetensors"
    )
    assert not list(fresh.result("").glob("**/.*.partial"))
    assert fresh.stale() == {}


def test_a_training_that_is_killed_goes_on_after_its_last_epoch(fresh, tmp_path_factory):
    fresh.configure(lambda config: config["training"].update(epochs=12, batch_size=2))
    whole = type(fresh)(tmp_path_factory.mktemp("whole"))
    shutil.copytree(fresh.root, whole.root, dirs_exist_ok=True)
    weights = "results/tiny/small/weights/weights.safetensors"
    checkpoint = fresh.result("small/weights/checkpoint.pt")
    assert kill_when(fresh, 1, checkpoint.exists)
    fresh.succeed("--unlock")
    fresh.succeed(weights, cores=1)
    whole.succeed(weights, cores=1)
    log = fresh.result("logs/train_network/small.log").read_text()
    assert "goes on after epoch" in log and "epoch 1/12" not in log and "epoch 12/12" in log
    assert fresh.contents("small/weights", "*") == whole.contents("small/weights", "*")
    assert not checkpoint.exists()


def test_an_attack_that_is_killed_at_work_is_made_anew(fresh, tmp_path_factory):
    attack = {"family": "pgd", "steps": 1500, "strengths": [0.1]}
    fresh.configure(lambda config: config.update(perturbations=[attack]))
    fresh.configure(lambda config: config["accuracy"].update(n_images=50))
    whole = type(fresh)(tmp_path_factory.mktemp("whole"))
    shutil.copytree(fresh.root, whole.root, dirs_exist_ok=True)
    made = [f"small/{folder}/pgd/epsilon-0.1" for folder in ("images", "accuracy")]
    begun = None

    def in_the_attack():
        nonlocal begun
        if begun is None and fresh.result("logs/perturb_images/small/pgd/epsilon-0.1.log").exists():
            begun = time.monotonic()
        return begun is not None and time.monotonic() > begun + 2

    assert kill_when(fresh, 1, in_the_attack)
    assert not [path for name in made for path in fresh.result("").glob(f"{name}*")]
    fresh.succeed("--unlock")
    targets = [f"results/tiny/{made[0]}.zarr.zip", f"results/tiny/{made[1]}.h5"]
    for experiment in (fresh, whole):
        experiment.succeed(*targets, cores=1)
    for target in targets:
        assert (fresh.root / target).read_bytes() == (whole.root / target).read_bytes()
    assert not list(fresh.result("").glob("**/.*.partial"))
