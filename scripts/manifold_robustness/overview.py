"""The first page of a run's report: what was run, on what, what came out, how to read it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .attacks import HOLDS, WARNS
from .conditions import CLEAN
from .conventions import FLOOR_SHARE
from .names import rst_literal, rst_text
from .paper.claims import verdicts_in_words

# What the table of a network shows, where the run has measured it.
SHOWN = (
    "capacity",
    "joint_capacity",
    "dimension",
    "radius",
    "center_correlation",
    "readout_accuracy",
)
READING = """\
**How to read it.** The *capacity* says how many classes per dimension of a layer a linear readout
could still separate at random labels: higher is more separable. The *dimension* and the *radius*
say along how many directions, and how far compared with the distance of its center, a class reaches
where that matters for separation; the *center correlation* is the mean absolute cosine between the
centers of classes. Values are means over disjoint draws of images, with 95 % intervals of Student's
t; accuracies have 95 % intervals of Wilson. Few images of a class inflate its capacity, so it is
comparable only at equal M. docs/measures.md says more, and when not to trust a measure."""


EXEMPLARS = """\
**Exemplar manifolds.** A manifold is one image here, under draws of a perturbation, and stands
where these pages say class: the centers are those of the clouds of single images, of which several
may be of one class, and a readout tells images apart. A clean image is a single point and has no
geometry; its accuracy, and that of the first draw under each perturbation, are those of any run."""


def describe_run(
    summary: pd.DataFrame,
    accuracy: pd.DataFrame,
    claims: pd.DataFrame | None,
    attacks: pd.DataFrame | None,
    *,
    run: str,
    command: str,
    data: str,
    networks: Mapping[str, str],
    families: Mapping[str, str],
    correct_for: str,
    manifolds: str = "class",
) -> str:
    """Return the page as reStructuredText.

    Parameters
    ----------
    summary, accuracy, claims
        The run's tables; without perturbations there are no claims.
    attacks
        That of :func:`.compare_attacks`; None where the run has nothing to compare.
    run
        Its name.
    command
        What repeats it.
    data
        The data set, in words.
    networks
        Name to a description in words.
    families
        Name of a perturbation family to its display name.
    correct_for
        Whose correct answers a selected image needed.
    manifolds : {"class", "exemplar"}
        What a manifold of the run is.
    """
    sample = _sample(summary, accuracy, correct_for, manifolds)
    parts = [
        f"**{rst_text(run)}**: {rst_text(data)}; {sample}",
        *(_network(name, of, summary, accuracy, families) for name, of in networks.items()),
    ]
    if claims is not None:
        parts.append(_verdicts(claims))
    if "joint_capacity" in summary:
        parts.append(_theories(summary))
    if attacks is not None and len(attacks):
        parts.append(_attacks(attacks))
    if manifolds == "exemplar":
        parts.append(EXEMPLARS)
    parts += [READING, f"**To repeat it**: {rst_literal(command)} in the project's folder."]
    return "\n\n".join(parts) + "\n"


def _sample(summary, accuracy, correct_for, manifolds):
    row = summary.iloc[0]
    which = {
        "own": "that the network classifies correctly",
        "every_network": "that every network classifies correctly",
        "none": "whether they are classified correctly or not",
    }[correct_for]
    n_conditions = accuracy["condition"].nunique()
    if manifolds == "exemplar":
        sizes = (
            f"exemplar manifolds of P = {row['n_manifolds']} test images {which}, each under "
            f"M = {row['n_points']} draws of a perturbation"
        )
    else:
        sizes = (
            f"P = {row['n_manifolds']} classes, M = {row['n_points']} test images of each {which}"
        )
    return f"{sizes}, {row['n_replicates']} disjoint draws, under {n_conditions} conditions."


def _network(name, description, summary, accuracy, families):
    own = summary[summary["network"] == name]
    last = own[own["layer_index"] == own["layer_index"].max()]
    answers = accuracy[accuracy["network"] == name]
    shown = [measure for measure in SHOWN if measure in summary]
    clean = answers[answers["condition"] == CLEAN].iloc[0]
    lines = [
        f"**Network** {rst_literal(name)}, {rst_text(description)}: clean accuracy "
        f"{_percent(clean)} on {clean['n_images']:,} test images{_fewer(answers)}. Its last "
        f"analysed layer is {rst_literal(last['layer'].iloc[0])}:",
        "",
        _table(
            ["condition", "accuracy", *(measure.replace("_", " ") for measure in shown)],
            [
                [
                    words,
                    _percent(_row(answers, condition)),
                    *_measures(last[last["condition"] == condition], shown),
                ]
                for condition, words in _ends(answers, families)
            ],
        ),
    ]
    return "\n".join(lines)


def _fewer(answers):
    """On how many images the accuracy under a perturbation is, where these are not all."""
    n_clean, n_perturbed = answers["n_images"].max(), answers["n_images"].min()
    return (
        f", that under perturbations on {n_perturbed:,} of these" if n_perturbed < n_clean else ""
    )


def _ends(answers, families):
    """Clean and every family's strongest condition, in words."""
    ends = [(CLEAN, "clean")]
    for family, title in families.items():
        own = answers[answers["family"] == family]
        if not own.empty:
            strongest = own.sort_values("strength").iloc[-1]["condition"]
            name = rst_literal(strongest.partition("/")[2])
            ends.append((strongest, f"{rst_text(title)}, {name}"))
    return ends


