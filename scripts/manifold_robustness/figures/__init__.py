"""Figures of a run: tables in, matplotlib figures and sentences for their captions out.

Each module draws one figure: `plot_*` returns a `matplotlib.figure.Figure`, `describe_*` one or two
sentences of reStructuredText that carry the numbers of this run.
"""
