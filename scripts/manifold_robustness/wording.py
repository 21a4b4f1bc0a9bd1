"""Values and names in the sentences of errors: on one line, and short however long they are.

Imported by the workflow itself, so it needs nothing but the standard library.
"""

import unicodedata
from collections.abc import Collection, Sequence
from typing import Any

# Line breaks, control characters, and halves of characters, which no file or terminal can hold.
UNPRINTABLE = ("Cc", "Zl", "Zp", "Cs")


def shown(value: Any, most: int = 40) -> str:
    """Return a value as Python writes it, cut short: a number may have thousands of digits.

    >>> shown("a"), shown(10**50)
    ("'a'", '1000000000000000000000000000000000000000…')
    """
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of so many digits
        return "a number of more than 4,000 digits"
    return cut(text, most)


def cut(text: str, most: int = 100) -> str:
    """Return a text, with an ellipsis for what is beyond a length.

    >>> cut("layer1.conv1", 6), cut("fc", 6)
    ('layer1…', 'fc')
    """
    return text if len(text) <= most else f"{text[:most]}…"


def listed(items: Collection, most: int = 200) -> str:
    """Return items in a row; of many the first ones, and how many there are.

    >>> listed(["a", "b"]), listed(range(1000), 8)
    ('a, b', '0, 1, 2, … (1000 in all)')
    """
    texts = [cut(str(item)) for item in items]
    length, kept = 0, 0
    for text in texts:
        length += len(text) + 2
        if length > most + 2 and kept:
            break
        kept += 1
    row = ", ".join(texts[:kept])
    return row if kept == len(texts) else f"{row}, … ({len(texts)} in all)"


def dotted(path: Sequence) -> str:
    """Return the path of a value in a configuration, as ``training.epochs``.

    >>> dotted(["networks", 0, "name"]), dotted([])
    ('networks.0.name', 'the configuration')
    """
    return ".".join(cut(str(key), 60) for key in path) or "the configuration"


def is_printable(text: str) -> bool:
    r"""Say whether a text has no line break, no control character and no half of a character.

    >>> is_printable("Zürich 东京"), is_printable("a\n")
    (True, False)
    """
    return all(unicodedata.category(character) not in UNPRINTABLE for character in text)
