"""Shows a setup in a terminal; plain lines where the output is not one.

Prints and asks; decides nothing. A step that runs for more than a second shows that it is
alive: in a terminal one line that is redrawn, elsewhere a line now and then.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from galosh.base.texts import format_seconds, say
from galosh.setup.view import Finding, PlannedStep, StepTime, Summary

_SIGNS = {"ok": "+", "warn": "!", "fail": "x"}
_PLAIN_PAUSE_SECONDS = 10.0
_CLEAR = "\r\033[K"


class Terminal:
    """A Delegate for people. log: gets tools' own lines; ask: reads the one answer."""

    def __init__(
        self,
        stream: TextIO,
        *,
        interactive: bool,
        ask: Callable[[str], str] | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self._stream = stream
        self._live = interactive
        self._ask = ask
        self._log = log
        self._lock = threading.Lock()
        self._ticker: _Ticker | None = None
        self._answering = False

    def found(self, findings: Sequence[Finding]) -> None:
        """See Delegate."""
        self._line(say("setup.head-found"))
        for finding in findings:
            sign = _SIGNS[finding.verdict]
            self._line(f"  {sign} {finding.title}: {finding.value}")
            for line in finding.advice.splitlines():
                self._line(f"      {line}")

    def planned(self, steps: Sequence[PlannedStep]) -> None:
        """See Delegate."""
        self._line("")
        self._line(say("setup.head-plan"))
        for number, step in enumerate(steps, 1):
            if step.done:
                when = say("setup.plan-done")
            elif step.estimate_seconds is None:
                when = say("setup.plan-unknown")
            else:
                when = say("setup.plan-estimate", estimate_seconds=step.estimate_seconds)
            self._line(f"  {number}. {step.title} ({when})")
        self._line("")

    def ask_to_begin(self) -> bool:
        """See Delegate; with nobody to ask, setup goes on."""
        if self._ask is None:
            return True
        reply = self._ask(say("setup.question-begin")).strip().lower()
        return not reply or reply[0] in "yдj"

    def ask_about_login(self) -> bool:
        """See Delegate; silence is no consent."""
        if self._ask is None:
            return False
        reply = self._ask(say("setup.question-login")).strip().lower()
        return reply[:1] in ("y", "д", "j")

    def note(self, text: str) -> None:
        """See Delegate."""
        self._line(text)

    def begin(self, _key: str, title: str, /) -> None:
        """See Delegate."""
        self._stop_ticker()
        self._answering = False
        self._ticker = _Ticker(title, self._tick)

    def step(self, key: str, **facts: object) -> None:
        """See Report."""
        if self._ticker is not None:
            self._ticker.phase = say(key, **facts)
            self._ticker.note, self._ticker.fraction = "", None

    def progress(self, fraction: float | None, note: str) -> None:
        """See Report."""
        if self._ticker is not None:
            self._ticker.fraction = fraction
            self._ticker.note = note

    def line(self, text: str) -> None:
        """See Report."""
        if self._log is not None:
            self._log(text)

    def end(self, time: StepTime) -> None:
        """See Delegate."""
        title = self._stop_ticker()
        if self._answering:
            self._write("\n")
        elif title is not None:
            key = "setup.step-was-done" if time.reused else "setup.step-done"
            self._line(say(key, title=title, seconds=format_seconds(time.seconds)))

    def question(self, text: str) -> None:
        """See Delegate."""
        self._line("")
        self._line(say("setup.asking", question=text))

    def answer(self, piece: str) -> None:
        """See Delegate."""
        if not self._answering:
            self._stop_ticker()
            self._answering = True
            self._write("  ")
            piece = piece.lstrip()
        self._write(piece)

    def finish(self, summary: Summary) -> None:
        """See Delegate."""
        answer = summary.answer
        if answer is not None:
            speed = answer.tokens_per_second
            self._line(
                say(
                    "setup.measured",
                    speed="?" if speed is None else f"{speed:.1f}",
                    memory_bytes=answer.memory_bytes,
                )
            )
        self._line("")
        self._line(say("setup.head-next"))
        for thing in summary.next_things:
            self._line(f"  {thing}")

    def close(self) -> None:
        """Stop drawing (also after an error, so that its sentences stand alone)."""
        self._stop_ticker()

    def _tick(self, ticker: _Ticker) -> None:
        share = "" if ticker.fraction is None else f"{ticker.fraction * 100:3.0f} %"
        words = "  ".join(word for word in (ticker.phase, share, ticker.note) if word)
        elapsed_seconds = ticker.elapsed_seconds()
        text = f"{ticker.title} … {format_seconds(elapsed_seconds)}  {words}".rstrip()
        if self._live:
            ticker.drawn = True
            self._write(_CLEAR + text[: shutil.get_terminal_size().columns - 1])
        # Plain output: a line when a new phase begins, else a sign of life now and then.
        elif ticker.phase != ticker.shown or elapsed_seconds >= ticker.due_seconds:
            ticker.shown = ticker.phase
            ticker.due_seconds = elapsed_seconds + _PLAIN_PAUSE_SECONDS
            self._line(text)

    def _stop_ticker(self) -> str | None:
        ticker, self._ticker = self._ticker, None
        if ticker is None:
            return None
        ticker.stop()
        if self._live and ticker.drawn:
            self._write(_CLEAR)
        return ticker.title

    def _line(self, text: str) -> None:
        self._write(text + "\n")

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        with self._lock:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()


class _Ticker:
    """Calls `draw` once a second in a thread of its own until stopped."""

    def __init__(self, title: str, draw: Callable[[_Ticker], None]) -> None:
        self.title = title
        self.phase = ""
        self.note = ""
        self.fraction: float | None = None
        self.drawn = False
        self.shown: str | None = None
        self.due_seconds = 0.0
        self._draw = draw
        self._started = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def elapsed_seconds(self) -> float:
        """Since the step began."""
        return time.monotonic() - self._started

    def stop(self) -> None:
        """End the drawing; returns when the last line is out."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(1.0):
            self._draw(self)
