"""Names of classes are data: shown as text in every file, whatever a folder is called."""

import re
import warnings
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_doctree, publish_parts
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from claim_tables import make_accuracy, make_geometry
from figure_tables import NAMES as FIGURES
from figure_tables import about, draw, draw_example, make_pictures, visible_text, write_examples
from manifold_robustness.figures.files import write_figure
from manifold_robustness.files.csv import read_table, write_table
from manifold_robustness.names import printable, printable_names, rst_literal, rst_text
from manifold_robustness.network.data_sets import class_names
from manifold_robustness.paper.claims import JudgedFamily, describe_claims, judge_claims
from manifold_robustness.paper.claims_page import claims_page
from nasty import Server, nasty_names, open_page, text_of

RAW = nasty_names()
SHOWN = printable_names(RAW)
TRUE = next(name for name in SHOWN if name.startswith("a``"))

ANYTHING = st.text(st.characters(codec=None), min_size=1)  # lone surrogates too
PLAIN = {"document", "paragraph", "#text", "literal"}
SIGNS = st.text(alphabet="`*_:|\\<>.[](){}-=+@#^~ ab1\n\"'•", min_size=1)


# As text


@given(ANYTHING)
def test_a_name_is_one_line_of_unicode_that_every_file_can_hold(name):
    shown = printable(name)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]", shown)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert shown == shown.strip() and len(shown.splitlines()) == 1
    ElementTree.fromstring(f"<a>{shown.replace('&', '').replace('<', '')}</a>")


@pytest.mark.parametrize(
    "name",
    [
        "cat",
        "great white shark",
        "日本語",
        "a\u200db",
        "\u200frtl",
        "😀",
        "$x$",
        "C:\\n",
        "<b>",
        "7",
    ],
)
def test_a_name_that_can_be_shown_is_shown_as_it_is(name):
    assert printable(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x85", r"\u0085"),
        ("\udc85\udcff", r"\x85\xff"),
        ("\u202eabc", r"\u202eabc"),
        (" a ", r"\x20a\x20"),
        ("\u3000a", r"\u3000a"),
    ],
)
def test_what_cannot_be_shown_is_an_escape(name, shown):
    assert printable(name) == shown


@given(st.lists(st.text(st.sampled_from("\\n\nx20 \udc85\x85u0"), min_size=1), unique=True))
def test_names_stay_as_different_as_they_were(names):
    shown = printable_names(names)
    assert len(set(shown)) == len(names)


def test_the_classes_of_a_folder_have_names_that_can_be_shown(tmp_path):
    for name in RAW:
        (tmp_path / name).mkdir()
        Image.new("L", (2, 2)).save(tmp_path / name / "a.png")
    found = class_names({"name": "image_folder", "root": str(tmp_path), "image_size": 2})
    assert found == SHOWN and len(found) == len(RAW)
    assert r"caf\xe9 \xff" in found and "W" * 255 in found and "=1+1|cmd" in found


