# Imported by install.py, which must run on Python 3.6: no newer spelling here.
# ruff: noqa: UP006, UP035, UP045, PTH100, PTH118, PTH120, PTH123, N818
"""What the installer says: its screen, its failures, and what the words of pip mean.

Texts stand in install_texts.json beside it: nothing of galosh can be imported yet.
"""

import contextlib
import errno
import json
import os
import shutil
import sys
import threading
import time
from typing import Any, Iterator, List, Optional, Sequence

APP_BYTES = 200 * 1000 * 1000  # measured: 55 MB installed, and what pip unpacks on the way


class Failure(Exception):
    """The installation stopped for a reason the user can act on."""

    def __init__(self, key: str, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


class Screen:
    """Prints in the user's language; shows elapsed time while something runs."""

    def __init__(self, stream: Any = None) -> None:
        self._stream = stream or sys.stderr
        self._live = bool(getattr(self._stream, "isatty", lambda: False)())
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "install_texts.json")
        with open(path, encoding="utf-8") as file:
            self._texts = json.load(file)  # type: Any
        wanted = [os.environ.get(n, "") for n in ("GALOSH_LANG", "LC_ALL", "LC_MESSAGES", "LANG")]
        chosen = next((value for value in wanted if value), "en")
        self._tongue = 1 if chosen.lower().startswith("ru") else 0

    def text(self, key: str, **facts: object) -> str:
        """One text of install_texts.json with its facts."""
        return str(self._texts["texts"][key][self._tongue]).format(**facts)

    def say(self, key: str, **facts: object) -> None:
        """Print one line."""
        self._print(self.text(key, **facts) + "\n")

    def fail(self, failure: Failure) -> None:
        """Print what happened, why, what was kept and the one next step."""
        table = self._texts["failures"][failure.key]
        for name in ("what", "why", "kept", "next"):
            if name in table:
                label = self._texts["labels"].get(name, ["", ""])[self._tongue]
                self._print(label + table[name][self._tongue].format(**failure.facts) + "\n")

    @contextlib.contextmanager
    def step(self, key: str) -> Iterator[List[str]]:
        """Show one step; the list's last item is what it is doing now."""
        notes = [""]
        title, started, over = self.text(key), time.monotonic(), threading.Event()
        thread = threading.Thread(target=self._tick, args=(title, started, notes, over))
        thread.daemon = True
        thread.start()
        try:
            yield notes
            over.set()
            thread.join()
            seconds = time.monotonic() - started
            self._print(
                "\r\033[K" * self._live + self.text("done", title=title, seconds=seconds) + "\n"
            )
        finally:
            over.set()
            thread.join()

    def _tick(self, title: str, started: float, notes: List[str], over: threading.Event) -> None:
        pause, shown = 1.0, None  # type: float, Optional[str]
        while not over.wait(pause):
            seconds = time.monotonic() - started
            line = self.text("running", title=title, seconds=seconds, note=notes[-1])
            if self._live:
                self._print("\r\033[K" + line[: shutil.get_terminal_size().columns - 1])
            elif notes[-1] != shown or pause >= 5:
                self._print(line + "\n")
                shown, pause = notes[-1], 5.0
        if self._live:
            self._print("\r\033[K")

    def _print(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


def explain(error: OSError, path: str) -> Failure:
    """The Failure that says why the system refused to write `path`."""
    if error.errno == errno.ENOSPC:
        return Failure("disk-full", path=path, free="0", need=APP_BYTES // 10**6)
    return Failure("not-writable", path=path, reason=error.strerror or str(error))


def cause(output: str) -> Optional[str]:
    """Which failure the words of pip and venv stand for; None when they are not known."""
    marks = (
        ("disk-full", ("No space left on device", "Errno 28", "not enough space on the disk")),
        ("not-writable", ("Permission denied", "Read-only file system", "Errno 13", "WinError 5")),
        ("no-venv-debian", ("ensurepip is not available", "python3-venv")),
        (
            "wheel-corrupt",
            (
                "BadZipFile",
                "is invalid",
                "DO NOT MATCH THE HASHES",
                "zlib.error",
                "corrupted",
                "Bad CRC-32",
            ),
        ),
        (
            "index-away",
            (
                "Connection refused",
                "NewConnectionError",
                "Name or service not known",
                "name resolution",
                "getaddrinfo",
                "ProxyError",
                "timed out",
                "CERTIFICATE_VERIFY_FAILED",
                "SSLError",
                "Max retries",
                "unreachable",
                # Silent about the cause: an index that answers knows versions of all we ask for.
                "(from versions: none)",
            ),
        ),
        ("index-lacks", ("No matching distribution", "Could not find a version")),
    )
    return next((key for key, words in marks if any(word in output for word in words)), None)


def last_error(lines: Sequence[str]) -> str:
    """The line that says most: pip's last ERROR, else the last line."""
    said = [line for line in lines if line.strip()]
    errors = [line for line in said if line.lstrip().startswith(("ERROR", "WARNING: Retrying"))]
    text = (errors or said or ["?"])[-1].strip()
    return text.replace("ERROR: ", "", 1)[:300]
