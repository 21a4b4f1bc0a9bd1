"""The page of the verdicts: whole, self-contained, and told without colour."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from claim_tables import CLEAN, HOLDING, make_accuracy, make_geometry
from manifold_robustness.paper.claims import JudgedFamily, judge_claims
from manifold_robustness.paper.claims_page import claims_page

ODD = '<b>&"conv"'
COUNTS = [(0, 0), (5, 5), (100, 5), (500, 10)]
CHANGES = {
    ("radius", "fc.1"): HOLDING,
    ("capacity", "fc.1"): {0.1: -0.3, 0.5: [-0.5, 0.8, 0.3]},
    ("capacity", ODD): {0.1: -0.3, 0.5: [-0.4, -0.5, -0.45]},
}


class Page(HTMLParser):
    """The rows of every table as lists of cells' text; every element must be closed."""

    VOID = ("meta",)

    def __init__(self, text):
        super().__init__()
        self.open, self.tables, self.text = [], [], []
        self.classes, self.titles, self.anchors, self.links = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        if tag not in self.VOID:
            self.open.append(tag)
        self.anchors += [value for name, value in attributes if name == "id"]
        self.links += [value for name, value in attributes if name == "href"]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.classes += [dict(attributes).get("class", "")]
            self.titles += [title for name, title in attributes if name == "title"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data.replace("\xa0", " ")


NOISE = JudgedFamily("gaussian", '<i>"noise"', "σ", "standard_deviation")


def make_page(changes=CHANGES, clean=CLEAN, counts=COUNTS, networks=("resnet18",), joint=False):
    parts = [
        (
            *make_geometry(changes, layers=(ODD, "fc.1"), clean=clean, network=network),
            make_accuracy(counts, network=network),
        )
        for network in networks
    ]
    tables = [pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True)]
    claims = judge_claims(*tables, [NOISE], 1)
    return claims_page(claims if joint else claims[claims["theory"] != "joint"])


def test_a_page_of_exemplars_says_what_a_manifold_is_and_judges_the_accuracy():
    geometry, summary = make_geometry(CHANGES, layers=(ODD, "fc.1"))
    noisy = [table[table["strength"] > 0] for table in (geometry, summary)]
    claims = judge_claims(*noisy, make_accuracy(COUNTS), [NOISE], 1)
    found = Page(claims_page(claims, None, "exemplar"))
    text = " ".join(" ".join(found.text).split())
    assert "A manifold of this run is one image under draws of a perturbation" in text
    assert "P = 2 images, M = 6 draws of each, 3 replicates (6 images)" in text
    assert "A manifold of this run" not in " ".join(Page(make_page()).text)
    headline = found.tables[0]
    assert "holds" in headline[1][1] and len(headline) == 9
    for row in headline[2:]:
        assert "undecided" in row[1] and row[2:] == ["–"] * 5


@pytest.fixture(scope="module")
def page():
    return Page(make_page())


def test_the_headline_is_the_accuracy_and_the_last_layer(page):
    head, *rows = page.tables[0]
    assert len(head) == 7 and [len(row) for row in rows] == [7] * 5
    assert [row[0][:2] for row in rows] == ["1.", "2.", "3.", "4.", "5."]
    verdicts = ["✓ holds", "? undecided", "✗ fails", "✓ holds", "✗ fails"]
    for row, verdict in zip(rows, verdicts, strict=True):
        assert row[1].startswith(verdict)
    accuracy, radius = rows[0], rows[3]
    assert accuracy[2] == "90.00 %"
    assert accuracy[3].startswith("−49.00 points (−54.4 %)−52.")
    assert accuracy[4] == "−9.50 points (−10.6 %)−11.40 to −7.60, at σ = 0.1"
    assert radius[2] == "1.13" and radius[3].startswith("+0.45 (+39.7 %)+0.326 to +0.574, at σ")
    assert rows[2][5] == "–" and accuracy[6] == "0.1"  # no coefficient of what is constant


def test_the_matrix_has_a_row_per_layer_and_a_column_per_claim(page):
    head, first, last = page.tables[1]
    assert [cell[:2] for cell in head[1:]] == ["2.", "3.", "4.", "5."]
    assert first[0] == f"{ODD}layer_0_X" and last[0] == "fc.1layer_1_X"
    assert first[1:] == ["✓ holds−40 %", "✗ fails0 %", "✗ fails0 %", "✗ fails0 %"]
    assert last[1] == "? undecided+18 %" and last[3] == "✓ holds+40 %"


def test_colours_follow_the_words(page):
    assert sorted(set(page.classes)) == [
        "",
        "interval",
        "verdict fails",
        "verdict holds",
        "verdict undecided",
    ]
    assert page.classes.count("verdict holds") == 4
    assert len(page.titles) == 5 + 8  # each verdict says why
    assert page.titles[-2].replace("\xa0", " ") == "grows at every level from σ = 0.1"


