"""What a network reached, beside its weights: a JSON file that knows the files beside it.

Weights, layers and history stand in one folder and belong together. The figures of a network hold
the SHA-256 of each of these files and of themselves, so that one that is another's, or was changed,
is seen by the standard library alone.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from ..errors import StoreError
from ..lineage import Origin, require_origin
from .atomic import sealed_json, unsealed_json, written_beside
from .stamps import UNREADABLE, file_sum

REMEDY = (
    "put the whole folder back as it was or, to train (or import) again, remove it with: "
    "rm -r '{folder}', then give the same command again"
)


def write_metrics(
    path: str | Path, metrics: dict, origin: Origin, beside: Iterable[str | Path]
) -> None:
    """Write a network's figures as JSON, once the files beside it stand.

    Parameters
    ----------
    path
        ``metrics.json``.
    metrics
        Numbers and texts.
    origin
        What the weights were made from.
    beside
        The weights, the list of layers and, of a training, the history: in the folder of `path`.
    """
    content = {**metrics, **origin.attributes()}
    content["files"] = {Path(one).name: file_sum(one) for one in beside}
    with written_beside(path) as partial:
        partial.write_text(json.dumps(sealed_json(content), indent=2) + "\n", encoding="utf-8")


def read_metrics(path: str | Path, wanted: Origin) -> dict:
    """Return a network's figures and their origin.

    Raises
    ------
    StoreError
        For a file that is missing, damaged, or not of the origin `wanted`.
    """
    content = _unsealed(path)
    require_origin(path, content, wanted)
    return content


def require_whole_folder(path: str | Path, sums: dict[str, str]) -> None:
    """Raise :class:`StoreError` unless the files beside ``metrics.json`` are those that it names.

    `sums` are the SHA-256 of the files that are there, by name. One that is another could only be
    made anew by hours of training, so that is left to the reader.
    """
    path = Path(path)
    if not path.is_file():
        raise StoreError(f"Need {path} beside {', '.join(sums)}. Got none; {_remedy(path)}.")
    known = _unsealed(path)["files"]
    for name, found in sums.items():
        if known.get(name) != found:
            raise StoreError(
                f"Need {path.parent / name} as {path.name} beside it knows it. Got one that is "
                f"damaged or of another training; {_remedy(path)}."
            )


def _unsealed(path):
    path = Path(path)
    try:
        content = dict(json.loads(path.read_text(encoding="utf-8")))
    except UNREADABLE as error:
        raise StoreError(f"Need {path} as JSON. Got {error}; {_remedy(path)}.") from None
    try:
        return unsealed_json(content)
    except ValueError:
        raise StoreError(
            f"Need {path} as it was written. Got one that differs; {_remedy(path)}."
        ) from None
    except KeyError:
        raise StoreError(
            f"Need {path} with its checksum. Got one without, which is of an older version of this "
            "project or not ours. To keep the trained weights, move the folder elsewhere and name "
            "its weights.safetensors as weights: of the network; otherwise remove it with: "
            f"rm -r '{path.parent}'."
        ) from None


def _remedy(path):
    return REMEDY.format(folder=Path(path).parent)
