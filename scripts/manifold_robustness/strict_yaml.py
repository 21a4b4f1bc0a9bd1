"""YAML without surprises: a key stands once, values are plain, a refusal names file and line.

Imported by the workflow itself, so it needs the standard library and PyYAML only.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from .errors import ConfigurationError
from .wording import cut, dotted, is_printable, shown

LARGEST = 2**20  # bytes of a file; ours has 10,000
DEEPEST = 32  # mappings and lists within each other; our configuration has 5
MOST = 100_000  # values of a file, where those that an alias repeats count again
TAG = "tag:yaml.org,2002:"
MERGE, TEXT = f"{TAG}merge", f"{TAG}str"
SCALARS = {"null": "nothing", "bool": "true or false", "int": "a whole number", "float": "a number"}
# What YAML 1.1 reads another way than people: 010 is 8 there, and 1:30 is 90.
AMBIGUOUS = re.compile(r"[-+]?0[0-9_]+|.*:.*")


def read_mapping(path: str | Path) -> dict:
    """Return what a YAML file maps to its keys; an empty file maps nothing.

    Values are texts, numbers, true, false, null, lists and mappings with texts as keys. A date is
    the text that stands there. Aliases and merge keys (``<<``) are followed, explicit tags of other
    kinds are refused.

    Raises
    ------
    ConfigurationError
        For a file that is missing, is no YAML, or holds no such mapping.
    """
    text = _text(path)
    try:
        loader = _Loader(text, path)
        read = loader.get_single_data()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigurationError(
            f"{path} can't be read as YAML: line {line} holds the character "
            f"{f'U+{error.character:04X}'}, which no text has"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(" ".join(one.split()) for one in (error.context, error.problem) if one)
        raise ConfigurationError(
            f"{path} can't be read as YAML: line {mark.line + 1}: {said[:200]}"
        ) from None
    if read is None:
        return {}
    if not isinstance(read, dict):
        raise ConfigurationError(
            f"{path} must map keys to values, as run: name; it holds {shown(read)}"
        )
    require_plain(read, str(path))
    return read


def require_plain(config: dict, source: str = "config") -> None:
    """Raise :class:`ConfigurationError` for a mapping that holds more than plain values.

    Those are what :func:`read_mapping` returns, not too many, not too deep, and in no text a line
    break or a control character.

    >>> require_plain({"run": "a", "images": {"n_points": 30}})
    >>> require_plain({"run": "two\\nlines"})
    Traceback (most recent call last):
        ...
    manifold_robustness.errors.ConfigurationError: config: run is 'two\\nlines', but must be text \
