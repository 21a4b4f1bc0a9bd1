"""Perturbations: one file per family.

A family is a module here with

- a literal ``DECLARATION``:

  ``title``
      its display name;
  ``wants_network``
      whether it looks at the network (an attack) or is blind (noise);
  ``scope``
      ``image`` where an image's perturbation depends on that image alone, ``set`` where it depends
      on a whole set of manifolds;
  ``strength``
      a list of {name, symbol, description, and the ``options`` under which it applies;
      ``maximum``, the greatest strength that makes sense; ``norm``, ``linf`` or ``l2``, where the
      strength is a budget in that norm, which is then checked; ``divisor``, where the budget in
      pixel units is the strength divided by it};
  ``random``
      where the draws of one image differ, a list of {the ``options`` under which they do}; left
      out where they never do. Exemplar manifolds are made of such draws;
  ``range``
      a list of {low, high, and the ``options`` under which pixels keep to it}, which is checked;
  ``expected``
      where something is to be expected of the accuracies under it, which a run checks:
      ``no_weaker_than``, families that leave no less accuracy at the same budget; ``falls``, no
      more is left at a greater strength; ``vanishes``, none is left at one that is large enough;
      ``nested``, a greater strength goes on from where a smaller one ended
      (:mod:`~manifold_robustness.attacks`);
  ``options``
      a JSON schema of the family's own settings, each with a ``default``;

- ``perturb(images, labels, strength, *, draws, network, **options)``, which returns images of the
  same shape.

`images` is a float32 tensor (n, channels, height, width) in [0, 1] on the network's device; of
scope ``set``, (n_manifolds, n_points, channels, height, width). `labels` are their true classes,
(n,) or (n_manifolds, n_points). `draws` gives random numbers per image (:class:`~.draws.Draws`; of
a set, in the order of its flattened images). `network` is in evaluation mode with frozen parameters
where ``wants_network``, else None. A file without a ``DECLARATION`` is a helper, not a family.

:func:`~.apply.perturb_batch` is the one function that calls a family, for every stage.
"""
