"""Files that were read whole once need not be read again while nobody touched them.

Whether a file is whole can only be said by reading it. A list beside the logs keeps, for each file
that was read, its size, its number on the disk and its times, among them that of the last change of
any kind (``st_ctime``), which no copy and no program sets back as it does other dates: where all of
these are as they were, so is the content. After a copy of the folder everything is read once more.
"""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from .atomic import sealed_json, unsealed_json, written_beside
from .stamps import UNREADABLE, damage, file_sum

SETTLED = 2 * 10**9  # nanoseconds: a file that changed just now may change within the same tick


class Examined:
    """The checksums of files, and what is wrong with them, from a list or by reading.

    Parameters
    ----------
    path
        Of the list; one that is missing or damaged knows nothing.
    """

    def __init__(self, path: str | Path):
        self._path = Path(path)
        self._known = self._read()
        self._found: dict[str, list] = {}

    def sum_of(self, path: str | Path) -> str:
        """Return the SHA-256 of a file that exists: :func:`~.stamps.file_sum`."""
        return self._examine(path)[0]

    def damage_of(self, path: str | Path) -> str:
        """Return what is wrong with a file that says its origin: :func:`~.stamps.damage`."""
        return self._examine(path)[1]

    def save(self) -> None:
        """Write the list, of the files that were asked for since it was read."""
        now = time.time_ns()
        settled = {
            name: [marks, *found]
            for name, (marks, *found) in self._found.items()
            if now - marks[2] > SETTLED
        }
        if settled == self._known:
            return
        with suppress(OSError), written_beside(self._path) as partial:  # it saves time, no more
            content = sealed_json({"files": settled})
            partial.write_text(json.dumps(content), encoding="utf-8")

    def _examine(self, path):
        name = str(path)
        if name not in self._found:
            marks = _marks(path)
            known = self._known.get(name)
            if not known or known[0] != marks:
                known = [marks, file_sum(path), damage(path)]
            self._found[name] = known
        return self._found[name][1:]

    def _read(self):
        try:
            return unsealed_json(json.loads(self._path.read_text(encoding="utf-8")))["files"]
        except UNREADABLE:
            return {}


def _marks(path):
    found = os.stat(path)
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
