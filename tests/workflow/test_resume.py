"""A run that is killed in any stage ends, resumed, at the same results bit for bit."""

import shutil

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
