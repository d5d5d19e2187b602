"""A supervisor and a store that obey the server's ports, without a worker.

What the model "says" follows from the last message: see `FakeSupervisor.generate`.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.base.settings import Settings
from galosh.supervisor.bus import EventBus
from galosh.supervisor.request import (
    Done,
    Event,
    GenerationRequest,
    LoadedModel,
    Notice,
    Queued,
    Started,
    TextPiece,
    Vectors,
)

KNOWN = ("starter", "other")
SHORTER = {
    "model": "Starter", "needed_bytes": 2_000_000_000, "free_bytes": 1_500_000_000,
    "context_tokens": 2048, "wanted_tokens": 4096,
}  # fmt: skip


@dataclass(frozen=True)
class FakeModel:
    """One model of the fake store."""

    id: str
    path: str = ""
    problem: str | None = None

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return dict(vars(self))


class FakeModels:
    """See galosh.server.ports.Models."""

    def __init__(self) -> None:
        self.known = {name: FakeModel(name) for name in KNOWN}
        self.known["broken"] = FakeModel("broken", problem="cut in half")

    def remove(self, model_id: str) -> None:
        del self.known[model_id]

    def list(self) -> Sequence[FakeModel]:
        return tuple(self.known.values())

    def add(self, path: Path, copy: bool = False, name: str | None = None) -> FakeModel:
        model = FakeModel(name or path.stem, str(path))
        self.known[model.id] = model
        return model


def _calling(words: str, tools: object) -> str:
    """The words that call these functions as Hermes and Qwen write it, where they are to."""
    names = [str(tool["name"]) for tool in tools] if isinstance(tools, list) else []
    count = {"call": 1, "calls": 2, "half a call": 1}.get(words, 0)
    arguments = '"arguments": {"city": "Paris"}'
    calls = [f'<tool_call>{{"name": "{name}", {arguments}}}</tool_call>' for name in names[:count]]
    if words == "half a call":
        return "Well, " + calls[0].removesuffix("}</tool_call>")
    return "Well, " + " ".join(calls) if calls else words


def check_known(model_id: str | None) -> str:
    """The model meant, as the store would check it."""
    if model_id is not None and model_id not in KNOWN:
        # A code of base stands in for the store's own.
        raise GaloshError("store-model-unknown", model_id=model_id, known=", ".join(KNOWN))
    return model_id or KNOWN[0]


def _meanwhile(words: str, *, announce: bool) -> list[Event]:
    """What happens before an answer begins."""
    if words != "wait your turn":
        return []
    places: list[Event] = [Queued(1, running=2), Queued(0)] if announce else []
    return [*places, Notice("supervisor.notice-shorter", SHORTER)]


class FakeSupervisor:
    """See galosh.server.ports.Supervisor. Counts what happens to generations."""

    def __init__(self, models: FakeModels) -> None:
        self.models = models
        self.settings: Settings | None = None
        self.events = EventBus(SystemClock())
        self.current: str | None = None
        self.requests: list[GenerationRequest] = []
        self.cancelled = 0
        self.paused = False
        self.cancelled_at_seconds: float | None = None
        self.running = 0
        self.notice: Notice | None = None
        self.worker_pid: int | None = None
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        self.events.publish("supervisor.started")

    async def stop(self) -> None:
        self._stopped.set()

    async def want(self, model_id: str | None) -> LoadedModel | None:
        return await self.ready(model_id)

    async def ready(self, model_id: str | None = None) -> LoadedModel:
        self.current = check_known(model_id)
        self.events.publish("model.ready", model=self.current)
        return LoadedModel(self.current, "Starter", 4096, 4096, None, 0.1, True)

    async def remove_model(self, model_id: str) -> None:
        if model_id not in self.models.known:
            names = ", ".join(self.models.known)
            raise GaloshError("store-model-unknown", model_id=model_id, known=names)
        self.models.remove(model_id)

    def apply(self, settings: Settings) -> None:
        self.settings = settings

    async def unload(self) -> None:
        self.current = None

    async def pause(self) -> None:
        self.paused, self.current = True, None

    async def resume(self) -> None:
        self.paused = False

    async def tokenize(self, text: str, model_id: str | None = None) -> Sequence[int]:
        check_known(model_id)
        return list(text.encode())

    async def detokenize(self, tokens: Sequence[int], model_id: str | None = None) -> str:
        check_known(model_id)
        return bytes(token % 256 for token in tokens).decode("utf-8", "replace")

    async def embed(
        self, texts: Sequence[str], model_id: str | None = None, *, truncate: bool = False
    ) -> Vectors:
        """A vector that tells how long the text was; texts above 1,000 words do not fit."""
        name, counts = check_known(model_id), [len(text.split()) for text in texts]
        if max(counts) > 1000 and not truncate:
            raise GaloshError(
                "worker-prompt-too-long", prompt_tokens=max(counts), context_tokens=1000
            )
        vectors = tuple(struct.pack("<2f", 0.6, 0.8 if count % 2 else -0.8) for count in counts)
        dropped = sum(max(0, count - 1000) for count in counts)
        return Vectors(vectors, sum(min(count, 1000) for count in counts), name, dropped)

    def status(self) -> dict[str, object]:
        notice = {} if self.notice is None else {"notice": self.notice.to_json()}
        worker = {} if self.worker_pid is None else {"worker_pid": self.worker_pid}
        return {"state": "no-model", "model": self.current, **notice, **worker}

    async def generate(self, request: GenerationRequest) -> AsyncIterator[Event]:
        """Says the last words back, unless they are one of these.

        prefill: reads the prompt for ever; forever: writes for ever; flood: faster than
        anyone reads; die now: fails after one word; refuse: fails before; bug: raises;
        wait your turn: has to wait for others and for the model first.
        Words that begin with "slowly" (about) come 4 ms after each other.
        call: calls the first function offered, after a word, where any may be called; calls:
        the first two; half a call: begins to.
        Words that end with "stopped" end by the first stop string; where a talk may be cut,
        two turns were.
        """
        model_id = check_known(request.model_id)
        self.current = model_id
        self.requests.append(request)
        words = str(request.messages[-1]["content"]) if request.messages else str(request.prompt)
        self.running += 1
        try:
            if words == "refuse":
                raise GaloshError("base-disk-full", path="x", free_bytes=0)
            for event in _meanwhile(words, announce=request.announce_queue):
                yield event
            tools = request.options.get("tools")
            yield Started(model_id, len(words), 0, form="hermes" if tools else "")
            if words == "prefill":
                await self._wait(60)
            if words == "bug":
                raise KeyError("a secret prompt")
            while words == "flood":
                yield TextPiece("word " * 2000)
                await asyncio.sleep(0)
            words = _calling(words, tools)
            said = words.split()
            pieces = 10**9 if words == "forever" else len(said)
            for index in range(pieces):
                text = "word " if words == "forever" else said[index] + " "
                yield TextPiece(text, _chances(text, request.options.get("logprobs")))
                if words == "die now":
                    raise GaloshError("base-unknown", peer_code="worker-died", reason="signal 9")
                await self._dawdle(words)
            done = Done(model_id, "stop", len(words), pieces, 0, 0.25, 0.5)
            if words.endswith("stopped"):
                done = replace(done, stop_string=request.stop[0])
            if request.options.get("truncate"):
                done = replace(done, dropped_messages=2, dropped_tokens=40)
            yield done
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            self.cancelled_at_seconds = SystemClock().monotonic_seconds()
            raise
        finally:
            self.running -= 1

    async def _dawdle(self, words: str) -> None:
        if words == "forever" or "slowly" in words[:80]:
            await self._wait(0.01 if words == "forever" else 0.004)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except asyncio.TimeoutError:
            return
        raise GaloshError("server-stopping")


def _chances(text: str, top: object) -> list[object] | None:
    """What a worker says of a token, where it is asked."""
    if not isinstance(top, int):
        return None
    others = [{"token": n, "text": f"{n}", "logprob": -1.0 - n} for n in range(top)]
    return [{"token": 7, "text": text, "logprob": -0.5, "top": others}]


class FakeParts:
    """See galosh.server.ports.Parts; keeps what it made so that a test can look."""

    def __init__(self) -> None:
        self.made: FakeSupervisor | None = None
        self.store = FakeModels()

    def supervisor(self) -> FakeSupervisor:
        self.made = FakeSupervisor(self.store)
        return self.made

    def models(self) -> FakeModels:
        return self.store
