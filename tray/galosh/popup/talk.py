"""Speaks with the daemon for the window, in threads of its own, and tells what comes.

Rules: nothing here waits in the window's thread; `stop` hangs up at once, which ends the
answer; a daemon that is away is started; what was asked is neither logged nor kept. Every
item names the question it belongs to, so that late ones can be told apart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from galosh.api import Client, Notice, Usage, is_running, start_daemon
from galosh.api.hangup import HangUp
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.popup.conversation import Message

_START_SECONDS = 60.0


@dataclass(frozen=True)
class Words:
    """More of the answer, or of the thoughts before it."""

    question: int
    text: str
    thought: str = ""
    model_id: str | None = None


@dataclass(frozen=True)
class Told:
    """Something to know meanwhile. notice None: the daemon is being started."""

    question: int
    notice: Notice | None


@dataclass(frozen=True)
class Ended:
    """The answer is whole (`reason` "stop"), or as long as it may get ("length")."""

    question: int
    reason: str | None
    usage: Usage | None


@dataclass(frozen=True)
class Failed:
    """The answer ended in an error."""

    question: int
    error: GaloshError


@dataclass(frozen=True)
class Facts:
    """What the daemon says of itself, its settings and presets; error: why it does not.

    reading_rate: forecast, in tokens per second, where it has not measured any.
    """

    status: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    presets: Mapping[str, object] = field(default_factory=dict)
    reading_rate: float | None = None
    error: GaloshError | None = None


News = Words | Told | Ended | Failed | Facts


class Talk:
    """See the module. One question at a time; a new one ends the one before."""

    def __init__(self, paths: Paths, tell: Callable[[News], None]) -> None:
        self._paths = paths
        self._tell = tell
        self._number = 0
        self._call = HangUp()
        self._reading = HangUp()
        self._rates: dict[str, float | None] = {}  # by model

    def look(
        self,
        warm: Callable[[Facts], Sequence[Message] | None] | None = None,
        *,
        presets: bool = False,
    ) -> None:
        """Learn what there is to know; presets, too, if they are wanted: reading them costs
        the daemon memory. warm: somebody is about to ask. The daemon is started if need be, and
        the model, loaded or woken by that, reads what `warm` chooses."""
        self._reading.hang_up()
        reading = self._reading = HangUp()

        def work() -> None:
            try:
                if is_running(self._paths) is None:
                    if warm is None:
                        return
                    start_daemon(self._paths, _START_SECONDS)
                facts = self._facts(presets=presets)
                self._tell(facts)
                messages = None if warm is None else warm(facts)
                if messages is not None and not reading.hung_up:
                    self._read(messages, reading)
                    self._forecast(facts.status)
                    self._tell(self._facts())  # it is awake now
            except GaloshError as error:
                if not reading.hung_up:
                    self._tell(Facts(error=error))

        _run(work, "popup-look")

    def ask(self, messages: Sequence[Message], sampler: str | None) -> int:
        """Begin an answer; its number."""
        self.stop()
        self._number += 1
        number, call = self._number, self._call
        _run(lambda: self._answer(number, call, messages, sampler), "popup-answer")
        return number

    def stop(self) -> None:
        """End the answer and everything else that the model does for us."""
        self._call.hang_up()
        self._reading.hang_up()
        self._call = HangUp()

    def _answer(
        self, number: int, call: HangUp, messages: Sequence[Message], sampler: str | None
    ) -> None:
        try:
            if is_running(self._paths) is None:
                self._tell(Told(number, None))
                start_daemon(self._paths, _START_SECONDS)
            self._stream(number, call, messages, sampler)
        except GaloshError as error:
            if not call.hung_up:
                self._tell(Failed(number, error))

    def _stream(
        self, number: int, call: HangUp, messages: Sequence[Message], sampler: str | None
    ) -> None:
        deltas = Client(self._paths, opened=call.take).ask(
            messages, preset=sampler, priority="interactive", think=False
        )
        reason: str | None = None
        usage: Usage | None = None
        with closing(deltas) as stream:
            for delta in stream:
                if call.hung_up:
                    return
                if delta.notice is not None:
                    self._tell(Told(number, delta.notice))
                if delta.text or delta.thought:
                    self._tell(Words(number, delta.text, delta.thought, delta.model_id))
                reason, usage = delta.finish_reason or reason, delta.usage or usage
        self._tell(Ended(number, reason, usage))

    def _read(self, messages: Sequence[Message], reading: HangUp) -> None:
        """Have the model read; it goes behind everybody else's questions."""
        client = Client(self._paths, opened=reading.take)
        deltas = client.ask(messages, max_tokens=0, priority="background", think=False)
        with closing(deltas) as stream:
            for _ in stream:
                pass

    def _facts(self, *, presets: bool = False) -> Facts:
        client = Client(self._paths)
        found = client.presets() if presets else {}
        status = client.status()
        return Facts(status, client.settings(), found, self._rates.get(_model_in(status)))

    def _forecast(self, status: Mapping[str, object]) -> None:
        """How fast the model should read, where it has not been seen to; asked once a model."""
        model = _model_in(status)
        if not model or model in self._rates or "prompt_tokens_per_second" in _worker_in(status):
            return
        try:
            self._rates[model] = _rate_in(Client(self._paths).forecast(model))
        except GaloshError:
            self._rates[model] = None  # then only what has passed is told


def _worker_in(status: Mapping[str, object]) -> dict[str, object]:
    """What is known of the worker."""
    worker = status.get("worker")
    worker = worker if isinstance(worker, Mapping) else {}
    return {str(name): value for name, value in worker.items() if value is not None}


def _model_in(status: Mapping[str, object]) -> str:
    worker = _worker_in(status)
    return str(worker.get("model") or worker.get("wanted") or "")


def _rate_in(forecast: Mapping[str, object]) -> float | None:
    speed = forecast.get("speed")
    prefill = speed.get("prefill") if isinstance(speed, Mapping) else None
    middle = prefill.get("mid") if isinstance(prefill, Mapping) else None
    return middle if isinstance(middle, float) else None


def _run(work: Callable[[], None], name: str) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()
