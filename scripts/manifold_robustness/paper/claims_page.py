"""The verdicts on the paper's claims as one self-contained page of HTML."""

from html import escape

import numpy as np
import pandas as pd

from ..intervals import RESAMPLES
from .claims import FAILS, HOLDS, NEGLIGIBLE, THRESHOLD, UNDECIDED

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
    "Spearman <small>with σ</small>",
    "Onset <small>σ</small>",
)
RULE = f"""
<p>A change is the paired difference from clean: the same images, and at every strength the same
noise, scaled. For the geometry it is taken per replicate (capacity averaged harmonically over
classes, the rest arithmetically), with a 95 % interval of Student's t over replicates; for the
accuracy over the test images, with the percentiles of {RESAMPLES:,} bootstrap samples. σ is a
standard deviation in pixel units.</p>
<ul>
<li><b>{SYMBOLS[HOLDS]} holds</b>: the interval has the claimed sign and excludes 0 at the first
level above σ = {THRESHOLD} and at every stronger one (accuracy: from the first level whose interval
lies below 0). However small the change: its size stands beside it.</li>
<li><b>{SYMBOLS[FAILS]} fails</b>: at the strongest level the interval excludes 0 with the other
sign, or lies within ± {100 * NEGLIGIBLE:g} % of clean's value.</li>
<li><b>{SYMBOLS[UNDECIDED]} undecided</b>: anything else; also one replicate, or no level above
σ = {THRESHOLD}.</li>
</ul>
<p>Spearman's coefficient is that of the mean value with σ, over all levels, clean among them. The
onset is the first level from which on the value's own 95 % interval is disjoint from clean's.
Clean's value is the mean over replicates; in summary.csv capacities are averaged harmonically. One
level in forty lowers the accuracy by chance alone: where such a weak one comes first and the next
does not, claim 1 is undecided.</p>
"""


def claims_page(claims: pd.DataFrame) -> str:
    """Return the page: of each network the verdicts on the last layer and on every layer; the rule.

    With several networks, a list of them leads to their sections.

    Parameters
    ----------
    claims
        The table of :func:`.judge_claims`.
    """
    networks = list(claims.groupby("network", sort=False))
    sections = [_network_section(*item, place) for place, item in enumerate(networks, start=1)]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The paper's claims about Gaussian noise</title><style>{STYLE}</style></head><body>
<h1>The paper's claims about Gaussian noise, on this run</h1>
{_contents([network for network, _ in networks])}{"".join(sections)}
<section id="rule"><h2>What decides</h2>{RULE}</section></body></html>
"""


def _contents(networks):
    """A list of links to the networks' sections; nothing for a single network."""
    if len(networks) == 1:
        return ""
    links = [
        f'<li><a href="#{_anchor(place)}">{escape(network)}</a></li>'
        for place, network in enumerate(networks, start=1)
    ]
    return (
        f"<nav><p>{len(networks)} networks:</p>\n<ul>{''.join(links)}"
        '<li><a href="#rule">What decides</a></li></ul></nav>\n'
    )


def _network_section(network, claims, place):
    layers = claims[claims["layer_index"].notna()]
    last = layers[layers["layer_index"] == layers["layer_index"].max()]
    layer = escape(last["layer"].iloc[0])
    headline = [_headline(row) for row in [claims.iloc[0], *(row for _, row in last.iterrows())]]
    return f"""
<section id="{_anchor(place)}">
<h2>Network <code>{escape(network)}</code></h2>
<p class="quiet">{_sample(claims.iloc[0], last.iloc[0])}</p>
<h3>Accuracy, and the last layer, <code>{layer}</code></h3>
<div class="wide">{_table(HEAD, headline)}</div>
<h3>Every layer</h3>
<p>The verdict, and the change at the strongest level in % of clean's value. The reason of a
verdict stands in the table claims.csv, and here shows under the pointer.</p>
<div class="wide">{_matrix(layers)}</div>
</section>"""


def _anchor(place):
    """The name of a section: by its place, since a network's name may hold anything."""
    return f"network-{place}"


def _sample(accuracy, last):
    replicates = last["n_replicates"]
    return (
        f"P = {last['n_manifolds']} classes, M = {last['n_points']} images of each, "
        f"{replicates} replicate{'' if replicates == 1 else 's'} "
        f"({last['n_images']:,} images); accuracy on {accuracy['n_images']:,} test images. "
        f"Strongest level: σ = {accuracy['sigma']:.4g}."
    )


def _headline(row):
    percent = row["quantity"] == "accuracy"
    clean = f"{_text(100 * row['clean'], '.2f')} %" if percent else _text(row["clean"], ".3g")
    return [
        f"<th>{row['claim']}. {_phrase(row['statement'])}</th>",
        _verdict(row, _phrase(row["reason"])),
        f'<td class="interval">{clean}</td>',
        _change(row, "", percent),
        _change(row, "first_", percent),
        f"<td>{_text(row['spearman'], '+.2f')}</td>",
        f"<td>{_text(row['onset'], '.4g')}</td>",
    ]


def _matrix(layers):
    statements = layers.drop_duplicates("claim").sort_values("claim")
    rows = []
    for _, of_layer in layers.groupby("layer_index"):
        place = of_layer.iloc[0]
        cells = [
            _verdict(row, f"{_text(row['change_percent'], '+.0f')} %")
            for _, row in of_layer.sort_values("claim").iterrows()
        ]
        label = f"<small>{escape(place['layer_label'])}</small>"
        rows.append([f"<th>{escape(place['layer'])}{label}</th>", *cells])
    head = [f"{row.claim}. {_phrase(row.statement)}" for row in statements.itertuples()]
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
    sigma, effect = row[f"{prefix}sigma"], row[f"{prefix}effect"]
    if np.isnan(sigma):
        return "<td>–</td>"
    low, high = (_difference(row[f"{prefix}effect_{end}"], percent) for end in ("low", "high"))
    unit = " points" if percent else ""  # a difference of percentages is no percentage
    return (
        f'<td class="interval">{_difference(effect, percent)}{unit} '
        f"({_text(row[f'{prefix}change_percent'], '+.1f')} %)"
        f"<small>{low} to {high}, at σ = {sigma:.4g}</small></td>"
    )


def _phrase(text):
    return escape(text).replace(" = ", "&nbsp;=&nbsp;")


def _difference(value, percent):
    return _text(100 * value, "+.2f") if percent else _text(value, "+.3g")


def _text(value, form):
    if np.isnan(value):
        return "–"
    text = f"{value:{form}}"
    return text.replace("-", "−") if float(text) else text.lstrip("+-")
