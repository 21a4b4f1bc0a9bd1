"""The figure of the training."""

import numpy as np

from figure_tables import about, draw, make_history, visible_text


def test_training_shows_the_three_sets_and_the_kept_epoch():
    history = make_history()
    figure, _ = draw("training", history=history)
    for axes, quantity, factor in zip(figure.axes, ["accuracy", "loss"], [100, 1], strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        for name in ("train", "validation", "test"):
            np.testing.assert_allclose(
                lines[name].get_ydata(), factor * history[f"{name}_{quantity}"]
            )
            np.testing.assert_allclose(lines[name].get_xdata(), history["epoch"])
        assert list(lines["weights kept"].get_xdata()) == [3, 3]
        assert list(lines["learning rate lowered"].get_xdata()) == [3, 3]
    assert "test accuracy 78.00 % at epoch 3" in visible_text(figure)
    dashes = {
        str(figure.axes[0].lines[i].get_linestyle()) + str(figure.axes[0].lines[i]._dash_pattern)
        for i in range(3)
    }
    assert len(dashes) == 3  # told apart without colour


def test_training_in_words():
    _, text = draw("training", history=make_history())
    assert "epoch 3 of 4" in text
    assert "78.00 % on the test set" in text
    assert "79.00 % on the validation set" in text
    assert "80.00 % on the training set" in text


def test_a_training_on_perturbed_images_shows_the_accuracy_under_them():
    history = make_history().assign(attacked_accuracy=[0.1, 0.2, 0.35, 0.3], collapsed=False)
    figure, text = draw("training", history=history)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert list(lines["validation, perturbed"].get_ydata()) == [10, 20, 35, 30]
    assert text.endswith("on validation images that are perturbed as much, it is 35.00 %.")
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()  # all of its entries can be read
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width
    history.loc[3, ["attacked_accuracy", "collapsed"]] = [0.1, True]
    _, text = draw("training", history=history)
    assert "In epoch 4 robustness collapsed (catastrophic overfitting): the accuracy" in text
    assert "under PGD fell to 10.00 %, while" in text and text.count("collapsed") == 1
    plain, text = draw("training", history=make_history())
    assert len(plain.axes[0].lines) == len(figure.axes[0].lines) - 1 and "perturbed" not in text


def test_a_smooth_schedule_draws_no_steps():
    history = make_history(10)
    history["learning_rate"] = 1e-3 * 0.9 ** history["epoch"]
    figure, _ = draw("training", history=history)
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert "learning rate lowered" not in labels


def test_the_title_names_the_network_where_there_are_several():
    of = {"title": "", "family": "", "strength": None}
    figure, _ = draw("training", about(**of), history=make_history())
    assert figure.get_suptitle() == "Training over 4 epochs"
    figure, _ = draw("training", about(network="vit", **of), history=make_history(1))
    assert figure.get_suptitle() == "vit: training over 1 epoch"
