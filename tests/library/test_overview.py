"""The report's first page: what was run, on what, and what came out."""

import pandas as pd
import pytest
from docutils.core import publish_doctree
from docutils.nodes import Text

from manifold_robustness.overview import SHOWN, describe_run

ABOUT = {
    "run": "mine",
    "command": "make run CONFIG=mine.yaml",
    "data": "A data set",
    "networks": {"one": "resnet18, trained here", "two": "net.py:build, own.pth"},
    "families": {"gaussian": "Gaussian noise", "gone": "No such rows"},
    "correct_for": "own",
}


def rows(network, condition, family, strength):
    return {"network": network, "condition": condition, "family": family, "strength": strength}


CONDITIONS = [("clean", "clean", 0.0), ("gaussian/sigma-0.1", "gaussian", 0.1)]


def make_summary(width=0.125):
    found = []
    for n, network in enumerate(ABOUT["networks"]):
        for c, place in enumerate(CONDITIONS):
            for index, layer in enumerate(["input", f"head_{n}"]):
                row = rows(network, *place) | {"layer": layer, "layer_index": index}
                row |= {"n_manifolds": 10, "n_points": 30, "n_replicates": 3}
                for k, name in enumerate(SHOWN):
                    value = 1 + n + 0.25 * c + k + 10 * (index == 0)
                    ends = {"low": value - width, "high": value + width}
                    row |= {name: value} | {f"{name}_{end}": one for end, one in ends.items()}
                row["joint_zero_share"] = 0.5 * (index == 1) * c
                found.append(row)
    return pd.DataFrame(found)


def make_accuracy():
    found = []
    for network in ABOUT["networks"]:
        for c, place in enumerate(CONDITIONS):
            value = 0.9 - 0.5 * c
            ends = {"accuracy_low": value - 0.01, "accuracy_high": value + 0.01}
            found.append(rows(network, *place) | {"n_images": 1000, "accuracy": value} | ends)
    return pd.DataFrame(found)


def make_claims():
    found = []
    for network in ABOUT["networks"]:
        for statement, index, verdict in [
            ("Accuracy falls", None, "holds"),
            ("Capacity falls", 0, "fails"),
            ("Capacity falls", 1, "undecided"),
        ]:
            row = {"network": network, "statement": statement, "verdict": verdict, "claim": 1}
            row |= {"family": "gaussian", "family_title": "Gaussian noise", "theory": ""}
            found.append(row | {"layer_index": index, "is_last": index == 1})
    return pd.DataFrame(found)


def make_attacks(*verdicts):
    statements = [f"number {n} leaves 1.5 % right" for n in range(len(verdicts))]
    about = {"network": "o*ne", "check": "falls"}
    return pd.DataFrame(
        {"verdict": verdicts, "statement": statements} | about, index=range(len(verdicts))
    )


def describe(summary=None, claims=None, attacks=None, accuracy=None, **changes):
    summary = make_summary() if summary is None else summary
    accuracy = make_accuracy() if accuracy is None else accuracy
    return describe_run(summary, accuracy, claims, attacks, **{**ABOUT, **changes})


def words(page):
    """Return the page's text as a reader sees it; docutils must have nothing to complain of."""
    tree = publish_doctree(page, settings_overrides={"halt_level": 2, "report_level": 5})
    return " ".join(" ".join(node.astext() for node in tree.findall(Text)).split())


def test_it_says_what_was_run_and_what_came_out():
    text = words(describe(claims=make_claims()))
    assert "mine : A data set; P = 10 classes, M = 30 test images of each that the network" in text
    assert "under 2 conditions" in text and "make run CONFIG=mine.yaml" in text
    assert "clean accuracy 90.0 % (89 to 91) on 1,000 test images. Its last" in text
    part = make_accuracy()
    part["n_images"] = part["n_images"].where(part["condition"] == "clean", 300)
    assert ", the accuracy under perturbations on 300 images. Its last" in words(
        describe(accuracy=part)
    )
    # The last layer of each network, clean and at the strongest level of each family.
    for line in [
        "clean 90.0 % (89 to 91) 1 (0.875 to 1.12) 2 (1.88 to 2.12)",
        "accuracy capacity joint capacity dimension radius center correlation readout accuracy",
        "Gaussian noise, sigma-0.1 40.0 % (39 to 41) 1.25 (1.12 to 1.38)",
        "Gaussian noise, sigma-0.1 40.0 % (39 to 41) 2.25 (2.12 to 2.38)",
    ]:
        assert line in text, text
    assert "No such rows" not in text
    assert text.count("Gaussian noise: Accuracy falls: holds ; Capacity falls: undecided") == 2


def test_what_matters_stands_on_the_first_screen():
    one = {"networks": {"one": "resnet18"}}
    tables = {"summary": make_summary().query("network == 'one'")}
    tables["accuracy"] = make_accuracy().query("network == 'one'")
    tables["claims"] = make_claims().query("network == 'one'")
    text = words(describe(**tables, attacks=make_attacks("holds"), **one))
    places = [
        text.index(part)
        for part in (
            "mine : A data set",
            "Network one",
            "Gaussian noise: Accuracy falls: holds",
            "Warnings.",
            "Attacks. 1 of 1",
            "make run CONFIG=mine.yaml",
            "explore.html",
            "Two capacities.",
            "How to read it.",
        )
    ]
    assert places == sorted(places)
    assert "networks , clean and under" not in text