# In tables


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(),
            st.text(alphabet="=+-@\t\r\n'\",; \\\x00NA1.\ufeff"),
            st.sampled_from(["", "NA", "nan", "True", "7", "-1", "1e5", "'", "''", "'=1", "null"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_table_is_read_as_it_was_written(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    numbers = np.linspace(-1, 1, len(names)) / 3
    table = pd.DataFrame({"manifold": names, "value": numbers, "n": -3, "layer": names[::-1]})
    write_table(table, path)
    pd.testing.assert_frame_equal(read_table(path), table, check_exact=True)


def test_no_cell_of_a_table_is_a_formula(tmp_path):
    path, signs = tmp_path / "table.csv", "=+-@\t\r\n＝＋－＠"
    names = [*(f"{sign}1+1|cmd" for sign in signs), "'kept", "cat"]
    write_table(pd.DataFrame({"manifold": names, "reason": names, "value": -1.5}), path)
    written = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in ("manifold", "reason"):
        assert written[column].tolist() == [*(f"'{name}" for name in names[:-1]), "cat"]
    assert set(written["value"]) == {"-1.5"}  # a number is no text
    assert read_table(path)["reason"].tolist() == names


# In the report


@settings(deadline=None)
@given(st.one_of(ANYTHING, SIGNS))
@example("\\\\\\\\")  # a ruler, as each is escaped by another
@example("• point")
@example("1. one")
def test_a_name_is_no_markup(name):
    for page in (rst_text(name), f"So ({rst_text(name)}).", f"- {rst_literal(name)}: b."):
        tree = publish_doctree(page, settings_overrides={"halt_level": 2, "report_level": 5})
        assert printable(name) in tree.astext()
        kinds = {node.tagname for node in tree.findall()}
        assert kinds <= {*PLAIN, "bullet_list", "list_item"}


def examples(folder, **changes):
    """The figure of an image of one class, which is taken for each of the others."""
    levels = [float(level) for level in range(len(SHOWN))]
    inputs = write_examples(folder, make_pictures(len(SHOWN)), SHOWN, TRUE, levels)
    return draw("examples", about(levels, **changes), size=(16, 8), **inputs)


def test_a_caption_shows_the_names_and_is_nothing_else(tmp_path):
    _, text = examples(tmp_path)
    tree = publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 5})
    assert {node.tagname for node in tree.findall()} == {
        "document",
        "paragraph",
        "#text",
        "literal",
    }
    for name in SHOWN:
        assert name in tree.astext()


@pytest.mark.slow
def test_a_caption_runs_and_loads_nothing_in_a_browser(tmp_path):
    with Server() as server:
        names = printable_names(nasty_names(server.host))
        captions = (f"{rst_text(name)} {rst_literal(name)}" for name in names)
        body = publish_parts("\n\n".join(captions), writer_name="html")["body"]
        page = tmp_path / "page.html"
        page.write_text(
            f"<!DOCTYPE html><meta charset=utf-8><title>calm</title>{body}", encoding="utf-8"
        )
        document = open_page(page, tmp_path)
    assert "<title>calm</title>" in document and server.asked == []
    text = re.sub(r"\s+", " ", text_of(re.sub("<[^>]*>", "", document)))
    for name in names:
        assert text.count(re.sub(r"\s+", " ", name)) == 2


def test_the_page_of_the_claims_runs_and_loads_nothing(tmp_path):
    layers = SHOWN[:2]
    geometry, summary = make_geometry({}, layers=layers, network=SHOWN[4])
    claims = judge_claims(
        geometry,
        summary,
        make_accuracy([(0, 0), (5, 5), (100, 5), (500, 10)], network=SHOWN[4]),
        [JudgedFamily("gaussian", "Gaussian noise", "σ", "standard_deviation")],
        1,
    )
    page = claims_page(claims)
    assert "<img" not in page and "<svg" not in page and "<script" not in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    for name in (*layers, SHOWN[4]):
        assert name in text_of(page)
    tree = publish_doctree(describe_claims(claims), settings_overrides={"halt_level": 2})
    assert {node.tagname for node in tree.findall()} == {
        "document",
        "paragraph",
        "#text",
        "literal",
    }
    assert layers[1] in tree.astext()


# In figures


def write(figure, folder):
    paths = {kind: folder / f"figure.{kind}" for kind in ("svg", "png", "text")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that the font lacks, and of room
        write_figure(figure, "Caption.", **paths)
    return paths["svg"]


def is_harmless(svg):
    tree = ElementTree.parse(svg)
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        assert element.tag.partition("}")[2] not in ("script", "foreignObject", "a", "iframe")
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            if name.partition("}")[2] == "href" or name == "href":
                assert value.startswith(("#", "data:image/png;base64,"))
    return True


@pytest.mark.slow
def test_a_figure_shows_the_names_and_is_nothing_but_a_picture(tmp_path):
    figure, _ = examples(tmp_path, network=SHOWN[2], title=SHOWN[3])
    assert is_harmless(write(figure, tmp_path))
    shown = visible_text(figure)
    for name in {*SHOWN} - {TRUE}:
        start = f"✗ {name}"[:12].strip()
        assert any(text.replace("\n", " ").startswith(start) for text in shown), name


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_any_name_of_a_network_family_and_layer(name, tmp_path):
    figure = draw_example(name, tmp_path, layers=SHOWN, network=SHOWN[0], title=SHOWN[2])
    assert is_harmless(write(figure, tmp_path))
