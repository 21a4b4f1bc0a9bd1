"""What a figure's job writes: SVG, PNG, and a sentence for the caption."""

from manifold_robustness.atomic import written_beside
from manifold_robustness.figures.style import save_figure


def write_figure(figure, description, *, svg, png, numbers):
    """Write a figure as SVG and PNG, and its description as reStructuredText, each whole."""
    with written_beside(svg) as svg_file, written_beside(png) as png_file:
        save_figure(figure, svg_file, png_file)
    with written_beside(numbers) as file:
        file.write_text(description + "\n", encoding="utf-8")
