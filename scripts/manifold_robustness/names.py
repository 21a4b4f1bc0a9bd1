"""Names from data and configuration, as text that can stand in a table, a page and a figure.

A folder may be called anything that has no slash: lines, control characters and bytes that are no
UTF-8 among it. What can't be written or would move the text around it is shown as an escape.
"""

import re
from collections.abc import Sequence

# Control characters; line and paragraph separators; what turns the direction of all that follows
# (marks, joiners and zero-width spaces touch their neighbours only, and languages and emoji need
# them); undecodable bytes; what no XML file may hold. And spaces at the ends, which nobody sees.
_UNSHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
    r"|\A\s+|\s+\Z"
)
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_PLAIN = re.compile(r"\w(?:[\w ./+-]*\w)?")
_ASCII_SIGNS = re.compile(r"[!-/:-@\[-`{-~]")


def printable(name: str) -> str:
    r"""Return a name on one line of clean Unicode; what can't be shown becomes an escape.

    Most names are returned as they are. An undecodable byte of a file's name, which Python holds as
    a lone surrogate, is shown as ``\xff``, a character as ``\n``, ``\x1b`` or ``\u202e``.

    Examples
    --------
    >>> print(printable("two\nlines"), printable("caf\udce9"), printable("ends in a space "))
    two\nlines caf\xe9 ends in a space\x20
    >>> printable("日本語 $x$ <b>")
    '日本語 $x$ <b>'
    """
    return _UNSHOWN.sub(lambda found: "".join(map(_escape, found[0])), name)


def printable_names(names: Sequence[str]) -> list[str]:
    r"""Return different names as :func:`printable` shows them, as different as they were.

    Where two would be shown alike, the backslashes of all of them are doubled first.

    Examples
    --------
    >>> print(*printable_names(["$\\alpha$", "a\nb"]))
    $\alpha$ a\nb
    >>> print(*printable_names(["a\\nb", "a\nb"]))
    a\\nb a\nb
    """
    shown = [printable(name) for name in names]
    if len(set(shown)) < len(shown):
        shown = [printable(name.replace("\\", "\\\\")) for name in names]
    return shown


def rst_text(words: str) -> str:
    r"""Return words as text of reStructuredText in which no character is markup.

    Examples
    --------
    >>> print(rst_text("a*b <c>_"))
    a\*b \<c\>\_
    """
    text = _without_markup(words)
    # An escaped space is none, and keeps a line from being a list's item or a ruler.
    return text if text[:1].isalnum() else rf"\ {text}"


def rst_literal(name: str) -> str:
    r"""Return a name as a literal of reStructuredText, whatever it holds.

    Examples
    --------
    >>> print(rst_literal("layer4.1.conv2"), rst_literal("a``b"))
    ``layer4.1.conv2`` :literal:`a\`\`b`
    """
    return f"``{name}``" if _PLAIN.fullmatch(name) else f":literal:`{_without_markup(name)}`"


def _without_markup(words):
    return _ASCII_SIGNS.sub(r"\\\g<0>", printable(words))


def _escape(character):
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if 0xDC80 <= code <= 0xDCFF:  # a byte that os.fsdecode could not decode
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def natural(name: str) -> list:
    """Return the key by which names are in the order of the numbers in them.

    >>> sorted(["unit10", "unit2", "a"], key=natural)
    ['a', 'unit2', 'unit10']
    >>> natural("m²")
    [(1, 0, 'm²')]
    """
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]
