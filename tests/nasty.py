"""Names that a folder may have and that nothing may trip over, and what a browser makes of them."""

import html
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

CANARY = "document.title='RAN'"
# {host} is a server that counts calls; a browser takes http:\\host\ for http://host/.
NAMES = [
    "\n\n.. raw:: html\n\n   <img src=http:\\\\{host}\\rst onerror={canary}>\n",
    "\x1b[31m\a\r\tred\x7f\x85",
    " <script src=http:\\\\{host}\\script> ",
    "$\\foo{$ %s {0} {{ 7*7 }} {% raw",
    "'\"--><svg onload={canary}><img src=x onerror={canary}>",
    "-2",
    "=1+1|cmd",
    "W" * 255,
    "a`` `z <javascript:{canary}>`_ *y* |y| [1]_ ::``b",
    "\u202e\u200b\U0001f600\u200d日本\u2028",
    "caf\udce9 \udcff",  # bytes that are no UTF-8
]


def nasty_names(host: str = "127.0.0.1:9") -> list[str]:
    """Return the names, sorted; what they would load, they would load from `host`."""
    return sorted(name.replace("{host}", host).replace("{canary}", CANARY) for name in NAMES)


class Server:
    """Remembers what it is asked for, on this machine alone."""

    def __init__(self):
        asked = self.asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def find_browser() -> str:
    """Return a browser without a window; without one the test is skipped, and says so."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("needs chromium or google-chrome on PATH")


def open_page(page: Path, folder: Path) -> str:
    """Return the document that a browser has made of a page once its scripts have run."""
    done = subprocess.run(
        [
            find_browser(),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *(
                "--no-first-run",
                "--disable-background-networking",
                "--allow-file-access-from-files",
            ),
            f"--user-data-dir={folder / 'browser'}",
            "--virtual-time-budget=20000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "<html" in done.stdout, done.stderr[-2000:]
    return done.stdout


def text_of(document: str) -> str:
    """Return a document's characters, with those that were escaped as they are."""
    return html.unescape(document)