def test_several_networks_are_compared_before_each_is_described():
    text = words(describe(claims=make_claims()))
    head = "network accuracy, clean accuracy, Gaussian noise, sigma-0.1 capacity, clean"
    rows = "one , resnet18, trained here 90.0 % (89 to 91) 40.0 % (39 to 41) 1 (0.875 to 1.12)"
    assert head in text and rows in text, text
    counted = "Accuracy falls: holds in 2; Capacity falls: undecided in 2."
    assert counted in text.replace(" ;", ";").replace(" .", "."), text
    parts = (rows, "in 2", "To repeat it", "Network one", "Network two")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    exemplars = make_summary()
    exemplars = exemplars[exemplars["condition"] != "clean"]
    assert "capacity, Gaussian noise, sigma-0.1" in words(describe(exemplars))


def test_it_warns_where_points_are_too_few_for_a_dimension():
    assert "as they have points" not in words(describe())
    summary = make_summary()
    place = summary.index[(summary["layer"] == "head_1") & (summary["strength"] == 0.1)][0]
    summary.loc[place, "dimension"] = 15.5
    text = words(describe(summary))
    assert "In 1 of 8 layers of networks under conditions the dimension is above half of M" in text
    assert "(at most 15.5, two , head_1 under gaussian/sigma-0.1 )" in text
    alone = {
        "networks": {"two": "net.py:build"},
        "accuracy": make_accuracy().query("network == 'two'"),
    }
    text = words(describe(summary.query("network == 'two'"), **alone))
    assert "In 1 of 4 layers and conditions the dimension is above half of M = 30" in text
    assert "(at most 15.5, head_1 under" in text
    quiet = make_summary().assign(joint_zero_share=0.0)
    assert "Warnings : none." in words(describe(quiet))


def test_it_says_what_an_exemplar_manifold_is_and_leaves_clean_measures_out():
    summary = make_summary()
    noisy = summary[summary["condition"] != "clean"]
    text = words(describe(summary=noisy, manifolds="exemplar"))
    assert "; exemplar manifolds of P = 10 test images that the network classifies" in text
    assert "each under M = 30 draws of a perturbation, 3 disjoint draws, under 2 conditions" in text
    assert "clean 90.0 % (89 to 91) – – – – – – Gaussian noise, sigma-0.1 40.0 %" in text
    assert "A clean image is a single point" in text
    assert "Exemplar manifolds." not in words(describe())


def test_it_says_how_far_the_two_capacities_are_apart():
    text = words(describe())
    assert (
        "differs here by -50 % ( one , head_0 under clean ) to -8 % ( two , input under" in text
    ), text
    assert (
        "In 2 of 8 layers of networks under conditions the joint capacity is on its floor" in text
    )
    alone = make_summary().drop(columns=["joint_capacity", "readout_accuracy"])
    text = words(describe(alone))
    assert "joint capacity" not in text and "center correlation clean 90.0 %" in text


def test_it_warns_of_attacks_that_may_not_find_their_way():
    text = words(describe(attacks=make_attacks("holds", "warns", "warns")))
    assert "2 of 3 checks of attacks hint that an attack does not find its way" in text
    broken = words(describe(attacks=make_attacks("holds", "broken", "warns")))
    assert "1 of 3 checks of attacks fail, which they must not: o*ne : number 1 leaves" in broken
    assert "Attacks. 1 of 3 checks of attacks are as expected." in text
    assert "o*ne : number 1 leaves 1.5 % right. o*ne : number 2 leaves" in text
    assert "number 0" not in text
    text = words(describe(attacks=make_attacks("holds", "holds")))
    assert "Attacks. 2 of 2 checks of attacks are as expected, so none of them hints" in text
    gradients = make_attacks("holds").assign(check="gradients")
    assert "seldom zero. No attacks were compared." in words(describe(attacks=gradients))
    for none in (None, make_attacks()):
        assert "checks of attacks" not in words(describe(attacks=none))


def test_without_perturbations_there_is_one_row_for_each_network():
    summary, accuracy = make_summary(), make_accuracy()
    clean = [table[table["condition"] == "clean"] for table in (summary, accuracy)]
    page = describe_run(*clean, None, None, **ABOUT | {"families": {"clean": "No perturbation"}})
    text = words(page)
    assert "No perturbation" not in text and text.count("clean 90.0 %") == 2
    assert "network accuracy, clean capacity, clean joint capacity, clean one" in text


def test_without_noise_there_are_no_claims_and_with_one_draw_no_intervals():
    text = words(describe(make_summary(float("nan"))))
    assert "claims" not in text and "clean 90.0 % (89 to 91) 1 2 3 4 5 6" in text


@pytest.mark.parametrize(
    ("whose", "said"),
    [
        ("own", "that the network classifies correctly"),
        ("every_network", "that every network classifies correctly"),
        ("none", "whether they are classified correctly or not"),
    ],
)
def test_it_says_which_images_were_taken(whose, said):
    assert said in words(describe(correct_for=whose))


@pytest.mark.parametrize(
    "name",
    ["a*b*c", "`x`_", "|sub|", "<b>raw</b>", "x_", "\\ back", "a``b", "- x", "x::", ":raw:`x`"],
)
def test_names_are_shown_as_they_are(name):
    page = describe(data=name, networks={"one": name}, command=f"make {name}", run=name)
    tree = publish_doctree(page, settings_overrides={"halt_level": 2, "report_level": 5})
    assert tree.astext().count(name) == 4
    assert not {"reference", "raw", "substitution_reference", "literal_block"} & {
        node.tagname for node in tree.findall()
    }


def test_a_name_of_several_lines_starts_no_directive():
    page = describe(data="a\n\n.. raw:: html\n\n   <img src=x>\n")
    assert r"a\n\n.. raw:: html\n\n   <img src=x>\n" in publish_doctree(page).astext()
    assert "raw" not in {node.tagname for node in publish_doctree(page).findall()}
