"""One page to explore a run: every measure, layer, strength, and what the network sees.

The page is one HTML file that asks no network for anything: the numbers as JSON, the charts'
library (Vega-Lite, by vl-convert) and the page's own style and script all stand in it.
"""

import base64
import io
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import vl_convert
from PIL import Image

from ..conventions import FLOOR_SHARE
from ..errors import DataError
from ..figures.reading import StoredFile
from ..files.geometry import VARIABLES
from ..files.images import read_answers

HERE = Path(__file__).parent
PARTS = ("page.html", "page.css", "page.js")
ENDS = ("", "_low", "_high")
MOST_PICTURES = 10
LARGEST = 64  # pixels of a picture's side
VEGA_LITE = "6.4"
MAIN = ("joint_capacity", "capacity", "readout_accuracy", "radius", "dimension")
MAIN += ("center_correlation",)


def page_data(
    summary: pd.DataFrame,
    accuracy: pd.DataFrame,
    *,
    run: str,
    about: str,
    families: Mapping[str, Mapping],
    pictures: Mapping[str, Mapping[str, dict]],
) -> dict:
    """Return what the page shows, as JSON values.

    Parameters
    ----------
    summary, accuracy
        The run's tables.
    run, about
        Its name, and what it is of, in a sentence.
    families
        By name: ``title``, and its ``strength`` as a perturbation declares it.
    pictures
        By network and condition, what :func:`pictures_of` returns.

    Returns
    -------
    dict
        Numbers as the tables have them; NaN is null, infinity ``"inf"``.
    """
    measures = [name for name in VARIABLES if name in summary]
    columns = ["network", "condition", "family", "strength"]
    rows = pd.concat([table[columns] for table in (accuracy, summary) if len(table)])
    places = rows.drop_duplicates("condition")
    return {
        "run": run,
        "about": about,
        "floor_share": FLOOR_SHARE,
        "measures": [
            {
                "name": name,
                "label": VARIABLES[name].long_name,
                "units": VARIABLES[name].units,
                "equation": VARIABLES[name].equation,
                "main": name in MAIN,
            }
            for name in sorted(measures, key=_importance)
        ],
        "families": [
            {
                "name": name,
                "title": one["title"],
                "symbol": one["strength"].get("symbol", name),
                "description": one["strength"].get("description", ""),
            }
            for name, one in families.items()
        ],
        "conditions": [
            {
                "name": row.condition,
                "family": row.family,
                "strength": float(row.strength),
                "clean": row.strength == 0,
            }
            for row in places.itertuples()
        ],
        "networks": [
            {
                "name": name,
                **_of_network(
                    summary[summary["network"] == name],
                    accuracy[accuracy["network"] == name],
                    measures,
                ),
                "images": dict(pictures.get(name, {})),
            }
            for name in dict.fromkeys(rows["network"])
        ],
    }


def describe(data: str, sample: str, networks: Mapping[str, str], accuracy: pd.DataFrame) -> str:
    """Return in a sentence what the page is of.

    Parameters
    ----------
    data, sample
        The data set and the numbers of manifolds, points and replicates, in words.
    networks
        Name to a description in words.
    accuracy
        The run's table.

    Examples
    --------
    >>> table = pd.DataFrame({"network": ["a"], "strength": [0.0], "accuracy": [0.987]})
    >>> describe("digits", "P = 10", {"a": "resnet18, trained here"}, table)
    'digits; P = 10. a: resnet18, trained here, accuracy 98.7 % on clean images.'
    """
    clean = accuracy[accuracy["strength"] == 0].set_index("network")["accuracy"]
    told = [
        f"{name}: {words}, accuracy {100 * clean[name]:.1f} % on clean images."
        if name in clean
        else f"{name}: {words}."
        for name, words in networks.items()
    ]
    return " ".join([f"{data}; {sample}.", *told])


def pictures_of(stored: StoredFile) -> dict:
    """Return one image of each class under a condition, and what the network takes them for.

    The first point of each manifold of the first replicate, at most ten, side by side in one PNG.

    Parameters
    ----------
    stored
        A store of images.
    """
    images, predictions, attributes = read_answers(stored.path, stored.wanted)
    count = min(MOST_PICTURES, images.shape[1])
    chosen = images[0, :count, 0]
    if chosen.shape[1] not in (1, 3):
        raise DataError(
            f"Need images of the shape (1 or 3, height, width). Got {chosen.shape[1:]} in "
            f"{stored.path}."
        )
    pixels = np.rint(255 * np.clip(chosen, 0, 1)).astype(np.uint8)
    size = min(LARGEST, max(pixels.shape[2:]))
    strip = Image.new("RGB", (size * count, size))
    for place, one in enumerate(np.moveaxis(pixels, 1, -1)):
        picture = Image.fromarray(one.repeat(3, axis=2) if one.shape[2] == 1 else one)
        strip.paste(picture.resize((size, size), Image.Resampling.BOX), (place * size, 0))
    buffer = io.BytesIO()
    strip.save(buffer, "PNG", optimize=True)
    classes = attributes["classes"]
    return {
        "exemplars": "image_index" in attributes,
        "size": size,
        "strip": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(),
        "truth": list(attributes["manifold_class"][0][:count]),
        "predicted": [classes[found] for found in predictions[0, :count, 0]],
    }


def build_page(data: dict) -> str:
    """Return the page as HTML.

    Whatever the data hold stays data: ``<`` is written as an escape of JSON.
    """
    html, style, script = (HERE.joinpath(name).read_text(encoding="utf-8") for name in PARTS)
    library = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    texts = {
        "STYLE": style,
        "DATA": json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),
        "LIBRARY": library.replace("</script", "<\\/script"),
        "SCRIPT": script,
    }
    # All at once: none of them is looked for in what stands for another.
    return re.sub(r"/\*([A-Z]+)\*/", lambda found: texts[found[1]], html)


def _importance(name: str) -> tuple:
    return (MAIN.index(name) if name in MAIN else len(MAIN),)


def _of_network(summary, accuracy, measures):
    ordered = summary.sort_values("layer_index")
    layers = list(dict.fromkeys(ordered["layer"]))
    values, floors = {}, {}
    for condition, own in ordered.groupby("condition", sort=False):
        own = own.set_index("layer").reindex(layers)
        values[condition] = {
            name: [[_json(value) for value in own[f"{name}{end}"]] for end in ENDS]
            for name in measures
        }
        if "joint_zero_share" in own:
            floors[condition] = [_json(value) for value in own["joint_zero_share"]]
    return {
        "layers": layers,
        "values": values,
        "floors": floors,
        "accuracy": {
            row.condition: [row.accuracy, row.accuracy_low, row.accuracy_high, row.n_images]
            for row in accuracy.itertuples()
        },
    }


def _json(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else float(value)
