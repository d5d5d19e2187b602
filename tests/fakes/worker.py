"""A worker with bad manners on demand: a real process that speaks galosh.worker.frames.

`python -I worker.py <source root> <manners folder> [model file]`. Manners are JSON files in
the folder, read when they matter: `start.json` before hello, `<model file's stem>.json` at
load. Known keys (seconds are seconds):

start:  hello_after, hello (false: never), protocol, exit (status), flood_bytes, garbage
load:   progress (list), load_after, load (false: never), load_failed (code), die (signal),
        sequences (answers at a time, 1), die_above ([context_tokens, signal]: dies if it gets more)
rest:   rest (false: never says that it rested), rest_after
answer: words (list), word_after, begin (false: never), silent_after (words, then silence),
        die_after (words, then signal), lie_after (words, then a bad frame), late (old ids),
        ignore_cancel, error (code, facts), last_words (to stderr)
embed:  vectors (as they are sent)
end:    ignore_exit (exit, EOF and SIGTERM)

Without any it says "echo: " and the last message's words. Every frame it gets is also written
to `frames.jsonl` in the folder. Never needs an engine.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import signal
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])

from galosh.worker.frames import FrameDecoder, encode, hello

MANNERS = Path(sys.argv[2])
SPEAKING = threading.Lock()


class FakeWorker:
    """Reads requests in one thread and answers in the other, like the real one."""

    def __init__(self) -> None:
        self.requests: queue.Queue[dict[str, Any]] = queue.Queue()
        self.cancelled: set[str] = set()
        self.manners: dict[str, Any] = read("start")
        self.rested = False
        self.busy = 0

    def run(self) -> None:
        self.start()
        threading.Thread(target=self.listen, daemon=True).start()
        while True:
            request = self.requests.get()
            work = getattr(self, f"on_{request['type']}")
            if request["type"] == "generate" and self.manners.get("sequences", 1) > 1:
                self.busy += 1
                threading.Thread(target=self.beside, args=(work, request), daemon=True).start()
            else:
                work(request)

    def beside(self, work: Any, request: dict[str, Any]) -> None:
        work(request)
        self.busy -= 1

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
                with (MANNERS / "frames.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps(request) + "\n")
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
        most, signal_number = manners.get("die_above", [1 << 40, 9])
        if request["context_tokens"] > most:
            die(signal_number)
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
                    "sequences": manners.get("sequences", 1),
                    "draft_model": request.get("draft_path") is not None,
                    "draft_refused": manners.get("draft_refused"),
                }
            )

    def on_rest(self, request: dict[str, Any]) -> None:
        if self.busy:
            say({"type": "error", "id": request["id"], "code": "worker-busy", "facts": {}})
        elif self.manners.get("rest", True):
            time.sleep(self.manners.get("rest_after", 0))
            self.rested = True
            told = {"memory_bytes": 500, "saved_bytes": 10, "seconds": 0.01}
            say({"type": "rested", "id": request["id"], "stage": request["stage"], **told})

    def on_generate(self, request: dict[str, Any]) -> None:
        manners, name = self.manners, request["id"]
        if self.rested:
            self.rested = False
            say({"type": "waking", "id": name})
            say({"type": "load_progress", "id": name, "fraction": 0.5})
            say({"type": "woken", "id": name, "seconds": 0.01})
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

    def on_detokenize(self, request: dict[str, Any]) -> None:
        text = " ".join("x" * token for token in request["tokens"])
        say({"type": "detokenized", "id": request["id"], "text": text})

    def on_embed(self, request: dict[str, Any]) -> None:
        name, texts = request["id"], request["texts"]
        say({"type": "prefill", "id": name, "read_tokens": 1})
        vectors = self.manners.get("vectors") or [
            base64.b64encode(struct.pack("<2f", 0.0, len(text.split()))).decode() for text in texts
        ]
        counted = sum(len(text.split()) for text in texts)
        say({"type": "embedded", "id": name, "vectors": vectors, "tokens": counted})

    def on_threads(self, request: dict[str, Any]) -> None:
        """Nobody hears of it."""

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
    with SPEAKING:
        while data:
            data = data[os.write(1, data) :]


def die(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


if __name__ == "__main__":
    FakeWorker().run()
