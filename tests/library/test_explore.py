"""The page to explore a run: what it holds, and what a person finds in a real browser."""

import csv
import io
import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from figure_tables import (
    FAMILIES,
    LAYERS,
    LEVELS,
    condition,
    make_accuracy,
    make_pictures,
    make_summary,
    of_families,
    write_pictures,
)
from manifold_robustness import explore
from nasty import CANARY, find_browser

NASTY = f"<img src=x onerror={CANARY}> $x$ {{a}}"
NETWORKS = ["plain", NASTY]
PLACES = [condition(0), *(condition(one, name) for name in FAMILIES for one in LEVELS if one)]
CONTROLS = ("network", "family", "measure", "compare", "x", "scale", "condition")


@pytest.fixture(scope="module")
def tables():
    summary = pd.concat(of_families(make_summary([*LAYERS, NASTY], network=n)) for n in NETWORKS)
    summary.loc[summary["layer"] == "input", "joint_radius"] = math.inf
    summary.loc[summary["layer"] == "input", "readout_accuracy"] = math.nan
    summary.loc[summary["layer"] == "fc.1", "radius_high"] = math.inf
    summary["dimension"] = math.nan
    accuracy = pd.concat(of_families(make_accuracy(network=n)) for n in NETWORKS)
    return {"summary": summary, "accuracy": accuracy}


@pytest.fixture(scope="module")
def data(tables, tmp_path_factory):
    pictures = {}
    for network in NETWORKS:
        folder = tmp_path_factory.mktemp("images")
        predicted = ["car"] * (len(PLACES) - 1) + [NASTY]
        made = make_pictures(len(PLACES))
        stored = write_pictures(folder, PLACES, made, predicted, "car", network)["images"]
        pictures[network] = {name: explore.pictures_of(one) for name, one in stored.items()}
    families = {
        name: {"title": one.title, "strength": vars(one.strength)} for name, one in FAMILIES.items()
    }
    about = "made up: tables of a test"
    given = {"run": "made-up", "about": about, "families": families, "pictures": pictures}
    return explore.page_data(tables["summary"], tables["accuracy"], **given)


