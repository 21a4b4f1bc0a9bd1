"""The first page of a run's report: what was run, on what, what came out, how to read it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .attacks import BROKEN, HOLDS, WARNS
from .conditions import CLEAN
from .conventions import FLOOR_SHARE
from .names import rst_literal, rst_text
from .paper.claims import FAILS, JOINT, UNDECIDED, verdicts_in_words

PAGE = "explore.html"
MUCH_OF_POINTS = 0.5  # a dimension above this share of M; pure noise in 3,072 dimensions: 0.74

# What the table of a network shows, where the run has measured it.
SHOWN = (
    "capacity",
    "joint_capacity",
    "dimension",
    "radius",
    "center_correlation",
    "readout_accuracy",
)
SAID_OF_ATTACKS = {
    BROKEN: "fail, which they must not:",
    WARNS: "hint that an attack does not find its way, because its steps are too few or too short, "
    "or because the network's gradients lead nowhere. An accuracy under it is no measure of "
    "robustness then (docs/measures.md says where to look):",
}
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
    tables = [_network(name, of, summary, accuracy, families) for name, of in networks.items()]
    verdicts = [] if claims is None else [_verdicts(claims)]
    parts = [f"**{rst_text(run)}**: {rst_text(data)}; {sample}"]
    if len(networks) > 1:
        parts.append(_compared(networks, summary, accuracy, families))
        several = verdicts and claims["network"].nunique() > 1
        parts += [_counted_verdicts(claims)] if several else verdicts
        tables += verdicts if several else []
    else:
        parts += tables + verdicts
        tables = []
    parts += [_warnings(summary, attacks), *_attacks(attacks)]
    parts.append(
        f"**To repeat it**: {rst_literal(command)} in the project's folder. **To explore it**: "
        f"the page {rst_literal(PAGE)} beside the run's tables, in any browser."
    )
    parts += tables
    if "joint_capacity" in summary:
        parts.append(_theories(summary))
    if manifolds == "exemplar":
        parts.append(EXEMPLARS)
    return "\n\n".join([*parts, READING]) + "\n"


def _sample(summary, accuracy, correct_for, manifolds):
    row = summary.iloc[0]
    if accuracy.empty:
        return (
            f"P = {row['n_manifolds']} manifolds, M = {row['n_points']} points of each, "
            f"{row['n_replicates']} disjoint draws, under {summary['condition'].nunique()} "
            "conditions."
        )
    which = {
        "own": "that the network classifies correctly",
        "every_network": "that every network classifies correctly",
        "none": "whether they are classified correctly or not",
    }[correct_for]
    n_conditions = pd.concat([accuracy["condition"], summary["condition"]]).nunique()
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
    # Recorded activations have no accuracy, and conditions of their own.
    seen = "" if answers.empty else _clean_accuracy(answers)
    head = ["condition", *([] if answers.empty else ["accuracy"])]
    lines = [
        f"**Network** {rst_literal(name)}, {rst_text(description)}{seen}. Its last analysed layer "
        f"is {rst_literal(last['layer'].iloc[0])}:",
        "",
        _table(
            [*head, *(measure.replace("_", " ") for measure in shown)],
            [
                [
                    words,
                    *([] if answers.empty else [_percent(_row(answers, condition))]),
                    *_measures(last[last["condition"] == condition], shown),
                ]
                for condition, words in _ends(own if answers.empty else answers, families)
            ],
        ),
    ]
    return "\n".join(lines)


def _clean_accuracy(answers):
    clean = answers[answers["condition"] == CLEAN].iloc[0]
    images = f"{clean['n_images']:,} test images"
    return f": clean accuracy {_percent(clean)} on {images}{_fewer(answers)}"


def _compared(networks, summary, accuracy, families):
    """A line for each network: what stands first where a run has several."""
    ends = [] if accuracy.empty else _ends(accuracy, families)
    shown = [name for name in ("capacity", "joint_capacity") if name in summary]
    # Of exemplars the first family's: a clean one has no geometry.
    there = {*summary["condition"]}
    first, in_words = next(one for one in _ends(summary, families) if one[0] in there)
    head = ["network", *(f"accuracy, {words}" for _, words in ends)]
    head += [f"{name.replace('_', ' ')}, {in_words}" for name in shown]
    rows = []
    for network, description in networks.items():
        own, answers = (table[table["network"] == network] for table in (summary, accuracy))
        last = own[own["layer_index"] == own["layer_index"].max()]
        row = [f"{rst_literal(network)}, {rst_text(description)}"]
        row += [
            "–" if answers.empty else _percent(_row(answers, condition)) for condition, _ in ends
        ]
        rows.append(row + _measures(last[last["condition"] == first], shown))
    return (
        f"**{len(networks)} networks**, clean and under the strongest level of each family"
        f"{'' if accuracy.empty else _fewer(accuracy)}; the capacity is that of the last analysed "
        f"layer, with 95 % intervals over draws of images:\n\n{_table(head, rows)}"
    )


def _fewer(answers):
    """On how many images the accuracy under a perturbation is, where these are not all."""
    n_clean, n_perturbed = answers["n_images"].max(), answers["n_images"].min()
    return (
        f", the accuracy under perturbations on {n_perturbed:,} images"
        if n_perturbed < n_clean
        else ""
    )


def _ends(answers, families):
    """Clean and every family's strongest condition, in words."""
    ends = [(CLEAN, "clean")]
    for family, title in families.items():
        own = answers[answers["family"] == family]
        if family != CLEAN and not own.empty:
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


