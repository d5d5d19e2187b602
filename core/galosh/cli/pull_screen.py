"""Shows a download: one line that is redrawn in a terminal, a line now and then elsewhere.

Takes the views that the daemon and the engine give; decides nothing. With --json it writes
each view as one line of JSON to stdout instead.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping

from galosh.base.texts import format_bytes, format_seconds, say

View = Mapping[str, object]
_CLEAR = "\r\033[K"
_PLAIN_SECONDS = 5.0


class Screen:
    """One download's display on stderr (or its events on stdout)."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._live = sys.stderr.isatty() and not as_json
        self._due_seconds = 0.0
        self._shown = ""
        self._drawn = False
        self._noticed: object = None

    def event(self, name: str, view: View) -> None:
        """Show one look at the download."""
        if self._as_json:
            line = json.dumps({"event": name, **view}, ensure_ascii=False, default=str)
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
            return
        notice = view.get("notice")
        if notice and notice != self._noticed:
            self._noticed = notice
            self._line(say(f"download.notice.{notice}"))
        text, phase = line_of(view), f"{view.get('state')} {_cause(view)}"
        if self._live:
            width = os.get_terminal_size(sys.stderr.fileno()).columns
            sys.stderr.write(_CLEAR + text[: max(20, width - 1)])
            sys.stderr.flush()
            self._drawn = True
        elif phase != self._shown or time.monotonic() >= self._due_seconds:
            self._shown, self._due_seconds = phase, time.monotonic() + _PLAIN_SECONDS
            self._line(text)

    def close(self) -> None:
        """Take the redrawn line away, so that what follows stands alone."""
        if self._drawn:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._drawn = False

    def _line(self, text: str) -> None:
        self.close()
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def line_of(view: View) -> str:
    """A look at a download as one line: kept of total, share, speed, time left, links, wait."""
    state = str(view.get("state"))
    words = [_amount(view)]
    waiting = view.get("waiting")
    if isinstance(waiting, Mapping):
        words.append(say(f"download.state.{state}"))
        words.append(f"{waiting.get('what')} {_until(waiting)}")
    elif state == "fetching":
        speed = _number(view.get("speed_bytes_per_second"))
        words.append(say("cli.pull-speed", speed=format_bytes(speed)))
        left = view.get("eta_seconds")
        if isinstance(left, (int, float)):
            words.append(say("cli.pull-left", left=format_seconds(left)))
        words.append(say("cli.pull-links", count=int(_number(view.get("connections")))))
    elif state == "verifying" and _number(view.get("verified_bytes")):
        share = _share(view.get("verified_bytes"), view.get("size_bytes"))
        words.append(f"{say('download.state.verifying')} {share}".rstrip())
    else:
        words.append(say(_state_key(state)))
    return ", ".join(word for word in words if word)


def _state_key(state: str) -> str:
    return "cli.pull-swapping" if state == "swapping" else f"download.state.{state}"


def _amount(view: View) -> str:
    size, kept = view.get("size_bytes"), _number(view.get("kept_bytes"))
    if not isinstance(size, (int, float)) or size <= 0:
        return format_bytes(kept) if kept else ""
    share = _share(kept, size)
    return say("cli.pull-amount", kept_bytes=kept, size_bytes=size, share=share)


def _share(part: object, whole: object) -> str:
    total = _number(whole)
    return f"{min(100, int(100 * _number(part) / total))} %" if total else ""


def _until(waiting: Mapping[str, object]) -> str:
    left = waiting.get("next_try_seconds")
    if not isinstance(left, (int, float)):
        return ""
    clock = time.strftime("%H:%M:%S", time.localtime(time.time() + left))
    return say("cli.pull-until", clock=clock)


def _cause(view: View) -> str:
    waiting = view.get("waiting")
    return str(waiting.get("code")) if isinstance(waiting, Mapping) else ""


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
