"""The real daemon over the real engine, in a thread of the test's process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from galosh.api import Client
from galosh.api.connection import Exchange, connect_unix
from galosh.api.wire import Delta, Notice
from galosh.base import durable
from galosh.base.paths import Paths
from galosh.server.daemon import serve
from tests import real

TEMPLATE = "tokenizer.chat_template"


@dataclass(frozen=True)
class House:
    """A daemon that listens."""

    paths: Paths

    @property
    def client(self) -> Client:
        """A client of it."""
        return Client(self.paths)

    def ask(self, text: str, **options: Any) -> Said:
        """One question and what came back."""
        messages = [{"role": "user", "content": text}]
        return Said(tuple(self.client.ask(messages, **options)))

    def complete(self, prompt: str, **options: object) -> str:
        """What the model writes after a plain text."""
        body = json.dumps({"prompt": prompt, **options}).encode()
        with Exchange(connect_unix(str(self.paths.socket), 120)) as exchange:
            exchange.send("POST", "/v1/completions", {"Host": "localhost"}, body)
            answer = json.loads(exchange.read())
        assert exchange.status == 200, answer
        return str(answer["choices"][0]["text"])


@dataclass(frozen=True)
class Said:
    """An answer in its pieces."""

    deltas: tuple[Delta, ...]

    @property
    def text(self) -> str:
        """All its words."""
        return "".join(delta.text for delta in self.deltas)

    @property
    def notices(self) -> dict[str, Notice]:
        """What was told beside it, by key."""
        return {delta.notice.key: delta.notice for delta in self.deltas if delta.notice}


@contextmanager
def real_house(paths: Paths, context_tokens: int = 1024) -> Iterator[House]:
    """The daemon from ready to stopped."""
    settings = ("[api]", "port = 0", "[engine]", "threads = 2", "[model]")
    text = "\n".join((*settings, f"context_tokens = {context_tokens}\n"))
    durable.write_text(paths.settings_file, text)
    real.link_engines(paths)
    ready, failed = threading.Event(), []

    def run() -> None:
        try:
            serve(paths, None, lambda _facts: ready.set())
        except BaseException as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(60)
    if failed:
        raise failed[0]
    house = House(paths)
    try:
        yield house
    finally:
        house.client.shutdown()
        thread.join(60)
        assert not thread.is_alive()
