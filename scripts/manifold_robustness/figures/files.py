"""What a figure's job writes: SVG, PNG, and its caption."""

from pathlib import Path

from matplotlib.figure import Figure

from ..files.atomic import written_beside
from .style import save_figure


def write_figure(
    figure: Figure, caption: str, *, svg: Path | str, png: Path | str, text: Path | str
) -> None:
    """Write a figure as SVG and PNG, and its caption as reStructuredText, each whole."""
    with written_beside(svg) as svg_file, written_beside(png) as png_file:
        save_figure(figure, svg_file, png_file)
    with written_beside(text) as file:
        file.write_text(caption + "\n", encoding="utf-8")