def _row(table, condition):
    return table[table["condition"] == condition].iloc[0]


def _measures(rows, shown):
    """The measures of a condition; dashes where it has none, as clean exemplars."""
    if rows.empty:
        return ["–"] * len(shown)
    row = rows.iloc[0]
    return [
        f"{row[name]:.3g}{_interval(row[f'{name}_low'], row[f'{name}_high'], 1)}" for name in shown
    ]


def _percent(row):
    interval = _interval(row["accuracy_low"], row["accuracy_high"], 100)
    return f"{100 * row['accuracy']:.1f} %{interval}"


def _interval(low, high, factor):
    if not np.isfinite([low, high]).all():
        return ""
    return f" ({factor * low:.3g} to {factor * high:.3g})"


def _verdicts(claims):
    lines = ["**The paper's claims**, in the last analysed layer:", ""]
    for (network, _), own in claims.groupby(["network", "family"], sort=False):
        said = "; ".join(verdicts_in_words(own, mark="**"))
        title = rst_text(own["family_title"].iloc[0])
        lines.append(f"- {rst_literal(network)}, {title}: {said}.")
    return "\n".join(lines)


def _theories(summary):
    """How far the two capacities are apart on this run, and which to believe."""
    ratio = summary["capacity"] / summary["joint_capacity"] - 1
    ends = [
        f"{100 * ratio[row]:+.0f} % ({rst_literal(summary['layer'][row])} under "
        f"{rst_literal(summary['condition'][row])})"
        for row in (ratio.idxmin(), ratio.idxmax())
    ]
    bound = summary[summary["joint_zero_share"] >= FLOOR_SHARE]
    floor = (
        f" In {len(bound)} of {len(summary)} layers and conditions the joint capacity is on its "
        "floor, the number of classes over the dimensions that all points span, in "
        f"{100 * FLOOR_SHARE:g} % of the draws or more: no noise can lower it further there, and "
        "the share of dichotomies that no hyperplane separates says more."
        if len(bound)
        else ""
    )
    return (
        "**Two capacities.** The *capacity* is that of the published mean-field theory, comparable "
        "with the literature; it takes classes to have nothing in common but their centers. The "
        "*joint capacity* takes in all that they have in common. From the joint one, the published "
        f"one differs here by {ends[0]} to {ends[1]}. Direct simulation agrees with the joint one "
        f"(docs/measures.md): where the two differ, believe that.{floor}"
    )


def _attacks(attacks):
    """Hints that gradients lead nowhere, one by one, or that there is none."""
    odd = attacks[attacks["verdict"] == WARNS]
    holding = int((attacks["verdict"] == HOLDS).sum())
    counted = f"{holding} of {len(attacks)} checks of attacks are as expected"
    if odd.empty and (attacks["check"] == "gradients").all():
        return f"**Attacks.** {counted}: gradients are seldom zero. No attacks were compared."
    if odd.empty:
        return f"**Attacks.** {counted}, so none of them hints at gradients that lead nowhere."
    lines = [
        f"**Warnings.** {counted}. The others hint that an attack does not find its way, because "
        "its steps are too few or too short, or because the network's gradients lead nowhere; an "
        "accuracy under attack then is no measure of robustness (docs/measures.md says where to "
        "look):",
        "",
        *(f"- {rst_literal(row.network)}: {rst_text(row.statement)}." for row in odd.itertuples()),
    ]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [head, *rows]:
        lines += [f"   {'* -' if place == 0 else '  -'} {cell}" for place, cell in enumerate(row)]
    return "\n".join(lines)
