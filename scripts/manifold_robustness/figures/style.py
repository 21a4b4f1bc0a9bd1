"""Fonts, colours and files of all figures.

Nothing here touches matplotlib's global state: each figure is made and saved inside `in_style`, and
without pyplot, so that neither a user's matplotlibrc nor a display changes a byte of it.
"""

import textwrap
from pathlib import Path

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

CORRECT = "#0072B2"  # Okabe and Ito's blue
WRONG = "#D55E00"  # and vermillion, which keep apart in every common colour blindness
QUIET = "0.45"
CHARACTERS_PER_INCH = 11.5  # of a title

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the same on every machine
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "figure.titlesize": 10.5,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    # Text as it stands: names of classes, layers and networks come from the user, "$" and all.
    "text.parse_math": False,
    # Glyphs as outlines: the labels keep the widths that the layout was made for, and σ exists,
    # whatever fonts the reader's machine has.
    "svg.fonttype": "path",
    "svg.hashsalt": "manifold-robustness",  # else the identifiers in an SVG are random
}

in_style = matplotlib.style.context(["default", STYLE])
"""Decorator under which a function draws: matplotlib's defaults and `STYLE`, undone afterwards."""


def new_figure(size: tuple[float, float]) -> Figure:
    """Return an empty figure of `size` (width, height in inches) that makes room for its labels."""
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def set_title(figure: Figure, title: str, sample: str = "") -> None:
    """Set the title of `figure`, with what its numbers rest on in parentheses.

    It takes as many lines as the width of the figure asks for; then the `sample` has its own.
    """
    width = max(int(CHARACTERS_PER_INCH * figure.get_figwidth()), 1)
    lines = [title, f"({sample})"] if sample else [title]
    if len(" ".join(lines)) <= width:
        lines = [" ".join(lines)]
    figure.suptitle("\n".join(textwrap.fill(line, width) for line in lines))


def settle(figure: Figure) -> None:
    """Make room for all labels of `figure`, and keep its layout from then on.

    Constrained layout moves everything a little at each further draw.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


@in_style
def save_figure(
    figure: Figure, svg_path: Path | str, png_path: Path | str, dpi: float = 200
) -> None:
    """Write `figure` as SVG and as PNG of `dpi` dots per inch.

    The same figure gives the same bytes: no date, no software version, no random identifier, and
    the layout is made once, for both.
    """
    settle(figure)
    figure.savefig(svg_path, format="svg", metadata={"Date": None, "Creator": None})
    figure.savefig(png_path, format="png", dpi=dpi, metadata={"Software": None})