@pytest.fixture(scope="module")
def path(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "explore.html"
    path.write_text(explore.build_page(data), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    found = find_browser()
    playwright = pytest.importorskip("playwright.sync_api").sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture
def page(browser, path):
    """The page as it opens; that it asked for nothing and had no error is checked at the end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = open_page(context, path.as_uri())
    yield page
    assert page.said == [] and page.asked == [] and page.title() == "made-up: explore"
    context.close()


def open_page(context, address):
    page = context.new_page()
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda one: page.asked.append(one.url) if outside(one.url) else None)
    page.goto(address)
    wait_for_drawing(page, 0)
    return page


def open_page_of(browser, folder, summary, families=None):
    """A page of its own, of another summary and without images; close its context."""
    noise = {"gaussian": {"title": "Gaussian noise", "strength": {"symbol": "σ"}}}
    given = {"run": "made-up", "about": "a test", "families": families or noise, "pictures": {}}
    data = explore.page_data(summary, make_accuracy(), **given)
    path = folder / "explore.html"
    path.write_text(explore.build_page(data), encoding="utf-8")
    return open_page(browser.new_context(), path.as_uri())


def outside(url):
    return not url.startswith(("file:", "data:", "blob:"))


def drawn(page):
    return int(page.evaluate("document.body.dataset.drawn ?? 0"))


def wait_for_drawing(page, before):
    page.wait_for_function(f"Number(document.body.dataset.drawn ?? 0) > {before}")


def select(page, name, value):
    before = drawn(page)
    page.select_option(f"#{name}", value)
    wait_for_drawing(page, before)


def choose(page, **choice):
    for name, value in choice.items():
        if page.input_value(f"#{name}") != value:
            select(page, name, value)


def numbers(page):
    """The table of the page: by layer, the values in full."""
    return page.evaluate(
        """Object.fromEntries([...document.querySelectorAll('#table tbody tr')].map((row) =>
        [row.querySelector('th').textContent,
         [...row.querySelectorAll('td')].map((cell) => cell.dataset.value)]))"""
    )


def options(page, name):
    values = f"[...document.querySelectorAll('#{name} option')].map((one) => one.value)"
    return page.evaluate(values)


# What it holds


def test_the_data_are_those_of_the_tables(data, tables):
    summary = tables["summary"].set_index(["network", "condition", "layer"])
    for network in data["networks"]:
        for name, values in network["values"].items():
            for place, layer in enumerate(network["layers"]):
                row = summary.loc[(network["name"], name, layer)]
                for measure in ("capacity", "joint_radius", "readout_accuracy"):
                    value = values[measure][0][place]
                    value = {None: math.nan, "inf": math.inf}.get(value, value)
                    assert value == row[measure] or (math.isnan(value) and math.isnan(row[measure]))
    assert [one["name"] for one in data["measures"]][:2] == ["joint_capacity", "capacity"]


def test_whatever_the_data_hold_stays_data(data, path):
    page = path.read_text(encoding="utf-8")
    assert len(page) < 2_000_000
    held = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert "<" not in held[1] and NASTY in [one["name"] for one in data["networks"]]
    assert json.loads(held[1]) == json.loads(json.dumps(data))


def test_a_page_is_the_same_again(data, path):
    assert explore.build_page(data) == path.read_text(encoding="utf-8")


# What a person finds


@pytest.mark.slow
def test_every_value_is_that_of_the_table(page, tables):
    summary = tables["summary"].set_index(["network", "condition", "layer"])
    for network in NETWORKS:
        for family in FAMILIES:
            for measure in ("capacity", "joint_radius", "readout_accuracy"):
                choose(page, network=network, family=family, measure=measure)
                chosen = [p for p in PLACES if p["strength"] == 0 or p["family"] == family]
                found = numbers(page)
                assert set(found) == {*LAYERS, NASTY}
                for layer, values in found.items():
                    wanted = [summary.loc[(network, p["condition"], layer)] for p in chosen]
                    wanted = [row[measure] for row in wanted]
                    assert np.array_equal([float(v) for v in values], wanted, equal_nan=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("control", "changes"),
    [
        ("network", ["#profile", "#curve", "#map"]),
        ("family", ["#profile", "#curve", "#map", "#accuracy", "#table", "#condition"]),
        ("measure", ["#profile", "#curve", "#map", "#table", "#meaning"]),
        ("x", ["#curve", "#x-told"]),
        ("scale", ["#profile", "#curve", "#map"]),
        ("condition", ["#answers"]),
        ("compare", ["#curve", "#x-told"]),
    ],
)
def test_every_control_changes_what_it_says(page, control, changes):
    def shown():
        return {name: page.inner_html(name) for name in changes}

    before, own = shown(), page.input_value(f"#{control}")
    other = next(value for value in options(page, control) if value != own)
    if control == "network":  # the made-up networks differ by their names only
        assert page.evaluate("location.hash").count("network=plain") == 1
        select(page, control, other)
        assert "onerror" in page.evaluate("decodeURIComponent(location.hash)")
        assert NASTY in page.evaluate("document.querySelector('#profile svg').ariaLabel")
        return
    select(page, control, other)
    after = shown()
    assert [name for name in changes if after[name] == before[name]] == []


@pytest.mark.slow
@pytest.mark.parametrize(("boxes", "chart"), [("strengths", "#profile"), ("layers", "#curve")])
def test_boxes_choose_the_lines(page, boxes, chart):
    lines = f"document.querySelectorAll('{chart} .mark-line path').length"
    before, count = page.evaluate(lines), drawn(page)
    page.click(f"details:has(#{boxes}) summary")
    page.click(f"#{boxes} input:checked >> nth=0")
    wait_for_drawing(page, count)
    assert page.evaluate(lines) == before - 1
    assert page.evaluate("document.activeElement.type") == "checkbox", "the focus stays"
    assert page.inner_text(f"#{boxes}-told").startswith(f"{before - 1} of ")


@pytest.mark.slow
def test_another_perturbation_has_lines_of_its_own(page):
    lines = "document.querySelectorAll('#profile .mark-line path').length"
    assert page.evaluate(lines) == len(LEVELS)
    for family in ("pgd", "gaussian"):
        select(page, "family", family)
        assert page.evaluate(lines) == len(LEVELS)


@pytest.mark.slow
def test_the_last_line_stays(page):
    page.click("details:has(#layers) summary")
    for _ in range(10):
        page.click("#layers input:checked >> nth=0")
        page.wait_for_timeout(50)
    assert page.evaluate("document.querySelectorAll('#layers input:checked').length") == 1


@pytest.mark.slow
def test_what_is_not_drawn_is_said(page):
    select(page, "measure", "radius")
    cells = page.inner_text("#table tbody tr:has(th:text-is('fc.1'))")
    assert cells.count("to ∞") == len(LEVELS), "an interval without an end"
    assert page.inner_text("#map-left") == ""
    select(page, "measure", "readout_accuracy")
    assert page.inner_text("#map-left").startswith(f"{len(LEVELS)} of {4 * len(LEVELS)} values")
    select(page, "measure", "dimension")
    assert page.inner_text("#map-left").startswith(f"{4 * len(LEVELS)} of {4 * len(LEVELS)}")
    assert page.query_selector("#map svg") is None


@pytest.mark.slow
def test_a_figure_is_taken_away_as_it_is_on_paper(browser, path):
    context = browser.new_context(color_scheme="dark")
    page = open_page(context, path.as_uri())
    with page.expect_download() as got:
        page.click("#curve + .tools button >> nth=1")
    text = got.value.path().read_text(encoding="utf-8")
    assert 'fill="#ffffff"' in text and "#ececec" not in text
    context.close()


@pytest.mark.slow
def test_a_link_holds_the_choice(page):
    choose(page, network=NASTY, family="pgd", measure="radius", x="accuracy", scale="log")
    choose(page, condition=options(page, "condition")[1])
    other = open_page(page.context, page.url)
    for name in CONTROLS:
        assert other.input_value(f"#{name}") == page.input_value(f"#{name}")
    assert numbers(other) == numbers(page)
    odd = open_page(page.context, page.url.partition("#")[0] + "#network=none&layers=none&x=9")
    assert odd.input_value("#network") == "plain" and odd.said == []
    assert odd.inner_text("#said") == "Not to be had here, from the link: none, 9, none."


@pytest.mark.slow
@pytest.mark.parametrize("chart", ["profile", "curve", "map", "accuracy"])
def test_what_is_shown_can_be_taken_away(page, chart, tables):
    choose(page, network=NASTY, measure="radius")
    with page.expect_download() as got:
        page.click(f"#{chart} + .tools button >> nth=0")
    name = got.value.suggested_filename
    assert name.startswith("made-up-") and name.endswith(f"-{chart}.csv")
    assert re.fullmatch(r"[\w.-]+", name) and "gaussian" in name
    rows = list(csv.DictReader(io.StringIO(got.value.path().read_text(encoding="utf-8"))))
    names = ("network", "condition", "layer")
    if chart == "accuracy":
        known = tables["accuracy"].set_index([*names[:2]])["accuracy"]
        wanted = known.to_dict()
        found = {(row["network"], row["condition"]): float(row["value"]) for row in rows}
    else:
        wanted = tables["summary"].set_index([*names])["radius"].to_dict()
        found = {tuple(row[name] for name in names): float(row["value"]) for row in rows}
    assert len(rows) >= len(LEVELS) and found == {key: wanted[key] for key in found}
    with page.expect_download() as got:
        page.click(f"#{chart} + .tools button >> nth=1")
    assert got.value.path().read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.slow
def test_two_perturbations_stand_against_accuracy(page, tables):
    lines = "document.querySelectorAll('#curve .mark-line path').length"
    before = page.evaluate(lines)
    choose(page, family="pgd", compare="gaussian", measure="capacity")
    assert page.input_value("#x") == "accuracy" and page.evaluate(lines) == 2 * before
    assert page.is_disabled("#x option[value=strength]")
    with page.expect_download() as got:
        page.click("#curve + .tools button >> nth=0")
    rows = list(csv.DictReader(io.StringIO(got.value.path().read_text(encoding="utf-8"))))
    places = [(row["condition"], row["layer"]) for row in rows]
    assert len(set(places)) == len(places), "clean stands in both lines, and once in the file"
    assert {row["family"] for row in rows} == {"clean", "pgd", "gaussian"}
    for chart, told in (("curve", True), ("profile", False)):
        with page.expect_download() as got:
            page.click(f"#{chart} + .tools button >> nth=1")
        assert ("beside Gaussian noise" in got.value.path().read_text(encoding="utf-8")) == told
        assert ("pgd-gaussian" in got.value.suggested_filename) == told
    choose(page, family="gaussian")  # beside itself there is nothing
    assert page.input_value("#compare") == "" and page.evaluate(lines) == before


@pytest.mark.slow
def test_an_interval_beyond_the_axis_does_not_press_the_lines_down(page):
    """The radius of fc.1 has no upper end; lines take most of the height all the same."""
    choose(page, measure="radius")
    boxes = "[...document.querySelectorAll('#profile .role-mark.mark-symbol path')]"
    heights = page.evaluate(f"{boxes}.map((one) => one.getBoundingClientRect().y)")
    frame = page.evaluate("document.querySelector('#profile svg').getBoundingClientRect().height")
    assert max(heights) - min(heights) > 0.25 * frame
    assert "intervals reach beyond the axis" in page.inner_text("#profile-left")


@pytest.mark.slow
def test_what_lies_on_the_floor_is_said(browser, tmp_path):
    summary = make_summary()
    summary["joint_zero_share"] = summary["layer"].map({"fc.1": 1.0, "input": 0.0}).fillna(0.1)
    page = open_page_of(browser, tmp_path, summary)
    assert page.input_value("#measure") == "joint_capacity"
    told = f"holds up {2 * len(LEVELS)} of {3 * len(LEVELS)} values (faint marks) in 5 % of"
    assert told in page.inner_text("#profile-left")
    assert f"{len(LEVELS)} of them lie on it in nearly all" in page.inner_text("#profile-left")
    for layer, words in (("fc.1", "on the floor"), ("layer1.0.conv1", "partly floor")):
        row = f"#table tbody tr:has(th:text-is('{layer}'))"
        assert page.inner_text(row).count(words) == len(LEVELS)
        assert page.inner_text("#table tbody").count(words) == len(LEVELS)
    with page.expect_download() as got:
        page.click("#map + .tools button >> nth=0")
    rows = list(csv.DictReader(io.StringIO(got.value.path().read_text(encoding="utf-8"))))
    assert {(row["layer"], row["floor_share"]) for row in rows} == {
        ("fc.1", "1"),
        ("input", "0"),
        ("layer1.0.conv1", "0.1"),
    }
    page.context.close()


@pytest.mark.slow
def test_a_logarithmic_scale_is_for_what_is_positive(browser, tmp_path):
    summary = make_summary()
    summary["joint_center_alignment"] = -0.1
    page = open_page_of(browser, tmp_path, summary)
    choose(page, scale="log")
    choose(page, measure="joint_center_alignment")
    assert page.input_value("#scale") == "linear" and page.query_selector("#map svg")
    assert page.is_disabled("#scale option[value=log]")
    page.context.close()


@pytest.mark.slow
def test_a_touch_tells_a_point_s_numbers(browser, path):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    page = open_page(context, path.as_uri())
    page.tap("#profile .mark-symbol path >> nth=0")
    page.wait_for_function("document.getElementById('profile-told').textContent.includes(' to ')")
    before = page.inner_text("#profile-told")
    page.dispatch_event("#profile .mark-line path >> nth=0", "click")  # of all points at once
    page.wait_for_function("document.getElementById('profile-told').textContent === ''")
    assert before.startswith("input, Gaussian noise, clean") and page.said == []
    context.close()


@pytest.mark.slow
def test_points_tell_their_numbers(page):
    page.hover("#curve .mark-symbol path >> nth=0")
    tooltip = page.wait_for_selector("#vg-tooltip-element.visible")
    told = tooltip.inner_text()
    assert "95 % interval" in told and "accuracy" in told and "layer" in told


@pytest.mark.slow
def test_images_and_what_they_are_taken_for(page):
    choose(page, condition=options(page, "condition")[-1])
    choose(page, family="jsma")
    choose(page, condition=options(page, "condition")[-1])
    told = page.inner_text("#images")
    assert f"✗ car, taken for {NASTY}" in told
    assert "1 of 1 taken for another class" in page.inner_text("#answers")
    canvas = "document.querySelector('#images canvas')"
    assert "Above each: the same image, clean" in page.inner_text("#images-told")
    for place, image in ((0, 0), ("canvas.height - 1", len(PLACES) - 1)):
        data = f"canvas.getContext('2d').getImageData(0, {place}, 1, 1).data"
        pixel = f"((canvas) => [...{data}])({canvas})"
        page.wait_for_function(f"{pixel}[3] === 255")
        (value,) = {*page.evaluate(pixel)[:3]}
        assert value == pytest.approx(255 * image / len(PLACES), abs=1)
    page.said[:] = [text for text in page.said if "willReadFrequently" not in text]  # by this test


@pytest.mark.slow
def test_by_keyboard(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "network"
    for wanted in ("family", "measure"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == wanted
    before, own = drawn(page), page.input_value("#measure")
    page.keyboard.press("ArrowDown")
    wait_for_drawing(page, before)
    assert page.input_value("#measure") != own
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.id || document.activeElement.textContent")
        )
    assert {"x", "scale", "link", "condition", "CSV", "SVG"} <= reached


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_it_fits_every_screen(browser, path, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = open_page(context, path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = """[...document.querySelectorAll('.chart')].every((one) =>
        one.querySelector('svg').getBoundingClientRect().width <= one.clientWidth + 1)"""
    assert page.evaluate(inside)
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 22, 22)"}[scheme]
    assert page.said == []
    context.close()


@pytest.mark.slow
def test_recorded_activations_beside_a_network(browser, tmp_path):
    """They have layers and a family of their own, and neither accuracies nor images."""
    own = make_summary(["V1", "V4"], [0.0, 0.5], network="cortex")
    own.loc[own["strength"] > 0, ["condition", "family"]] = ["contrast/half", "contrast"]
    names = {name: vars(one.strength) for name, one in FAMILIES.items()}
    families = {name: {"title": name, "strength": one} for name, one in names.items()}
    families["contrast"] = {"title": "Recorded contrast", "strength": {}}
    page = open_page_of(browser, tmp_path, pd.concat([make_summary(), own]), families)
    assert "contrast" not in options(page, "family") and page.query_selector("#accuracy svg")
    choose(page, x="accuracy", measure="capacity")
    choose(page, network="cortex")
    assert options(page, "family") == ["contrast"] and page.input_value("#x") == "strength"
    found = numbers(page)
    wanted = own.sort_values("strength").groupby("layer")["capacity"].apply(list)
    assert {layer: [*map(float, values)] for layer, values in found.items()} == wanted.to_dict()
    assert page.query_selector("#accuracy svg") is None
    assert page.inner_text("#accuracy-left") == "Nothing is known of it for this network."
    assert page.is_disabled("#accuracy + .tools button >> nth=1")
    assert page.inner_text("#answers") == "No images are kept under this perturbation."
    choose(page, network="plain")
    assert set(numbers(page)) == set(LAYERS) and page.said == []
    page.context.close()
