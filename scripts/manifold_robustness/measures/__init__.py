"""The geometry of a layer under a condition, replicate by replicate.

A group of measures is one file of this folder with a literal ``DECLARATION`` of its variables (see
:class:`~manifold_robustness.variables.Variable`) and a function
``measure(points, settings, seed, replicate) -> dict`` that gives each of them: `points` are a
replicate's clouds (n_manifolds, n_points, n_features), `settings` those of the configuration's
``geometry``. What a group declares is computed, written, collected and, where it says how,
summarised; no other file names it. A ``setting`` of the declaration, or of one of its variables,
names the key of ``geometry`` without which it is not measured.

Where the replicates are measured in less time together, a group has a function
``measure_replicates(clouds, settings, seed) -> list[dict]`` as well, which is called instead:
`clouds` is a dict of the points (n_manifolds, n_points, n_features) by replicate, and the result
has for each what ``measure`` gives.
"""

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from ..errors import GeometryError
from ..variables import OF_A_ROW, TOGETHER, Variable, measured_groups

if TYPE_CHECKING:
    from ..files.stores import StoredArray


def solve_replicates(points: "np.ndarray | StoredArray", settings: dict, seed: int) -> list[dict]:
    """Return the geometry of every replicate, as :func:`.write_geometry` takes it.

    Parameters
    ----------
    points : ndarray (replicates, n_manifolds, n_points, n_features), or :class:`.StoredArray`
    settings : dict
        The configuration's ``geometry``, but for its layers.
    seed : int
        The draws depend on it, the replicate and the manifold; so they are the same in every
        layer, under every condition and of every network.

    Returns
    -------
    list of dict
        One per replicate, with every variable that is measured under these settings.

    Raises
    ------
    GeometryError
        For points that the geometry isn't defined for, and for a group of measures that gives
        other variables, or of another shape, than it declares.
    """
    groups = [
        (name, import_module(f".{name}", __package__), declared)
        for name, declared in measured_groups(settings).items()
    ]
    clouds = dict(enumerate(points))
    results: list[dict] = [{} for _ in clouds]
    for name, group, declared in groups:
        if hasattr(group, TOGETHER):
            measured = getattr(group, TOGETHER)(clouds, settings, seed)
            require_number(name, len(measured), len(clouds))
        else:
            measured = [group.measure(own, settings, seed, k) for k, own in clouds.items()]
        for result, found, own in zip(results, measured, clouds.values(), strict=True):
            require_declared(name, found, declared, len(own))
            result |= found
    return results


def require_number(group: str, found: int, wanted: int) -> None:
    """Raise :class:`GeometryError` where a group does not give a result for each replicate."""
    if found != wanted:
        raise GeometryError(
            f"Need a result for each of {wanted} replicates from {TOGETHER}() in "
            f"measures/{group}.py. Got {found}."
        )


def require_declared(
    group: str, measured: dict, declared: dict[str, Variable], n_manifolds: int
) -> None:
    """Raise :class:`GeometryError` where a group of measures does not give what it declares."""
    if sorted(measured) != sorted(declared):
        missing = sorted(set(declared) - set(measured))
        undeclared = sorted(set(measured) - set(declared))
        raise GeometryError(
            f"Need the variables that measures/{group}.py declares. Got a result "
            + " and ".join(
                words + ", ".join(names)
                for words, names in (("without ", missing), ("with the undeclared ", undeclared))
                if names
            )
            + ". Make DECLARATION and the names that it returns the same."
        )
    for name, value in measured.items():
        shape, variable = np.shape(value), declared[name]
        if not _fits(shape, variable, n_manifolds):
            raise GeometryError(
                f"Need {name} of the axes {variable.axes}, for {n_manifolds} manifolds. Got the "
                f"shape {shape}. Change the axes or the result in measures/{group}.py."
            )


def _fits(shape: tuple, variable: Variable, n_manifolds: int) -> bool:
    if variable.axes not in OF_A_ROW:
        return len(shape) == 1
    return shape == ((n_manifolds,) if variable.axes == "manifold" else ())