def _counted_verdicts(claims):
    """In how many networks each claim holds, family by family."""
    last = claims[claims["layer_index"].isna() | claims["is_last"]]
    of = last["network"].nunique()
    lines = [f"**The paper's claims**, in the last analysed layer of the {of} networks:", ""]
    for _, own in last.groupby("family", sort=False):
        said = []
        for (_, statement), judged in own.groupby(["claim", "statement"], sort=False):
            joint = judged["theory"] == JOINT
            words = _counts(judged[~joint])
            said.append(f"{statement}: {words}" + _in_joint(judged[joint]))
        lines.append(f"- {rst_text(own['family_title'].iloc[0])}: {'; '.join(said)}.")
    return "\n".join(lines)


def _counts(judged):
    counts = judged["verdict"].value_counts()
    return ", ".join(
        f"**{one}** in {counts[one]}" for one in (HOLDS, FAILS, UNDECIDED) if one in counts
    )


def _in_joint(judged):
    return f" (joint: {_counts(judged)})" if len(judged) else ""


def _theories(summary):
    """How far the two capacities are apart on this run, and which to believe."""
    ratio = summary["capacity"] / summary["joint_capacity"] - 1
    ends = [
        f"{100 * ratio[row]:+.0f} % ({_place(summary, summary.loc[row])})"
        for row in (ratio.idxmin(), ratio.idxmax())
    ]
    return (
        "**Two capacities.** The *capacity* is that of the published mean-field theory, comparable "
        "with the literature; it takes classes to have nothing in common but their centers. The "
        "*joint capacity* takes in all that they have in common. From the joint one, the published "
        f"one differs here by {ends[0]} to {ends[1]}. Direct simulation agrees with the joint one "
        f"(docs/measures.md): where the two differ, believe that."
    )


def _counted(summary):
    """What the rows of the summary are, in words."""
    several = summary["network"].nunique() > 1
    return "layers of networks under conditions" if several else "layers and conditions"


def _place(summary, row):
    """A row's place in words: the network only where there are several."""
    place = f"{rst_literal(row['layer'])} under {rst_literal(row['condition'])}"
    several = summary["network"].nunique() > 1
    return f"{rst_literal(row['network'])}, {place}" if several else place


def _warnings(summary, attacks):
    """What may make a number of the run mean something else than it says."""
    found = [*_masked(attacks), *_floors(summary), *_few_points(summary)]
    if not found:
        return "**Warnings**: none."
    return "\n".join(["**Warnings.**", "", *(f"- {one}" for one in found)])


def _masked(attacks):
    if attacks is None:
        return
    for verdict, words in SAID_OF_ATTACKS.items():
        odd = attacks[attacks["verdict"] == verdict]
        if len(odd):
            details = [
                f"  - {rst_literal(row.network)}: {rst_text(row.statement)}."
                for row in odd.itertuples()
            ]
            head = f"{len(odd)} of {len(attacks)} checks of attacks {words}"
            yield "\n".join([head, "", *details, ""])


def _floors(summary):
    if "joint_capacity" not in summary:
        return
    bound = summary[summary["joint_zero_share"] >= FLOOR_SHARE]
    if len(bound):
        yield (
            f"In {len(bound)} of {len(summary)} {_counted(summary)} the joint capacity is on its "
            "floor, the number of classes over the dimensions that all points span, in "
            f"{100 * FLOOR_SHARE:g} % of the draws or more: no noise can lower it further there, "
            "and the share of dichotomies that no hyperplane separates says more."
        )


def _few_points(summary):
    share = summary["dimension"] / summary["n_points"]
    few = summary[share > MUCH_OF_POINTS]
    if len(few):
        worst = few.loc[share[few.index].idxmax()]
        most = f"{worst['dimension']:.3g}, {_place(summary, worst)}"
        yield (
            f"In {len(few)} of {len(summary)} {_counted(summary)} the dimension is above half of "
            f"M = {worst['n_points']} (at most {most}): "
            "manifolds reach there in more than half as many directions as they have points. With "
            "more points the dimension may be higher, and the capacity lower."
        )


def _attacks(attacks):
    """How many checks of attacks are as they should be; nothing where there are none."""
    if attacks is None or not len(attacks):
        return
    holding = int((attacks["verdict"] == HOLDS).sum())
    counted = f"{holding} of {len(attacks)} checks of attacks are as expected"
    if (attacks["check"] == "gradients").all() and holding == len(attacks):
        yield f"**Attacks.** {counted}: gradients are seldom zero. No attacks were compared."
    elif holding == len(attacks):
        yield f"**Attacks.** {counted}, so none of them hints at gradients that lead nowhere."
    else:
        yield f"**Attacks.** {counted}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [head, *rows]:
        lines += [f"   {'* -' if place == 0 else '  -'} {cell}" for place, cell in enumerate(row)]
    return "\n".join(lines)