def test_the_page_says_its_sample_and_its_rule(page):
    text = " ".join("".join(page.text).split())
    assert "P = 2 classes, M = 6 images of each, 3 replicates (36 images)" in text
    assert "accuracy on 1,000 test images" in text and "Strongest level: σ = 0.5." in text
    assert 'Network resnet18, <i>"noise"' in text
    for word in ("paired difference", "± 5 %", "10,000 bootstrap", "one replicate"):
        assert word in text


def test_names_are_escaped_and_nothing_is_loaded():
    text = make_page()
    assert ODD not in text and "&lt;b&gt;&amp;&quot;conv&quot;" in text
    assert not re.search(r"https?:|src=|href=|<script|@import|url\(", text)


def test_both_theories_stand_side_by_side():
    changes = CHANGES | {("joint_radius", "fc.1"): {0.1: -0.3, 0.5: [-0.4, -0.5, -0.45]}}
    page = Page(make_page(changes, joint=True))
    head, *rows = page.tables[0]
    assert [row[0][:2] for row in rows] == ["1.", "2.", "2.", "3.", "3.", "4.", "4.", "5."]
    theory, joint = rows[5], rows[6]
    assert theory[0].endswith("mean-field theory") and joint[0].endswith("joint program")
    assert theory[1].startswith("✓ holds") and joint[1].startswith("✗ fails")
    head, _, last = page.tables[1]
    assert head[6].endswith("joint program") and last[6].startswith("✗ fails")
    assert len(last) == 8


def test_a_table_of_all_verdicts_leads_to_each_network_s_section():
    networks = ["plain", "noise", "pgd", "guided", ODD]
    text = make_page(networks=networks)
    page = Page(text)
    assert len(page.tables) == 1 + 2 * len(networks)
    assert page.anchors == [f"verdicts-{place}" for place in range(1, 6)] + ["rule"]
    assert page.links == [f"#{anchor}" for anchor in page.anchors]
    head, *rows = page.tables[0]
    assert head[1:4] == [
        "1. Accuracy",
        "2. Capacitymean-field theory",
        "3. Dimensionmean-field theory",
    ]
    for network, row in zip(networks, rows, strict=True):
        assert row[0] == f'{network}, <i>"noise"' and row[1] == "✓ holds"
        assert row[2:] == ["? undecided", "✗ fails", "✓ holds", "✗ fails"]
    words = " ".join("".join(page.text).split())
    for network in networks:
        assert f'Network {network}, <i>"noise" P = 2 classes' in words
    assert ODD not in text and "<i>" not in text and "src=" not in text


def test_a_single_network_is_named_and_needs_no_list(page):
    assert "Network resnet18" in " ".join("".join(page.text).split())
    assert page.links == [] and page.anchors == ["verdicts-1", "rule"]


def test_what_is_unknown_is_a_dash():
    page = Page(make_page(clean=CLEAN[:1], changes={("radius", "fc.1"): {0.1: 0.1, 0.5: np.nan}}))
    rows = page.tables[0]
    assert rows[4][3] == "–" and rows[4][6] == "–"
    assert not any("nan" in cell.lower() for row in rows for cell in row)
    assert any("1 replicate (" in text for text in page.text)


def test_noise_in_the_place_of_attacks_is_a_section_of_its_own():
    geometry, summary = make_geometry(CHANGES, layers=(ODD, "fc.1"))
    claims = judge_claims(geometry, summary, make_accuracy(COUNTS), [NOISE], 1)
    attacks = claims.assign(family="pgd", family_title="<b>PGD")
    weak = claims.assign(family="weak", family_title="Weak")
    shared = {"network": "resnet18", "accuracy": 0.45, "reason": ""}
    rows = [
        {**shared, "family": "pgd", "layer": layer, "layer_index": index, "quantity": quantity}
        | {"change_percent": change, "change_percent_low": change - 5, "verdict": verdict}
        | {"change_percent_high": np.inf}
        for index, layer in enumerate((ODD, "fc.1"))
        for quantity, change, verdict in (("capacity", -40, "differs"), ("radius", 0.2, "same"))
    ]
    rows += [{**shared, "family": "gaussian", "layer": "fc.1", "layer_index": 1}]
    rows += [{**shared, "family": "weak", "reason": "accuracy stays"}]
    text = claims_page(pd.concat([claims, attacks, weak]), pd.DataFrame(rows))
    page = Page(text)
    head, *found = page.tables[-1]
    assert head == ["Perturbation", "Capacity", "Radius"] and len(found) == 1
    assert found[0] == ["<b>PGD", "differs−40 % (−45 to +inf)", "same0 % (−5 to +inf)"]
    words = " ".join("".join(page.text).split())
    assert "at 45 % accuracy" in words and "Not compared:Weak: accuracy stays" in words
    assert "Noise in the place" not in claims_page(claims)
