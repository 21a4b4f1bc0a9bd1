"""What a figure is of: its network, its perturbation family, and how to name both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..paper.published import published_table
from .strengths import Strength


@dataclass(frozen=True)
class FamilyNames:
    """How to name one of several families and its strength."""

    title: str
    strength: Strength


@dataclass(frozen=True)
class About:
    """What a figure is of, for its title, its axes and its sentences.

    Attributes
    ----------
    network : str or None
        None where the run has one network only, or the figure shows them all.
    family : str
        The family as the run names it; empty for a figure of the network alone.
    title : str
        The family's display name, as ``Gaussian noise``.
    strength : Strength or None
        How the family's strength is named; None for a figure of the network alone.
    strengths : mapping of str to float
        The strength of every condition that the figure shows a file of, clean first.
    published : pandas.DataFrame or None
        Published values to compare with (:func:`~..paper.published.published_table`).
    families : mapping of str to FamilyNames
        Those that a figure of several shows, by name, in the order of the configuration.
    manifolds : {"class", "exemplar"}
        What a manifold of the run is.
    smoothed : mapping of str to str
        By level of noise of a certificate, the condition whose geometry goes with it.
    certificates : mapping of str to list of dict
        By the same levels, published certificates: ``title``, ``radius`` and
        ``certified_accuracy``, the last two of equal length.
    recipes : mapping of str to str
        By network, the entry of the configuration that it is a training of, where any entry asks
        for repeated trainings; else empty.
    """

    network: str | None = None
    family: str = ""
    title: str = ""
    strength: Strength | None = None
    strengths: Mapping[str, float] = field(default_factory=dict)
    published: pd.DataFrame | None = None
    families: Mapping[str, FamilyNames] = field(default_factory=dict)
    manifolds: str = "class"
    smoothed: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)

    def heading(self, text: str) -> str:
        """Return the title of a figure: what it is of, then what it shows.

        >>> About("vit", title="FGSM").heading("accuracy against ε")
        'vit, FGSM: accuracy against ε'
        >>> About().heading("training over 8 epochs")
        'Training over 8 epochs'
        """
        of = ", ".join(name for name in (self.network, self.title) if name)
        return f"{of}: {text}" if of else text[:1].upper() + text[1:]


def make_about(settings: Mapping[str, Any], strengths: Mapping[str, float]) -> About:
    """Return an :class:`About` from what a job is told.

    Parameters
    ----------
    settings
        ``network``, ``family`` and ``title`` as :class:`About` has them; ``strength``, a dict of
        the fields of :class:`~.strengths.Strength`; ``published``, a dict of ``sources`` and
        ``values``; ``families``, by name a dict of ``title`` and ``strength``; ``manifolds``;
        ``smoothed``, ``certificates`` and ``recipes``. Each may be left out or empty.
    strengths
        Of the conditions, clean first.

    Examples
    --------
    >>> strength = {"name": "sigma", "symbol": "σ", "description": "standard deviation"}
    >>> about = make_about({"title": "Gaussian noise", "strength": strength}, {"clean": 0.0})
    >>> about.strength.value(0.5), about.published is None
    ('σ = 0.5', True)
    """
    strength, published = settings.get("strength"), settings.get("published")
    return About(
        network=settings.get("network") or None,
        family=settings.get("family", ""),
        title=settings.get("title", ""),
        strength=Strength(**strength) if strength else None,
        strengths=dict(strengths),
        published=published_table(**published) if published else None,
        families={
            name: FamilyNames(one["title"], Strength(**one["strength"]))
            for name, one in settings.get("families", {}).items()
        },
        manifolds=settings.get("manifolds", "class"),
        smoothed=settings.get("smoothed", {}),
        certificates=settings.get("certificates", {}),
        recipes=settings.get("recipes", {}),
    )
