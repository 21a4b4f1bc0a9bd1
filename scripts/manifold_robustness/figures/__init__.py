"""Figures of a run: one file per figure.

A figure is a module here with

- a literal ``DECLARATION``:

  ``title``
      its label in the report;
  ``scope``
      what there is one of it for: ``network``, ``family`` (of each network), ``families`` (one per
      network of a run that has several families), ``comparison`` (one per family, of all the
      networks of a run that has several), or ``networks`` (one of all of them);
  ``inputs``
      what it shows, out of ``history``, ``summary``, ``accuracy``, ``geometry``, ``subsets``,
      ``matched`` (tables; the last for scope ``families`` only), ``certified`` and
      ``certified_classes`` (scopes ``network`` and ``networks``, of a run that certifies),
      ``trainings`` (scope ``comparison``, of a run with several trainings of a network), ``images``
      and ``predictions`` (a file per condition);
  ``setting``
      optional, the key of the configuration's ``geometry`` without which it is not drawn: that of
      the measures that it shows;
  ``order``
      its place in the report;
  ``shows_published``
      optional, whether it draws the published values of ``about``: an edit of one redraws it;
  ``caption``
      what it shows and how to read it, in reStructuredText;
  ``options``
      a JSON schema of the figure's own settings, each with a ``default``; ``size`` is one of them;

- ``draw(inputs, about, *, size, **options)``, which returns a :class:`matplotlib.figure.Figure` and
  one or two sentences of reStructuredText with the numbers of this run.

`inputs` has what the declaration asks for: tables as DataFrames, of this network, clean and this
family, by strength (for a comparison: of every network, in the order of the configuration; for
``families``: all rows of this network, as they stand); files as a dict of condition to path, clean
first. `about` (:class:`~.about.About`) says what the figure
is of. A file without a ``DECLARATION`` is a helper, not a figure.

:func:`~.drawing.draw_figure` is the one function that calls a figure. It draws in the style of
:mod:`.style`, in which text is taken as it stands: a ``$`` in the name of a class starts no
formula. A label with a formula says ``parse_math=True``.
"""