without line breaks and control characters
    """
    waiting, count = [(config, ())], 0
    while waiting:
        value, path = waiting.pop()
        count += 1
        if count > MOST:
            raise ConfigurationError(
                f"{source} holds more than {MOST:,} values, with those that its aliases repeat; "
                "write out what is meant"
            )
        if len(path) > DEEPEST:
            raise ConfigurationError(
                f"{source}: {dotted(path[:3])} holds lists or mappings more than {DEEPEST} deep; "
                "write them flatter"
            )
        if isinstance(value, dict):
            for key in value:
                _require_key(key, path, source)
            waiting += [(one, (*path, key)) for key, one in value.items()]
        elif isinstance(value, list):
            waiting += [(one, (*path, index)) for index, one in enumerate(value)]
        elif isinstance(value, str):
            if not is_printable(value):
                raise ConfigurationError(
                    f"{source}: {dotted(path)} is {shown(value)}, but must be text without line "
                    "breaks and control characters"
                )
        elif not isinstance(value, (int, float, type(None))):
            raise ConfigurationError(
                f"{source}: {dotted(path)} is a {type(value).__name__}, but must be text, a "
                "number, true, false, null, a list or a mapping"
            )


class _Loader(yaml.SafeLoader):
    """Builds plain values, each whole before what holds it, so that none can hold itself."""

    def __init__(self, text: str, path: str | Path):
        super().__init__(text)
        self.path, self.depth = path, 0

    def compose_node(self, parent, index):
        if self.depth > DEEPEST:
            self.refuse(
                self.peek_event().start_mark,
                f"lists and mappings are more than {DEEPEST} deep; write them flatter",
            )
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_object(self, node, deep=False):
        try:
            return super().construct_object(node, deep=True)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            if isinstance(error, ConfigurationError):
                raise
            came = shown(node.value) if isinstance(node, yaml.ScalarNode) else "this"
            what = SCALARS.get(node.tag.removeprefix(TAG), "value")
            self.refuse(node.start_mark, f"{came} is no {what.removeprefix('a ')}")

    def mapping(self, node):
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node.start_mark, "a mapping is needed here")
        own, merged, lines = {}, {}, {}
        for key, value in node.value:
            if key.tag == MERGE:
                merged = {**self.merged(value), **merged}
                continue
            name = self.key(key)
            line = key.start_mark.line + 1
            if name in own:
                raise ConfigurationError(
                    f"{self.path} holds the key {shown(name)[1:-1]} twice in one place, in lines "
                    f"{lines[name]} and {line}; keep one of them"
                )
            own[name], lines[name] = self.construct_object(value), line
        return {**merged, **own}

    def merged(self, node):
        """What a merge key names: a mapping, or several, of which the first says it."""
        mappings = node.value if isinstance(node, yaml.SequenceNode) else [node]
        values = [self.construct_object(one) for one in mappings]
        if not all(isinstance(value, dict) for value in values):
            self.refuse(node.start_mark, "<< must name a mapping, or a list of mappings")
        return {key: one for value in reversed(values) for key, one in value.items()}

    def key(self, node):
        if isinstance(node, yaml.ScalarNode) and node.tag == TEXT:
            return node.value
        what = SCALARS.get(node.tag.removeprefix(TAG), "no text")
        self.refuse(
            node.start_mark,
            f"a key must be text, and {shown(node.value) if what != 'no text' else 'this one'} is "
            f"{what} in YAML; put it in quotes",
        )

    def whole_number(self, node):
        if AMBIGUOUS.fullmatch(node.value):
            self.refuse(
                node.start_mark,
                f"{cut(node.value, 40)} is {self.construct_yaml_int(node)} in YAML; write that, "
                "or put it in quotes where it is text",
            )
        return self.construct_yaml_int(node)

    def number(self, node):
        if ":" in node.value:
            self.refuse(
                node.start_mark,
                f"{cut(node.value, 40)} is {self.construct_yaml_float(node)} in YAML; write that, "
                "or put it in quotes where it is text",
            )
        return self.construct_yaml_float(node)

    def other(self, node):
        self.refuse(
            node.start_mark,
            f"plain values are needed, and {cut(node.tag.removeprefix(TAG), 60)} is none; leave "
            "the tag away",
        )

    def refuse(self, mark, words):
        raise ConfigurationError(f"{self.path}, line {mark.line + 1}: {words}")


_Loader.yaml_multi_constructors = {}
_Loader.yaml_constructors = {
    f"{TAG}null": _Loader.construct_yaml_null,
    f"{TAG}bool": _Loader.construct_yaml_bool,
    f"{TAG}int": _Loader.whole_number,
    f"{TAG}float": _Loader.number,
    TEXT: _Loader.construct_yaml_str,
    f"{TAG}seq": lambda loader, node: loader.construct_sequence(node, deep=True),
    f"{TAG}map": _Loader.mapping,
    None: _Loader.other,
}
_KNOWN = {MERGE, *(f"{TAG}{name}" for name in SCALARS)}
_Loader.yaml_implicit_resolvers = {  # without dates, which stay the text that they are
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KNOWN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _text(path: str | Path) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path} does not exist; name files of YAML: config.yaml, then overlays (CONFIG=…)"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise ConfigurationError(
            f"{path} has more than {LARGEST:,} bytes; name a configuration of a few pages"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{path} is no text in UTF-8: line {line} holds the byte 0x{content[error.start]:02x}; "
            "save it as UTF-8"
        ) from None


def _require_key(key: Any, path: tuple, source: str) -> None:
    if not isinstance(key, str):
        raise ConfigurationError(
            f"{source}: {dotted(path)} has the key {shown(key)}, but a key must be text; put it in "
            "quotes"
        )
    if not is_printable(key):
        raise ConfigurationError(
            f"{source}: {dotted(path)} has the key {shown(key)}, but a key must be text without "
            "line breaks and control characters"
        )
