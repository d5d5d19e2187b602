"""What goes over the wire, as values. Pure.

Shared by the daemon and every client of it; unknown fields are passed over, missing ones
are None, so that neighbouring versions understand each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DaemonFacts:
    """Where a running daemon is. started_at: Unix seconds; mark: its start as the OS says."""

    pid: int
    socket: str | None
    port: int | None
    started_at: float
    version: str
    mark: str | None = None

    def to_json(self) -> dict[str, object]:
        """JSON form; `from_json` of it is equal."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: object) -> DaemonFacts | None:
        """The facts in a JSON value; None when they are not all there."""
        if not isinstance(value, Mapping):
            return None
        pid, started = _integer(value.get("pid")), _number(value.get("started_at"))
        if pid is None or pid <= 0 or started is None:
            return None
        return cls(
            pid=pid,
            socket=_text(value.get("socket")),
            port=_integer(value.get("port")),
            started_at=started,
            version=_text(value.get("version")) or "",
            mark=_text(value.get("mark")),
        )


@dataclass(frozen=True)
class Usage:
    """What an answer cost, as the model counted it. Unknown is None."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    prefill_seconds: float | None = None
    decode_seconds: float | None = None

    @property
    def tokens_per_second(self) -> float | None:
        """Speed of writing."""
        if not self.decode_seconds or self.completion_tokens < 1:
            return None
        return self.completion_tokens / self.decode_seconds


@dataclass(frozen=True)
class Notice:
    """Something to know while an answer comes: a text of the catalogue with its facts, and
    the sentence in the daemon's language for clients that do not know the text."""

    key: str
    facts: Mapping[str, object]
    text: str

    @classmethod
    def from_json(cls, value: object) -> Notice | None:
        """The notice in a JSON value; None when there is none."""
        if not isinstance(value, Mapping) or not isinstance(value.get("key"), str):
            return None
        facts = value.get("facts")
        facts = {str(k): v for k, v in facts.items()} if isinstance(facts, Mapping) else {}
        return cls(value["key"], facts, _text(value.get("text")) or "")


@dataclass(frozen=True)
class Delta:
    """One piece of an answer: words, or thoughts or a notice beside them. The last one holds
    `finish_reason` and `usage`."""

    text: str = ""
    thought: str = ""
    model_id: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    notice: Notice | None = None

    @classmethod
    def from_chunk(cls, chunk: Mapping[str, object]) -> Delta:
        """One chunk of a streamed chat or completion."""
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        choice = choice if isinstance(choice, Mapping) else {}
        delta = choice.get("delta")
        delta = delta if isinstance(delta, Mapping) else {"content": choice.get("text")}
        return cls(
            text=_text(delta.get("content")) or "",
            thought=_text(delta.get("reasoning_content")) or "",
            model_id=_text(chunk.get("model")),
            finish_reason=_text(choice.get("finish_reason")),
            usage=usage_from(chunk),
            notice=_notice_in(chunk),
        )


@dataclass(frozen=True)
class Happening:
    """One event of the daemon's event stream; `number` resumes it."""

    number: int | None
    name: str
    facts: Mapping[str, object] = field(default_factory=dict)


def usage_from(answer: Mapping[str, object]) -> Usage | None:
    """The counts of an answer or chunk."""
    usage, ours = answer.get("usage"), answer.get("galosh")
    if not isinstance(usage, Mapping):
        return None
    ours = ours if isinstance(ours, Mapping) else {}
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return Usage(
        prompt_tokens=_integer(usage.get("prompt_tokens")) or 0,
        completion_tokens=_integer(usage.get("completion_tokens")) or 0,
        cached_tokens=_integer(cached),
        prefill_seconds=_number(ours.get("prefill_seconds")),
        decode_seconds=_number(ours.get("decode_seconds")),
    )


@dataclass(frozen=True)
class ServerEvent:
    """One server-sent event."""

    data: str
    name: str = "message"
    event_id: str | None = None


def parse_sse(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """The events in a stream of lines (line ends still on or already off).

    An event that the stream's end cut off is dropped, as the standard asks.
    """
    data: list[str] = []
    name, event_id = "message", None
    for raw in lines:
        line = raw.rstrip(b"\r\n").decode("utf-8", "replace")
        if not line:
            if data:
                yield ServerEvent("\n".join(data), name, event_id)
            data, name = [], "message"
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "data":
            data.append(value)
        elif key == "event":
            name = value
        elif key == "id":
            event_id = value


def _notice_in(chunk: Mapping[str, object]) -> Notice | None:
    ours = chunk.get("galosh")
    return Notice.from_json(ours.get("notice")) if isinstance(ours, Mapping) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return None
