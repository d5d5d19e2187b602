"""A worker with bad manners on demand: a real process that speaks galosh.worker.frames.

`python -I worker.py <source root> <manners folder> [model file]`. Manners are JSON files in
the folder, read when they matter: `start.json` before hello, `<model file's stem>.json` at
load. Known keys (seconds are seconds):

start:  hello_after, hello (false: never), protocol, exit (status), flood_bytes, garbage
load:   progress (list), load_after, load (false: never), load_failed (code), die (signal)
answer: words (list), word_after, begin (false: never), silent_after (words, then silence),
        die_after (words, then signal), lie_after (words, then a bad frame), late (old ids),
        ignore_cancel, error (code, facts), last_words (to stderr)
end:    ignore_exit (exit, EOF and SIGTERM)

Without any it says "echo: " and the last message's words. Never needs an engine.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])

from galosh.worker.frames import FrameDecoder, encode, hello

MANNERS = Path(sys.argv[2])


class FakeWorker:
    """Reads requests in one thread and answers in the other, like the real one."""

    def __init__(self) -> None:
        self.requests: queue.Queue[dict[str, Any]] = queue.Queue()
        self.cancelled: set[str] = set()
        self.manners: dict[str, Any] = read("start")
        self.answers = 0

    def run(self) -> None:
        self.start()
        threading.Thread(target=self.listen, daemon=True).start()
        while True:
            request = self.requests.get()
            getattr(self, f"on_{request['type']}")(request)

    def start(self) -> None:
        manners = self.manners
        sys.stderr.write("x" * int(manners.get("flood_bytes", 0)))
        sys.stderr.write(manners.get("last_words", ""))
        sys.stderr.flush()
        if manners.get("ignore_exit"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(manners.get("hello_after", 0))
        if "exit" in manners:
            sys.exit(manners["exit"])
        if manners.get("garbage"):
            os.write(1, b"Traceback (most recent call last): this is not a frame at all")
        if manners.get("hello", True):
            say({**hello("0.0.fake", "FAKE = 1", os.getpid()), **manners.get("hello_fields", {})})

    def listen(self) -> None:
        decoder = FrameDecoder()
        while data := os.read(0, 65536):
            for request in decoder.feed(data):
                if request["type"] == "cancel":
                    self.cancelled.add(str(request["id"]))
                elif request["type"] == "exit":
                    self.leave()
                else:
                    self.requests.put(request)
        self.leave()

    def leave(self) -> None:
        if not self.manners.get("ignore_exit"):
            os._exit(0)

    def on_load(self, request: dict[str, Any]) -> None:
        manners = self.manners = {**self.manners, **read(Path(request["path"]).stem)}
        if manners.get("ignore_exit"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for fraction in manners.get("progress", [0.5, 1.0]):
            say({"type": "load_progress", "fraction": fraction})
        time.sleep(manners.get("load_after", 0))
        sys.stderr.write(manners.get("last_words", ""))
        sys.stderr.flush()
        if "die" in manners:
            die(manners["die"])
        if "load_failed" in manners:
            code = manners["load_failed"]
            say({"type": "load_failed", "code": code, "why": "as told", "facts": {}})
        elif manners.get("load", True):
            say(
                {
                    "type": "loaded",
                    "context_tokens": request["context_tokens"],
                    "context_train": 8192,
                    "memory_bytes": 1000,
                    "load_seconds": 0.01,
                    "template": True,
                }
            )

    def on_generate(self, request: dict[str, Any]) -> None:
        manners, name = self.manners, request["id"]
        if "error" in manners:
            code, facts = manners["error"]
            say({"type": "error", "id": name, "code": code, "facts": facts})
            return
        for old in manners.get("late", []):
            say({"type": "text", "id": old, "text": "STALE"})
        if manners.get("begin", True):
            say({"type": "started", "id": name, "prompt_tokens": 3, "cached_tokens": 0})
        words = manners.get("words") or ["echo:", *last_words(request).split()]
        written, reason = self.write(name, words)
        if reason is not None:
            say(
                {
                    "type": "done",
                    "id": name,
                    "finish_reason": reason,
                    "prompt_tokens": 3,
                    "completion_tokens": written,
                    "cached_tokens": 0,
                    "prefill_seconds": 0.5,
                    "decode_seconds": 0.25,
                }
            )

    def write(self, name: str, words: list[str]) -> tuple[int, str | None]:
        """How many words were written, and the reason of the end (None: it never ends)."""
        manners = self.manners
        for number, word in enumerate([*words, ""]):
            if manners.get("die_after") == [number, manners.get("die_after", [0, 0])[1]]:
                die(manners["die_after"][1])
            if manners.get("silent_after") == number:
                return number, None
            if manners.get("lie_after") == number:
                say({"type": "text", "id": name, "text": 17})
            if number == len(words):
                break
            if name in self.cancelled and not manners.get("ignore_cancel"):
                return number, "cancelled"
            say({"type": "text", "id": name, "text": word + " "})
            time.sleep(manners.get("word_after", 0))
        return len(words), "stop"

    def on_count(self, request: dict[str, Any]) -> None:
        count = len(request["text"].split())
        say({"type": "count", "id": request["id"], "tokens": count})

    def on_tokenize(self, request: dict[str, Any]) -> None:
        tokens = [len(word) for word in request["text"].split()]
        say({"type": "tokens", "id": request["id"], "tokens": tokens})


def read(name: str) -> dict[str, Any]:
    try:
        manners: dict[str, Any] = json.loads((MANNERS / f"{name}.json").read_text("utf-8"))
    except OSError:
        return {}
    return manners


def last_words(request: dict[str, Any]) -> str:
    if "prompt" in request:
        return str(request["prompt"])
    return str(request["messages"][-1]["content"])


def say(message: dict[str, Any]) -> None:
    data = encode(message)
    while data:
        data = data[os.write(1, data) :]


def die(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


if __name__ == "__main__":
    FakeWorker().run()
