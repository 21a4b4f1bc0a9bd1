"""Finished files are whole: written beside, then renamed."""

import errno
import glob
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import StoreError

HOST = socket.gethostname()
ABANDONED = 2 * 24 * 3600  # seconds after which nobody on another host writes a file any more
SEAL_LENGTH = len("\nsha256 \n") + 64
SEAL_KEY = "sha256"  # of JSON
STAMP, STAMP_LENGTH = b"\norigin ", b"\n%012d"  # before it; after it, its length


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """Give the path of a file to write; it becomes `path` when the block ends well.

    Raises
    ------
    StoreError
        Where the disk has no room. Whatever goes wrong, the partial file is removed and an
        older `path` stays as it was.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "table.csv"
    >>> with written_beside(target) as partial:
    ...     _ = partial.write_text("a,b")
    >>> target.read_text()
    'a,b'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    partial = path.with_name(f".{path.name}.{HOST}-{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise StoreError(
            f"no room to write {path} ({error.strerror}); free some space there, then run again: "
            "what is finished stays"
        ) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def sealed(content: bytes, origin: dict | None = None) -> bytes:
    """Return bytes with a last line that holds their SHA-256.

    Before it may stand a line with what the content says of its origin, and one with that line's
    length, for who can't read the content itself; :func:`unsealed` leaves them there.

    >>> unsealed(sealed(b"abc"))
    b'abc'
    """
    if origin is not None:
        said = json.dumps(origin).encode("ascii")
        content += STAMP + said + STAMP_LENGTH % len(said)
    return content + _seal(content)


def unsealed(content: bytes) -> bytes:
    """Return what was sealed; raise `ValueError` where a bit of it is another now."""
    content, seal = content[:-SEAL_LENGTH], content[-SEAL_LENGTH:]
    if seal != _seal(content):
        raise ValueError("its checksum is not that of its content")
    return content


def sealed_json(content: dict) -> dict:
    """Return JSON values with their SHA-256, as the last key.

    >>> unsealed_json(sealed_json({"n": 1}))
    {'n': 1}
    """
    return {**content, SEAL_KEY: _json_sum(content)}


def unsealed_json(content: dict) -> dict:
    """Return what was sealed; raise `KeyError` without a seal, and `ValueError` where it is another
    now."""
    content = dict(content)
    if content.pop(SEAL_KEY) != _json_sum(content):
        raise ValueError("it is not as it was written")
    return content


def _json_sum(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _seal(content):
    return f"\nsha256 {hashlib.sha256(content).hexdigest()}\n".encode()


def _remove_abandoned(path):
    """Remove what killed processes left half-written: of this host, or old ones of another."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        host, _, pid = (
            left.name.removeprefix(f".{path.name}.").removesuffix(".partial").rpartition("-")
        )
        if host == HOST and pid.isdigit():
            abandoned = not _is_alive(int(pid))
        else:
            abandoned = _age(left) > ABANDONED
        if abandoned:
            left.unlink(missing_ok=True)


def _age(path):
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:  # somebody else removed it
        return 0.0


def _is_alive(pid):
    try:
        os.kill(pid, 0)  # asks only
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
