"""Talks to a real worker process, as the supervisor does, but synchronously."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Queue
from types import TracebackType

from galosh.worker.frames import FrameDecoder, check_hello, encode

Event = dict[str, object]
WAIT_SECONDS = 60.0


class WorkerProcess:
    """A worker with its events in a queue; each event carries when it came (`at`)."""

    def __init__(
        self,
        argv: Sequence[str],
        environ: dict[str, str] | None = None,
        *,
        own_session: bool = False,
    ) -> None:
        """own_session: as the daemon starts it; the scheduler shares among sessions first."""
        self.process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            start_new_session=own_session,
        )
        self._events: Queue[Event | None] = Queue()
        self._stderr: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self.hello = self.next()
        check_hello(self.hello)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue

    @property
    def stderr(self) -> str:
        """What the worker has written to stderr so far."""
        return b"".join(self._stderr).decode("utf-8", "replace")

    def send(self, **message: object) -> None:
        self.send_bytes(encode(message))

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def next(self, timeout_seconds: float = WAIT_SECONDS) -> Event:
        event = self._events.get(timeout=timeout_seconds)
        if event is None:
            raise AssertionError(f"the worker ended: {self.process.wait()} {self.stderr[-800:]}")
        return event

    def until(self, *kinds: str) -> list[Event]:
        """The events up to and with the first of one of `kinds`."""
        events = [self.next()]
        while events[-1]["type"] not in kinds:
            events.append(self.next())
        return events

    def load(self, model: Path, **options: object) -> Event:
        self.send(type="load", path=str(model), **{"threads": 2, "context_tokens": 2048, **options})
        return self.until("loaded", "load_failed", "error")[-1]

    def generate(self, **options: object) -> list[Event]:
        self.send(type="generate", id="g", **options)
        return self.until("done", "error")

    def exit_status(self, timeout_seconds: float = 5.0) -> int:
        return self.process.wait(timeout_seconds)

    def _read(self) -> None:
        assert self.process.stdout is not None
        decoder = FrameDecoder()
        while data := self.process.stdout.read1(1 << 16):  # type: ignore[attr-defined]
            for event in decoder.feed(data):
                event["at"] = time.monotonic()
                self._events.put(event)
        self._events.put(None)

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while data := self.process.stderr.read1(1 << 16):  # type: ignore[attr-defined]
            self._stderr.append(data)


def answer(events: Sequence[Event]) -> str:
    """The text of an answer's events."""
    return "".join(str(event["text"]) for event in events if event["type"] == "text")
