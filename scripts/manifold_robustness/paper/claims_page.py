"""The verdicts on the paper's claims as one self-contained page of HTML."""

from html import escape

import numpy as np
import pandas as pd

from ..conventions import NEGLIGIBLE
from ..intervals import RESAMPLES
from .claims import FAILS, HOLDS, JOINT, MEAN_FIELD, THRESHOLD, UNDECIDED

THEORIES = {"": "", MEAN_FIELD: "mean-field theory", JOINT: "joint program"}
SYMBOLS = {HOLDS: "✓", FAILS: "✗", UNDECIDED: "?"}
# The page needs nothing but its own style, so a browser is told to run and load nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
html { font-size: 15px; }
body { font: 1rem/1.45 system-ui, "DejaVu Sans", sans-serif; color: #222; max-width: 66rem;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.45rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin-top: 2.4rem; } h3 { font-size: 1.05rem; margin-top: 1.6rem; }
p { max-width: 46rem; } .quiet { color: #555; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .87rem; }
th, td { padding: .35rem .6rem; text-align: left; vertical-align: top;
         border-bottom: 1px solid #ddd; }
thead th { border-bottom: 2px solid #777; vertical-align: bottom; }
tbody th { font-weight: 600; } small { display: block; color: #555; font-weight: normal; }
.verdict { white-space: nowrap; font-weight: 600; border-left: .3rem solid; }
.verdict small { white-space: normal; max-width: 13rem; }
.holds { background: #ddecf8; border-left-color: #0072b2; }
.fails { background: #fbe6d8; border-left-color: #d55e00; }
.undecided { background: #f1f1f1; border-left-color: #999; }
.interval { white-space: nowrap; }
code { font-size: .95em; }
@media print { html { font-size: 10px; } body { margin: 0; padding: 0; max-width: none; }
               tr, li { break-inside: avoid; } th, td { padding: .25rem .35rem; }
               .verdict { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
HEAD = (
    "Claim",
    "Verdict",
    "Clean",
    "Change at the strongest level <small>95 % interval</small>",
    "Change at the first level that counts <small>95 % interval</small>",
    "Spearman <small>with the strength</small>",
    "Onset <small>strength</small>",
)
RULE = f"""
<p>A change is the paired difference from clean: the same images, and at every strength the same
noise or start, scaled. For the geometry it is taken per replicate (capacity averaged harmonically
over classes, the rest arithmetically), with a 95 % interval of Student's t over replicates; for the
accuracy over the test images that were perturbed, with the percentiles of {RESAMPLES:,} bootstrap
samples; clean's accuracy is that of all test images. Strengths of Gaussian noise are standard
deviations σ in pixel units.</p>
<ul>
<li><b>{SYMBOLS[HOLDS]} holds</b>: the interval has the claimed sign and excludes 0 at the first
level that counts and at every stronger one. However small the change: its size stands beside it.
</li>
<li><b>{SYMBOLS[FAILS]} fails</b>: at the strongest level the interval excludes 0 with the other
sign, or lies within ± {100 * NEGLIGIBLE:g} % of clean's value.</li>
<li><b>{SYMBOLS[UNDECIDED]} undecided</b>: anything else; also one replicate, or no level that
counts.</li>
</ul>
<p>The first level that counts is, for the geometry under Gaussian noise, the first above the
paper's threshold σ = {THRESHOLD}; otherwise the first whose accuracy is lower than clean's by an
interval below 0.</p>
<p>Capacity, dimension and radius are judged twice where the run has measured both. The
<b>mean-field theory</b> is the paper's, and comparable with the literature; it takes classes to
have nothing in common but their centers. The <b>joint program</b> takes in all that they have in
common, and is what direct simulation finds. Where the two disagree, believe the joint program.</p>
<p>Spearman's coefficient is that of the mean value with the strength, over all levels, clean among
them. The onset is the first level from which on the value's own 95 % interval is disjoint from
clean's. Clean's value is the mean over replicates; in summary.csv capacities are averaged
harmonically. One level in forty lowers the accuracy by chance alone: where such a weak one comes
first and the next does not, claim 1 is undecided.</p>
"""


EXEMPLARS = """
<p>A manifold of this run is one image under draws of a perturbation (an exemplar manifold), not a
class. A clean image is a single point, so the geometry has no clean value that a change could be
measured from: the claims on it are undecided. They are claims about manifolds of classes besides.
</p>
"""


def claims_page(
    claims: pd.DataFrame, matched: pd.DataFrame | None = None, manifolds: str = "class"
) -> str:
    """Return the page: for each network and family the verdicts on the last layer and on every
    layer; whether noise can stand in for the other families; the rule.

    With several networks or families, a table of all verdicts leads to their sections.

    Parameters
    ----------
    claims
        The table of :func:`.judge_claims`.
    matched
        That of :func:`~manifold_robustness.matching.match_families`, of several families.
    manifolds : {"class", "exemplar"}
        What a manifold of the run is.
    """
    parts = list(claims.groupby(["network", "family"], sort=False))
    sections = [_section(*item, place, manifolds) for place, item in enumerate(parts, start=1)]
    note = EXEMPLARS if manifolds == "exemplar" else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The paper's claims</title><style>{STYLE}</style></head><body>
<h1>The paper's claims, on this run</h1>
{note}{_contents(parts)}{"".join(sections)}{_stand_ins(claims, matched)}
<section id="rule"><h2>What decides</h2>{RULE}</section></body></html>
"""


def _contents(parts):
    """A table of the verdicts that links to the sections; nothing for a single one."""
    if len(parts) == 1:
        return ""
    rows, columns = [], []
    for place, ((network, _), own) in enumerate(parts, start=1):
        name = f"{escape(network)}, {escape(own['family_title'].iloc[0])}"
        shown = own[own["layer_index"].isna() | own["is_last"]]
        columns = columns or [
            f"{row.claim}. {row.quantity.removeprefix('joint_').replace('_', ' ').capitalize()}"
            f"<small>{THEORIES[row.theory]}</small>"
            for row in shown.itertuples()
        ]
        cells = [_verdict(row, "") for _, row in shown.iterrows()]
        rows.append([f'<th><a href="#{_anchor(place)}">{name}</a></th>', *cells])
    return (
        "<nav><h2>All verdicts</h2><p>On the accuracy, and on each network's last layer.</p>\n"
        f'<div class="wide">{_table(["Network, perturbation", *columns], rows)}</div>'
        '<p><a href="#rule">What decides</a></p></nav>\n'
    )


def _section(place, claims, number, manifolds):
    network, title = escape(place[0]), escape(claims["family_title"].iloc[0])
    layers = claims[claims["layer_index"].notna()]
    last = layers[layers["is_last"]]
    layer = escape(last["layer"].iloc[0])
    headline = [_headline(row) for row in [claims.iloc[0], *(row for _, row in last.iterrows())]]
    return f"""
<section id="{_anchor(number)}">
<h2>Network <code>{network}</code>, {title}</h2>
<p class="quiet">{_sample(claims.iloc[0], last.iloc[0], manifolds)}</p>
<h3>Accuracy, and the last layer, <code>{layer}</code></h3>
<div class="wide">{_table(HEAD, headline)}</div>
<h3>Every layer</h3>
<p>The verdict, and the change at the strongest level in % of clean's value. The reason of a
verdict stands in the table claims.csv, and here shows under the pointer.</p>
<div class="wide">{_matrix(layers)}</div>
</section>"""


def _stand_ins(claims, matched):
    """Whether the reference's geometry is that of the others where they cost as much accuracy."""
    if matched is None:
        return ""
    titles = claims.set_index("family")["family_title"].to_dict()
    sections = []
    for network, own in matched.groupby("network", sort=False):
        compared = own[own["verdict"].fillna("") != ""]
        last = compared[compared["layer_index"] == compared["layer_index"].max()]
        quantities = list(dict.fromkeys(last["quantity"]))
        head = ["Perturbation", *(name.replace("_", " ").capitalize() for name in quantities)]
        rows = [
            [
                f"<th>{escape(titles.get(family, family))}</th>",
                *(_stand_in(cells, quantity) for quantity in quantities),
            ]
            for family, cells in last.groupby("family", sort=False)
        ]
        unmatched = own[own["reason"].fillna("") != ""].drop_duplicates("family")
        left_out = "".join(
            f"<li>{escape(titles.get(row.family, row.family))}: {escape(row.reason)}</li>"
            for row in unmatched.itertuples()
        )
        layer = f", <code>{escape(last['layer'].iloc[0])}</code>" if len(last) else ""
        sections.append(
            f"<h3>Network <code>{escape(network)}</code>, the last layer{layer}, at "
            f"{100 * own['accuracy'].iloc[0]:.3g} % accuracy</h3>"
            + (f'<div class="wide">{_table(head, rows)}</div>' if rows else "")
            + (f"<p>Not compared:</p><ul>{left_out}</ul>" if left_out else "")
        )
    return f"""
<section id="stand-ins"><h2>Noise in the place of attacks</h2>
<p>The paper asserts, without having tried it, that images perturbed with noise can stand in for
adversarial attacks. At equal accuracy, is the geometry the same? Each measure is interpolated to
the same accuracy and compared with its value under the reference, noise. <b>differs</b>: the 95 %
interval of the change excludes 0. <b>same</b>: it lies within ± {100 * NEGLIGIBLE:g} %.
<b>undecided</b>: anything else. The table matched.csv has every layer.</p>
{"".join(sections)}</section>"""


def _stand_in(cells, quantity):
    found = cells[cells["quantity"] == quantity]
    if found.empty:
        return "<td>–</td>"
    row = found.iloc[0]
    ends = (f"change_percent{end}" for end in ("", "_low", "_high"))
    change, low, high = (_text(row[name], "+.0f") for name in ends)
    style = {"differs": FAILS, "same": HOLDS}.get(row["verdict"], UNDECIDED)
    return (
        f'<td class="verdict {style}">{escape(row["verdict"])}'
        f"<small>{change} % ({low} to {high})</small></td>"
    )


def _anchor(number):
    """The name of a section: by its place, since names may hold anything."""
    return f"verdicts-{number}"


def _sample(accuracy, last, manifolds):
    replicates = last["n_replicates"]
    of = ("classes", "images") if manifolds == "class" else ("images", "draws")
    return (
        f"P = {last['n_manifolds']} {of[0]}, M = {last['n_points']} {of[1]} of each, "
        f"{replicates} replicate{'' if replicates == 1 else 's'} "
        f"({last['n_images']:,} images); accuracy on {accuracy['n_images']:,} test images. "
        f"Strongest level: {_level(accuracy, accuracy['strength'])}."
    )


def _headline(row):
    percent = row["quantity"] == "accuracy"
    clean = f"{_text(100 * row['clean'], '.2f')} %" if percent else _text(row["clean"], ".3g")
    return [
        f"<th>{row['claim']}. {_phrase(row['statement'])}"
        f"<small>{THEORIES[row['theory']]}</small></th>",
        _verdict(row, _phrase(row["reason"])),
        f'<td class="interval">{clean}</td>',
        _change(row, "", percent),
        _change(row, "first_", percent),
        f"<td>{_text(row['spearman'], '+.2f')}</td>",
        f"<td>{_text(row['onset'], '.4g')}</td>",
    ]


def _matrix(layers):
    statements = layers.drop_duplicates(["claim", "theory"])
    rows = []
    for _, of_layer in layers.groupby("layer_index"):
        place = of_layer.iloc[0]
        cells = [
            _verdict(row, f"{_text(row['change_percent'], '+.0f')} %")
            for _, row in of_layer.iterrows()
        ]
        label = f"<small>{escape(place['layer_label'])}</small>"
        rows.append([f"<th>{escape(place['layer'])}{label}</th>", *cells])
    head = [
        f"{row.claim}. {_phrase(row.statement)}<small>{THEORIES[row.theory]}</small>"
        for row in statements.itertuples()
    ]
    return _table(["Layer, in forward order", *head], rows)


def _table(head, rows):
    cells = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _verdict(row, remark):
    verdict = row["verdict"]
    return (
        f'<td class="verdict {verdict}" title="{_phrase(row["reason"])}">'
        f"{SYMBOLS[verdict]} {verdict}<small>{remark}</small></td>"
    )


def _change(row, prefix, percent):
    strength, effect = row[f"{prefix}strength"], row[f"{prefix}effect"]
    if np.isnan([strength, effect]).any():
        return "<td>–</td>"
    low, high = (_difference(row[f"{prefix}effect_{end}"], percent) for end in ("low", "high"))
    unit = " points" if percent else ""  # a difference of percentages is no percentage
    return (
        f'<td class="interval">{_difference(effect, percent)}{unit} '
        f"({_text(row[f'{prefix}change_percent'], '+.1f')} %)"
        f"<small>{low} to {high}, at {_level(row, strength)}</small></td>"
    )


def _level(row, strength):
    return f"{escape(row['unit'])} = {strength:.4g}"


def _phrase(text):
    return escape(text).replace(" = ", "&nbsp;=&nbsp;")


def _difference(value, percent):
    return _text(100 * value, "+.2f") if percent else _text(value, "+.3g")


def _text(value, form):
    if np.isnan(value):
        return "–"
    text = f"{value:{form}}"
    return text.replace("-", "−") if float(text) else text.lstrip("+-")
