"""Draw one image under every condition with its predicted class (Figure 2)."""

import numpy as np

from manifold_robustness.figures.examples import describe_examples, plot_examples
from manifold_robustness.figures.files import write_figure
from manifold_robustness.figures.strengths import Strength
from manifold_robustness.images import read_image
from manifold_robustness.jobs import run_job
from manifold_robustness.predictions import read_predictions


def main(snakemake):
    params, files = snakemake.params, snakemake.input
    style = dict(params.style)
    chosen = style.pop("image")
    images, predicted = [], []
    for images_path, accuracy_path in zip(files.images, files.accuracy, strict=True):
        image, index = read_image(images_path, chosen)
        predictions, labels, classes = read_predictions(accuracy_path)
        images.append(np.clip(image, 0, 1))
        predicted.append(classes[predictions[index]])
    strength = Strength(**params.strength)
    shown = (params.strengths, predicted, classes[labels[index]], strength)
    write_figure(
        plot_examples(images, *shown, **style), describe_examples(*shown), **snakemake.output
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
